// Control characters of a request reach no log and no page as they are: a terminal would do what they say.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { Stage } from "./harness/stage.mjs";

/** Control characters of ASCII and Latin-1, but the ends of lines and tabs. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/;
const HOSTILE = "\u001b[2J\u001b]0;owned\u0007\u009b31m\u2028";
const hostile = encodeURIComponent(`${HOSTILE}\r\nthe portal cannot start: FORGED`);

/** What stands around the first control character of a text; `undefined` where there is none. */
function controlIn(text) {
  const at = text.search(CONTROL);
  return at < 0 ? undefined : JSON.stringify(text.slice(Math.max(0, at - 60), at + 20));
}

let stage;
before(async () => (stage = await Stage.start()));
after(() => stage.close());

/** A sign-in that a browser has begun: its cookies, and what stands for it in addresses. */
async function begun() {
  const cookies = new Map();
  const cookie = () => [...cookies].map((pair) => pair.join("=")).join("; ");
  let at = new URL("/auth/sign-in", stage.portalUrl);
  while (at.origin === stage.portalUrl) {
    const { headers } = await stage.ask({ path: at.pathname + at.search, headers: { cookie: cookie() } });
    for (const text of headers["set-cookie"] ?? []) cookies.set(text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1, text.indexOf(";")));
    at = new URL(headers.location, stage.portalUrl);
  }
  return { cookie: cookie(), state: encodeURIComponent(at.searchParams.get("state")) };
}

/** What the portal wrote while `act` ran and until it has written `pattern`. */
async function written(act, pattern) {
  const before = stage.output.length;
  await act();
  await stage.said(pattern);
  return stage.output.slice(before);
}

for (const [where, query] of Object.entries({
  "an error": `error=access_denied${hostile}`,
  "the description of an error": `error=access_denied&error_description=${hostile}`,
  "an error beside a code": `code=none&error=access_denied${hostile}`,
})) {
  test(`${where} that the identity provider sends back is one line of the log, of text`, async () => {
    const { cookie, state } = await begun();
    const output = await written(async () => {
      const { status, text } = await stage.ask({ path: `/auth/oidc/callback?state=${state}&${query}`, headers: { cookie, accept: "text/html" } });
      assert.equal(status, 400);
      assert.equal(controlIn(text), undefined);
      assert.ok(!text.includes("cannot start: FORGED"), "a page does not repeat it");
    }, /access_denied[^]*FORGED/);
    assert.equal(controlIn(output), undefined);
    assert.doesNotMatch(output, /^the portal cannot start/m, "nobody writes lines of their own");
    stage.output = "";
  });
}

test("a long error is cut", async () => {
  const { cookie, state } = await begun();
  const output = await written(() => stage.ask({ path: `/auth/oidc/callback?state=${state}&error=access_denied${"x".repeat(5000)}`, headers: { cookie } }), /access_denied/);
  assert.ok(output.length < 1000, `${output.length} characters`);
});

test("pages show what an address says without its control characters", async () => {
  const anna = await stage.signedIn("petra");
  for (const path of [
    `/platform/users?search=${hostile}`,
    `/platform/tenants?search=${hostile}&plan=${hostile}`,
    `/tenants/${hostile}`,
    `/tenants/nordlicht/members?search=${hostile}`,
    `/${hostile}`,
    `/auth/sign-in?return=${hostile}`,
    `/auth/oidc/callback?error=${hostile}&state=${hostile}`,
    `/auth/oidc/callback?state=a&state=b&error=${hostile}`,
    `/api/tenants/${hostile}`,
    `/api/tenants?search=${hostile}`,
    `/_nuxt/${hostile}`,
  ]) {
    for (const accept of ["text/html", "application/json"]) {
      const { text, headers } = await anna.ask({ path, headers: { accept } });
      assert.equal(controlIn(text), undefined, `${accept} of ${path}`);
      assert.equal(controlIn(JSON.stringify(headers)), undefined, `headers of ${path}`);
    }
  }
  assert.equal(controlIn(stage.output), undefined);
  await anna.close();
});

test("bytes of no address that HTTP knows do not reach the log either", async () => {
  const before = stage.output.length;
  for (const bytes of ["GET /\u009b31m HTTP/1.1\r\nhost: x\r\n\r\n", "GET / HTTP/1.1\r\nhost: \u009b31m\r\n\r\n", "GET /\u001b[2J HTTP/1.1\r\nhost: x\r\n\r\n"]) {
    await new Promise((resolve, reject) => {
      const socket = connect(stage.port, "127.0.0.1", () => socket.end(Buffer.from(bytes, "latin1")));
      socket.once("close", resolve).once("error", reject).resume();
    });
  }
  assert.equal(controlIn(stage.output.slice(before)), undefined);
});
