// Invitations from the portal through a mail server back to the portal.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { peopleOf, rowsOf } from "../app/domain/csv.ts";
import { assertAccessible, assertFits, settled } from "./harness/looks.mjs";
import { serveMail } from "./harness/mail.mjs";
import { Stage } from "./harness/stage.mjs";

let stage;
before(async () => (stage = await Stage.start({ prepare: serveMail })));
after(() => stage?.close());

const PLACE = "/tenants/nordlicht/members";
const listed = async () => (await stage.system.invitations.list("nordlicht")).items;
const rowOf = (page, email) => page.getByRole("region", { name: "Invitations" }).getByRole("row").filter({ hasText: email });

test("an admin invites somebody, who signs in and joins by the link of the mail", async () => {
  const ben = await stage.signedIn("ben");
  const { page } = ben;
  await ben.open(PLACE);
  await page.getByText("Nobody is invited at the moment.").waitFor();
  await page.getByRole("button", { name: "Invite people" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  assert.deepEqual(await dialog.getByLabel("Role").locator("option").allTextContents(), ["Member", "Admin"], "only owners invite owners");
  await dialog.getByLabel("E-mail").fill("nowhere");
  await dialog.getByRole("button", { name: "Send invitation" }).click();
  await dialog.getByText("Enter an address such as anna@example.eu.").waitFor();
  await dialog.getByLabel("E-mail").fill("dario@elsewhere.example");
  await dialog.getByLabel("Name").fill("Dario");
  await dialog.getByLabel("Role").selectOption("admin");
  await dialog.getByLabel("Language of the mail").selectOption("de");
  await dialog.getByLabel("Mailbox").fill("dario@nordlicht.example");
  await settled(page);
  await assertAccessible(page);
  await ben.picture("invite", { fullPage: false });
  await dialog.getByRole("button", { name: "Send invitation" }).click();
  await page.getByText("dario@elsewhere.example is invited").waitFor();
  const link = await stage.linkTo("dario@elsewhere.example");
  assert.match(link, new RegExp(`^${stage.portalUrl}/invitation#[\\w-]{43}$`));
  assert.match(stage.mails[0].text, /^Guten Tag Dario,/);

  // Whoever opens the link sees who invites them, before they sign in; the secret leaves the address.
  const dario = await stage.visitor();
  await dario.open(link);
  await dario.page.getByRole("heading", { name: "Nordlicht Architekten invites you" }).waitFor();
  assert.equal(new URL(dario.page.url()).hash, "");
  const enrol = new URL(await dario.page.getByRole("link", { name: "Create one" }).getAttribute("href"));
  assert.deepEqual([enrol.host, enrol.searchParams.get("next")], ["auth.dezky.example", `${stage.portalUrl}/invitation`]);
  await settled(dario.page);
  await assertAccessible(dario.page);
  await assertFits(dario.page);
  await dario.picture("invitation");
  await dario.page.getByRole("link", { name: "Sign in to accept" }).click();
  await dario.authenticate("dario");
  await dario.page.waitForURL(`${stage.portalUrl}/invitation`);
  await dario.page.getByText("You are signed in as Dario Conti.").waitFor();
  await dario.page.getByRole("button", { name: "Accept the invitation" }).click();
  await dario.page.getByRole("heading", { name: /^Welcome to / }).waitFor();
  await dario.page.getByText("Your mailbox is dario@nordlicht.example.").waitFor();
  await settled(dario.page);
  await dario.picture("invitation-accepted");
  await dario.page.getByRole("link", { name: "Open the workspace" }).click();
  await dario.page.waitForURL(`${stage.portalUrl}/tenants/nordlicht`);
  assert.equal(await dario.page.evaluate(() => sessionStorage.getItem("invitation")), null);
  // The link is used up for everybody else.
  const clara = await stage.signedIn("clara");
  await clara.open(link);
  await clara.page.getByRole("button", { name: "Accept the invitation" }).click();
  await clara.page.getByText("This invitation was used").waitFor();
  await clara.close(/status of 409/);
  await dario.close(/status of 401/);

  await ben.open(PLACE);
  await rowOf(page, "dario@elsewhere.example").getByText("Accepted").waitFor();
  const member = (await stage.system.members.list("nordlicht", { search: "Dario" })).items[0];
  assert.deepEqual([member.role, member.source], ["admin", "invitation"]);
  await ben.close(/status of 422/);
});

test("a mail that is refused shows with its reason, and is sent again or revoked", async () => {
  stage.refusedMail = "gone@elsewhere.example";
  await stage.system.invitations.create("nordlicht", { email: "gone@elsewhere.example" });
  const anna = await stage.signedIn("anna");
  const { page } = anna;
  for (let status = ""; status !== "failed"; ) ({ status } = (await listed()).find(({ email }) => email === "gone@elsewhere.example"));
  await anna.open(PLACE);
  await rowOf(page, "gone@elsewhere.example").getByText("550 5.1.1 no such user here").waitFor();
  await settled(page);
  await assertAccessible(page);
  await assertFits(page);
  await anna.picture("invitations");
  stage.refusedMail = undefined;
  await page.getByRole("button", { name: "Send the invitation of gone@elsewhere.example again" }).click();
  await page.getByText("is sent again; the earlier link is void").waitFor();
  const link = await stage.linkTo("gone@elsewhere.example");
  await page.getByRole("button", { name: "Revoke the invitation of gone@elsewhere.example" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await rowOf(page, "gone@elsewhere.example").getByText("Revoked").waitFor();
  await anna.open(link);
  await page.getByText("This link is not valid").waitFor();
  await settled(page);
  await anna.picture("invitation-void");
  await anna.close(/status of 404/);
});

test("a list is pasted, and each line has a result", async () => {
  const anna = await stage.signedIn("anna");
  const { page } = anna;
  await anna.open(PLACE);
  await page.getByRole("button", { name: "Invite people" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "A list" }).click();
  await dialog.getByRole("textbox", { name: "People" }).fill('email;name;role\none@elsewhere.example;"One; ""First""";admin\nben@nordlicht.example;;\nnowhere;;\ntwo@elsewhere.example;;owner\n');
  await dialog.getByRole("button", { name: "Invite 4 people" }).click();
  await dialog.getByText("2 of 4 people are invited.").waitFor();
  const lines = await dialog.getByRole("list", { name: "Results" }).getByRole("listitem").allTextContents();
  assert.deepEqual(lines.map((line) => line.replace(/\s+/g, " ").trim()), [
    "one@elsewhere.exampleInvited",
    "ben@nordlicht.exampleMember already",
    "nowhereNot invitedEnter an address such as anna@example.eu.",
    "two@elsewhere.exampleInvited",
  ]);
  await settled(page);
  await assertAccessible(page);
  await anna.picture("invite-results", { fullPage: false });
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await rowOf(page, "two@elsewhere.example").getByText("Owner").waitFor();
  assert.equal((await listed()).find(({ email }) => email === "one@elsewhere.example").name, 'One; "First"');
  await stage.linkTo("one@elsewhere.example");
  await anna.close();
});

test("members see no invitations", async () => {
  const clara = await stage.signedIn("clara");
  await clara.open(PLACE);
  await clara.page.getByRole("heading", { name: "Members" }).waitFor();
  assert.equal(await clara.page.getByRole("button", { name: "Invite people" }).count(), 0);
  await clara.close();
});

test("lists are read as spreadsheets and mail programs write them", () => {
  assert.deepEqual(rowsOf('\uFEFFa,"b ""x"", y"\r\n\r\nc\n'), [["a", 'b "x", y'], ["c"]]);
  const otherwise = { role: "member", language: "en" };
  assert.deepEqual(peopleOf("a@x.eu\nb@x.eu", otherwise), [{ ...otherwise, email: "a@x.eu" }, { ...otherwise, email: "b@x.eu" }]);
  assert.deepEqual(peopleOf("role\temail\tmailbox\nadmin\ta@x.eu\ta@acme.eu", otherwise), [
    { ...otherwise, role: "admin", email: "a@x.eu", mailbox: { localPart: "a", domain: "acme.eu" } },
  ]);
});
