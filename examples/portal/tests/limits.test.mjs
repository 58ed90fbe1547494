// How often one client may have pages rendered, and who that client is.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertAccessible } from "./harness/looks.mjs";
import { Stage } from "./harness/stage.mjs";

/** One page now, and the next one in 100 seconds: no machine is so slow that it has more. */
const SLOW = { NUXT_PAGE_RATE: "0.01" };

/** The status of a page for a client. */
const page = async (stage, headers = {}, path = "/") => (await stage.ask({ path, headers: { accept: "text/html", ...headers } })).status;

describe("behind no proxy", () => {
  let stage;
  before(async () => (stage = await Stage.start({ settings: SLOW })));
  after(() => stage?.close());

  test("a client that wants too many pages is told to wait, by a page of its language that costs nothing", async () => {
    assert.equal(await page(stage), 200);
    const { status, headers, text } = await stage.ask({ path: "/", headers: { "accept-language": "de-CH,en;q=0.5" } });
    assert.equal(status, 429);
    const seconds = Number(headers["retry-after"]);
    assert.ok(seconds > 0 && seconds <= 100, headers["retry-after"]);
    assert.match(text, /<html lang="de">/);
    assert.match(text, new RegExp(`Warten Sie ${seconds} s`));
    assert.equal(headers["cache-control"], "no-store");
    assert.match(headers["content-security-policy"], /default-src 'none'/);
    // Whatever renders one: errors, other hosts, and what says that somebody else has sent it.
    for (const path of ["/nowhere", "/profile", "/auth/oidc/callback?error=x", "/__nuxt_error", "/api"]) assert.equal(await page(stage, {}, path), 429, path);
    assert.equal(await page(stage, { host: `nordlicht.dezky.localhost:${stage.port}` }), 429);
    assert.equal(await page(stage, { "x-forwarded-for": "192.0.2.1" }), 429);
    const visitor = await stage.visitor();
    await visitor.page.goto(stage.portalUrl);
    await visitor.page.getByRole("heading", { name: "Too many requests" }).waitFor();
    await visitor.picture("too-many-requests");
    await assertAccessible(visitor.page);
    await visitor.close(/status of 429/);
  });

  test("probes, files and the API are not meant", async () => {
    assert.equal(await page(stage), 429);
    assert.equal((await stage.ask({ path: "/healthz" })).status, 200);
    assert.equal((await stage.ask({ path: "/icon.svg" })).status, 200);
    assert.equal((await stage.ask({ path: "/api/launcher?slug=nordlicht" })).status, 200);
  });
});

describe("behind proxies", () => {
  let stage;
  before(async () => (stage = await Stage.start({ settings: { ...SLOW, NUXT_TRUSTED_PROXIES: "127.0.0.1, 10.0.0.0/8, fd00::/8" } })));
  after(() => stage?.close());
  const from = (forwarded) => page(stage, { "x-forwarded-for": forwarded });

  test("the client is whom the nearest trusted proxy names, and what it says before that counts for nothing", async () => {
    assert.equal(await from("192.0.2.1"), 200);
    assert.equal(await from("192.0.2.1"), 429);
    assert.equal(await from("198.51.100.7, 192.0.2.1"), 429);
    assert.equal(await from("192.0.2.1, 10.1.2.3"), 429, "through two of them");
    assert.equal(await from("192.0.2.1, 192.0.2.2"), 200, "through one that nobody knows");
    assert.equal(await from("::ffff:192.0.2.1"), 429);
    assert.equal(await from("192.0.2.3"), 200);
  });

  test("a network of IPv6 is one client", async () => {
    assert.equal(await from("2001:db8:1:2::1"), 200);
    assert.equal(await from("2001:db8:1:2:ffff:ffff:ffff:ffff"), 429);
    assert.equal(await from("2001:0db8:0001:0002::7, fd00::3"), 429);
    assert.equal(await from("2001:db8:1:3::1"), 200);
  });
});

describe("without a limit", () => {
  let stage;
  before(async () => (stage = await Stage.start({ settings: { NUXT_PAGE_RATE: "off" } })));
  after(() => stage?.close());

  test("nobody waits", async () => {
    const answers = await Promise.all(Array.from({ length: 150 }, () => page(stage)));
    assert.deepEqual([...new Set(answers)], [200]);
  });
});

test("a person who works is not limited by what holds unless it is set otherwise", async () => {
  const stage = await Stage.start();
  const answers = await Promise.all(Array.from({ length: 60 }, () => page(stage)));
  assert.deepEqual([...new Set(answers)], [200]);
  await stage.close();
});
