// Errors are classes in both kinds of modules, with everything that the API says.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import * as sdk from "@dezky/sdk";
import { start } from "./world.mjs";

const require = createRequire(import.meta.url);
const { Dezky, DezkyError } = sdk;
let world;
let dezky;
before(async () => {
  world = await start();
  dezky = await Dezky.open(world.options);
});
after(async () => {
  await dezky?.close();
  await world?.stop();
});

test("an error has its class, code, status, fields and request id", async () => {
  const error = await dezky.asSystem("test").tenants.create({ slug: "A", plan: "a b" }).catch((error) => error);
  assert.ok(error instanceof sdk.InvalidError && error instanceof DezkyError && error instanceof Error);
  assert.deepEqual([error.name, error.kind, error.code, error.status, error.retryable], ["InvalidError", "invalid", "invalid_fields", 422, false]);
  assert.deepEqual(error.fields.map((field) => field.field).sort(), ["name", "plan", "slug"]);
  assert.match(error.requestId, /^[0-9a-f]{24}$/);
  assert.match(error.stack, /errors\.test\.mjs|scope\.cjs/);
});

test("instanceof works across CommonJS and ES modules", async () => {
  const required = require("@dezky/sdk");
  assert.deepEqual(Object.keys(required).sort(), Object.keys(sdk).filter((name) => !["default", "module.exports"].includes(name)).sort());
  const error = await dezky.asUser("no token").me().catch((error) => error);
  assert.ok(error instanceof required.UnauthenticatedError && error instanceof sdk.UnauthenticatedError);
  assert.equal(error.status, 401);
});

test("a wrong setting is named as the program calls it", async () => {
  const wrong = (options, message) => assert.rejects(Dezky.open({ ...world.options, ...options }), (error) => {
    assert.ok(error instanceof sdk.ConfigurationError, String(error));
    assert.match(error.message, message);
    return true;
  });
  await wrong({ store: "nowhere" }, /^the option `store`: /);
  await wrong({ publicDomain: "not a domain" }, /^the option `publicDomain`: /);
  await wrong({ stor: "x" }, /unknown field `stor`/);
  await wrong({ issuers: [{ id: "a", urls: ["x"], audiences: [] }] }, /^the option `issuers`: /);
  await assert.rejects(Dezky.open({ environment: false }), /`DEZKY_STORE`/);
});

test("what is closed says so", async () => {
  const other = await Dezky.open(world.options);
  await other.close();
  await other.close();
  await assert.rejects(other.asUser(world.people.anna.token).me(), { code: "closed", retryable: false });
  await assert.rejects(other.verify(world.people.anna.token), { code: "closed", retryable: false });
  assert.throws(() => other.verifySync(world.people.anna.token), { code: "closed" });
});

test("closing waits for what is under way", async () => {
  const other = await Dezky.open(world.options);
  const slugs = Array.from({ length: 20 }, (_, n) => `closing-${n}`);
  const writes = Promise.all(slugs.map((slug) => other.asSystem("test").tenants.create({ slug, name: "C" })));
  await other.close();
  assert.equal((await writes).length, slugs.length);
  for (const slug of slugs) assert.equal((await dezky.asSystem("test").tenants.get(slug)).slug, slug);
});

test("no constructor but open makes one", () => {
  assert.throws(() => new Dezky(), TypeError);
});
