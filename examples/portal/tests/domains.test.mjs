// Domains of a tenant: from the record to publish to the launcher at a host name of its own.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { serveDns } from "./harness/dns.mjs";
import { assertAccessible, assertFits, settled } from "./harness/looks.mjs";
import { Stage } from "./harness/stage.mjs";

let stage;
before(async () => (stage = await Stage.start({ prepare: serveDns })));
after(() => stage?.close());

const PLACE = "/tenants/nordlicht/domains";

test("an admin adds a domain, publishes its record and has it checked", async () => {
  const ben = await stage.signedIn("ben");
  const { page } = ben;
  await ben.open(PLACE);
  const field = page.getByLabel("Add a domain");
  await field.fill("neu.example");
  await field.press("Enter");
  const domain = page.getByRole("region", { name: "neu.example" });
  await domain.getByText("Not verified yet").waitFor();
  const { challenge } = await stage.system.domains.get("nordlicht", "neu.example");
  await domain.getByText(challenge.value).waitFor();
  await domain.getByText("_dezky-challenge.neu.example", { exact: true }).waitFor();
  assert.equal(await domain.getByRole("button", { name: "Copy the value of the record of neu.example" }).count(), 1);
  await settled(page);
  await assertAccessible(page);
  await assertFits(page);
  await ben.picture("domain-pending");
  await domain.getByRole("button", { name: "Check neu.example" }).click();
  await page.getByText("neu.example was checked and is not verified yet").waitFor();
  await domain.getByText("has no record").waitFor();
  await ben.picture("domain-checked");
  // Once in ten seconds: the page says so, and nothing is lost.
  await domain.getByRole("button", { name: "Check neu.example" }).click();
  await domain.getByText("Checked a moment ago").waitFor();
  stage.zone.push(challenge);
  const other = await stage.system.domains.add("nordlicht", { name: "zwei.example" });
  stage.zone.push(other.challenge);
  await ben.open(PLACE);
  await page.getByRole("button", { name: "Check zwei.example" }).click();
  await page.getByText("zwei.example is verified").waitFor();
  await page.getByRole("region", { name: "zwei.example" }).getByText(/^Verified /).waitFor();
  await settled(page);
  await ben.picture("domain-verified");
  await ben.close(/status of 429/);
});

test("a host name of its own leads to the launcher once its record does", async () => {
  const ben = await stage.signedIn("ben");
  const { page } = ben;
  await ben.open(PLACE);
  const host = page.getByRole("region", { name: "Address of the launcher" });
  await host.getByLabel("Host name").fill("work.elsewhere.example");
  await host.getByRole("button", { name: "Save changes" }).click();
  await host.getByRole("alert").first().waitFor();
  await host.getByLabel("Host name").fill("work.zwei.example");
  await host.getByRole("button", { name: "Save changes" }).click();
  await host.getByText("Does not lead here yet").waitFor();
  await settled(page);
  await assertAccessible(page);
  await ben.picture("launcher-host");
  await ben.close(/status of 422/);
});

test("a domain with mailboxes is not removed, and members see states alone", async () => {
  const ben = await stage.signedIn("ben");
  await ben.open(PLACE);
  await ben.page.getByRole("button", { name: "Remove nordlicht.example" }).click();
  await ben.page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await ben.page.getByText("This domain has mailboxes").waitFor();
  await ben.close(/status of 409/);
  const clara = await stage.signedIn("clara");
  await clara.open(PLACE);
  await clara.page.getByRole("region", { name: "neu.example" }).getByText("Not verified yet").waitFor();
  assert.equal(await clara.page.getByText("dezky-verification=").count(), 0);
  assert.equal(await clara.page.getByRole("button", { name: /^(Check|Remove|Add)/ }).count(), 0);
  await clara.close();
});
