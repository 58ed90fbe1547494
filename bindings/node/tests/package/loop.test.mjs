// The event loop goes on while calls are made; calls end when their signal does; a defect is an error.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { after, before, test } from "node:test";
import { Dezky, InternalError } from "@dezky/sdk";
import { start } from "./world.mjs";

const require = createRequire(import.meta.url);
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

test("the loop turns while hundreds of durable writes are made", async (context) => {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const { tenants } = dezky.asSystem("test");
  let turns = 0;
  let writing = true;
  const turn = () => {
    turns += 1;
    if (writing) setImmediate(turn);
  };
  setImmediate(turn);
  const writes = 400;
  await Promise.all(Array.from({ length: writes }, (_, n) => tenants.create({ slug: `loop-${n}`, name: "Loop" })));
  writing = false;
  delay.disable();
  context.diagnostic(`${writes} writes, ${turns} turns; delay p50 ${delay.percentile(50) / 1e6} ms, p99 ${delay.percentile(99) / 1e6} ms, max ${delay.max / 1e6} ms`);
  // Calls that blocked the loop would all be made before it turns for the first time.
  assert.ok(turns >= 20, `${turns} turns`);
});

test("a signal ends a call, before it and while it is made; what was asked for is done or not, and never half", async () => {
  const system = dezky.asSystem("test");
  await assert.rejects(system.tenants.list({}, { signal: AbortSignal.abort() }), { name: "AbortError" });
  for (let n = 0; n < 50; n += 1) {
    const controller = new AbortController();
    const slug = `aborted-${n}`;
    const call = system.tenants.create({ slug, name: "Aborted" }, { signal: controller.signal });
    if (n % 2) await new Promise(setImmediate);
    controller.abort(new Error("enough"));
    const outcome = await call.then(() => "done", (error) => error.message);
    assert.ok(["done", "enough"].includes(outcome), outcome);
    const there = await system.tenants.get(slug).catch(() => undefined);
    const events = there ? (await system.audit.list({ tenant: slug })).items.map((item) => item.action) : [];
    assert.deepEqual(events, there ? ["tenant.create"] : [], slug);
  }
});

test("fetch ends with the signal of its request", async () => {
  const controller = new AbortController();
  const request = new Request("http://dezky.test/users/me", {
    headers: { authorization: `Bearer ${world.people.anna.token}` },
    signal: controller.signal,
  });
  const answer = dezky.fetch(request);
  controller.abort();
  await assert.rejects(answer, { name: "AbortError" });
});

test("a panic is an error, and the process goes on", async () => {
  const addon = require("../../lib/addon.cjs");
  const { fromAddon } = require("../../lib/errors.cjs");
  const now = () => {
    try {
      addon.panicNow();
    } catch (error) {
      return fromAddon(error);
    }
  };
  for (const error of [await addon.panic().catch(fromAddon), now()]) {
    assert.ok(error instanceof InternalError, String(error));
    assert.doesNotMatch(error.message, /a test asked for it/);
  }
  assert.equal((await dezky.asUser(world.people.anna.token).me()).user.name, "Anna Example");
});
