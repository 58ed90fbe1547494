// The event loop goes on while calls are made; calls end when their signal does; a defect is an error.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Dezky, InternalError } from "@dezky/sdk";
import { start } from "./world.mjs";

/** Has another process hold the lock for writing of an SQLite database until it is released. */
async function hold(file) {
  const program = `
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
`;
  const holder = spawn("python3", ["-c", program, file], { stdio: ["pipe", "pipe", "inherit"] });
  const [said] = await once(holder.stdout, "data");
  assert.equal(String(said).trim(), "held");
  const release = async () => {
    holder.stdin.end();
    const [status] = await once(holder, "exit");
    assert.equal(status, 0);
  };
  return { release };
}

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

test("the loop turns while hundreds of durable writes wait", async () => {
  const lock = await hold(join(world.folder, "data", "dezky.sqlite"));
  const { tenants } = dezky.asSystem("test");
  let answered = 0;
  const writes = Array.from({ length: 400 }, async (_, n) => {
    await tenants.create({ slug: `loop-${n}`, name: "Loop" });
    answered += 1;
  });
  // No write can be made until the loop gives the lock back, and calls that blocked it would wait for that in vain.
  for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
  assert.equal(answered, 0);
  await lock.release();
  await Promise.all(writes);
  assert.equal(answered, 400);
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
