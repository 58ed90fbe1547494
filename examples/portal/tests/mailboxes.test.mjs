// Mailboxes of a tenant, from the first to its removal, and the first steps that lead there.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, assertFits, settled } from "./harness/looks.mjs";
import { Stage } from "./harness/stage.mjs";
import { record, recordsOf, serveSystems, stateOf } from "./harness/systems.mjs";

let stage;
before(async () => (stage = await Stage.start({ prepare: serveSystems })));
after(() => stage?.close());

const PLACE = "/tenants/nordlicht/mailboxes";
/** What browsers say of an answer that the page tells the person about. */
const FAILED = /status of (403|409|412|422)/;
const find = async (address) => (await stage.system.mailboxes.list("nordlicht")).items.find((mailbox) => mailbox.address === address);
const descriptionOf = (field) => field.evaluate((element) => element.getAttribute("aria-describedby")?.split(" ").map((id) => document.getElementById(id).textContent).join(" "));

test("an admin gives a member a mailbox, and problems are told where they are", async () => {
  const ben = await stage.signedIn("ben");
  const { page } = ben;
  await ben.open(PLACE);
  await page.getByRole("row").filter({ hasText: "anna@nordlicht.example" }).getByText("office, postmaster").waitFor();
  await page.getByRole("button", { name: "Create mailbox" }).click();
  const dialog = page.getByRole("dialog");
  const submit = dialog.getByRole("button", { name: "Create mailbox" });
  await dialog.getByLabel("Member").fill("Greta");
  await dialog.getByRole("radio", { name: /^Greta/ }).check();
  assert.match(await dialog.getByLabel("Name shown").inputValue(), /^Greta /, "her name is offered");
  assert.deepEqual(await dialog.getByLabel("Domain").locator("option").allTextContents(), ["@nordlicht.example"], "verified domains alone");
  const part = dialog.getByLabel("Before the at sign");
  await part.fill("postmaster2@");
  await submit.click();
  await page.waitForFunction(() => document.activeElement.name === "localPart");
  assert.match(await descriptionOf(part), /Letters a–z, digits/);
  await part.fill("webmaster");
  await submit.click();
  await dialog.getByText("This name is for owners of the workspace").waitFor();
  await part.fill("Office");
  await submit.click();
  await dialog.getByText("Another mailbox has this address: choose another.").waitFor();
  assert.equal(await part.getAttribute("aria-invalid"), "true");
  await settled(page);
  await assertAccessible(page);
  await ben.picture("mailbox-taken", { fullPage: false });
  await part.fill("Greta");
  await dialog.getByRole("button", { name: "Add address" }).click();
  await dialog.getByRole("textbox", { name: "Further address 1" }).fill("g.");
  await submit.click();
  await page.waitForFunction(() => document.activeElement.name === "aliases[0]");
  await dialog.getByRole("textbox", { name: "Further address 1" }).fill("events");
  await submit.click();
  await page.getByText("greta@nordlicht.example is created").waitFor();
  await page.getByRole("cell", { name: /^greta@nordlicht\.example/ }).waitFor();
  const mailbox = await find("greta@nordlicht.example");
  assert.deepEqual([mailbox.aliases, mailbox.displayName.split(" ")[0]], [["events"], "Greta"]);
  const [event] = (await stage.system.audit.list({ tenant: "nordlicht", action: "mailbox.create" })).items;
  assert.equal(event.actor.userId, (await stage.userOf("ben")).id);
  await ben.close(FAILED);
});

test("an owner changes names and further addresses; what somebody else has changed meanwhile is not overwritten", async () => {
  const anna = await stage.signedIn("anna");
  const { page } = anna;
  const { id } = await find("ben@nordlicht.example");
  await anna.open(PLACE);
  await page.getByRole("button", { name: "Edit ben@nordlicht.example" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name shown").fill("Ben Hartmann, IT");
  assert.equal(await dialog.getByLabel("Greatest size").count(), 0, "for the platform");
  await settled(page);
  await stage.system.mailboxes.update("nordlicht", id, { aliases: ["it", "helpdesk"] });
  await dialog.getByRole("button", { name: "Save changes" }).click();
  await dialog.getByText("Somebody else changed this").waitFor();
  await dialog.getByRole("button", { name: "Load the latest version" }).click();
  await dialog.getByRole("textbox", { name: "Further address 2" }).waitFor();
  assert.deepEqual(await dialog.getByRole("textbox", { name: /^Further address/ }).evaluateAll((fields) => fields.map(({ value }) => value)), ["helpdesk", "it"]);
  await dialog.getByRole("button", { name: "Remove further address 2" }).click();
  await dialog.getByRole("button", { name: "Save changes" }).click();
  await page.getByText("Saved", { exact: true }).waitFor();
  await page.getByRole("row").filter({ hasText: "ben@nordlicht.example" }).getByText("helpdesk").waitFor();
  const { displayName, aliases } = await stage.system.mailboxes.get("nordlicht", id);
  assert.deepEqual([displayName, aliases], ["Ben Hartmann, IT", ["helpdesk"]]);
  await anna.close(FAILED);
});

test("what is saved before it has been read overwrites nobody", async () => {
  const anna = await stage.signedIn("anna");
  const { page } = anna;
  const { id, displayName: before } = await find("ben@nordlicht.example");
  await anna.open(PLACE);
  const [read, changed] = [Promise.withResolvers(), Promise.withResolvers()];
  const protocol = await anna.context.newCDPSession(page);
  protocol.on("Fetch.requestPaused", async ({ requestId, request }) => {
    if (request.method === "GET") {
      read.resolve();
      await changed.promise;
    }
    await protocol.send("Fetch.continueRequest", { requestId });
  });
  await protocol.send("Fetch.enable", { patterns: [{ urlPattern: `*/mailboxes/${id}`, requestStage: "Response" }] });
  await page.getByRole("button", { name: "Edit ben@nordlicht.example" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name shown").fill("mine");
  await read.promise;
  await stage.system.mailboxes.update("nordlicht", id, { displayName: "theirs" });
  await dialog.getByRole("button", { name: "Save changes" }).click();
  changed.resolve();
  await dialog.getByText("Somebody else changed this").waitFor();
  assert.equal((await stage.system.mailboxes.get("nordlicht", id)).displayName, "theirs");
  await stage.system.mailboxes.update("nordlicht", id, { displayName: before });
  await anna.close(FAILED);
});

test("a mailbox is removed after a question, and not if it was changed meanwhile", async () => {
  const anna = await stage.signedIn("anna");
  const { page } = anna;
  const { id } = await find("clara.moreau@nordlicht.example");
  await anna.open(PLACE);
  const ask = () => page.getByRole("button", { name: "Remove clara.moreau@nordlicht.example" }).click();
  const dialog = page.getByRole("dialog");
  await page.getByRole("row").first().waitFor();
  await stage.system.mailboxes.update("nordlicht", id, { displayName: "Clara" });
  await ask();
  await dialog.getByText("with all its mail").waitFor();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await dialog.getByText("Somebody else changed this").waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await ask();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await page.getByText("clara.moreau@nordlicht.example is removed").waitFor();
  assert.equal(await find("clara.moreau@nordlicht.example"), undefined);
  assert.equal(await page.getByRole("cell", { name: /^clara\.moreau@/ }).count(), 0);
  await anna.close();
});

test("the size is the platform's, and a member sees their own alone", async () => {
  const petra = await stage.signedIn("petra");
  await petra.open(PLACE);
  await petra.page.getByRole("button", { name: "Edit anna@nordlicht.example" }).click();
  const dialog = petra.page.getByRole("dialog");
  await dialog.getByLabel("Greatest size").fill("2048");
  await dialog.getByRole("button", { name: "Save changes" }).click();
  await petra.page.getByText("Saved", { exact: true }).waitFor();
  assert.equal((await find("anna@nordlicht.example")).quotaMebibytes, 2048);
  await petra.close();

  const clara = await stage.signedIn("clara");
  await clara.open(PLACE);
  await clara.page.getByText("Your addresses in this workspace.").waitFor();
  await clara.page.getByText("No mailboxes yet").waitFor();
  assert.equal(await clara.page.getByRole("button", { name: "Create mailbox" }).count(), 0);
  assert.equal((await clara.ask({ path: "/api/tenants/nordlicht/mailboxes" })).status, 403);
  await clara.close(FAILED);
});

test("a member creates app passwords of their own mailbox, sees each once, and revokes it", async () => {
  const { id: userId } = await stage.userOf("clara");
  await stage.system.mailboxes.create("nordlicht", { userId, localPart: "clara", domain: "nordlicht.example" });
  const clara = await stage.signedIn("clara");
  const { page } = clara;
  await clara.context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: stage.portalUrl });
  await clara.open(PLACE);
  await page.getByRole("cell", { name: /^clara@/ }).waitFor();
  assert.equal(await page.getByRole("cell", { name: /^anna@/ }).count(), 0);
  await page.getByRole("button", { name: "App passwords of clara@nordlicht.example" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("No app passwords yet").waitFor();
  await dialog.getByLabel("Name").fill("Phone");
  await dialog.getByRole("button", { name: "Create app password" }).click();
  await dialog.getByText("The app password Phone is created").waitFor();
  const secret = await dialog.locator("[data-secret]").textContent();
  assert.match(secret, /^app_\w{48}$/);
  await dialog.getByRole("button", { name: "Copy the app password" }).click();
  await page.getByText("Copied").first().waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  await settled(page);
  await assertFits(page);
  await assertAccessible(page);
  await clara.picture("app-password-created", { fullPage: false });
  await dialog.getByRole("button", { name: "I have copied it" }).click();
  assert.ok(!(await page.content()).includes(secret), "it is shown once");
  await clara.open(PLACE);
  await page.getByRole("button", { name: "App passwords of clara@nordlicht.example" }).click();
  await dialog.getByRole("listitem").filter({ hasText: "Phone" }).waitFor();
  assert.ok(!(await page.content()).includes(secret));
  await clara.picture("app-passwords", { fullPage: false });
  await dialog.getByRole("button", { name: "Revoke Phone" }).click();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await dialog.getByRole("button", { name: "Revoke Phone" }).click();
  await dialog.getByRole("button", { name: "Revoke Phone" }).click();
  await dialog.getByText("No app passwords yet").waitFor();
  await clara.close();
});

test("an admin revokes the app passwords of others, and is offered to create none", async () => {
  const { id } = await find("anna@nordlicht.example");
  stage.appPasswords.set(id, [{ id: "65f0c0ffee0000000000cafe", version: 2, name: "Laptop", status: "active", createdAt: "2026-11-01T00:00:00.000Z", updatedAt: "2026-11-01T00:00:00.000Z" }]);
  const ben = await stage.signedIn("ben");
  const { page } = ben;
  await ben.open(PLACE);
  await page.getByRole("button", { name: "App passwords of anna@nordlicht.example" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Only the member whose mailbox it is can create one").waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Create app password" }).count(), 0);
  const path = `/api/tenants/nordlicht/mailboxes/${id}/app-passwords`;
  assert.equal((await ben.ask({ method: "POST", path, body: { name: "Mine" } })).status, 403);
  await dialog.getByRole("button", { name: "Revoke Laptop" }).click();
  await dialog.getByRole("button", { name: "Revoke Laptop" }).click();
  await dialog.getByText("No app passwords yet").waitFor();
  assert.deepEqual(stage.appPasswords.get(id), []);
  await ben.close(FAILED);
});

test("a new workspace leads its owner to its first mailboxes, step by step", async () => {
  const dario = await stage.userOf("dario");
  const { id } = await stage.system.tenants.create({ slug: "fresh", name: "Fresh Start", status: "active" });
  await stage.system.members.grant("fresh", { userId: dario.id, role: "owner" });
  stage.systems.set(id, { systems: ["identity", "mail", "files"].map((system) => stateOf(system, "ready")) });
  const owner = await stage.signedIn("dario");
  const { page } = owner;
  const steps = page.getByRole("region", { name: "First steps" });
  const open = async () => {
    await owner.open("/tenants/fresh");
    await settled(page);
    return (await steps.count()) ? steps.getByRole("link").allTextContents() : [];
  };
  assert.deepEqual(await open(), ["Domains", "Show records", "Mailboxes", "Members"]);
  await steps.getByText("0 of 4 done").waitFor();
  await owner.picture("first-steps");
  await owner.open("/tenants/fresh/mailboxes");
  await page.getByText("A mailbox needs a verified domain").waitFor();
  assert.equal(await page.getByRole("button", { name: "Create mailbox" }).count(), 0);

  await stage.system.tenants.update("fresh", { domains: ["fresh.example"] });
  await open();
  await steps.getByText("The operator of the platform verifies it").waitFor();
  await stage.system.tenants.update("fresh", { domainVerifications: [{ name: "fresh.example", verifiedAt: "2026-11-01T00:00:00.000Z" }] });
  assert.deepEqual(await open(), ["Show records", "Mailboxes", "Members"]);
  const published = (seen) => ({ ...stage.systems.get(id), domains: [recordsOf("fresh.example", [record("MX", "fresh.example", "10 mail.dezky.example.", { seen }), record("TXT", "_dmarc.fresh.example", "v=DMARC1; p=reject", { required: false, seen: false })])] });
  stage.systems.set(id, published(false));
  assert.deepEqual(await open(), ["Show records", "Mailboxes", "Members"]);
  stage.systems.set(id, published(true));
  assert.deepEqual(await open(), ["Mailboxes", "Members"], "what is advice is no step");

  await steps.getByRole("link", { name: "Mailboxes" }).click();
  await page.getByRole("button", { name: "Create mailbox" }).click();
  await page.getByRole("radio", { name: /^Dario Conti/ }).check();
  await page.getByLabel("Before the at sign").fill("dario");
  await page.keyboard.press("Enter");
  await page.getByText("dario@fresh.example is created").waitFor();
  assert.deepEqual(await open(), ["Members"]);
  await stage.system.members.grant("fresh", { userId: (await stage.userOf("clara")).id, role: "member" });
  assert.deepEqual(await open(), []);
  assert.equal(await steps.count(), 0);
  await owner.close();
});

test("the first steps can be put away, in this browser, and brought back at once", async () => {
  const ben = await stage.userOf("ben");
  await stage.system.tenants.create({ slug: "later", name: "Later", status: "active" });
  await stage.system.members.grant("later", { userId: ben.id, role: "owner" });
  const owner = await stage.signedIn("ben");
  const { page } = owner;
  const steps = page.getByRole("region", { name: "First steps" });
  await owner.open("/tenants/later");
  assert.equal(await steps.getByRole("link", { name: "Show records" }).count(), 0, "without a mail system there are no records");
  await steps.getByRole("button", { name: "Hide" }).click();
  assert.equal(await steps.count(), 0);
  await page.getByRole("button", { name: "Undo" }).click();
  await steps.getByRole("button", { name: "Hide" }).click();
  await owner.open("/tenants/later");
  assert.equal(await steps.count(), 0);
  const cookie = (await owner.context.cookies(stage.portalUrl)).find(({ name }) => name === "__Host-dezky-dismissed");
  assert.deepEqual([cookie.secure, cookie.sameSite, cookie.domain], [true, "Lax", "app.dezky.localhost"]);
  // Who only belongs to it has nothing to set up; the platform has tenants of its own to think of.
  await stage.system.members.grant("later", { userId: (await stage.userOf("clara")).id, role: "member" });
  for (const name of ["clara", "petra"]) {
    const other = await stage.signedIn(name);
    await other.open("/tenants/later");
    assert.equal(await other.page.getByRole("region", { name: "First steps" }).count(), 0, name);
    await other.close();
  }
  await owner.close();
});

for (const [size, viewport] of Object.entries({ wide: { width: 1280, height: 860 }, narrow: { width: 360, height: 740 } })) {
  test(`dialogs of mailboxes, ${size}`, async () => {
    const anna = await stage.signedIn("anna", { viewport, locale: "de-DE" });
    const { page } = anna;
    for (const [picture, name] of Object.entries({ create: "Postfach anlegen", edit: "anna@nordlicht.example bearbeiten", remove: "anna@nordlicht.example entfernen" })) {
      await anna.open(PLACE);
      await page.getByRole("button", { name }).click();
      await page.getByRole("dialog").waitFor();
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        await settled(page);
        await assertFits(page);
        await assertAccessible(page);
        await anna.picture(`mailbox-${picture}-${size}-${colorScheme}`, { fullPage: false });
      }
    }
    await anna.close();
  });
}
