// Endpoints for events in the portal: what they get, how deliveries go, replays, secrets; with a receiver on this machine.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, beforeEach, test } from "node:test";
import { verifyWebhook } from "@dezky/sdk";
import { serveHost } from "./harness/host.mjs";
import { assertAccessible, assertFits, assertLooks, offeredIn, settled } from "./harness/looks.mjs";
import { Receiver } from "./harness/receiver.mjs";
import { Stage } from "./harness/stage.mjs";
import { until } from "./harness/until.mjs";

const read = async (path) => JSON.parse(await readFile(new URL(path, import.meta.url), "utf8"));
const recorded = Object.keys((await read("../../../core/openapi.json")).webhooks);
const PLACE = "/tenants/nordlicht/event-endpoints";

let stage;
let receiver;
before(async () => {
  stage = await Stage.start({ prepare: (started) => serveHost(started, { DEZKY_WEBHOOKS_PRIVATE_ADDRESSES: "true" }) });
  receiver = await Receiver.start(stage);
  const dario = await stage.userOf("dario");
  await stage.system.members.grant("alpina", { userId: dario.id, role: "owner" });
});
beforeEach(() => (receiver.status = 204));
after(() => stage?.close());

const endpoints = () => stage.system.eventEndpoints;
const create = async (slug, fields) => endpoints().create({ tenantId: slug && (await stage.system.tenants.get(slug)).id, ...fields });
const secretOn = (page) => page.locator("[data-secret]").textContent();
const list = (page) => page.getByRole("region", { name: "Webhooks", exact: true });
const rowOf = (page, { headers }) => page.locator(`tr[data-event="${headers["webhook-id"]}"]`);

/** Changes something that an endpoint for `tenant.update` hears of. */
let changes = 0;
const change = (slug) => stage.system.tenants.update(slug, { billingInfo: { company: `Company ${(changes += 1)}` } });

test("every type of event is offered, with words in both languages", async () => {
  const [ben, petra] = await Promise.all([stage.signedIn("ben"), stage.signedIn("petra")]);
  const offered = async (visitor, place) => {
    const { page } = visitor;
    await visitor.open(place);
    await page.getByRole("button", { name: "Create endpoint" }).click();
    await page.getByRole("radio", { name: "Only chosen types" }).check();
    const types = page.getByRole("dialog").locator("input[name=types]");
    await types.first().waitFor();
    return types.evaluateAll((boxes) => boxes.map(({ value }) => value).sort());
  };
  assert.deepEqual(await offered(petra, "/platform/event-endpoints"), recorded.toSorted());
  // Nobody's account belongs to a tenant.
  assert.deepEqual(await offered(ben, PLACE), recorded.filter((type) => !/^user\.|_platform$/.test(type)).sort());
  for (const language of ["en", "de"]) {
    const { scopeGroup } = await read(`../i18n/locales/${language}.json`);
    assert.deepEqual(recorded.filter((type) => !scopeGroup[type.split(".")[0]]), [], language);
  }
  await ben.close();
  await petra.close();
});

test("an admin creates an endpoint; what fails is seen, becomes a dead letter, and arrives by a replay", async () => {
  const ben = await stage.signedIn("ben", { permissions: ["clipboard-read", "clipboard-write"] });
  const { page } = ben;
  const url = `${receiver.origin}/tickets`;
  await ben.open(PLACE);
  await page.getByText("No endpoints yet").waitFor();
  await settled(page);
  await assertAccessible(page);
  await ben.picture("event-endpoints-empty");

  await page.getByRole("button", { name: "Create endpoint" }).click();
  const dialog = page.getByRole("dialog", { name: "Create endpoint" });
  const submit = dialog.getByRole("button", { name: "Create endpoint" });
  assert.equal(await submit.isDisabled(), true, "an endpoint without an address is none");
  await dialog.getByLabel("Address (URL)").fill("http://receiver.example/");
  await dialog.getByLabel("Description").fill("Ticket system");
  await dialog.getByRole("radio", { name: "Only chosen types" }).check();
  assert.equal(await submit.isDisabled(), true, "no type would be all types");
  await dialog.getByRole("button", { name: "All of Mailboxes" }).click();
  assert.equal(await dialog.getByLabel("mailbox.create").isDisabled(), true, "it is one of all");
  await dialog.getByLabel("tenant.update").check();
  await dialog.getByText("2 types").waitFor();
  await settled(page);
  await assertAccessible(page);
  await ben.picture("event-endpoints-create", { fullPage: false });
  await submit.click();
  await dialog.getByText("Enter a full address that begins with https://").waitFor();
  assert.equal(await dialog.getByLabel("Address (URL)").evaluate((one) => one === document.activeElement), true);
  await dialog.getByLabel("Address (URL)").fill(url);
  await submit.click();

  const shown = page.getByRole("region", { name: `Secret of ${url}` });
  await shown.getByText("it is shown this once").waitFor();
  assert.equal(await shown.evaluate((one) => one === document.activeElement), true, "what was made has the focus");
  const secret = await secretOn(page);
  assert.match(secret, /^whsec_[A-Za-z0-9+/]+=*$/);
  await settled(page);
  await assertAccessible(page);
  await ben.picture("event-endpoints-secret");
  await shown.getByRole("button", { name: "Copy the signing secret" }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  await shown.getByRole("button", { name: "I have copied it" }).click();
  assert.equal(await page.locator("[data-secret]").count(), 0);
  const [{ id, types, description }] = (await endpoints().list({ tenant: "nordlicht" })).items;
  assert.deepEqual([types, description], [["mailbox.*", "tenant.update"], "Ticket system"]);

  receiver.status = 500;
  await change("nordlicht");
  const refused = await receiver.next("/tickets");
  assert.deepEqual(verifyWebhook(refused.body, refused.headers, secret).data.changedFields, ["billingInfo"]);
  const item = page.getByRole("article", { name: url });
  // The state is stored after the answer.
  await until(async () => (await endpoints().get(id)).resumesAt);
  await ben.open(PLACE);
  assert.equal((await page.content()).includes(secret), false, "it is nowhere after that");
  await item.getByText("Failing", { exact: true }).waitFor();
  await item.getByText(/^Answered 500\. Next attempt: /).waitFor();
  await settled(page);
  await assertAccessible(page);
  await ben.picture("event-endpoints-failing");

  await item.getByRole("link", { name: `Deliveries to ${url}` }).click();
  const row = rowOf(page, refused);
  await row.getByText("Waiting", { exact: true }).waitFor();
  await row.getByText(/^Next attempt: /).waitFor();
  assert.equal(await page.getByRole("navigation").getByRole("link", { name: "Webhooks" }).getAttribute("aria-current"), "page");
  await settled(page);
  await assertAccessible(page);
  await ben.picture("event-endpoints-waiting");

  // It is gone: nothing is tried any more. The page shows that without being asked.
  receiver.status = 410;
  await row.getByRole("button", { name: /^Replay tenant\.update, / }).click();
  await page.getByText("1 delivery is sent again").waitFor();
  assert.equal((await receiver.next("/tickets")).headers["webhook-id"], refused.headers["webhook-id"]);
  await row.getByText("Dead letter", { exact: true }).waitFor({ timeout: 30_000 });
  await page.getByText("Answered 410. Nothing is delivered until you edit the endpoint").waitFor();
  assert.deepEqual(await offeredIn(page.getByRole("region", { name: "Deliveries" })), ["Refresh"], "what is off is not sent to");
  await page.getByText("No delivery waits").waitFor({ state: "attached" });
  await settled(page);
  await assertAccessible(page);
  await ben.picture("event-endpoints-dead");

  await page.getByRole("main").getByRole("link", { name: "Webhooks" }).last().click();
  await item.getByText("Disabled", { exact: true }).waitFor();
  await settled(page);
  await ben.picture("event-endpoints-disabled");
  await page.getByRole("button", { name: `Edit ${url}` }).click();
  const edit = page.getByRole("dialog", { name: `Edit ${url}` });
  await edit.getByLabel("Deliver events").check();
  await edit.getByRole("button", { name: "Save changes" }).click();
  await item.getByText("Enabled", { exact: true }).waitFor();
  receiver.status = 204;
  await item.getByRole("link", { name: "Dead letters" }).click();
  await row.getByText("Dead letter", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Replay deliveries" }).click();
  const replay = page.getByRole("dialog", { name: "Replay deliveries" });
  await replay.getByLabel("Deliveries with the state").selectOption("Delivered");
  await replay.getByRole("button", { name: "Replay" }).click();
  await page.getByText("There is nothing to replay").waitFor();
  await page.getByRole("button", { name: "Replay deliveries" }).click();
  assert.equal(await replay.getByLabel("Deliveries with the state").inputValue(), "failed", "what is there to be sent again");
  await settled(page);
  await assertAccessible(page);
  await ben.picture("event-endpoints-replay", { fullPage: false });
  await replay.getByRole("button", { name: "Replay" }).click();
  const arrived = await receiver.next("/tickets");
  assert.deepEqual([arrived.headers["webhook-id"], arrived.body], [refused.headers["webhook-id"], refused.body]);
  await page.getByText("Nothing found").waitFor();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await row.getByText("Delivered", { exact: true }).waitFor();
  await row.getByText("Answered 204.").waitFor();
  await ben.open(`${PLACE}/${id}?status=retrying`);
  await page.getByText("Nothing found").waitFor();
  await endpoints().delete(id);
  await ben.close(/status of 422/);
});

test("a secret is rotated with an overlap; a change of somebody else's is not overwritten; what is removed is gone", async () => {
  const anna = await stage.signedIn("anna");
  const { page } = anna;
  const url = `${receiver.origin}/chat`;
  const { id, secret } = await create("nordlicht", { url, types: ["tenant.update"] });
  await anna.open(PLACE);
  const rotate = async () => {
    await page.getByRole("button", { name: `Rotate the secret of ${url}` }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("signed with both").waitFor();
    await settled(page);
    await assertAccessible(page);
    await anna.picture("event-endpoints-rotate", { fullPage: false });
    await dialog.getByRole("button", { name: "Rotate" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByText("The endpoint has a new signing secret").waitFor();
    assert.equal(await page.getByRole("region", { name: `Secret of ${url}` }).evaluate((one) => one === document.activeElement), true);
    return secretOn(page);
  };
  const second = await rotate();
  await page.getByRole("article", { name: url }).getByText(/^Until .*, requests are signed with the previous secret as well\.$/).waitFor();
  await change("nordlicht");
  const webhook = await receiver.next("/chat");
  for (const one of [secret, second]) verifyWebhook(webhook.body, webhook.headers, one);
  await page.getByRole("button", { name: "I have copied it" }).click();
  await page.getByRole("button", { name: `Rotate the secret of ${url}` }).click();
  await page.getByRole("dialog").getByText("This rotation ends it").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();

  await page.getByRole("button", { name: `Edit ${url}` }).click();
  const dialog = page.getByRole("dialog", { name: `Edit ${url}` });
  await dialog.getByRole("radio", { name: "All events" }).check();
  await settled(page);
  await endpoints().update(id, { description: "theirs" });
  await dialog.getByRole("button", { name: "Save changes" }).click();
  await dialog.getByText("Somebody else changed this").waitFor();
  assert.deepEqual((await endpoints().get(id)).types, ["tenant.update"]);
  await dialog.getByRole("button", { name: "Load the latest version" }).click();
  await page.waitForFunction(() => document.querySelector("dialog [name=description]").value === "theirs");
  await dialog.getByRole("button", { name: "Save changes" }).click();
  await page.getByRole("article", { name: url }).getByText("All events").waitFor();
  const { types, description } = await endpoints().get(id);
  assert.deepEqual([types, description], [[], "theirs"], "what the person has not touched stays");

  await page.getByRole("button", { name: `Remove ${url}` }).click();
  await page.getByRole("dialog").getByText("is not delivered any more").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await page.getByText(`${url} is removed`).waitFor();
  assert.equal(await page.getByRole("heading", { name: "Webhooks" }).evaluate((one) => one === document.activeElement), true, "the focus stays on the page");
  assert.equal(await page.getByRole("article", { name: url }).count(), 0);
  assert.deepEqual((await endpoints().list({ tenant: "nordlicht" })).items, []);
  await anna.close(/status of 412/);
});

test("an owner lets personal values be sent; an administrator does not, and another address by one ends it", async () => {
  const [anna, ben] = await Promise.all([stage.signedIn("anna"), stage.signedIn("ben")]);
  const url = `${receiver.origin}/people`;
  const { id } = await create("nordlicht", { url, types: ["tenant.update"] });
  const edit = async (visitor) => {
    const { page } = visitor;
    await visitor.open(PLACE);
    await page.getByRole("button", { name: `Edit ${url}` }).click();
    return page.getByRole("dialog", { name: `Edit ${url}` });
  };
  const dialog = await edit(anna);
  await dialog.getByLabel("Include personal values").check();
  await settled(anna.page);
  await assertAccessible(anna.page);
  await anna.picture("event-endpoints-values", { fullPage: false });
  await dialog.getByRole("button", { name: "Save changes" }).click();
  await anna.page.getByRole("article", { name: url }).getByText("Personal values", { exact: true }).waitFor();
  await change("nordlicht");
  const { data } = JSON.parse((await receiver.next("/people")).body);
  assert.deepEqual(data.values.map(({ field }) => field), ["billingInfo"]);

  const of = await edit(ben);
  await of.getByLabel("Deliver events").waitFor();
  assert.equal(await of.getByLabel("Include personal values").count(), 0);
  await of.getByLabel("Address (URL)").fill(`${receiver.origin}/elsewhere`);
  await of.getByRole("button", { name: "Save changes" }).click();
  await ben.page.getByRole("article", { name: `${receiver.origin}/elsewhere` }).waitFor();
  assert.equal((await endpoints().get(id)).personalValues, false);
  await endpoints().delete(id);
  await Promise.all([anna.close(), ben.close()]);
});

test("deliveries are paged and filtered, and a replay goes on where the API has stopped", async () => {
  const ben = await stage.signedIn("ben");
  const { page } = ben;
  const { id } = await create("nordlicht", { url: `${receiver.origin}/many`, types: ["tenant.update"] });
  for (let at = 0; at < 30; at += 1) {
    await change("nordlicht");
    await receiver.next("/many");
  }
  receiver.status = 400;
  await change("nordlicht");
  const refused = await receiver.next("/many");
  await until(async () => (await endpoints().deliveries(id, { status: "delivered", limit: 200 })).items.length === 30);
  await ben.open(`${PLACE}/${id}`);
  const rows = page.getByRole("row").filter({ has: page.locator("code") });
  await settled(page);
  assert.equal(await rows.count(), 25);
  await page.getByRole("button", { name: "Show more" }).click();
  await rows.nth(30).waitFor();
  await page.getByRole("combobox", { name: "State" }).selectOption("Delivered");
  await rowOf(page, refused).waitFor({ state: "detached" });
  await page.waitForURL(/status=delivered/);

  const sent = [];
  const next = "2026-01-31T09:30:00.000Z";
  await page.route("**/replay", async (route) => {
    sent.push(route.request().postDataJSON());
    await route.fulfill({ json: sent.length === 1 ? { replayed: 200, nextSince: next } : { replayed: 3 } });
  });
  await page.getByRole("button", { name: "Replay deliveries" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Events of").selectOption("From a point in time");
  assert.equal(await dialog.getByRole("button", { name: "Replay" }).isDisabled(), true, "no point in time is none");
  await dialog.getByLabel("From", { exact: true }).fill("2026-01-30T10:00");
  await dialog.getByRole("button", { name: "Replay" }).click();
  await dialog.getByText("200 deliveries are sent again. There are more").waitFor();
  await settled(page);
  await assertAccessible(page);
  await dialog.getByRole("button", { name: "Go on" }).click();
  await page.getByText("203 deliveries are sent again").waitFor();
  const from = await page.evaluate(() => new Date("2026-01-30T10:00").toISOString());
  assert.deepEqual(sent, [{ status: "failed", since: from }, { status: "failed", since: next }]);
  await ben.close();
  await endpoints().delete(id);
});

test("in a suspended tenant endpoints are seen and removed; members are offered none; nobody sees those of others", async () => {
  const other = await create("alpina", { url: "https://hooks.alpina.example/" });
  const dario = await stage.signedIn("dario");
  const { page } = dario;
  await dario.open("/tenants/alpina/event-endpoints");
  await page.getByText("This workspace is suspended. What changes is still delivered.").waitFor();
  await settled(page);
  assert.deepEqual(await offeredIn(list(page)), ["Remove https://hooks.alpina.example/"]);
  await page.getByRole("link", { name: /^Deliveries to / }).click();
  await page.getByRole("heading", { name: "Deliveries" }).waitFor();
  assert.deepEqual(await offeredIn(page.getByRole("region", { name: "Deliveries" })), ["Refresh"]);
  assert.equal((await dario.ask({ method: "POST", path: `/api/event-endpoints/${other.id}/replay`, body: {} })).status, 403);
  await dario.close();

  const [clara, ben, petra] = await Promise.all(["clara", "ben", "petra"].map((name) => stage.signedIn(name)));
  await clara.open(PLACE);
  await clara.page.getByText("Only for owners and admins").waitFor();
  assert.equal(await clara.page.getByRole("link", { name: "Webhooks" }).count(), 0);
  assert.equal((await clara.ask({ path: "/api/event-endpoints?tenant=nordlicht" })).status, 403);
  await ben.open(`${PLACE}/${other.id}`);
  await ben.page.getByRole("alert").waitFor();
  assert.equal(await ben.page.getByText("hooks.alpina.example").count(), 0);
  // The platform sees it, and not as one of another tenant.
  await petra.open(`${PLACE}/${other.id}`);
  await petra.page.getByRole("alert").waitFor();
  assert.equal(await petra.page.getByText("hooks.alpina.example").count(), 0);
  await Promise.all([clara.close(), ben.close(/status of 404/), petra.close()]);
  await endpoints().delete(other.id);
});

test("the platform has endpoints of its own, which get the events of all tenants", async () => {
  const petra = await stage.signedIn("petra");
  const { page } = petra;
  const url = `${receiver.origin}/platform`;
  const tenants = await create("nordlicht", { url: "https://hooks.nordlicht.example/" });
  await petra.open("/platform/event-endpoints");
  await page.getByText("No endpoints yet").waitFor();
  await page.getByRole("button", { name: "Create endpoint" }).click();
  await page.getByRole("dialog").getByLabel("Address (URL)").fill(url);
  await page.getByRole("dialog").getByRole("button", { name: "Create endpoint" }).click();
  await page.getByRole("article", { name: url }).waitFor();
  assert.deepEqual(await offeredIn(list(page)), ["Create endpoint", "Copy the signing secret", "I have copied it", `Edit ${url}`, `Rotate the secret of ${url}`, `Remove ${url}`]);
  await change("fjord");
  const webhook = await receiver.next("/platform");
  verifyWebhook(webhook.body, webhook.headers, await secretOn(page));
  await page.getByRole("link", { name: /^Deliveries to / }).click();
  await rowOf(page, webhook).getByText("Fjord Logistikk").waitFor();
  assert.equal(await page.getByRole("navigation").getByRole("link", { name: "Webhooks" }).getAttribute("aria-current"), "page");
  await settled(page);
  await assertFits(page);
  await assertAccessible(page);
  await petra.picture("event-endpoints-platform");
  const replay = rowOf(page, webhook).getByRole("button");
  await replay.click();
  await page.getByText("1 delivery is sent again").waitFor();
  assert.equal((await receiver.next("/platform")).headers["webhook-id"], webhook.headers["webhook-id"]);
  await settled(page);
  assert.equal(await replay.evaluate((one) => one === document.activeElement), true, "the button keeps the focus");
  await petra.close();
  for (const one of [tenants, (await endpoints().list()).items[0]]) await endpoints().delete(one.id);
});

test("endpoints and deliveries fit every screen, in light and dark, English and German", async () => {
  const path = `/a-path-that-is-as-long-as-some-services-give-them/${"0123456789abcdef".repeat(6)}`;
  const { id } = await create("nordlicht", { url: receiver.origin + path, description: "Ticket system", types: ["mailbox.*", "membership.*", "tenant.update"] });
  await create("nordlicht", { url: "https://hooks.nordlicht.example/everything", active: false });
  await change("nordlicht");
  await receiver.next(path);
  receiver.status = 400;
  await change("nordlicht");
  await receiver.next(path);
  receiver.status = 503;
  await change("nordlicht");
  await receiver.next(path);
  await until(async () => (await endpoints().get(id)).resumesAt);
  await endpoints().rotate(id);
  for (const [language, locale] of [["english", "en-GB"], ["german", "de-DE"]]) {
    const anna = await stage.signedIn("anna", { locale });
    const { page } = anna;
    await anna.open(PLACE);
    await page.locator("details summary").first().click();
    await assertLooks(anna, `event-endpoints-${language}`);
    await page.getByRole("button", { name: language === "german" ? "Endpunkt anlegen" : "Create endpoint" }).click();
    await page.getByRole("dialog").getByRole("radio").last().check();
    await settled(page);
    await assertFits(page);
    await anna.picture(`event-endpoints-create-${language}-narrow`, { fullPage: false });
    await page.getByRole("dialog").evaluate((dialog) => dialog.scrollTo(0, dialog.scrollHeight));
    await settled(page);
    await assertAccessible(page);
    await anna.picture(`event-endpoints-create-${language}-narrow-end`, { fullPage: false });
    await anna.open(`${PLACE}/${id}`);
    await assertLooks(anna, `event-deliveries-${language}`);
    await anna.close();
  }
});
