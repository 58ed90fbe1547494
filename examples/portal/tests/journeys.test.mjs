// What people do, from beginning to end, in a browser.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Stage } from "./harness/stage.mjs";
import { SESSION_COOKIE } from "./harness/visitor.mjs";

let stage;
before(async () => (stage = await Stage.start()));
after(() => stage.close());

const heading = (visitor, name) => visitor.page.getByRole("heading", { level: 1, name }).waitFor();

test("a person signs in at a launcher, sees its applications, and switches to their other workspace", async () => {
  const anna = await stage.visitor();
  const { page } = anna;
  await anna.open(stage.launcherUrl("nordlicht"));
  await heading(anna, "Nordlicht Architekten");
  await anna.picture("launcher-signed-out");
  await page.getByRole("link", { name: "Sign in" }).click();
  await anna.authenticate("anna");
  await page.waitForURL(`${stage.launcherUrl("nordlicht")}/`);
  await heading(anna, "Welcome back, Anna");
  await anna.alive();
  for (const name of ["Mail", "Files", "Calendar", "Meetings", "Office", "Administration"]) await page.getByRole("link", { name: new RegExp(`^${name}`) }).waitFor();
  assert.equal(await page.getByRole("link", { name: /^Mail/ }).getAttribute("href"), "https://mail.nordlicht.example/");
  await anna.picture("launcher-nordlicht");

  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Search by name" }).fill("fj");
  await page.getByRole("option", { name: /Fjord Logistikk/ }).click();
  await page.waitForURL(`${stage.launcherUrl("fjord")}/`);
  await heading(anna, "Welcome back, Anna");
  assert.equal(await page.getByRole("link", { name: /^Mail/ }).getAttribute("href"), "https://mail.fjord.example/");
  // A member of this one, and an owner of the other.
  assert.equal(await page.getByRole("link", { name: /^Administration/ }).count(), 0);
  await anna.alive();
  await anna.picture("launcher-fjord");
  await anna.close();
});

test("two tenants have launchers of their own looks", async () => {
  const visitor = await stage.visitor();
  const colours = [];
  for (const slug of ["nordlicht", "fjord"]) {
    await visitor.open(stage.launcherUrl(slug));
    colours.push(await visitor.page.getByRole("link", { name: "Sign in" }).evaluate((link) => getComputedStyle(link).backgroundColor));
  }
  assert.notEqual(colours[0], colours[1]);
  await visitor.close();
});

test("a host of no tenant says so", async () => {
  const visitor = await stage.visitor();
  const response = await visitor.open(stage.launcherUrl("nobody"));
  assert.equal(response.status(), 404);
  await heading(visitor, /./);
  await visitor.picture("launcher-unknown");
  await visitor.close(/status of 404/);
});

test("a member is refused administration, on the page and below it", async () => {
  const clara = await stage.signedIn("clara");
  await clara.open("/tenants/nordlicht/branding");
  assert.equal(await clara.page.getByRole("button", { name: "Save changes" }).count(), 0);
  await clara.open("/tenants/nordlicht/members");
  assert.equal(await clara.page.getByRole("combobox", { name: /^Role of/ }).count(), 0);
  const patch = await clara.ask({ method: "PATCH", path: "/api/tenants/nordlicht", body: { name: "Clara's" } });
  assert.equal(patch.status, 403);
  await clara.open("/platform/tenants");
  assert.equal(await clara.page.getByRole("table").count(), 0);
  await clara.picture("platform-refused");
  assert.equal((await clara.ask({ path: "/api/users" })).status, 403);
  await clara.close(/status of 40[34]/);
});

test("an admin changes branding, and the launcher has its new look", async () => {
  const ben = await stage.signedIn("ben");
  const { page } = ben;
  await ben.open("/tenants/nordlicht/branding");
  await page.getByRole("textbox", { name: /^Main colour/ }).fill("#a21caf");
  await ben.picture("branding");
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByText("The launcher has its new look").waitFor();
  assert.equal((await stage.system.tenants.get("nordlicht")).branding.primaryColor, "#a21caf");
  await ben.open(stage.launcherUrl("nordlicht"));
  assert.match(await page.content(), /#a21caf/);
  await ben.close();
});

test("a colour that is none is refused at its field, and nothing is saved", async () => {
  const ben = await stage.signedIn("ben");
  const { page } = ben;
  const before = (await stage.system.tenants.get("nordlicht")).branding;
  await ben.open("/tenants/nordlicht/branding");
  await page.getByLabel(/^Logo/).fill("http://insecure.example/logo.svg");
  await page.getByRole("button", { name: "Save changes" }).click();
  const field = page.getByLabel(/^Logo/);
  await page.waitForFunction((element) => element.getAttribute("aria-invalid") === "true", await field.elementHandle());
  const described = await field.getAttribute("aria-describedby");
  const texts = await Promise.all(described.split(" ").map((id) => page.locator(`[id="${id}"]`).textContent()));
  assert.match(texts.join(" "), /https/);
  await ben.picture("branding-refused");
  assert.deepEqual((await stage.system.tenants.get("nordlicht")).branding, before);
  await ben.close(/status of 422/);
});

test("who edits what somebody else has just changed is told, and loses nothing", async () => {
  const ben = await stage.signedIn("ben");
  const { page } = ben;
  await ben.open("/tenants/nordlicht");
  const name = page.getByLabel("Name", { exact: true });
  await name.fill("Nordlicht Baukunst");
  await stage.system.tenants.update("nordlicht", { domains: ["nordlicht.example", "nordlicht-neu.example"] });
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByText("Somebody else changed this").waitFor();
  await ben.picture("conflict");
  await page.getByRole("button", { name: "Load the latest version" }).click();
  assert.equal(await name.inputValue(), "Nordlicht Baukunst");
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.waitForFunction(async () => (await (await fetch("/api/tenants/nordlicht")).json()).name === "Nordlicht Baukunst");
  assert.deepEqual((await stage.system.tenants.get("nordlicht")).domains, ["nordlicht.example", "nordlicht-neu.example"]);
  await stage.system.tenants.update("nordlicht", { name: "Nordlicht Architekten" });
  await ben.close(/status of 412/);
});

test("an admin changes a member's role", async () => {
  const ben = await stage.signedIn("ben");
  const { page } = ben;
  await ben.open("/tenants/nordlicht/members?search=Clara");
  await page.getByRole("combobox", { name: "Role of Clara Moreau" }).selectOption("admin");
  await page.getByRole("button", { name: "Change role" }).click();
  await page.getByText(/Clara Moreau is now/).waitFor();
  const { id } = await stage.userOf("clara");
  assert.equal((await stage.system.members.get("nordlicht", id)).role, "admin");
  const [event] = (await stage.system.audit.list({ tenant: "nordlicht", action: "membership.update" })).items;
  assert.equal(event.actor.userId, (await stage.userOf("ben")).id);
  await stage.system.members.update("nordlicht", id, { role: "member" });
  await ben.close();
});

test("who loses access sees it with the next click, in every open page", async () => {
  const clara = await stage.signedIn("clara");
  const { page } = clara;
  await clara.open("/tenants/nordlicht/members");
  await page.getByRole("table").waitFor();
  const other = await clara.context.newPage();
  await other.goto(stage.launcherUrl("nordlicht"));

  const ben = await stage.signedIn("ben");
  await ben.open("/tenants/nordlicht/members?search=Clara");
  await ben.page.getByRole("button", { name: "Remove access of Clara Moreau" }).click();
  await ben.page.getByRole("button", { name: "Remove access", exact: true }).click();
  await ben.page.getByText("Clara Moreau has no access any more").waitFor();

  await page.getByRole("navigation", { name: /^Administration of/ }).getByRole("link", { name: "Domains" }).click();
  await page.getByText("Not found").first().waitFor();
  assert.equal(await page.getByText("nordlicht.example", { exact: true }).count(), 0);
  await clara.picture("revoked");
  await other.reload();
  await other.getByText("You have no access to Nordlicht Architekten").waitFor();
  // Signing in anew, with the group still in her token, brings nothing back.
  await clara.signIn("clara");
  await clara.open("/");
  await page.getByText("No workspaces yet").waitFor();
  await clara.picture("home-empty");
  await ben.close();
  await clara.close(/status of 404/);
});

test("whose platform rights end sees so with the next click", async () => {
  const petra = await stage.signedIn("petra");
  const { page } = petra;
  await petra.open("/platform/tenants");
  const { id } = await stage.userOf("petra");
  await stage.system.users.update(id, { platformAdmin: false });
  await page.getByRole("link", { name: "Dezky: your workspaces" }).click();
  await heading(petra, /./);
  await page.waitForURL(`${stage.portalUrl}/`);
  assert.equal(await page.getByRole("link", { name: "Platform" }).count(), 0);
  assert.equal((await petra.ask({ path: "/api/users" })).status, 403);
  await stage.system.users.update(id, { platformAdmin: true });
  await petra.close();
});

test("who is disabled is told, on the next click", async () => {
  const dario = await stage.signedIn("dario");
  await dario.open("/");
  const { id } = await stage.userOf("dario");
  await stage.system.users.update(id, { status: "disabled" });
  await dario.page.getByRole("link", { name: /Fjord Logistikk/ }).first().click();
  await heading(dario, /./);
  await dario.picture("disabled");
  // His session is over with that, and does not come back with his rights.
  await stage.system.users.update(id, { status: "active" });
  assert.equal((await dario.ask({ path: "/api/tenants/fjord" })).status, 401);
  await dario.close(/status of 403/);
});

test("a session that is over leads to sign-in with the next click, and back to where that led", async () => {
  const ben = await stage.signedIn("ben");
  const { page } = ben;
  await ben.open("/");
  await ben.context.clearCookies({ name: SESSION_COOKIE });
  await page.getByRole("link", { name: "Administer Nordlicht Architekten" }).click();
  // The provider remembers him.
  await page.waitForURL(`${stage.portalUrl}/tenants/nordlicht`);
  await heading(ben, "Details");
  await ben.close(/status of 401/);
});

test("the platform's administrator suspends and restores a tenant", async () => {
  const petra = await stage.signedIn("petra");
  const { page } = petra;
  await petra.open("/platform/tenants?search=Fjord");
  await page.getByRole("table").waitFor();
  await petra.picture("platform-tenants");
  await page.getByRole("button", { name: "Suspend Fjord Logistikk" }).click();
  await page.getByRole("button", { name: "Suspend", exact: true }).click();
  await page.getByText("Fjord Logistikk is suspended").waitFor();
  assert.equal((await stage.system.tenants.get("fjord")).status, "suspended");
  await page.getByRole("button", { name: "Restore Fjord Logistikk" }).click();
  await page.getByRole("button", { name: "Restore", exact: true }).click();
  await page.getByText("Fjord Logistikk is restored").waitFor();
  assert.equal((await stage.system.tenants.get("fjord")).status, "active");
  await petra.close();
});

test("a person in thousands of tenants finds one by its name, page by page", async () => {
  const { id } = await stage.userOf("ben");
  const many = 3000;
  const together = 100;
  const grant = async (index) => {
    const number = String(index).padStart(4, "0");
    const tenant = await stage.system.tenants.create({ slug: `many-${number}`, name: `Workspace ${number}`, status: "active" });
    await stage.system.members.grant(tenant.id, { userId: id, role: "member" });
  };
  // So many at a time that the portal's own process gets to write in between.
  for (let first = 0; first < many; first += together) {
    await Promise.all(Array.from({ length: together }, (_, index) => grant(first + index)));
  }
  const ben = await stage.signedIn("ben");
  const { page } = ben;
  await ben.open("/tenants/nordlicht");
  const asked = [];
  page.on("response", async (response) => {
    if (response.url().includes("/users/me/tenants")) asked.push((await response.json()).items.length);
  });
  await page.keyboard.press("Control+k");
  const list = page.getByRole("listbox");
  await list.getByRole("option").first().waitFor();
  await page.getByRole("combobox", { name: "Search by name" }).fill("workspace 2");
  await list.getByRole("option", { name: /Workspace 2000/ }).waitFor();
  await ben.picture("switcher");
  // The end of what is there brings more.
  const shown = await list.getByRole("option").count();
  await list.getByRole("option").last().scrollIntoViewIfNeeded();
  await page.waitForFunction((before) => document.querySelectorAll("[role=option]").length > before, shown);
  assert.ok(asked.every((length) => length <= 100), `pages of ${asked.join(", ")}`);
  await page.getByRole("combobox", { name: "Search by name" }).fill("workspace 2999");
  await list.getByRole("option", { name: /Workspace 2999/ }).waitFor();
  await page.waitForFunction(() => document.querySelectorAll("[role=option]").length === 1);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${stage.launcherUrl("many-2999")}/`);
  await ben.close();
});

test("a person signs out by the menu, at a launcher too", async () => {
  const anna = await stage.signedIn("anna");
  await anna.open(stage.launcherUrl("fjord"));
  await anna.page.getByRole("button", { name: "Account: Anna Lindqvist" }).click();
  await anna.page.getByRole("button", { name: "Sign out" }).click();
  await anna.page.getByRole("heading", { name: "Sign out?" }).waitFor();
  await anna.page.getByRole("button", { name: "Sign out" }).click();
  await anna.page.waitForURL(`${stage.portalUrl}/`);
  await heading(anna, /One place/);
  await anna.open(stage.launcherUrl("fjord"));
  await anna.page.getByRole("link", { name: "Sign in" }).waitFor();
  await anna.close();
});
