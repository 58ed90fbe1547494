// What other sites, other hosts and scripts of a page cannot do.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Stage } from "./harness/stage.mjs";

let stage;
let anna;
before(async () => {
  stage = await Stage.start();
  anna = await stage.signedIn("anna");
});
after(() => stage.close());

const rename = (headers, more = {}) => anna.ask({ method: "PATCH", path: "/api/tenants/nordlicht", body: { name: "Taken over" }, headers, ...more });

test("a change is accepted from pages of the application alone", async () => {
  const host = `nordlicht.dezky.localhost:${stage.port}`;
  const refused = {
    "of another site": rename({ origin: "https://evil.example", "sec-fetch-site": "cross-site" }),
    "of another site, in a browser without Sec-Fetch-Site": rename({ origin: "https://evil.example", "sec-fetch-site": "" }),
    "of a sandboxed page": rename({ origin: "null" }),
    "of a launcher": rename({ origin: stage.launcherUrl("nordlicht"), "sec-fetch-site": "same-site" }),
    "with a forged origin": rename({ "sec-fetch-site": "cross-site" }),
    "at the host of a launcher": rename({ origin: stage.launcherUrl("nordlicht") }, { host }),
    "of another port": rename({ origin: "http://app.dezky.localhost:1", "sec-fetch-site": "same-site" }),
  };
  for (const [what, answer] of Object.entries(refused)) {
    const { status, json } = await answer;
    assert.equal(status, 403, what);
    assert.equal(json.code, "foreign_origin", what);
  }
  const cookie = await anna.cookieHeader();
  const bare = await stage.ask({ method: "PATCH", path: "/api/tenants/nordlicht", body: { name: "Taken over" }, headers: { cookie } });
  assert.equal(bare.status, 403, "without an origin");
  assert.equal((await stage.system.tenants.get("nordlicht")).name, "Nordlicht Architekten");

  const own = await rename({});
  assert.equal(own.status, 200);
  await stage.system.tenants.update("nordlicht", { name: "Nordlicht Architekten" });
});

test("data are not for pages of other sites", async () => {
  assert.equal((await anna.ask({ path: "/api/me", headers: { "sec-fetch-site": "cross-site" } })).status, 403);
  const { headers } = await anna.ask({ path: "/api/me", headers: { origin: "https://evil.example", "sec-fetch-site": "" } });
  assert.equal(headers["access-control-allow-origin"], undefined);
  assert.equal(headers["cross-origin-resource-policy"], "same-origin");
});

test("hosts that are none of the portal's are refused", async () => {
  for (const host of ["evil.example", "127.0.0.1", `a.b.dezky.localhost:${stage.port}`, `dezky.localhost:${stage.port}`, "app.dezky.localhost:1", `-x.dezky.localhost:${stage.port}`]) {
    assert.equal((await anna.ask({ path: "/", host })).status, 421, host);
  }
});

test("the session is the only proof: an access token that a browser sends counts for nothing", async () => {
  const { status, json } = await stage.ask({ path: "/api/me", headers: { authorization: "Bearer eyJhbGciOiJub25lIn0.e30." } });
  assert.equal(status, 401);
  assert.equal(json.code, "token_missing");
});

test("what the sign-in library would publish is not there", async () => {
  for (const [method, path] of [["GET", "/api/_auth/session"], ["DELETE", "/api/_auth/session"], ["POST", "/api/_auth/refresh"]]) {
    const { status, text } = await anna.ask({ method, path });
    assert.equal(status, 404, path);
    assert.doesNotMatch(text, /eyJ/);
  }
  assert.equal((await anna.ask({ path: "/api/me" })).status, 200);
});

test("operators' routes and paths that lead elsewhere are not handed on", async () => {
  for (const path of ["/api/metrics", "/api/healthz", "/api/readyz", "/api/tenants/../metrics", "/api/tenants/%2e%2e/metrics", "/api//evil.example/tenants", "/api/usersx"]) {
    assert.equal((await anna.ask({ path })).status, 404, path);
  }
});

test("pages have a strict policy, with a nonce of their own", async () => {
  const nonces = new Set();
  for (const _ of [1, 2]) {
    const { headers, text } = await anna.ask({ path: "/" });
    const policy = headers["content-security-policy"];
    const directives = Object.fromEntries(policy.split("; ").map((line) => [line.split(" ")[0], line.split(" ").slice(1).join(" ")]));
    const nonce = /'nonce-([^']+)'/.exec(directives["script-src"])[1];
    nonces.add(nonce);
    assert.equal(directives["script-src"], `'self' 'nonce-${nonce}'`);
    assert.equal(directives["default-src"], "'none'");
    assert.equal(directives["base-uri"], "'none'");
    assert.equal(directives["frame-ancestors"], "'none'");
    assert.equal(directives["connect-src"], "'self'");
    for (const [tag] of text.matchAll(/<script[^>]*>/g)) assert.ok(tag.includes(`nonce="${nonce}"`), tag);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["cache-control"], "no-store");
  }
  assert.equal(nonces.size, 2);
});

test("no answer says what the portal is made with", async () => {
  const launcher = `nordlicht.dezky.localhost:${stage.port}`;
  for (const { path, ...more } of [
    { path: "/" },
    { path: "/", host: launcher },
    { path: "/nowhere" },
    { path: "/nowhere", headers: { accept: "text/html" } },
    { path: "/__nuxt_error" },
    { path: "/auth/oidc/callback", headers: { accept: "text/html" } },
    { path: "/api/me" },
    { path: "/api/nowhere" },
    { path: "/", host: "elsewhere.example" },
    { path: "/healthz" },
    { path: "/icon.svg" },
    { path: "/_nuxt/builds/latest.json" },
    { path: "/tenants/nordlicht/_payload.json" },
    { path: "/__nuxt_island/x.json" },
  ]) {
    const { headers } = await anna.ask({ path, ...more });
    assert.equal(headers["x-powered-by"], undefined, `${path} at ${more.host ?? "the application"}`);
    assert.equal(headers.server, undefined, path);
  }
});

test("a script that got into a page does not run", async () => {
  const visitor = await stage.visitor();
  await visitor.open(stage.launcherUrl("nordlicht"));
  const ran = await visitor.page.evaluate(async () => {
    const blocked = new Promise((resolve) => document.addEventListener("securitypolicyviolation", resolve, { once: true }));
    const image = document.createElement("img");
    image.src = "data:,";
    image.setAttribute("onerror", "window.ran = true");
    document.body.append(image);
    await blocked;
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    return window.ran === true;
  });
  assert.equal(ran, false);
  await visitor.close(/Content Security Policy|data:,/);
});

test("what people write stays text", async () => {
  const name = `</script><script>window.ran = true</script><img src=x onerror="window.ran = true">`;
  await stage.system.tenants.update("fjord", { name });
  const visitor = await stage.visitor();
  await visitor.open(stage.launcherUrl("fjord"));
  await visitor.page.getByText("</script><script>").first().waitFor();
  assert.equal(await visitor.page.evaluate(() => window.ran), undefined);
  await stage.system.tenants.update("fjord", { name: "Fjord Logistikk" });
  await visitor.close();
});

test("no token reaches a browser, whatever pages it opens", async () => {
  for (const path of ["/", "/profile", "/tenants", "/tenants/nordlicht", "/platform/tenants", stage.launcherUrl("nordlicht")]) await anna.page.goto(new URL(path, stage.portalUrl).href);
  assert.deepEqual(await anna.lookForTokens(), []);
});
