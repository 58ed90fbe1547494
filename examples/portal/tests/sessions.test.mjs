// What a session lives through: the end of tokens, outages, restarts, its own age.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { Stage } from "./harness/stage.mjs";
import { until } from "./harness/until.mjs";
import { SESSION_COOKIE } from "./harness/visitor.mjs";

let stage;
let refreshes;
before(async () => {
  stage = await Stage.start();
  // Refused ones too: a refresh token that comes twice ends the session at the provider.
  for (const outcome of ["grant.success", "grant.error"]) {
    stage.provider.provider.on(outcome, ({ oidc }) => {
      if (oidc.params.grant_type === "refresh_token") refreshes += 1;
    });
  }
});
beforeEach(() => {
  refreshes = 0;
  stage.provider.settings.tokenSeconds = 300;
});
after(() => stage.close());

const me = (visitor) => visitor.ask({ path: "/api/me" });

test("a token that is good for long is not refreshed", async () => {
  const anna = await stage.signedIn("anna");
  assert.equal((await me(anna)).status, 200);
  assert.equal(refreshes, 0);
  await anna.close();
});

test("a token that ends is refreshed, and the very request that found it so is answered", async () => {
  stage.provider.settings.tokenSeconds = 20;
  const anna = await stage.signedIn("anna");
  refreshes = 0;
  stage.provider.settings.tokenSeconds = 300;
  const { status, json } = await me(anna);
  assert.equal(status, 200);
  assert.equal(json.user.name, "Anna Lindqvist");
  assert.equal(refreshes, 1);
  // It is kept: the next one has nothing to refresh.
  assert.equal((await me(anna)).status, 200);
  assert.equal(refreshes, 1);
  await anna.close();
});

test("requests at the same time refresh once, and all of them are answered", async () => {
  stage.provider.settings.tokenSeconds = 20;
  const anna = await stage.signedIn("anna");
  refreshes = 0;
  stage.provider.settings.tokenSeconds = 300;
  const cookie = await anna.cookieHeader();
  const answers = await Promise.all(Array.from({ length: 20 }, () => stage.ask({ path: "/api/me", headers: { cookie } })));
  assert.deepEqual(answers.map(({ status }) => status), Array(20).fill(200));
  assert.equal(refreshes, 1);
  await anna.close();
});

test("a session that the provider has ended leads to sign-in, without an error on the way", async () => {
  stage.provider.settings.tokenSeconds = 1;
  const anna = await stage.signedIn("clara");
  await stage.provider.forgetGrants();
  // The leeway of Dezky does not matter: the portal has no token to send any more once it has ended.
  await until(async () => (await me(anna)).status === 401);
  const { json } = await me(anna);
  assert.equal(json.code, "token_missing");
  await anna.page.goto(`${stage.portalUrl}/profile`);
  // The provider still knows her: she is back without typing anything.
  await anna.page.waitForURL(`${stage.portalUrl}/profile`);
  stage.provider.settings.tokenSeconds = 300;
  await anna.close();
});

test("signing out at the provider ends the session in the portal at once, by a logout token", async () => {
  const { issuer, provider } = stage.provider;
  const anna = await stage.signedIn("anna");
  const cookie = await anna.cookieHeader();
  const other = await stage.signedIn("anna");
  const told = Promise.race([
    once(provider, "backchannel.success"),
    once(provider, "backchannel.error").then(([, error]) => Promise.reject(error)),
  ]);
  await anna.page.goto(`${issuer}/session/end`);
  await anna.page.getByRole("button", { name: "Sign out" }).click();
  await Promise.all([told, anna.page.getByRole("heading", { name: "You are signed out" }).waitFor()]);
  // The portal was not asked by her browser, and has her session and a token that is good for minutes.
  const { status, json } = await stage.ask({ path: "/api/me", headers: { cookie } });
  assert.deepEqual([status, json.code], [401, "session_ended"]);
  // Her other session goes on.
  assert.equal((await me(other)).status, 200);
  // She has to say who she is.
  await anna.page.goto(`${stage.portalUrl}/profile`);
  await anna.page.getByLabel("Password").waitFor();
  await anna.authenticate("anna");
  await anna.page.waitForURL(`${stage.portalUrl}/profile`);
  assert.equal((await me(anna)).status, 200);
  await Promise.all([anna.close(), other.close()]);
});

test("an outage of the provider ends no session", async () => {
  stage.provider.settings.tokenSeconds = 1;
  const ben = await stage.signedIn("ben");
  stage.provider.settings.tokenSeconds = 300;
  stage.provider.refuse(503);
  await until(async () => (await me(ben)).status === 503);
  const { json, headers } = await me(ben);
  assert.equal(json.code, "identity_provider_unavailable");
  assert.ok(Number(headers["retry-after"]) > 0);
  stage.provider.refuse(null);
  assert.equal((await me(ben)).status, 200);
  await ben.close();
});

test("sessions outlive a restart of the portal", async () => {
  const anna = await stage.signedIn("anna");
  // No page goes on loading in between.
  await anna.page.goto("about:blank");
  await stage.restartPortal();
  assert.equal((await me(anna)).status, 200);
  await anna.open("/");
  await anna.close();
});

test("what is stored of sessions that are over by age is removed", async () => {
  const before = new Set(await readdir(stage.sessionFolder));
  const ben = await stage.signedIn("ben");
  const [file] = (await readdir(stage.sessionFolder)).filter((name) => !before.has(name));
  const path = join(stage.sessionFolder, file);
  await ben.page.goto("about:blank");
  const old = Date.now() / 1000 - 25 * 3600;
  await utimes(path, old, old);
  await writeFile(`${path}.interrupted.new`, "half of it");
  await stage.restartPortal();
  await until(async () => !(await readdir(stage.sessionFolder)).some((name) => name.startsWith(file)));
  assert.ok((await readdir(stage.sessionFolder)).length >= before.size);
  assert.equal((await me(ben)).status, 401);
  await ben.open("/");
  await ben.close();
});

test("what is stored of a session is encrypted, and for the portal's user alone", async () => {
  const anna = await stage.signedIn("anna");
  const files = await readdir(stage.sessionFolder);
  assert.ok(files.length > 0);
  for (const name of files) assert.doesNotMatch(await readFile(join(stage.sessionFolder, name), "utf8"), /eyJ[\w-]{10,}\.eyJ/);
  assert.equal((await stat(stage.sessionFolder)).mode & 0o777, 0o700);
  await anna.close();
});

test("a session whose file was cut short is over, and nothing worse", async () => {
  const dario = await stage.visitor();
  const before = new Set(await readdir(stage.sessionFolder));
  await dario.signIn("dario");
  const [file] = (await readdir(stage.sessionFolder)).filter((name) => !before.has(name));
  const whole = await readFile(join(stage.sessionFolder, file), "utf8");
  await writeFile(join(stage.sessionFolder, file), whole.slice(0, whole.length / 2));
  assert.equal((await me(dario)).status, 401);
  await dario.close();
});

test("the cookie of a session is for HTTP alone, for all hosts of the portal, and small", async () => {
  const anna = await stage.signedIn("anna");
  const cookie = (await anna.context.cookies()).find(({ name }) => name === SESSION_COOKIE);
  assert.equal(cookie.domain, ".dezky.localhost");
  assert.equal(cookie.httpOnly, true);
  assert.equal(cookie.secure, true);
  assert.equal(cookie.sameSite, "Lax");
  assert.ok(cookie.value.length < 1000, `${cookie.value.length} characters`);
  const hours = (cookie.expires - Date.now() / 1000) / 3600;
  assert.ok(hours > 23.9 && hours <= 24, `${hours} hours`);
  await anna.close();
});

test("a cookie that was tampered with proves nothing", async () => {
  const anna = await stage.signedIn("anna");
  const cookie = (await anna.cookieHeader()).replace(/(dezky-session=.{30})(.)/, (_, before, one) => before + (one === "x" ? "y" : "x"));
  assert.equal((await stage.ask({ path: "/api/me", headers: { cookie } })).status, 401);
  assert.equal((await stage.ask({ path: "/api/me", headers: { cookie: `${SESSION_COOKIE}=nonsense` } })).status, 401);
  await anna.close();
});

test("a session that nobody has used for an hour is over, and its refresh token too", async () => {
  const { visitor: anna, path } = await withFile("anna");
  const cookie = await anna.cookieHeader();
  // Half an hour is none.
  await age(path, 1800);
  assert.equal((await me(anna)).status, 200);
  assert.ok(Date.now() - (await stat(path)).mtimeMs < 60_000, "using it counts from there");
  await anna.page.goto("about:blank");
  const revoked = once(stage.provider.provider, "grant.revoked");
  await age(path, 3601);
  const { status, json } = await stage.ask({ path: "/api/me", headers: { cookie } });
  assert.deepEqual([status, json.code], [401, "token_missing"]);
  await assert.rejects(stat(path), { code: "ENOENT" });
  await revoked;
  await anna.open("/");
  await anna.close();
});

for (const [code, [status, change]] of Object.entries({
  user_disabled: [403, () => ({ status: "disabled" })],
  token_revoked: [401, () => ({ tokensValidAfter: new Date(Date.now() + 1000).toISOString() })],
})) {
  test(`a session ends when the API says ${code}, whatever is so later`, async () => {
    const { visitor: clara, path } = await withFile("clara");
    const { id } = await stage.userOf("clara");
    const revoked = once(stage.provider.provider, "grant.revoked");
    await stage.system.users.update(id, change());
    const first = await me(clara);
    assert.deepEqual([first.status, first.json.code], [status, code]);
    assert.ok(first.headers["set-cookie"].some((text) => text.startsWith(`${SESSION_COOKIE}=;`)), "the browser forgets it too");
    await assert.rejects(stat(path), { code: "ENOENT" });
    await revoked;
    await stage.system.users.update(id, { status: "active", tokensValidAfter: "2026-01-01T00:00:00.000Z" });
    const { status: later, json } = await me(clara);
    assert.deepEqual([later, json.code], [401, "token_missing"]);
    await clara.close();
  });
}

test("after the API ended a session the provider asks for the person again, once", async () => {
  const { visitor: clara } = await withFile("clara");
  const { id } = await stage.userOf("clara");
  const prompt = async () => {
    const { headers } = await clara.ask({ path: "/auth/sign-in" });
    return new URL(headers.location).searchParams.get("prompt");
  };
  assert.equal(await prompt(), null, "a sign-in is as silent as the provider lets it be");
  await stage.system.users.update(id, { tokensValidAfter: new Date(Date.now() + 1000).toISOString() });
  // In the browser, which then keeps what it was told.
  assert.equal(await clara.page.evaluate(async () => (await (await fetch("/api/me")).json()).code), "token_revoked");
  assert.equal(await prompt(), "login", "the same sign-in would be refused for ever");
  await stage.system.users.update(id, { tokensValidAfter: "2026-01-01T00:00:00.000Z" });
  await clara.signIn("clara", "/profile");
  assert.equal(await prompt(), null);
  await clara.close(/401/);
});

test("a session ends when the API says user_deleted", async () => {
  const { visitor: dario, path } = await withFile("dario");
  await stage.system.users.delete((await stage.userOf("dario")).id);
  const { json } = await me(dario);
  assert.equal(json.code, "user_deleted");
  await assert.rejects(stat(path), { code: "ENOENT" });
  assert.equal((await me(dario)).json.code, "token_missing");
  await dario.close();
});

test("a session goes on when the API refuses something else", async () => {
  const clara = await stage.signedIn("clara");
  assert.equal((await clara.ask({ path: "/api/users" })).status, 403);
  assert.equal((await clara.ask({ path: "/api/tenants/fjord" })).status, 404);
  assert.equal((await me(clara)).status, 200);
  await clara.close();
});

test("signing out ends the refresh token at the provider", async () => {
  const { visitor: anna } = await withFile("anna");
  const revoked = once(stage.provider.provider, "grant.revoked");
  assert.equal((await anna.ask({ method: "POST", path: "/auth/sign-out" })).status, 303);
  await revoked;
  await anna.close();
});

const ENDS = {
  "signing out": async (visitor) => assert.equal((await visitor.ask({ method: "POST", path: "/auth/sign-out" })).status, 303),
  "signing in anew": (visitor) => visitor.signIn("ben", "/profile"),
};
for (const [what, end] of Object.entries(ENDS)) {
  test(`${what} wins over a refresh at the same time: what that brings is thrown away, and revoked`, async () => {
    const { provider } = stage.provider;
    stage.provider.settings.tokenSeconds = 20;
    const { visitor: ben, path } = await withFile("ben");
    stage.provider.settings.tokenSeconds = 300;
    await ben.page.goto("about:blank");
    const cookie = await ben.cookieHeader();
    const { arrived, release } = stage.provider.hold();
    const waiting = Array.from({ length: 5 }, () => stage.ask({ path: "/api/me", headers: { cookie } }));
    await arrived;
    await end(ben);
    const brought = once(provider, "refresh_token.saved");
    release();
    assert.deepEqual((await Promise.all(waiting)).map(({ status }) => status), Array(5).fill(401));
    const [{ jti }] = await brought;
    await until(async () => (await provider.RefreshToken.find(jti)) === undefined);
    assert.equal((await stage.ask({ path: "/api/me", headers: { cookie } })).status, 401);
    await assert.rejects(stat(path), { code: "ENOENT" });
    await ben.open("/");
    await ben.close();
  });
}

/** A person who has signed in, and the file of their session. */
async function withFile(name) {
  const before = new Set(await readdir(stage.sessionFolder));
  const visitor = await stage.signedIn(name);
  const [file] = (await readdir(stage.sessionFolder)).filter((one) => !before.has(one));
  return { visitor, path: join(stage.sessionFolder, file) };
}

/** Lets a session not have been used for some seconds. */
async function age(path, seconds) {
  const then = Date.now() / 1000 - seconds;
  await utimes(path, then, then);
}
