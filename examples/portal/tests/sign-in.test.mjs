// Signing in and out, by a person with a browser.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Stage } from "./harness/stage.mjs";
import { SESSION_COOKIE } from "./harness/visitor.mjs";

let stage;
before(async () => (stage = await Stage.start()));
after(() => stage.close());

const profileOf = async (visitor) => (await visitor.ask({ path: "/api/me" })).json;

test("a person signs in at the application and comes back to the launcher where they were", async () => {
  const anna = await stage.visitor();
  await anna.signIn("anna", `${stage.launcherUrl("fjord")}/`);
  assert.equal(anna.page.url(), `${stage.launcherUrl("fjord")}/`);
  const { user, tenants } = await profileOf(anna);
  assert.equal(user.name, "Anna Lindqvist");
  assert.deepEqual(tenants.map(({ slug }) => slug), ["fjord", "nordlicht"]);
  await anna.close();
});

test("sign-in leads back into the portal, and nowhere else", async () => {
  const foreign = ["https://evil.example/", "//evil.example/", "http://app.dezky.localhost.evil.example/", "javascript:alert(1)", "http://a.b.dezky.localhost/"];
  const anna = await stage.signedIn("anna");
  for (const target of foreign) {
    // The provider knows her: nothing stops her on the way.
    await anna.page.goto("about:blank");
    await anna.page.goto(`${stage.portalUrl}/auth/sign-in?return=${encodeURIComponent(target)}`);
    assert.equal(anna.page.url(), `${stage.portalUrl}/`, target);
  }
  await anna.close();
});

test("sign-in is offered at the application's host alone", async () => {
  for (const path of ["/auth/sign-in", "/auth/oidc/login", "/auth/oidc/callback?code=1&state=1", "/auth/done"]) {
    const { status } = await stage.ask({ path, host: `nordlicht.dezky.localhost:${stage.port}` });
    assert.equal(status, 404, path);
  }
});

test("a sign-in that another browser began is refused, and leaves nobody signed in", async () => {
  const other = await stage.visitor();
  const stopped = await other.stopAt(`${stage.portalUrl}/auth/oidc/callback*`);
  await other.page.goto(`${stage.portalUrl}/auth/sign-in`);
  await other.authenticate("ben");
  const callback = await stopped();

  const victim = await stage.visitor();
  const response = await victim.page.goto(callback);
  assert.equal(response.status(), 400);
  assert.equal((await victim.ask({ path: "/api/me" })).status, 401);
  // One that began a sign-in of its own, too.
  await victim.page.goto(`${stage.portalUrl}/auth/sign-in`);
  await victim.page.getByLabel("Password").waitFor();
  assert.equal((await victim.page.goto(callback)).status(), 400);
  assert.equal((await victim.ask({ path: "/api/me" })).status, 401);
  await other.context.close();
  await victim.close(/status of 400/);
});

test("a session gets an identifier that nobody knew before, and the former one ends", async () => {
  const attacker = await stage.signedIn("clara");
  const planted = (await attacker.context.cookies()).find(({ name }) => name === SESSION_COOKIE);
  const victim = await stage.visitor();
  await victim.context.addCookies([planted]);
  await victim.signIn("anna");
  assert.equal((await profileOf(victim)).user.name, "Anna Lindqvist");
  assert.equal((await attacker.ask({ path: "/api/me" })).status, 401);
  await attacker.close();
  await victim.close();
});

test("signing out ends the session here and at the identity provider", async () => {
  const anna = await stage.signedIn("anna");
  const cookie = await anna.cookieHeader();
  await anna.page.setContent(`<form method="post" action="${stage.portalUrl}/auth/sign-out"><button>Out</button></form>`);
  await anna.page.getByRole("button", { name: "Out" }).click();
  await anna.page.getByRole("button", { name: "Sign out" }).click();
  await anna.page.waitForURL(`${stage.portalUrl}/`);
  await anna.alive();
  // The very cookie is worth nothing any more, whoever kept it.
  assert.equal((await stage.ask({ path: "/api/me", headers: { cookie } })).status, 401);
  // The provider asks for the password again.
  await anna.page.goto(`${stage.portalUrl}/auth/sign-in`);
  await anna.page.getByLabel("Password").waitFor();
  await anna.page.goto(stage.portalUrl);
  await anna.close();
});

test("signing out leaves nothing of the portal in the browser, and what the provider keeps stays its own", async () => {
  const anna = await stage.signedIn("anna");
  const kept = () => anna.page.evaluate(async () => ({ ...localStorage, caches: await caches.keys(), databases: (await indexedDB.databases()).map(({ name }) => name) }));
  await anna.page.evaluate(async () => {
    localStorage.setItem("draft", "of somebody");
    await caches.open("pages");
    await new Promise((resolve, reject) => Object.assign(indexedDB.open("people"), { onsuccess: resolve, onerror: reject }));
  });
  assert.deepEqual(await kept(), { draft: "of somebody", caches: ["pages"], databases: ["people"] });
  await anna.page.getByRole("button", { name: /^Account: / }).click();
  await anna.page.getByRole("button", { name: "Sign out" }).click();
  // It knows whom to sign out: its cookies, on the same domain, are not the portal's to remove.
  await anna.page.getByRole("button", { name: "Sign out" }).click();
  await anna.page.waitForURL(`${stage.portalUrl}/`);
  await anna.alive();
  assert.deepEqual(await kept(), { caches: [], databases: [] });
  assert.deepEqual((await anna.context.cookies()).filter(({ name }) => name === SESSION_COOKIE), []);
  await anna.close();
});

test("only a person's own click signs them out", async () => {
  const anna = await stage.signedIn("anna");
  for (const headers of [{ origin: "https://evil.example" }, { origin: "null" }, { origin: stage.portalUrl, "sec-fetch-site": "cross-site" }]) {
    assert.equal((await anna.ask({ method: "POST", path: "/auth/sign-out", headers })).status, 403, JSON.stringify(headers));
  }
  for (const path of ["/auth/sign-out", "/auth/logout", "/auth/oidc/logout"]) {
    await anna.ask({ path });
    assert.equal((await anna.ask({ path: "/api/me" })).status, 200, path);
  }
  await anna.close();
});
