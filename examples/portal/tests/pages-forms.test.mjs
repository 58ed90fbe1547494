// Forms name the bad field and keep what was written; failures say what to do; the preview shows what is being written.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { settled } from "./harness/looks.mjs";
import { Stage } from "./harness/stage.mjs";

let stage;
let visitor;
let page;
/** What browsers say of an answer that the page tells the person about. */
const FAILED = /the server responded with a status of (412|422|500|503)|net::ERR_/;
before(async () => {
  stage = await Stage.start();
  visitor = await stage.signedIn("anna");
  ({ page } = visitor);
});
beforeEach(async () => {
  await page.unrouteAll();
});
after(async () => {
  try {
    await visitor?.close(FAILED);
  } finally {
    await stage?.close();
  }
});

const nordlicht = () => stage.system.tenants.get("nordlicht");
/** What a field says about itself to a screen reader. */
const descriptionOf = (field) => field.evaluate((element) => element.getAttribute("aria-describedby")?.split(" ").map((id) => document.getElementById(id).textContent).join(" "));
const saved = () => page.getByText("Saved", { exact: true }).waitFor();

test("each bad field is named, the first has the focus, and what was written stays", async () => {
  await visitor.open("/tenants/nordlicht");
  const billing = page.getByRole("region", { name: "Billing" });
  const [company, vat, email] = ["Company", "VAT number", "E-mail for invoices"].map((label) => billing.getByLabel(label));
  await company.fill("Nordlicht AG");
  await vat.fill("DE1");
  await email.fill("nobody");
  await billing.getByRole("button", { name: "Save changes" }).click();
  await billing.getByRole("alert").waitFor();
  assert.equal(await vat.getAttribute("aria-invalid"), "true");
  assert.equal(await email.getAttribute("aria-invalid"), "true");
  assert.equal(await company.getAttribute("aria-invalid"), null);
  assert.match(await descriptionOf(vat), /not a VAT number/);
  assert.match(await descriptionOf(email), /anna@example\.eu/);
  assert.ok(await vat.evaluate((element) => element === document.activeElement));
  assert.equal(await company.inputValue(), "Nordlicht AG");
  assert.equal((await nordlicht()).billingInfo.company, "Nordlicht Architekten GmbH");

  await vat.fill("DE811234567");
  await email.fill("buch@nordlicht.example");
  await vat.press("Enter");
  await saved();
  const { billingInfo } = await nordlicht();
  assert.equal(billingInfo.company, "Nordlicht AG");
  assert.equal(billingInfo.email, "buch@nordlicht.example");
});

test("after a conflict untouched fields follow the other person and touched ones stay", async () => {
  await visitor.open("/tenants/nordlicht");
  const billing = page.getByRole("region", { name: "Billing" });
  await billing.getByLabel("Company").fill("Nordlicht SE");
  await stage.system.tenants.update("nordlicht", { billingInfo: { email: "konto@nordlicht.example" } });
  await billing.getByRole("button", { name: "Save changes" }).click();
  await billing.getByRole("alert").filter({ hasText: "Somebody else changed this" }).waitFor();
  assert.equal((await nordlicht()).billingInfo.company, "Nordlicht AG");
  await billing.getByRole("button", { name: "Load the latest version" }).click();
  await page.waitForFunction(() => document.querySelector("[name='billingInfo.email']").value === "konto@nordlicht.example");
  assert.equal(await billing.getByLabel("Company").inputValue(), "Nordlicht SE");
  await billing.getByRole("button", { name: "Save changes" }).click();
  await saved();
  const { billingInfo } = await nordlicht();
  assert.deepEqual([billingInfo.company, billingInfo.email], ["Nordlicht SE", "konto@nordlicht.example"]);
});

test("the preview follows what is written, in light and dark, and keeps text readable", async () => {
  await visitor.open("/tenants/nordlicht/branding");
  const preview = page.locator("figure");
  const look = async () => {
    await settled(page);
    return preview.locator(".window").evaluate((element) => {
      const [button, link] = [element.querySelector(".button"), element.querySelector(".link")].map((one) => getComputedStyle(one));
      return { button: button.backgroundColor, ink: button.color, link: link.color, ground: getComputedStyle(element).backgroundColor };
    });
  };
  await page.getByLabel("Main colour (optional)", { exact: true }).fill("#ffe14d");
  await page.getByText("too light to read").waitFor();
  const light = await look();
  assert.equal(light.button, "rgb(255, 225, 77)");
  assert.ok(contrast(light.button, light.ink) >= 4.5, `text on the button: ${JSON.stringify(light)}`);
  assert.ok(contrast(light.link, light.ground) >= 4.5, `a link: ${JSON.stringify(light)}`);
  await preview.getByRole("radio", { name: "Dark" }).check();
  const dark = await look();
  assert.notEqual(dark.ground, light.ground);
  assert.ok(contrast(dark.link, dark.ground) >= 4.5, `a link in the dark: ${JSON.stringify(dark)}`);
  await page.getByLabel("Main colour (optional)", { exact: true }).fill("#ffe14");
  assert.notEqual((await look()).button, light.button, "what is no colour is not shown");
  await page.getByLabel("Title").first().fill("Post");
  await preview.getByText("Post", { exact: true }).waitFor();
  await visitor.picture("branding-preview-dark");
});

/** The contrast of two colours as browsers write them (WCAG 2.2). */
function contrast(...colours) {
  const [dark, light] = colours
    .map((colour) => {
      const [red, green, blue] = colour.match(/[\d.]+/g).map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    })
    .sort((one, other) => one - other);
  return (light + 0.05) / (dark + 0.05);
}

test("applications are added, ordered by the keyboard and removed; a bad address is named where it stands", async () => {
  await visitor.open("/tenants/nordlicht/branding");
  await page.getByRole("button", { name: "Move Calendar up" }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Move Calendar up", "the focus goes along");
  await page.getByRole("button", { name: "Remove Chat" }).click();
  await page.getByRole("button", { name: "Add application" }).click();
  const added = page.getByRole("group", { name: "Application 6" });
  await added.getByLabel("Title").fill("Wiki");
  await added.getByLabel("Address (URL)").fill("http://wiki.nordlicht.example");
  await page.getByRole("button", { name: "Save changes" }).click();
  const address = added.getByLabel("Address (URL)");
  await page.waitForFunction(() => document.activeElement.name === "branding.launcherLinks[5].url");
  assert.match(await descriptionOf(address), /https:\/\//);
  await address.fill("https://wiki.nordlicht.example/");
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByRole("status").filter({ hasText: "The launcher has its new look" }).waitFor();
  const titles = (await nordlicht()).branding.launcherLinks.map(({ title }) => title);
  assert.deepEqual(titles, ["Calendar", "Mail", "Files", "Meetings", "Office", "Wiki"]);
});

test("a domain that is none is named, and a good one is added in its canonical form", async () => {
  await visitor.open("/tenants/nordlicht/domains");
  const field = page.getByLabel("Add a domain");
  await field.fill("https://nordlicht.example/path");
  await field.press("Enter");
  await page.getByText("without https:// or path").waitFor();
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  await field.fill("BÜRO.example");
  await field.press("Enter");
  await page.getByRole("region", { name: "büro.example", exact: true }).getByText("xn--bro-hoa.example", { exact: true }).waitFor();
});

test("without a connection nothing is lost, and trying again works", async () => {
  await visitor.open("/tenants/nordlicht");
  const details = page.getByRole("region", { name: "Details" });
  await page.route("**/api/tenants/**", (route) => route.abort());
  await details.getByLabel("Name").fill("Nordlicht");
  await details.getByRole("button", { name: "Save changes" }).click();
  await details.getByRole("alert").filter({ hasText: "No connection" }).waitFor();
  assert.equal(await details.getByLabel("Name").inputValue(), "Nordlicht");
  await page.unrouteAll();
  await details.getByRole("button", { name: "Save changes" }).click();
  await saved();
  assert.equal((await nordlicht()).name, "Nordlicht");
});

test("a list that fails says so with the number of the request, and is there after trying again", async () => {
  await visitor.open("/tenants/nordlicht");
  const problem = { type: "about:blank", title: "Internal Server Error", status: 500, code: "internal", detail: "something went wrong inside", requestId: "req-4711" };
  await page.route("**/members?*", (route) => route.fulfill({ status: 500, contentType: "application/problem+json", body: JSON.stringify(problem) }));
  await page.getByRole("link", { name: "Members", exact: true }).click();
  await page.getByRole("alert").filter({ hasText: "Something went wrong on the server" }).waitFor();
  await page.getByText("req-4711").waitFor();
  await visitor.picture("list-failed");
  await page.unrouteAll();
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("cell", { name: /^Clara Moreau/ }).waitFor();
});

test("while a list is on its way there is room for it", async () => {
  await visitor.open("/tenants/nordlicht");
  let answer;
  const held = new Promise((resolve) => (answer = resolve));
  await page.route("**/members?*", async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole("link", { name: "Members", exact: true }).click();
  await page.getByRole("region", { name: "Members" }).getByText("Loading …").waitFor({ state: "attached" });
  await visitor.picture("list-loading");
  answer();
  await page.getByRole("cell", { name: /^Clara Moreau/ }).waitFor();
});
