// The systems behind a tenant: what people see of them, and what they are told to do; a page that follows what happens.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { WIDE, assertAccessible, assertFits, assertLooks, assertNoShift, settled, watchShifts } from "./harness/looks.mjs";
import { Stage } from "./harness/stage.mjs";
import { record, recordsOf, serveSystems, stateOf, unmet } from "./harness/systems.mjs";

let stage;
let nordlicht;
before(async () => {
  stage = await Stage.start({ prepare: serveSystems });
  nordlicht = await stage.system.tenants.get("nordlicht");
});
beforeEach(async () => {
  await stage.streams.until(0);
  stage.streams.kind = "held";
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
const requests = () => stage.asked.filter(({ method, path }) => method === "GET" && path.endsWith("/workspace"));
const isStream = ({ headers }) => headers.accept === "text/event-stream";
const looks = () => requests().filter((one) => !isStream(one)).length;
const streams = () => requests().filter(isStream).length;
/** What a page's own clock says is over at once. */
const pass = (page, seconds) => page.clock.fastForward(seconds * 1_000);
const turn = (page, hidden) => page.evaluate((now) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => now });
  document.dispatchEvent(new Event("visibilitychange"));
}, hidden);
/** A page of somebody whose clock can be put forward. */
async function timed(name) {
  const visitor = await stage.visitor();
  await visitor.page.clock.install();
  await visitor.signIn(name);
  await visitor.open(PLACE);
  return visitor;
}
/**
 * Waits until a page shows what its stream tells: time put forward before that would be the time in which nothing came, and the page
 * would go on without a stream.
 */
async function followed(page) {
  await stage.streams.until(1);
  stage.systems.set(nordlicht.id, { systems: [stateOf("mail", "degraded")] });
  await systemOf(page, "Mail").getByText("Needs attention").waitFor();
}
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

test("each change is shown as the API tells it, by one request", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const anna = await stage.signedIn("anna");
  const { page } = anna;
  await anna.open(PLACE);
  await systemOf(page, "Mail").getByText("Waiting").waitFor();
  await stage.streams.until(1);
  const before = looks();
  for (const [phase, shown] of Object.entries({ working: "Being set up", failed: "Failed", degraded: "Needs attention" })) {
    stage.systems.set(nordlicht.id, { systems: [stateOf("identity", "ready"), stateOf("mail", phase)] });
    await systemOf(page, "Mail").getByText(shown, { exact: true }).waitFor();
  }
  stage.systems.set(nordlicht.id, READY());
  await page.getByRole("status").filter({ hasText: "Mail: Ready." }).waitFor({ state: "attached" });
  assert.equal(await page.getByRole("region", { name: "People and mailboxes" }).count(), 0);
  // What is ready is followed too.
  stage.systems.set(nordlicht.id, { systems: [stateOf("mail", "suspended")] });
  await systemOf(page, "Mail").getByText("Suspended").waitFor();
  assert.deepEqual([looks(), streams()], [before, 1]);
  await anna.picture("workspace-followed");
  await anna.close();
});

test("a page that nobody sees follows nothing, and is up to date when it is seen again", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const anna = await stage.signedIn("anna");
  const { page } = anna;
  await anna.open(PLACE);
  await stage.streams.until(1);
  await turn(page, true);
  await stage.streams.until(0);
  stage.systems.set(nordlicht.id, READY());
  await turn(page, false);
  await systemOf(page, "Mail").getByText("Ready").waitFor();
  await stage.streams.until(1);
  assert.equal(streams(), 2);
  await page.getByRole("link", { name: "Members", exact: true }).click();
  await stage.streams.until(0);
  await anna.close();
});

test("a page that nobody touches stops before the session would end without use", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const anna = await timed("anna");
  const { page } = anna;
  await followed(page);
  await pass(page, 29 * 60);
  stage.systems.set(nordlicht.id, { systems: [stateOf("mail", "working")] });
  await systemOf(page, "Mail").getByText("Being set up").waitFor();
  await pass(page, 2 * 60);
  await stage.streams.until(0);
  stage.systems.set(nordlicht.id, READY());
  const before = requests().length;
  await pass(page, 31 * 60);
  assert.equal(requests().length, before);
  await turn(page, false);
  await systemOf(page, "Mail").getByText("Ready").waitFor();
  await anna.close();
});

test("while the API does not answer, what was seen last stays; it is asked again when it says, and then followed again", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const anna = await timed("anna");
  const { page } = anna;
  await stage.streams.until(1);
  stage.failure = () => Response.json({ status: 503, code: "store_unavailable", title: "Service Unavailable", detail: "try again" }, { status: 503, headers: { "retry-after": "45" } });
  stage.streams.end();
  await page.getByText("This may be out of date").waitFor();
  await systemOf(page, "Mail").getByText("Waiting").waitFor();
  stage.failure = null;
  stage.systems.set(nordlicht.id, READY());
  const before = requests().length;
  await pass(page, 15);
  assert.equal(requests().length, before);
  await pass(page, 35);
  await systemOf(page, "Mail").getByText("Ready").waitFor();
  assert.equal(await page.getByText("This may be out of date").count(), 0);
  await stage.streams.until(1);
  stage.systems.set(nordlicht.id, await settingUp());
  await systemOf(page, "Mail").getByText("Waiting").waitFor();
  await anna.close(/status of 503/);
});

test("a stream that ends is begun again where it was", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const anna = await stage.signedIn("anna");
  const { page } = anna;
  await anna.open(PLACE);
  await stage.streams.until(1);
  const { data } = await anna.event();
  assert.equal(JSON.parse(data).tenantId, nordlicht.id);
  const before = looks();
  stage.streams.end();
  await stage.streams.until(1);
  assert.match(requests().filter(isStream)[1].headers["last-event-id"], /^"[\w-]+"$/);
  stage.systems.set(nordlicht.id, READY());
  await systemOf(page, "Mail").getByText("Ready").waitFor();
  assert.deepEqual([looks(), streams(), anna.events.length], [before, 2, 1], "nothing is told twice");
  await anna.close();
});

test("an API that gives one event at a time is followed all the same", async () => {
  stage.streams.kind = "single";
  stage.systems.set(nordlicht.id, await settingUp());
  const anna = await stage.signedIn("anna");
  const { page } = anna;
  await anna.open(PLACE);
  await systemOf(page, "Mail").getByText("Waiting").waitFor();
  const before = looks();
  stage.systems.set(nordlicht.id, READY());
  await systemOf(page, "Mail").getByText("Ready").waitFor();
  assert.equal(looks(), before);
  await anna.close();
});

test("where no stream can be had, the page looks as often as the API says, and stops when all is ready", async () => {
  stage.streams.kind = "absent";
  stage.systems.set(nordlicht.id, { ...(await settingUp()), again: 60 });
  const looked = (page) => page.waitForResponse((response) => /\/workspace$/.test(response.url()) && response.request().resourceType() === "fetch");
  const anna = await stage.visitor();
  const { page } = anna;
  await page.clock.install();
  await anna.signIn("anna");
  const fallen = looked(page);
  await anna.open(PLACE);
  await fallen;
  await settled(page);
  const before = looks();
  await pass(page, 30);
  assert.equal(looks(), before, "not before the time that the API says");
  stage.systems.set(nordlicht.id, READY());
  await pass(page, 35);
  await systemOf(page, "Mail").getByText("Ready").waitFor();
  const then = requests().length;
  await pass(page, 600);
  assert.equal(requests().length, then, "nobody asks about what is ready");
  assert.equal(streams(), 1);
  await anna.close(/MIME type/);
});

test("a proxy that collects answers does not keep the page from what happens", async () => {
  stage.streams.kind = "collected";
  stage.systems.set(nordlicht.id, await settingUp());
  const anna = await timed("anna");
  const { page } = anna;
  await stage.streams.until(1);
  stage.systems.set(nordlicht.id, READY());
  await pass(page, 11);
  await systemOf(page, "Mail").getByText("Ready").waitFor();
  await stage.streams.until(0);
  await anna.close();
});

test("a stream ends with the right to see, and the page says what it says without one", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const clara = await stage.signedIn("clara");
  const { page } = clara;
  const { id: userId } = await stage.userOf("clara");
  await clara.open(PLACE);
  await stage.streams.until(1);
  await stage.system.members.revoke("nordlicht", userId);
  stage.streams.look();
  await page.getByText("This may be out of date").waitFor();
  await stage.streams.until(0);
  const before = requests().length;
  assert.deepEqual([streams(), clara.events.at(-1).name], [1, "problem"]);
  await stage.system.members.grant("nordlicht", { userId, role: "member" });
  await turn(page, false);
  await stage.streams.until(1);
  assert.equal(requests().length, before + 1);
  await clara.close(/status of 404/);
});

test("a stream outlives its token, by another one", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const anna = await timed("anna");
  const { page } = anna;
  await followed(page);
  await pass(page, 5);
  stage.streams.refuse(JSON.stringify({ status: 401, code: "token_expired" }));
  await stage.streams.until(0);
  await stage.streams.until(1);
  stage.systems.set(nordlicht.id, READY());
  await systemOf(page, "Mail").getByText("Ready").waitFor();
  assert.equal(await page.getByText("This may be out of date").count(), 0);
  assert.equal(streams(), 2);
  await anna.close();
});

test("a session that ends takes its streams with it, and no others", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  const [anna, ben] = [await stage.signedIn("anna"), await stage.signedIn("ben")];
  await anna.open(PLACE);
  await ben.open(PLACE);
  await stage.streams.until(2);
  const [hers, his] = requests().filter(isStream);
  const again = anna.page.waitForRequest((request) => new URL(request.url()).pathname === "/auth/sign-in");
  assert.equal((await anna.ask({ method: "POST", path: "/auth/sign-out" })).status, 303);
  await hers.ended;
  await again;
  stage.systems.set(nordlicht.id, READY());
  await systemOf(ben.page, "Mail").getByText("Ready").waitFor();
  assert.deepEqual(requests().filter(isStream).filter(({ headers }) => headers.authorization === his.headers.authorization), [his]);
  await anna.close(/status of 401/);
  await ben.close();
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
  // Launchers stay open all day: what is ready is not followed there.
  await stage.streams.until(0);
  await stage.system.tenants.update("fjord", { branding: { launcherLinks: branding.launcherLinks } });
  await anna.close();
});

test("the page of systems in both languages, wide and narrow, light and dark", async () => {
  stage.systems.set(nordlicht.id, await settingUp());
  for (const locale of ["en-GB", "de-DE"]) {
    const anna = await stage.signedIn("anna", { viewport: WIDE, colorScheme: "light", locale });
    const { page } = anna;
    await watchShifts(anna.context);
    await anna.open(PLACE);
    await page.getByText("ben@nordlicht.example").waitFor();
    await assertLooks(anna, `workspace-${locale.slice(0, 2)}`);
    await anna.close();
  }
});
