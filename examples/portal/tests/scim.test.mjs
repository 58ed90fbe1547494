// The page that sets SCIM up: what there is to copy, a token that works, and who is offered it.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { serveHost } from "./harness/host.mjs";
import { assertAccessible, assertLooks, settled } from "./harness/looks.mjs";
import { Stage } from "./harness/stage.mjs";

const PLACE = "/tenants/nordlicht/api-keys/scim";

let stage;
let api;
before(async () => {
  stage = await Stage.start({
    prepare: async (started) => {
      const folder = await mkdtemp(join(tmpdir(), "dezky-scim-"));
      started.later(() => rm(folder, { recursive: true }));
      const file = join(folder, "dezky.toml");
      // An identity provider of one tenant's own. Nobody signs in with it here.
      const { DEZKY_OIDC_ISSUER: issuer } = started.own;
      await writeFile(file, `[[issuers]]\nid = "nordlicht-own"\nurls = ["${issuer}/own"]\naudiences = ["dezky"]\ntenant = "nordlicht"\njwks = "${issuer}/jwks"\n`);
      const settings = await serveHost(started, { DEZKY_CONFIG: file });
      api = new URL(settings.NUXT_DEZKY_API_URL);
      return { ...settings, NUXT_PUBLIC_API_URL: "https://api.dezky.example/" };
    },
  });
});
after(() => stage?.close());

/** The status that a directory answers a token with. */
const statusFor = async (directory, token) => (await fetch(new URL(`/scim/v2/${directory}/Users`, api), { headers: { authorization: `Bearer ${token}` } })).status;

test("an owner copies the base URL and a token, which works for their directory alone", async () => {
  const anna = await stage.signedIn("anna", { permissions: ["clipboard-read", "clipboard-write"] });
  const { page } = anna;
  const { id } = await stage.system.tenants.get("nordlicht");
  await anna.open("/tenants/nordlicht/api-keys");
  await page.getByRole("link", { name: "Set up SCIM" }).click();
  await page.getByText(`https://api.dezky.example/scim/v2/${id}`).waitFor();
  assert.equal(await page.getByRole("navigation").getByRole("link", { name: "API keys" }).getAttribute("aria-current"), "page");
  await page.getByRole("button", { name: "Copy the base URL" }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `https://api.dezky.example/scim/v2/${id}`);
  await page.getByRole("button", { name: "Create token" }).click();
  const shown = page.getByRole("region", { name: "Secret of SCIM" });
  await shown.waitFor();
  assert.equal(await shown.evaluate((one) => one === document.activeElement), true, "what was made has the focus");
  const token = await page.locator("[data-secret]").textContent();
  assert.deepEqual([await statusFor(id, token), await statusFor("default", token), await statusFor(id, "dzk_wrong")], [200, 403, 401]);
  await settled(page);
  await assertAccessible(page);
  await anna.picture("scim-token");
  await shown.getByRole("button", { name: "I have copied it" }).click();
  assert.equal(await page.locator("[data-secret]").count(), 0);
  await anna.open("/tenants/nordlicht/api-keys");
  await page.getByRole("article", { name: "SCIM" }).getByText("2 permissions: Directory (SCIM)").waitFor();
  await anna.close();
});

test("a tenant without an identity provider of its own is offered none; the platform has that of all", async () => {
  const petra = await stage.signedIn("petra");
  const { page } = petra;
  await petra.open("/tenants/fjord/api-keys");
  await settled(page);
  assert.equal(await page.getByRole("link", { name: "Set up SCIM" }).count(), 0);
  await petra.open("/tenants/fjord/api-keys/scim");
  await page.getByText("No identity provider of its own").waitFor();
  await settled(page);
  await assertAccessible(page);
  await petra.open("/platform/api-keys");
  await page.getByRole("link", { name: "Set up SCIM" }).click();
  await page.getByText("https://api.dezky.example/scim/v2/default").waitFor();
  assert.equal(await page.getByRole("button", { name: "Create token" }).count(), 0, "a right by claim makes no keys of the platform");
  await stage.system.users.update((await stage.userOf("petra")).id, { platformAdmin: true });
  await petra.open("/platform/api-keys/scim");
  await page.getByRole("button", { name: "Create token" }).click();
  await page.getByRole("region", { name: "Secret of SCIM" }).waitFor();
  assert.equal(await statusFor("default", await page.locator("[data-secret]").textContent()), 200);
  await petra.close(/status of 404/);

  const clara = await stage.signedIn("clara");
  await clara.open(PLACE);
  await clara.page.getByText("Only for owners and admins").waitFor();
  await clara.close();
});

test("the page fits every screen, in light and dark, English and German", async () => {
  for (const [language, locale] of [["english", "en-GB"], ["german", "de-DE"]]) {
    const anna = await stage.signedIn("anna", { locale });
    await anna.open(PLACE);
    await anna.page.locator("details summary").first().waitFor();
    for (const summary of await anna.page.locator("details summary").all()) await summary.click();
    await assertLooks(anna, `scim-${language}`);
    await anna.close();
  }
});
