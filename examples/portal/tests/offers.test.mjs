// What pages offer is what the API allows, and what fields take is what it takes: the portal has no limits and no policy of its own.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { settled } from "./harness/looks.mjs";
import { Stage } from "./harness/stage.mjs";

const document = JSON.parse(await readFile(new URL("../../../core/openapi.json", import.meta.url), "utf8"));

let stage;
let petra;
let page;
before(async () => {
  stage = await Stage.start();
  const clara = await stage.userOf("clara");
  const dario = await stage.userOf("dario");
  for (const slug of ["alpina", "quartier"]) {
    await stage.system.members.grant(slug, { userId: dario.id, role: "owner" });
    await stage.system.members.grant(slug, { userId: clara.id, role: "member" });
  }
  petra = await stage.signedIn("petra");
  ({ page } = petra);
});
after(async () => {
  try {
    await petra?.close(/status of (403|404|412|422)/);
  } finally {
    await stage?.close();
  }
});

const subscriptionOf = async (slug) => (await stage.system.subscriptions.list({ tenantId: (await stage.system.tenants.get(slug)).id })).items[0];
const descriptionOf = (field) => field.evaluate((element) => element.getAttribute("aria-describedby")?.split(" ").map((id) => document.getElementById(id).textContent).join(" "));
const saved = () => page.getByText("Saved", { exact: true }).waitFor();

test("an id of Stripe that is too long for the API is told of while it is written, and nothing of it is cut off", async () => {
  const [, most] = /\{1,(\d+)\}/.exec(document.components.schemas.UpdateSubscriptionBody.properties.stripeCustomerId.pattern);
  const fits = "cus_".padEnd(Number(most), "A");
  await petra.open("/tenants/nordlicht/subscription");
  await page.getByRole("button", { name: "Edit" }).click();
  const field = page.getByLabel("Customer at Stripe");
  await field.fill(`${fits}B`);
  assert.equal(await field.inputValue(), `${fits}B`);
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  assert.match(await descriptionOf(field), new RegExp(`At most ${most} characters`));
  await settled(page);
  await petra.picture("stripe-id-too-long");
  await field.fill(fits);
  assert.equal(await field.getAttribute("aria-invalid"), null);
  await page.getByRole("button", { name: "Save changes" }).click();
  await saved();
  assert.equal((await subscriptionOf("nordlicht")).stripeCustomerId, fits);
});

test("a name is as long as the API counts it: by characters", async () => {
  const { maxLength } = document.components.schemas.UpdateTenantBody.properties.name;
  const name = "🏔".repeat(maxLength);
  await petra.open("/tenants/fjord");
  const field = page.getByLabel("Name", { exact: true });
  await field.fill(`${name}🏔`);
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  await field.fill(name);
  assert.equal(await field.getAttribute("aria-invalid"), null);
  await page.getByRole("region", { name: "Details" }).getByRole("button", { name: "Save changes" }).click();
  await saved();
  assert.equal((await stage.system.tenants.get("fjord")).name, name);
  await stage.system.tenants.update("fjord", { name: "Fjord Logistikk" });
});

test("a text that the API finds too long is not cut off either, and its own words say so", async () => {
  const title = "Applications of ours, ".repeat(9).trim();
  await petra.open("/tenants/nordlicht/branding");
  const field = page.getByRole("textbox", { name: "Title" }).first();
  await field.fill(title);
  assert.equal(await field.inputValue(), title);
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByRole("alert").waitFor();
  assert.match(await descriptionOf(field), /At most \d+ characters/);
  assert.equal(await field.inputValue(), title);
});

test("no field cuts off what is written", async () => {
  const cutting = () => page.evaluate(() => [...document.querySelectorAll("input[maxlength]:not([type=search]), textarea[maxlength]")].map(({ name }) => name));
  for (const path of ["/tenants/nordlicht", "/tenants/nordlicht/domains", "/tenants/nordlicht/branding", `/platform/users/${(await stage.userOf("ben")).id}`]) {
    await petra.open(path);
    await settled(page);
    assert.deepEqual(await cutting(), [], path);
  }
  for (const [path, button] of [["/platform/tenants", "Create tenant"], ["/platform/users", "Create user"], ["/tenants/nordlicht/subscription", "Edit"]]) {
    await petra.open(path);
    await page.getByRole("button", { name: button }).click();
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await cutting(), [], button);
  }
});

test("a list of texts takes as many as the API does", async () => {
  const { maxItems } = document.components.schemas.CreateApiKeyBody.properties.networks;
  await petra.open("/tenants/nordlicht/api-keys");
  await page.getByRole("button", { name: "Create API key" }).click();
  const add = page.getByRole("button", { name: "Add network" });
  const networks = page.getByRole("textbox", { name: /^Network \d/ });
  for (let place = 1; place <= maxItems; place += 1) {
    await add.click();
    await networks.nth(place - 1).waitFor();
  }
  await add.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Remove network 1", exact: true }).click();
  await add.waitFor();
  assert.equal(await networks.count(), maxItems - 1);
});

test("the audit trail is filtered by each action that it records", async () => {
  await petra.open("/platform/audit");
  const offered = await page.getByRole("combobox", { name: "Event" }).locator("option").evaluateAll((options) => options.map(({ value }) => value).filter(Boolean));
  assert.deepEqual(offered, Object.keys(document.webhooks));
});

/** What is tried, without an effect: by an entity tag that nothing has. Allowed is what does not end at the caller's rights. */
const TRIES = {
  name: { patch: { name: "Tried" }, button: ["", "Details", "Save changes"] },
  billing: { patch: { billingInfo: { company: "Tried" } }, button: ["", "Billing", "Save changes"] },
  plan: { patch: { plan: "tried" }, field: ["", "Details", "Plan"] },
  systems: { patch: { ocisSpaceId: "tried" }, button: ["", "Connected systems", "Save changes"] },
  login: { patch: { isolatedLogin: true }, field: ["", "Connected systems", "A login of its own"] },
  domains: { patch: { domains: ["tried.example"] }, field: ["/domains", "Domains", "Add a domain"] },
  branding: { patch: { branding: { primaryColor: "#123456" } }, button: ["/branding", "Branding", "Save changes"] },
};
for (const slug of ["nordlicht", "alpina"]) {
  for (const name of ["petra", "anna", "ben", "dario", "clara"]) {
    test(`${name} is offered in ${slug} what the API lets them change`, async () => {
      const visitor = await stage.signedIn(name);
      for (const [what, { patch, button, field }] of Object.entries(TRIES)) {
        const { status } = await visitor.ask({ method: "PATCH", path: `/api/tenants/${slug}`, body: patch, headers: { "if-match": '"0"' } });
        assert.ok([403, 404, 412].includes(status), `${what}: ${status}`);
        const [place, region, label] = button ?? field;
        await visitor.open(`/tenants/${slug}${place}`);
        await settled(visitor.page);
        const within = visitor.page.getByRole("region", { name: region, exact: true });
        const found = button ? within.getByRole("button", { name: label }) : within.getByLabel(label, { exact: true });
        assert.equal((await found.count()) > 0, status === 412, `${what}: the API says ${status}`);
      }
      await visitor.close(/status of 40[34]/);
    });
  }
}

test("what the API lets the platform do in a deleted tenant is offered, and works", async () => {
  const { id, status: before } = await stage.system.tenants.get("quartier");
  await stage.system.subscriptions.create({ tenantId: id, seats: 5 });
  await stage.system.tenants.delete("quartier");
  await petra.open(`/tenants/${id}/members`);
  await page.getByRole("button", { name: "Remove access of Clara Moreau" }).click();
  await petra.picture("deleted-tenant-members");
  await page.getByRole("dialog").getByRole("button", { name: "Remove access" }).click();
  await page.getByText("Clara Moreau has no access any more").waitFor();
  assert.equal(await page.getByRole("button", { name: "Undo" }).count(), 0, "to give access again would be refused");
  assert.equal(await page.getByRole("combobox", { name: /^Role of/ }).count(), 0);
  await petra.open(`/tenants/${id}/subscription`);
  await page.getByRole("button", { name: "Edit" }).first().click();
  await page.getByLabel("Customer at Stripe").fill("cus_deleted");
  await page.getByRole("button", { name: "Save changes" }).click();
  await saved();
  await petra.open(`/tenants/${id}`);
  for (const label of ["Save changes", "Suspend", "Restore", "Delete"]) assert.equal(await page.getByRole("button", { name: label }).count(), 0, label);
  const deletion = page.getByRole("region", { name: "Deletion" });
  const { removalAt } = await stage.system.tenants.get(id);
  const year = new Date(removalAt).getUTCFullYear();
  await deletion.getByText(new RegExp(`Its data is removed from .*${year}.* on\\. Until then the deletion can be undone\\.`)).waitFor();
  await petra.picture("deleted-tenant-details");
  await deletion.getByRole("button", { name: "Undo deletion" }).click();
  await petra.picture("undo-deletion");
  await page.getByRole("dialog").getByRole("button", { name: "Undo deletion" }).click();
  await page.getByText(/^The deletion of .* is undone$/).waitFor();
  await page.getByRole("button", { name: "Suspend", exact: true }).waitFor();
  const tenant = await stage.system.tenants.get(id);
  assert.deepEqual([tenant.status, tenant.deletedAt ?? null, tenant.removalAt ?? null], [before, null, null]);
});

test("a cancelled subscription can be put right, and stays cancelled", async () => {
  const subscription = await subscriptionOf("fjord");
  await stage.system.subscriptions.update(subscription.id, { status: "cancelled" });
  await petra.open("/tenants/fjord/subscription");
  await settled(page);
  await petra.picture("subscription-cancelled");
  await page.getByRole("region", { name: "Earlier subscriptions" }).getByRole("button", { name: /^Edit/ }).click();
  const state = page.getByRole("dialog").getByRole("combobox", { name: "State" });
  await state.waitFor();
  assert.deepEqual(await state.locator("option").allTextContents(), ["Cancelled"]);
  await page.getByLabel("Customer at Stripe").fill("cus_afterwards");
  await page.getByRole("button", { name: "Save changes" }).click();
  await saved();
  const { status, stripeCustomerId } = await stage.system.subscriptions.get(subscription.id);
  assert.deepEqual([status, stripeCustomerId], ["cancelled", "cus_afterwards"]);
});

test("who administers the platform by a claim is not offered what only others may do to administrators", async () => {
  const { id } = await stage.userOf("dario");
  const labels = ["End all sessions", "Make platform administrator", "Remove platform rights", "Disable", "Erase"];
  const offered = async () => {
    const found = [];
    for (const label of labels) if (await page.getByRole("button", { name: label }).count()) found.push(label);
    return found;
  };
  const tried = async (patch) => (await petra.ask({ method: "PATCH", path: `/api/users/${id}`, body: patch, headers: { "if-match": '"0"' } })).status;
  await petra.open(`/platform/users/${id}`);
  await settled(page);
  assert.deepEqual(await offered(), ["End all sessions", "Disable", "Erase"]);
  assert.deepEqual([await tried({ status: "disabled" }), await tried({ platformAdmin: true })], [412, 403]);
  await stage.system.users.update(id, { platformAdmin: true });
  await petra.open(`/platform/users/${id}`);
  await settled(page);
  assert.deepEqual(await offered(), []);
  assert.deepEqual([await tried({ status: "disabled" }), await tried({ platformAdmin: false })], [403, 403]);
  await petra.open("/platform/users");
  await page.getByRole("button", { name: "Create user" }).click();
  await page.getByRole("dialog").getByLabel("Subject").waitFor();
  assert.equal(await page.getByRole("checkbox").count(), 0);
  await stage.system.users.update(id, { platformAdmin: false });
});

test("an administrator of the platform may give up their own rights, and is told what that means", async () => {
  const { id } = await stage.userOf("petra");
  await petra.open(`/platform/users/${id}`);
  await settled(page);
  for (const label of ["End all sessions", "Disable", "Erase"]) assert.equal(await page.getByRole("button", { name: label }).count(), 1, label);
  await page.getByRole("button", { name: "Remove platform rights" }).click();
  await page.getByRole("dialog").getByText("This is you").waitFor();
  await settled(page);
  await petra.picture("own-rights");
  await page.getByRole("dialog").getByRole("button", { name: "Remove platform rights" }).click();
  await page.getByText("no longer administers the platform").waitFor();
  assert.equal((await stage.system.users.get(id)).platformAdmin, false);
});
