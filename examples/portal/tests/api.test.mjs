// The portal's `/api` is Dezky's API, in process and elsewhere.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { serveApi } from "./harness/api.mjs";
import { Stage } from "./harness/stage.mjs";

for (const [where, prepare] of Object.entries({ "in process": undefined, "over HTTP": (stage) => serveApi(stage) })) {
  describe(where, () => {
    let stage;
    let anna;
    let petra;
    before(async () => {
      stage = await Stage.start({ prepare });
      anna = await stage.signedIn("anna");
      petra = await stage.signedIn("petra");
    });
    after(async () => {
      await anna?.close();
      await petra?.close();
      await stage?.close();
    });

    test("answers as the API does: status, headers, body", async () => {
      const { status, headers, json } = await anna.ask({ path: "/api/tenants/nordlicht" });
      assert.equal(status, 200);
      assert.equal(json.role, "owner");
      assert.match(headers.etag, /^"/);
      assert.match(headers["content-type"], /^application\/json/);
      const unchanged = await anna.ask({ path: "/api/tenants/nordlicht", headers: { "if-none-match": headers.etag } });
      assert.equal(unchanged.status, 304);
      assert.deepEqual((await anna.ask({ path: "/api/me" })).json, (await anna.ask({ path: "/api/users/me" })).json);
    });

    test("filters and cursors", async () => {
      const first = await petra.ask({ path: "/api/tenants?limit=3&status=active" });
      assert.equal(first.json.items.length, 3);
      const second = await petra.ask({ path: `/api/tenants?limit=3&status=active&cursor=${encodeURIComponent(first.json.nextCursor)}` });
      assert.equal(new Set([...first.json.items, ...second.json.items].map(({ id }) => id)).size, 6);
    });

    test("a change of what somebody else has changed is refused", async () => {
      const { headers } = await anna.ask({ path: "/api/tenants/nordlicht" });
      await stage.system.tenants.update("nordlicht", { branding: { accentColor: "#00aa88" } });
      const late = await anna.ask({ method: "PATCH", path: "/api/tenants/nordlicht", body: { name: "Late" }, headers: { "if-match": headers.etag } });
      assert.equal(late.status, 412);
      assert.match(late.headers["content-type"], /^application\/problem\+json/);
      assert.equal((await stage.system.tenants.get("nordlicht")).name, "Nordlicht Architekten");
    });

    test("a repeated creation has one effect", async () => {
      const create = () => petra.ask({ method: "POST", path: "/api/tenants", body: { slug: "once-only", name: "Once" }, headers: { "idempotency-key": "key-1" } });
      const [first, second] = [await create(), await create()];
      assert.equal(first.status, 201);
      assert.equal(second.status, 201);
      assert.equal(first.json.id, second.json.id);
    });

    test("bad fields are named, foreign ones refused, and what one may not see is not there", async () => {
      const bad = await anna.ask({ method: "PATCH", path: "/api/tenants/nordlicht", body: { branding: { primaryColor: "blue" } } });
      assert.equal(bad.status, 422);
      assert.deepEqual(bad.json.errors.map(({ field }) => field), ["branding.primaryColor"]);
      const forbidden = await anna.ask({ method: "PATCH", path: "/api/tenants/nordlicht", body: { plan: "enterprise" } });
      assert.equal(forbidden.status, 403);
      assert.equal((await anna.ask({ path: "/api/tenants/alpina" })).status, 404);
      assert.equal((await anna.ask({ path: "/api/users" })).status, 403);
      const large = await anna.ask({ method: "PATCH", path: "/api/tenants/nordlicht", body: { name: "x".repeat(1024 * 1024 + 1) } });
      assert.equal(large.status, 413);
    });

    test("the launcher is for everybody, by host and by slug", async () => {
      const host = `fjord.dezky.localhost:${stage.port}`;
      const { status, json } = await stage.ask({ path: "/api/launcher", host });
      assert.equal(status, 200);
      assert.equal(json.name, "Fjord Logistikk");
      assert.equal((await stage.ask({ path: "/api/launcher?slug=nordlicht" })).json.slug, "nordlicht");
      assert.equal((await stage.ask({ path: "/api/launcher", host: `nobody.dezky.localhost:${stage.port}` })).status, 404);
    });

    test("a revocation counts on the next request of the same session", async () => {
      const clara = await stage.signedIn("clara");
      assert.equal((await clara.ask({ path: "/api/tenants/nordlicht" })).status, 200);
      await stage.system.members.revoke("nordlicht", (await stage.userOf("clara")).id);
      assert.equal((await clara.ask({ path: "/api/tenants/nordlicht" })).status, 404);
      assert.deepEqual((await clara.ask({ path: "/api/me" })).json.tenants, []);
      await clara.close();
    });

    test("the identity provider may end sessions, proving itself by its token", async () => {
      const { status } = await stage.ask({ method: "POST", path: "/api/oidc/backchannel-logout", body: "logout_token=nonsense", headers: { "content-type": "application/x-www-form-urlencoded" } });
      assert.equal(status, 400);
    });

    if (prepare) {
      test("is asked below its address, with the token and nothing else of the browser's", () => {
        assert.ok(stage.asked.length > 0);
        for (const { path, headers } of stage.asked) {
          assert.match(path, /^\/v1\//);
          assert.equal(headers.cookie, undefined);
          assert.match(headers["x-forwarded-for"], /127\.0\.0\.1/);
        }
      });
    }
  });
}
