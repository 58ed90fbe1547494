// API keys in the portal: chosen permissions, a secret that is shown once, rotation, revocation; and what the API says of each.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { serveHost } from "./harness/host.mjs";
import { assertAccessible, assertFits, assertLooks, offeredIn, settled } from "./harness/looks.mjs";
import { Stage } from "./harness/stage.mjs";

const read = async (path) => JSON.parse(await readFile(new URL(path, import.meta.url), "utf8"));
const { actions } = (await read("../../../core/openapi.json"))["x-dezky-policy"];
const PLACE = "/tenants/nordlicht/api-keys";

let stage;
let api;
before(async () => {
  stage = await Stage.start({
    prepare: async (started) => {
      const settings = await serveHost(started);
      api = new URL(settings.NUXT_DEZKY_API_URL);
      return settings;
    },
  });
  const dario = await stage.userOf("dario");
  await stage.system.members.grant("alpina", { userId: dario.id, role: "owner" });
});
after(() => stage?.close());

/** The status that the API answers a key with. */
const statusFor = async (key, path = "/tenants/nordlicht/members") => (await fetch(new URL(path, api), { headers: { authorization: `Bearer ${key}` } })).status;
const keysOf = async (tenant) => (await stage.system.apiKeys.list({ tenant })).items;
const secretOn = (page) => page.locator("[data-secret]").textContent();

test("every permission that a key can have is offered, with words in both languages", async () => {
  const ben = await stage.signedIn("ben");
  await ben.open(PLACE);
  await ben.page.getByRole("button", { name: "Create API key" }).click();
  await ben.page.getByRole("dialog").waitFor();
  const offered = await ben.page.getByRole("dialog").locator("input[name=scopes]").evaluateAll((boxes) => boxes.map(({ value, labels }) => [value, labels[0].textContent.trim()]));
  const wanted = Object.keys(actions).filter((name) => actions[name].apiKeys === "tenant");
  assert.ok(wanted.includes("mailbox.create") && !wanted.includes("tenant.create"));
  assert.deepEqual(offered.map(([value]) => value).sort(), wanted.sort());
  assert.deepEqual(offered.filter(([value, text]) => text === value), [], "a name of an action is no words");
  for (const language of ["en", "de"]) {
    const { scope, scopeGroup } = await read(`../i18n/locales/${language}.json`);
    const all = Object.keys(actions).filter((name) => actions[name].apiKeys);
    assert.deepEqual(all.filter((name) => !scope[name.replace(".", "_")] || !scopeGroup[name.split(".")[0]]), [], language);
  }
  await ben.close();
});

test("an admin creates a key, sees it once, and a program works with it", async () => {
  const ben = await stage.signedIn("ben", { permissions: ["clipboard-read", "clipboard-write"] });
  const { page } = ben;
  await ben.open(PLACE);
  await page.getByText("No API keys yet").waitFor();
  await page.getByText("/tenants/nordlicht/members").waitFor();
  await settled(page);
  await assertAccessible(page);
  await ben.picture("api-keys-empty");

  await page.getByRole("button", { name: "Create API key" }).click();
  const dialog = page.getByRole("dialog", { name: "Create API key" });
  const create = dialog.getByRole("button", { name: "Create API key" });
  await dialog.getByLabel("Name", { exact: true }).fill("nightly report");
  assert.equal(await create.isDisabled(), true, "a key without a permission is none");
  await dialog.getByLabel("See members and their roles").check();
  await dialog.getByRole("button", { name: "All of Mailboxes" }).click();
  await dialog.getByText("5 permissions").waitFor();
  await dialog.getByRole("button", { name: "All of Mailboxes" }).click();
  await dialog.getByText("1 permission", { exact: true }).waitFor();
  await dialog.getByLabel("Expires").selectOption("In a year");
  await dialog.getByRole("button", { name: "Add network" }).click();
  await dialog.getByLabel("Network 1", { exact: true }).fill("nowhere");
  await settled(page);
  await assertAccessible(page);
  await ben.picture("api-keys-create", { fullPage: false });
  await create.click();
  await dialog.getByText("Enter an address or a network").waitFor();
  assert.equal(await dialog.getByLabel("Network 1", { exact: true }).evaluate((one) => one === document.activeElement), true);
  await dialog.getByLabel("Network 1", { exact: true }).fill("127.0.0.0/8");
  await create.click();

  const shown = page.getByRole("region", { name: "Secret of nightly report" });
  await shown.getByText("it is shown this once").waitFor();
  assert.equal(await shown.evaluate((one) => one === document.activeElement), true, "what was made has the focus");
  const secret = await secretOn(page);
  assert.match(secret, /^dzk_[0-9a-f]{24}_[\w-]{43}$/);
  await settled(page);
  await assertAccessible(page);
  await ben.picture("api-keys-secret");
  await page.keyboard.press("Escape");
  assert.equal(await secretOn(page), secret, "no key of the keyboard takes it away");
  await shown.getByRole("button", { name: "Copy the API key" }).click();
  await page.getByText("Copied", { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  assert.deepEqual([await statusFor(secret), await statusFor(secret, "/tenants/nordlicht/mailboxes")], [200, 403]);

  await shown.getByRole("button", { name: "I have copied it" }).click();
  assert.equal(await page.locator("[data-secret]").count(), 0);
  const item = page.getByRole("article", { name: "nightly report" });
  await item.getByText("Ben Hartmann").waitFor();
  await item.getByText("127.0.0.0/8").waitFor();
  await ben.open(PLACE);
  await item.getByText("1 permission: Members").click();
  await item.getByText("membership.read").waitFor();
  assert.equal((await page.content()).includes(secret), false, "it is nowhere after that");
  const [key] = await keysOf("nordlicht");
  const days = (Date.parse(key.expiresAt) - Date.now()) / (24 * 3600 * 1000);
  assert.ok(days > 364 && days <= 365, `${days} days`);
  await settled(page);
  await assertAccessible(page);
  await ben.close(/status of 422/);
});

test("a key is changed, and what it may do with it", async () => {
  const ben = await stage.signedIn("ben");
  const { page } = ben;
  const { id } = await stage.system.tenants.get("nordlicht");
  const key = await stage.system.apiKeys.create({ tenantId: id, name: "import", scopes: ["membership.read"], expiresAt: new Date(Date.now() + 5 * 24 * 3600 * 1000).toISOString() });
  await ben.open(PLACE);
  const item = page.getByRole("article", { name: "import" });
  await item.getByText("Expires soon").waitFor();
  await item.getByText("The platform", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Edit import" }).click();
  const dialog = page.getByRole("dialog", { name: "Edit import" });
  const expiry = dialog.getByLabel("Expires");
  await expiry.selectOption("Never");
  await dialog.getByText("An expiry is safer").waitFor();
  await dialog.getByRole("button", { name: "Discard" }).click();
  assert.match(await expiry.locator("option:checked").textContent(), /^As now: /);
  await dialog.getByLabel("Name", { exact: true }).fill("import of mailboxes");
  await dialog.getByLabel("See mailboxes, without their mail").check();
  await expiry.selectOption("Never");
  await settled(page);
  await ben.picture("api-keys-edit", { fullPage: false });
  // A use in the meantime is no change of somebody else's.
  assert.equal(await statusFor(key.secret), 200);
  await dialog.getByRole("button", { name: "Save changes" }).click();
  await page.getByRole("article", { name: "import of mailboxes" }).getByText("Never", { exact: true }).waitFor();
  const { name, scopes, expiresAt } = await stage.system.apiKeys.get(key.id);
  assert.deepEqual([name, scopes, expiresAt ?? null], ["import of mailboxes", ["mailbox.read", "membership.read"], null]);
  assert.equal(await statusFor(key.secret, "/tenants/nordlicht/mailboxes"), 200);

  await page.getByRole("button", { name: "Edit import of mailboxes" }).click();
  const again = page.getByRole("dialog", { name: "Edit import of mailboxes" });
  await again.getByLabel("Name", { exact: true }).fill("mine");
  await settled(page);
  await stage.system.apiKeys.update(key.id, { name: "theirs" });
  await again.getByRole("button", { name: "Save changes" }).click();
  await again.getByText("Somebody else changed this").waitFor();
  assert.equal((await stage.system.apiKeys.get(key.id)).name, "theirs");
  await stage.system.apiKeys.delete(key.id);
  await ben.close(/status of 412/);
});

test("a rotation shows a new secret once and lets the one before overlap; a revocation ends both", async () => {
  const anna = await stage.signedIn("anna");
  const { page } = anna;
  const { id } = await stage.system.tenants.get("nordlicht");
  const key = await stage.system.apiKeys.create({ tenantId: id, name: "backup", scopes: ["domain.add", "membership.read"] });
  const rotate = async (overlap) => {
    await page.getByRole("button", { name: "Rotate backup" }).click();
    const dialog = page.getByRole("dialog", { name: "Rotate backup" });
    await dialog.getByLabel("The previous secret is accepted for").selectOption(overlap);
    await settled(page);
    await assertAccessible(page);
    await anna.picture("api-keys-rotate", { fullPage: false });
    await dialog.getByRole("button", { name: "Rotate" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByText("The API key backup has a new secret").waitFor();
    return secretOn(page);
  };
  await anna.open(PLACE);
  const second = await rotate("A week");
  assert.notEqual(second, key.secret);
  assert.deepEqual([await statusFor(key.secret), await statusFor(second)], [200, 200]);
  await page.getByRole("article", { name: "backup", exact: true }).getByText(/^The previous secret is accepted until /).waitFor();
  await settled(page);
  await anna.picture("api-keys-rotated");
  const before = second;
  await page.getByRole("button", { name: "I have copied it" }).click();
  const third = await rotate("No time: it ends now");
  assert.deepEqual([await statusFor(key.secret), await statusFor(before), await statusFor(third)], [401, 401, 200]);
  const added = await fetch(new URL("/tenants/nordlicht/domains", api), { method: "POST", headers: { authorization: `Bearer ${third}`, "content-type": "application/json" }, body: JSON.stringify({ name: "by-a-key.example" }) });
  assert.equal(added.status, 201);

  await anna.open(PLACE);
  await page.getByRole("button", { name: "Revoke backup" }).click();
  const dialog = page.getByRole("dialog", { name: "Revoke backup?" });
  await dialog.getByText("This cannot be undone").waitFor();
  await settled(page);
  await assertAccessible(page);
  await anna.picture("api-keys-revoke", { fullPage: false });
  await dialog.getByRole("button", { name: "Cancel" }).click();
  assert.equal(await statusFor(third), 200, "nothing happens before it is confirmed");
  await page.getByRole("button", { name: "Revoke backup" }).click();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("backup is revoked").waitFor();
  assert.equal(await page.getByRole("article", { name: "backup", exact: true }).count(), 0);
  assert.equal(await statusFor(third), 401);
  await anna.open("/tenants/nordlicht/audit");
  await page.getByRole("listitem").filter({ hasText: "revoked an API key" }).first().waitFor();
  await page.getByRole("listitem").filter({ hasText: `API key ${key.prefix} added a domain` }).waitFor();
  await anna.close();
});

test("in a suspended tenant keys are revoked and nothing else; members are offered none", async () => {
  const { id } = await stage.system.tenants.get("alpina");
  await stage.system.apiKeys.create({ tenantId: id, name: "old import", scopes: ["mailbox.create"] });
  const dario = await stage.signedIn("dario");
  const { page } = dario;
  await dario.open("/tenants/alpina/api-keys");
  await page.getByText("Keys can only read and revoke").waitFor();
  await settled(page);
  assert.deepEqual(await offeredIn(page.getByRole("region", { name: "API keys", exact: true })), ["Revoke old import"]);
  await assertAccessible(page);
  await dario.picture("api-keys-suspended");
  await page.getByRole("button", { name: "Revoke old import" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByText("old import is revoked").waitFor();
  assert.deepEqual(await keysOf("alpina"), []);
  await dario.close();

  const clara = await stage.signedIn("clara");
  await clara.open(PLACE);
  await clara.page.getByText("Only for owners and admins").waitFor();
  assert.equal(await clara.page.getByRole("link", { name: "API keys" }).count(), 0);
  assert.equal((await clara.ask({ path: "/api/api-keys?tenant=nordlicht" })).status, 403);
  await clara.close();
});

test("keys fit every screen, in light and dark, English and German", async () => {
  const { id } = await stage.system.tenants.get("nordlicht");
  const scopes = Object.keys(actions).filter((name) => actions[name].apiKeys === "tenant");
  await stage.system.apiKeys.create({ tenantId: id, name: "Everything ".repeat(5).trim(), scopes, networks: ["2001:db8:85a3::8a2e:370:7334/128", "192.0.2.0/24"] });
  for (const [language, locale] of [["english", "en-GB"], ["german", "de-DE"]]) {
    const anna = await stage.signedIn("anna", { locale });
    const { page } = anna;
    await anna.open(PLACE);
    await page.locator("details").last().locator("summary").click();
    await assertLooks(anna, `api-keys-${language}`);
    await page.getByRole("button", { name: language === "german" ? "API-Schlüssel anlegen" : "Create API key" }).click();
    await page.getByRole("dialog").waitFor();
    await settled(page);
    await anna.picture(`api-keys-create-${language}-narrow`, { fullPage: false });
    await assertFits(page);
    // At the end of the dialog, where its foot covers nothing.
    await page.getByRole("dialog").evaluate((dialog) => dialog.scrollTo(0, dialog.scrollHeight));
    await settled(page);
    await assertAccessible(page);
    await anna.picture(`api-keys-create-${language}-narrow-end`, { fullPage: false });
    await anna.close();
  }
});

test("the platform finds all keys, revokes any, and makes its own by a lasting right alone", async () => {
  const petra = await stage.signedIn("petra");
  const { page } = petra;
  const create = async (slug, name) => stage.system.apiKeys.create({ tenantId: (await stage.system.tenants.get(slug)).id, name, scopes: ["tenant.read"] });
  await create("nordlicht", "accounts");
  await stage.system.apiKeys.create({ name: "provisioning", scopes: ["tenant.create"] });
  // A name that another tenant's key has too.
  await create("fjord", "accounts");
  const at = "/platform/api-keys";
  await petra.open(at);
  await settled(page);
  const rest = [...(await keysOf("nordlicht")), ...(await keysOf("fjord"))].map(({ name }) => `Revoke ${name}`);
  const byGrant = ["Create API key", ...rest.slice(0, -1), "Edit provisioning", "Rotate provisioning", "Revoke provisioning", ...rest.slice(-1)];
  // A right by claim: the API refuses keys of the platform, and the page says why it offers none.
  assert.deepEqual(await offeredIn(page.getByRole("region", { name: "API keys", exact: true })), rest);
  assert.equal((await petra.ask({ method: "POST", path: "/api/api-keys", body: { name: "tried", scopes: ["tenant.list"] } })).status, 403);
  await page.getByText("Yours comes from a group").waitFor();
  await stage.system.users.update((await stage.userOf("petra")).id, { platformAdmin: true });
  await petra.open(at);
  await settled(page);
  assert.deepEqual(await offeredIn(page.getByRole("region", { name: "API keys", exact: true })), byGrant);
  assert.equal(await page.getByRole("article", { name: "accounts" }).first().getByRole("link", { name: "Nordlicht Architekten" }).count(), 1);
  await assertAccessible(page);
  await assertFits(page);
  await petra.picture("api-keys-platform");
  await page.getByRole("button", { name: "Create API key" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  const values = await dialog.locator("input[name=scopes]").evaluateAll((boxes) => boxes.map(({ value }) => value));
  assert.deepEqual(values.sort(), Object.keys(actions).filter((name) => actions[name].apiKeys).sort());
  await dialog.getByLabel("Name", { exact: true }).fill("metrics");
  await dialog.getByLabel("See all tenants").check();
  await dialog.getByRole("button", { name: "Create API key" }).click();
  await page.getByRole("region", { name: "Secret of metrics" }).waitFor();
  assert.equal(await statusFor(await secretOn(page), "/tenants"), 200);
  await petra.close(/status of (403|422)/);
});
