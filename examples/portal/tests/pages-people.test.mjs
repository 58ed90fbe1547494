// Everybody is offered what they may do and nothing else; and all of it works without a mouse.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Stage } from "./harness/stage.mjs";

let stage;
before(async () => {
  stage = await Stage.start();
  const owner = await stage.userOf("dario");
  const member = await stage.userOf("clara");
  await stage.system.members.grant("alpina", { userId: owner.id, role: "owner" });
  await stage.system.members.grant("alpina", { userId: member.id, role: "member" });
});
after(() => stage?.close());

/** What is offered on a page: names of its fields and buttons. */
async function offers(visitor, path) {
  await visitor.open(path);
  await visitor.page.waitForFunction(() => !document.querySelector("main .skeleton"));
  return visitor.page.locator("main").evaluate((main) =>
    [...main.querySelectorAll("input, select, textarea, button")].map((one) => one.getAttribute("aria-label") ?? one.labels?.[0]?.textContent.trim() ?? one.textContent.trim()),
  );
}
const places = (visitor) => visitor.page.getByRole("navigation", { name: /Administration of/ }).getByRole("link").allTextContents();

const BILLING = ["Company", "VAT number", "E-mail for invoices", "Postal address"];
const ROLES = {
  clara: { places: ["Details", "Workspace", "Domains", "Mailboxes", "Members", "Subscription"], details: [], members: [], administration: false },
  ben: {
    places: ["Details", "Workspace", "Domains", "Mailboxes", "Branding", "Members", "Subscription", "API keys", "Webhooks", "Audit trail"],
    details: ["Name", "Save changes"],
    members: ["Role of Clara Moreau", "Remove access of Clara Moreau", "Role of Ben Hartmann", "Remove access of Ben Hartmann"],
    administration: true,
  },
  anna: {
    places: ["Details", "Workspace", "Domains", "Mailboxes", "Branding", "Members", "Subscription", "API keys", "Webhooks", "Audit trail"],
    details: ["Name", "Save changes", ...BILLING, "Save changes"],
    // The only owner can neither leave nor become less.
    members: ["Role of Clara Moreau", "Remove access of Clara Moreau", "Role of Ben Hartmann", "Remove access of Ben Hartmann"],
    administration: true,
  },
  petra: {
    places: ["Details", "Workspace", "Domains", "Mailboxes", "Branding", "Members", "Subscription", "API keys", "Webhooks", "Audit trail"],
    details: ["Name", "Address", "Plan", "Save changes", ...BILLING, "Save changes", "Group in Authentik", "Space in ownCloud", "Mail domain", "A login of its own", "Save changes", "Suspend", "Delete"],
    members: ["Role of Clara Moreau", "Remove access of Clara Moreau", "Role of Ben Hartmann", "Remove access of Ben Hartmann", "Role of Anna Lindqvist", "Remove access of Anna Lindqvist"],
    administration: true,
  },
};

for (const [name, expected] of Object.entries(ROLES)) {
  test(`${name} is offered what their role allows`, async () => {
    const visitor = await stage.signedIn(name);
    assert.deepEqual(await offers(visitor, "/tenants/nordlicht"), expected.details);
    assert.deepEqual((await places(visitor)).map((text) => text.trim()), expected.places);
    const members = await offers(visitor, "/tenants/nordlicht/members");
    const people = members.filter((label) => /(Clara Moreau|Ben Hartmann|Anna Lindqvist)$/.test(label));
    assert.deepEqual(people.sort(), [...expected.members].sort());
    const roles = await visitor.page.getByLabel("Role of Clara Moreau").locator("option").allTextContents();
    assert.deepEqual(roles, { clara: [], ben: ["Member", "Admin"] }[name] ?? ["Member", "Admin", "Owner"]);
    if (name !== "petra") {
      await visitor.open(stage.launcherUrl("nordlicht"));
      assert.equal(await visitor.page.getByRole("link", { name: /^Administration/ }).count(), expected.administration ? 1 : 0);
    }
    await visitor.close();
  });
}

test("in a suspended tenant its owner is offered to remove people and nothing else", async () => {
  const visitor = await stage.signedIn("dario");
  assert.deepEqual(await offers(visitor, "/tenants/alpina"), []);
  await visitor.page.getByText("This workspace is suspended").waitFor();
  for (const place of ["workspace", "domains", "mailboxes", "branding", "api-keys", "event-endpoints"]) {
    const found = await offers(visitor, `/tenants/alpina/${place}`);
    assert.deepEqual(found.filter((label) => !/^(Light|Dark)$/.test(label)), [], place);
  }
  const people = (await offers(visitor, "/tenants/alpina/members")).filter((label) => !/^(Search|Role$)/.test(label));
  assert.deepEqual(people, ["Remove access of Clara Moreau"]);
  await visitor.page.getByRole("button", { name: "Remove access of Clara Moreau" }).click();
  await visitor.page.getByRole("dialog").getByRole("button", { name: "Remove access" }).click();
  await visitor.page.getByText("Clara Moreau has no access any more").waitFor();
  assert.equal(await visitor.page.getByRole("button", { name: "Undo" }).count(), 0, "to give access again would be refused");
  await visitor.close();
});

test("a removed member can be brought back at once", async () => {
  const visitor = await stage.signedIn("ben");
  await visitor.open("/tenants/nordlicht/members?search=Bram");
  await visitor.page.getByRole("button", { name: /Remove access of Bram/ }).click();
  await visitor.page.getByRole("dialog").getByRole("button", { name: "Remove access" }).click();
  await visitor.page.getByText("Nothing found").waitFor();
  await visitor.page.getByRole("button", { name: "Undo" }).click();
  await visitor.page.getByRole("button", { name: /Remove access of Bram/ }).waitFor();
  await visitor.close();
});

test("without a mouse: skip link, account, choice of theme, switcher and dialogs", async () => {
  const visitor = await stage.signedIn("petra");
  const { page } = visitor;
  const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent.trim());
  await visitor.open("/platform/tenants");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to content");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Tenants");

  const account = page.getByRole("button", { name: /^Account: / });
  await account.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("radio", { name: "Dark" }).focus();
  await page.keyboard.press("Space");
  await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  await page.keyboard.press("Escape");
  assert.ok(await account.evaluate((element) => element === document.activeElement), "the focus comes back");

  await page.getByRole("button", { name: "Create tenant" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Create tenant" }).waitFor();
  for (let step = 0; step < 12; step += 1) {
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest("dialog")), "the focus stays in the dialog");
  }
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await focused(), "Create tenant");

  // The choice came with the page: nothing flashes.
  const { text } = await visitor.ask({ path: "/platform/tenants" });
  assert.match(text, /<html[^>]* data-theme="dark"/);

  await page.keyboard.press("Control+k");
  const search = page.getByRole("combobox", { name: "Search by name" });
  await search.waitFor();
  await page.keyboard.type("fjo");
  await page.getByRole("option", { name: /Fjord/ }).waitFor();
  await page.waitForFunction(() => document.querySelectorAll("[role=option]").length === 1);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(stage.launcherUrl("fjord") + "/");
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark", "all hosts share the choice");
  await visitor.alive();
  await visitor.close();
});

test("the language is chosen in the page, and kept on all hosts", async () => {
  const visitor = await stage.signedIn("anna");
  const { page } = visitor;
  await visitor.open("/profile");
  await page.getByLabel("Language").last().selectOption("de");
  await page.getByRole("heading", { name: "Darstellung und Sprache" }).waitFor();
  await visitor.open(stage.launcherUrl("nordlicht"));
  await page.getByRole("heading", { name: "Willkommen zurück, Anna" }).waitFor();
  await visitor.close();
});
