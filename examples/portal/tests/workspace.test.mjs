// The systems behind a tenant: what people see of them, and what they are told to do; a page that follows what happens.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { assertAccessible, assertFits, assertNoShift, settled, watchShifts } from "./harness/looks.mjs";
import { Stage } from "./harness/stage.mjs";
import { record, recordsOf, serveSystems, stateOf, unmet } from "./harness/systems.mjs";

let stage;
let nordlicht;
before(async () => {
  stage = await Stage.start({ prepare: serveSystems });
  nordlicht = await stage.system.tenants.get("nordlicht");
});
beforeEach(() => {
  stage.systems.clear();
  stage.failure = null;
  stage.asked.length = 0;
});
after(() => stage?.close());

const PLACE = "/tenants/nordlicht/workspace";
const DKIM = `v=DKIM1; k=rsa; h=sha256; p=${"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A".repeat(8)}`;
const MAIL_WAITS = unmet("DkimKeysReady", "KeysPending", "the mail system is still making the keys of `nordlicht.example`");
const DOMAIN = recordsOf("nordlicht.example", [
  record("MX", "nordlicht.example", "10 mail.dezky.example.", { seen: true }),
  record("TXT", "202611r._domainkey.nordlicht.example", DKIM, { seen: false, advice: "there is another value: v=DKIM1; k=ed25519" }),
  record("TXT", "nordlicht.example", "v=spf1 mx -all"),
  record("TXT", "_dmarc.nordlicht.example", "v=DMARC1; p=reject", { required: false, seen: false }),
]);

/** A workspace that is being set up, with somebody and something that is not ready. */
async function settingUp() {
  const { items } = await stage.system.mailboxes.list("nordlicht");
  const clara = await stage.userOf("clara");
  return {
    systems: [stateOf("identity", "ready"), stateOf("mail", "waiting", { conditions: [MAIL_WAITS] }), stateOf("files", "failed", { attempts: 3, lastError: "the space has no owner", conditions: [unmet("SpaceReady", "NobodyKnowsThis", "remove one of the spaces")] })],
    parts: [
      stateOf("identity", "waiting", { subject: clara.id, conditions: [unmet("PersonReady", "GroupPending", "waits for the tenant's group in the identity system")] }),
      stateOf("mail", "pending", { subject: items.find(({ localPart }) => localPart === "ben").id }),
    ],
    domains: [DOMAIN, recordsOf("nordlicht-architekten.example", [], { checkedAt: null })],
  };
}
const READY = () => ({ systems: ["identity", "mail", "files"].map((system) => stateOf(system, "ready")), domains: [recordsOf("nordlicht.example", [record("MX", "nordlicht.example", "10 mail.dezky.example.", { seen: true })])] });
const looks = () => stage.asked.filter(({ method, path }) => method === "GET" && path.endsWith("/workspace")).length;
const systemOf = (page, name) => page.getByRole("region", { name: "Workspace" }).getByRole("listitem").filter({ hasText: name }).first();

test("an owner sees what each system waits for, who is not ready, and what to publish", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const anna = await stage.signedIn("anna");
  const { page } = anna;
  await anna.open(PLACE);
  await systemOf(page, "Mail").getByText("Waiting").waitFor();
  await systemOf(page, "Mail").getByText("making the keys that sign mail").waitFor();
  await systemOf(page, "Mail").getByText("the keys of `nordlicht.example`").waitFor();
  // What the portal has no words for, the API's own tell.
  await systemOf(page, "Files").getByText("Remove one of the spaces.").waitFor();
  await systemOf(page, "Files").getByText("The space has no owner.").waitFor();
  const parts = page.getByRole("region", { name: "People and mailboxes" });
  await parts.getByText("Clara Moreau").waitFor();
  await parts.getByText("ben@nordlicht.example").waitFor();
  const records = page.getByRole("region", { name: "DNS records of nordlicht.example" });
  await records.getByText("2 required records are missing").waitFor();
  await records.getByRole("row").filter({ hasText: "_dmarc" }).getByText("Recommended").waitFor();
  await records.getByText("There is another value: v=DKIM1; k=ed25519.").waitFor();
  await page.getByText("as soon as the mail system knows this domain").waitFor();
  await anna.close();
});

test("a name and a value are copied as they are to be published", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const anna = await stage.signedIn("anna");
  const { page } = anna;
  await anna.context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: stage.portalUrl });
  await anna.open(PLACE);
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await page.getByRole("button", { name: "Copy the value of TXT 202611r._domainkey.nordlicht.example" }).click();
  await page.getByText("Copied", { exact: true }).waitFor();
  assert.equal(await copied(), DKIM);
  await page.getByRole("button", { name: "Copy the name of TXT _dmarc.nordlicht.example" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(async (text) => (await navigator.clipboard.readText()) === text, "_dmarc.nordlicht.example");
  await anna.close();
});

test("what cannot be copied is said", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const anna = await stage.visitor();
  await anna.context.addInitScript(() => {
    Object.defineProperty(navigator, "clipboard", { value: { writeText: () => Promise.reject(new DOMException("refused", "NotAllowedError")) } });
  });
  await anna.signIn("anna");
  await anna.open(PLACE);
  await anna.page.getByRole("button", { name: "Copy the value of MX nordlicht.example" }).click();
  await anna.page.getByText("It could not be copied").waitFor();
  await anna.close();
});

test("the page follows what happens as often as the API says, and stops when all is ready", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const anna = await stage.visitor();
  const { page } = anna;
  await page.clock.install();
  await anna.signIn("anna");
  await anna.open(PLACE);
  await systemOf(page, "Mail").getByText("Waiting").waitFor();
  const before = looks();
  await page.clock.fastForward(1_000);
  assert.equal(looks(), before, "not before the time that the API says");
  stage.systems.set(nordlicht.id, READY());
  const answered = page.waitForResponse("**/workspace");
  await page.clock.fastForward(2_000);
  await answered;
  await systemOf(page, "Mail").getByText("Ready").waitFor();
  await page.getByRole("status").filter({ hasText: "Mail: Ready." }).waitFor({ state: "attached" });
  assert.equal(await page.getByRole("region", { name: "People and mailboxes" }).count(), 0);
  const then = looks();
  await page.clock.fastForward(600_000);
  assert.equal(looks(), then, "nobody asks about what is ready");
  await anna.close();
});

test("a page that nobody sees asks nothing, and looks at once when it is seen again", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const anna = await stage.visitor();
  const { page } = anna;
  await page.clock.install();
  await anna.signIn("anna");
  await anna.open(PLACE);
  const turn = (hidden) => page.evaluate((now) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => now });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await turn(true);
  const before = looks();
  await page.clock.fastForward(600_000);
  assert.equal(looks(), before);
  stage.systems.set(nordlicht.id, READY());
  await turn(false);
  await systemOf(page, "Mail").getByText("Ready").waitFor();
  await anna.close();
});

test("a page that nobody touches stops asking before the session would end without use", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const anna = await stage.visitor();
  const { page } = anna;
  await page.clock.install();
  await anna.signIn("anna");
  await anna.open(PLACE);
  // The look that was planned already.
  const answered = page.waitForResponse("**/workspace");
  await page.clock.fastForward(31 * 60_000);
  await answered;
  await settled(page);
  const before = looks();
  await page.clock.fastForward(31 * 60_000);
  assert.equal(looks(), before);
  stage.systems.set(nordlicht.id, READY());
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await systemOf(page, "Mail").getByText("Ready").waitFor();
  await anna.close();
});

test("while the API does not answer, what was seen last stays, and it waits as long as it is asked to", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const anna = await stage.visitor();
  const { page } = anna;
  await page.clock.install();
  await anna.signIn("anna");
  await anna.open(PLACE);
  stage.failure = () => Response.json({ status: 503, code: "store_unavailable", title: "Service Unavailable", detail: "try again" }, { status: 503, headers: { "retry-after": "45" } });
  await page.clock.fastForward(2_500);
  await page.getByText("This may be out of date").waitFor();
  await systemOf(page, "Mail").getByText("Waiting").waitFor();
  stage.failure = null;
  stage.systems.set(nordlicht.id, READY());
  const before = looks();
  await page.clock.fastForward(40_000);
  assert.equal(looks(), before);
  const answered = page.waitForResponse("**/workspace");
  await page.clock.fastForward(10_000);
  await answered;
  await systemOf(page, "Mail").getByText("Ready").waitFor();
  assert.equal(await page.getByText("This may be out of date").count(), 0);
  await anna.close(/status of 503/);
});

test("admins ask for another attempt and for a check; the audit trail has who did", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const ben = await stage.signedIn("ben");
  const { page } = ben;
  await ben.open(PLACE);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("What failed is tried again").waitFor();
  stage.systems.set(nordlicht.id, READY());
  await page.getByRole("button", { name: "Check now" }).click();
  await page.getByText("Everything is being checked").waitFor();
  await systemOf(page, "Mail").getByText("Ready").waitFor();
  assert.equal(await page.getByRole("button", { name: "Try again" }).count(), 0, "there is nothing to try again");
  const { id } = await stage.userOf("ben");
  for (const action of ["workspace.retry", "workspace.check"]) {
    const [event] = (await stage.system.audit.list({ tenant: "nordlicht", action })).items;
    assert.equal(event.actor.userId, id, action);
  }
  await ben.open("/tenants/nordlicht/audit");
  await page.getByRole("listitem").filter({ hasText: "asked for a check of the systems" }).first().waitFor();
  await ben.close();
});

test("a member sees how it is, and neither records nor others, and is offered nothing", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const clara = await stage.signedIn("clara");
  const { page } = clara;
  await clara.open(PLACE);
  await systemOf(page, "Mail").getByText("Waiting").waitFor();
  for (const name of ["Try again", "Check now"]) assert.equal(await page.getByRole("button", { name }).count(), 0, name);
  for (const name of ["DNS records", "People and mailboxes"]) assert.equal(await page.getByRole("region", { name }).count(), 0, name);
  for (const what of ["retry", "check"]) assert.equal((await clara.ask({ method: "POST", path: `/api/tenants/nordlicht/workspace/${what}` })).status, 403, what);
  await clara.close();
});

test("a launcher leads to what is ready, says of the rest how it is, and follows", async () => {
  const fjord = await stage.system.tenants.get("fjord");
  const { branding } = fjord;
  await stage.system.tenants.update("fjord", { branding: { launcherLinks: branding.launcherLinks.filter(({ icon }) => icon !== "files") } });
  const phases = { mail: "working", files: "pending", identity: "waiting" };
  stage.systems.set(fjord.id, { systems: Object.entries(phases).map((pair) => stateOf(...pair)) });
  const anna = await stage.signedIn("anna");
  const { page } = anna;
  await watchShifts(anna.context);
  await anna.open(stage.launcherUrl("fjord"));
  const tile = (name) => page.getByRole("main").getByRole("listitem").filter({ hasText: name });
  for (const name of ["Mail", "Files"]) {
    await tile(name).getByText("Being set up").waitFor();
    assert.equal(await tile(name).getByRole("link").count(), 0, name);
  }
  assert.equal(await tile("Sign-in").count(), 0, "nobody goes there");
  assert.equal(await tile("Calendar").getByRole("link").count(), 1, "what no system is behind is as it was");
  await settled(page);
  await assertAccessible(page);
  await assertNoShift(page);
  await anna.picture("launcher-setting-up");
  stage.systems.set(fjord.id, { systems: [stateOf("mail", "ready"), stateOf("files", "ready")], links: [{ system: "mail", phase: "ready", url: "https://mail.fjord.example/" }, { system: "files", phase: "ready", url: "https://files.dezky.example/fjord" }] });
  await tile("Files").getByRole("link").waitFor();
  assert.equal(await tile("Files").getByRole("link").getAttribute("href"), "https://files.dezky.example/fjord");
  assert.equal(await tile("Mail").getByRole("link").count(), 1);
  await stage.system.tenants.update("fjord", { branding: { launcherLinks: branding.launcherLinks } });
  await anna.close();
});

test("the page of systems in both languages, wide and narrow, light and dark", async () => {
  const WIDE = { width: 1280, height: 860 };
  const NARROW = { width: 360, height: 740 };
  stage.systems.set(nordlicht.id, await settingUp());
  for (const locale of ["en-GB", "de-DE"]) {
    const anna = await stage.signedIn("anna", { viewport: WIDE, colorScheme: "light", locale });
    const { page } = anna;
    await watchShifts(anna.context);
    await anna.open(PLACE);
    await page.getByText("ben@nordlicht.example").waitFor();
    for (const [size, viewport] of Object.entries({ wide: WIDE, narrow: NARROW })) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        await settled(page);
        await assertFits(page);
        await assertAccessible(page);
        await anna.picture(`workspace-${locale.slice(0, 2)}-${size}-${colorScheme}`);
      }
    }
    await anna.close();
  }
});
