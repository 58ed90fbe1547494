// Cookies: what keeps other sites, other hosts and pages without TLS from setting, sending or reading those that matter.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Stage } from "./harness/stage.mjs";

let stage;
before(async () => (stage = await Stage.start()));
after(() => stage.close());

/** A `Set-Cookie` header by its parts. */
function parsed(text) {
  const [pair, ...attributes] = text.split("; ");
  const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
  return { name, value, ...Object.fromEntries(attributes.map((one) => one.split("=")).map(([key, given = true]) => [key.toLowerCase(), given])) };
}

/** All cookies that the portal sets while a person signs in and out, as it writes them. */
async function cookiesOfALife() {
  const anna = await stage.visitor();
  const found = [];
  anna.page.on("response", async (response) => {
    if (!response.url().startsWith(stage.portalUrl)) return;
    for (const { name, value } of await response.headersArray()) if (name.toLowerCase() === "set-cookie") found.push(parsed(value));
  });
  await anna.signIn("anna");
  await anna.page.getByRole("button", { name: /^Account: / }).click();
  await anna.page.getByRole("radio", { name: "Dark" }).focus();
  await anna.page.keyboard.press("Space");
  found.push(...(await anna.page.evaluate(async () => (await cookieStore.getAll()).map(({ name, domain, path, secure, sameSite }) => ({ name, domain, path, secure, samesite: sameSite === "lax" ? "Lax" : sameSite })))));
  const out = await anna.ask({ method: "POST", path: "/auth/sign-out" });
  found.push(...out.headers["set-cookie"].map(parsed));
  await anna.close();
  return found;
}

test("every cookie is for HTTPS and the portal's own pages, and has a prefix that browsers hold it to", async () => {
  const found = await cookiesOfALife();
  const names = new Set(found.map(({ name }) => name));
  assert.ok(names.size >= 2, [...names].join());
  for (const cookie of found) {
    const { name } = cookie;
    assert.match(name, /^__(?:Host|Secure)-/, name);
    assert.equal(cookie.secure, true, name);
    // Scripts read what a person has chosen, and nothing else.
    assert.equal(cookie.httponly ?? false, !/-(?:language|theme)$/.test(name), name);
    assert.equal(cookie.samesite, "Lax", name);
    assert.equal(cookie.path, "/", name);
    // Of one host where one host reads it; launchers at hosts of their own read the session's.
    assert.equal(cookie.domain, name.startsWith("__Host-") ? undefined : "dezky.localhost", name);
  }
  assert.deepEqual([...names].sort(), ["__Host-dezky-sign-in", "__Secure-dezky-language", "__Secure-dezky-session", "__Secure-dezky-theme"]);
});

test("a session is read from its cookie and from no other header", async () => {
  const anna = await stage.signedIn("anna");
  const cookies = await anna.context.cookies(stage.portalUrl);
  for (const { name, value } of cookies) {
    const bare = name.replace(/^__\w+-/, "");
    const headers = Object.fromEntries([name, bare, "nuxt-oidc-auth", "oidc", "h3"].map((one) => [`x-${one.toLowerCase()}-session`, value]));
    for (const cookie of [undefined, `${name}=nonsense`, `${bare}=${value}`]) {
      const { status, headers: answered } = await stage.ask({ path: "/api/me", headers: { ...headers, ...(cookie && { cookie }) } });
      // A cookie without its prefix is anybody's to set.
      if (cookie !== `${name}=${value}`) assert.equal(status, 401, `${name} beside ${cookie}`);
      assert.equal(answered["set-cookie"], undefined, "nobody gets a session by asking");
    }
  }
  await anna.close();
});

test("a sign-in is read from its cookie and from no other header", async () => {
  let cookies = {};
  let at = "/auth/sign-in";
  for (;;) {
    const { headers } = await stage.ask({ path: at, headers: { cookie: Object.entries(cookies).map((pair) => pair.join("=")).join("; ") } });
    cookies = { ...cookies, ...Object.fromEntries((headers["set-cookie"] ?? []).map(parsed).map(({ name, value }) => [name, value])) };
    const next = new URL(headers.location, stage.portalUrl);
    at = next.href;
    if (next.origin !== stage.portalUrl) break;
    at = next.pathname + next.search;
  }
  const state = new URL(at).searchParams.get("state");
  const path = `/auth/oidc/callback?state=${encodeURIComponent(state)}&error=access_denied&code=none`;
  const sealed = Object.entries(cookies);
  const headers = Object.fromEntries(sealed.flatMap(([name, value]) => [name, name.replace(/^__\w+-/, "")].map((one) => [`x-${one.toLowerCase()}-session`, value])));
  const before = stage.output;
  const refused = await stage.ask({ path, headers: { ...headers, cookie: sealed.map(([name]) => `${name}=nonsense`).join("; ") } });
  assert.equal(refused.status, 400);
  assert.equal(stage.output, before, "what is not of a sign-in that began here does not reach the log");
  const own = await stage.ask({ path, headers: { cookie: sealed.map((pair) => pair.join("=")).join("; ") } });
  assert.equal(own.status, 400);
  await stage.said(/access_denied/);
});

test("in a browser, another host of the domain cannot plant a sign-in, nor a page without TLS a session", async () => {
  const visitor = await stage.visitor();
  await visitor.open(stage.launcherUrl("nordlicht"));
  const after = await visitor.page.evaluate(() => {
    document.cookie = "__Host-dezky-sign-in=planted; path=/; domain=dezky.localhost; secure";
    document.cookie = "__Host-dezky-sign-in=planted; path=/auth; secure";
    document.cookie = "__Secure-dezky-session=planted; path=/; domain=dezky.localhost";
    return document.cookie;
  });
  assert.doesNotMatch(after, /planted/);
  assert.deepEqual((await visitor.context.cookies(stage.portalUrl)).filter(({ value }) => value === "planted"), []);
  await visitor.close();
});
