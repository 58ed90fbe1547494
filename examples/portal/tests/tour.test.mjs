// A tour of an owner: from an invitation to a cancelled plan, with a mail server and a payment provider.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, assertFits, settled } from "./harness/looks.mjs";
import { serveMail } from "./harness/mail.mjs";
import { Stage } from "./harness/stage.mjs";
import { serveStripe } from "./harness/stripe.mjs";

let stage;
const prepare = async (started) => ({ ...(await serveMail(started)), ...(await serveStripe(started)) });
before(async () => (stage = await Stage.start({ prepare })));
after(() => stage?.close());

const MEMBERS = "/tenants/nordlicht/members";
const PLACE = "/tenants/nordlicht/subscription";

test("an owner invites somebody, subscribes to a plan, sees its use, and cancels it", async () => {
  const anna = await stage.signedIn("anna");
  const { page } = anna;

  // Somebody joins by the link of a mail.
  await anna.open(MEMBERS);
  await page.getByRole("button", { name: "Invite people" }).click();
  await page.getByRole("dialog").getByLabel("E-mail").fill("dario@elsewhere.example");
  await page.getByRole("dialog").getByRole("button", { name: "Send invitation" }).click();
  await page.getByText("dario@elsewhere.example is invited").waitFor();
  const dario = await stage.visitor();
  await dario.open(await stage.linkTo("dario@elsewhere.example"));
  await dario.page.getByRole("link", { name: "Sign in to accept" }).click();
  await dario.authenticate("dario");
  await dario.page.getByRole("button", { name: "Accept the invitation" }).click();
  await dario.page.getByRole("heading", { name: /^Welcome to / }).waitFor();
  await dario.close();

  // Plans that have a price are offered; the others are the platform's to give.
  await anna.open(PLACE);
  const plans = page.getByRole("region", { name: "Billing" });
  await plans.getByRole("button", { name: "Subscribe to Business" }).waitFor();
  assert.equal(await plans.getByRole("button", { name: /^Subscribe to / }).count(), 2);
  await plans.getByLabel("Seats").fill("30");
  await settled(page);
  await assertAccessible(page);
  await assertFits(page);
  await anna.picture("billing-plans");

  // Paid at the provider, whose announcement makes it the workspace's plan.
  await plans.getByRole("button", { name: "Subscribe to Business" }).click();
  await page.getByRole("heading", { name: "Checkout" }).waitFor();
  await page.getByText("30 seats at price_business").waitFor();
  await page.getByRole("button", { name: "Subscribe" }).click();
  await page.waitForURL(`${stage.portalUrl}${PLACE}?checkout=done`);
  await page.getByText("The plan is in force").waitFor();
  const [subscription] = (await stage.system.subscriptions.list({ tenantId: (await stage.system.tenants.get("nordlicht")).id })).items;
  assert.deepEqual([subscription.plan, subscription.seats, subscription.status], ["business", 30, "active"]);
  const current = page.getByRole("region", { name: "Subscription" });
  await current.getByText("of 30").waitFor();
  await current.getByText("Files").first().waitFor();
  await settled(page);
  await assertAccessible(page);
  await anna.picture("billing-active");

  // Cancelled with its period: it goes on until then, and the date shows.
  const manage = page.getByRole("button", { name: "Invoices, payment and cancellation" });
  await manage.click();
  await page.getByRole("button", { name: "Cancel at the end of the period" }).click();
  await page.waitForURL(`${stage.portalUrl}${PLACE}`);
  await shows(page, "Ends on");
  await settled(page);
  await anna.picture("billing-ending");

  // Cancelled at once: the plan is one of the past, and the workspace rests until another one is chosen.
  await manage.click();
  await page.getByRole("button", { name: "Cancel now" }).click();
  await page.waitForURL(`${stage.portalUrl}${PLACE}`);
  await shows(page, "Cancelled");
  await page.getByRole("region", { name: "Earlier subscriptions" }).waitFor();
  await page.getByRole("button", { name: "Subscribe to Starter" }).waitFor();
  await settled(page);
  await assertAccessible(page);
  await assertFits(page);
  await anna.picture("billing-cancelled");
  // The pages of the emulated provider have no icon.
  await anna.close(/favicon/);
});

test("members and admins see the plan, and are offered nothing to pay", async () => {
  for (const name of ["ben", "clara"]) {
    const visitor = await stage.signedIn(name);
    await visitor.open(PLACE);
    await visitor.page.getByRole("heading", { name: "Subscription", level: 1 }).waitFor();
    await settled(visitor.page);
    assert.equal(await visitor.page.getByRole("button", { name: /Subscribe|Invoices/ }).count(), 0);
    await visitor.close();
  }
});

/** What the payment provider announces comes a moment later. */
async function shows(page, text) {
  for (let look = 0; look < 40; look += 1) {
    if (await page.getByText(text).first().isVisible()) return;
    await page.waitForTimeout(250);
    await page.reload();
    await page.getByRole("heading", { name: "Subscription", level: 1 }).waitFor();
  }
  throw new Error(`the page does not show "${text}"`);
}
