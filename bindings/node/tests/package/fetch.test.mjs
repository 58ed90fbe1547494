// The whole API as a web-standard handler, in the frameworks of the README too.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Dezky } from "@dezky/sdk";
import express from "express";
import { createApp, createRouter, toNodeListener } from "h3";
import { start } from "./world.mjs";
// The code blocks of the README, as scripts/readme.mjs has compiled them.
import { dezkyApi as expressApi } from "../.readme/express.js";
import { dezkyApi as honoApi } from "../.readme/hono.js";
import { dezkyApi as nitroApi } from "../.readme/nitro.js";

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

const headers = () => ({ authorization: `Bearer ${world.people.anna.token}` });

test("it is handed over as it is, and answers what the server answers", async () => {
  const { fetch: handler } = dezky;
  const own = await handler(new Request("http://dezky.test/users/me", { headers: headers() }));
  const served = await fetch(`${world.origin}/users/me`, { headers: headers() });
  assert.equal(own.status, 200);
  assert.equal(own.headers.get("etag"), served.headers.get("etag"));
  assert.equal(await own.text(), await served.text());
});

test("an answer without a body has none", async () => {
  const first = await dezky.fetch(new Request("http://dezky.test/users/me", { headers: headers() }));
  const conditional = { ...headers(), "if-none-match": first.headers.get("etag") };
  const second = await dezky.fetch(new Request("http://dezky.test/users/me", { headers: conditional }));
  assert.deepEqual([second.status, second.body], [304, null]);
});

test("a body that is too large is refused and not taken in", async () => {
  let given = 0;
  const endless = new ReadableStream({
    pull(controller) {
      given += 65_536;
      controller.enqueue(new Uint8Array(65_536));
    },
  });
  const request = new Request("http://dezky.test/tenants", { method: "POST", body: endless, duplex: "half", headers: headers() });
  assert.equal((await dezky.fetch(request)).status, 413);
  assert.ok(given <= 2 * 1024 * 1024, `${given} bytes were taken in`);
});

async function served(listener) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { origin: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

test("Hono mounts it", async () => {
  const answer = await honoApi(dezky).request("/api/users/me", { headers: headers() });
  assert.equal((await answer.json()).user.name, "Anna Example");
});

for (const [name, listener] of [
  ["Express", () => express().use("/api", expressApi(dezky))],
  ["Nitro", () => toNodeListener(createApp().use(createRouter().use("/api/**", nitroApi(dezky))))],
]) {
  test(`${name} mounts it`, async () => {
    const server = await served(listener());
    try {
      const profile = await fetch(`${server.origin}/api/users/me`, { headers: headers() });
      assert.equal((await profile.json()).user.name, "Anna Example");
      const refused = await fetch(`${server.origin}/api/tenants`, {
        method: "POST",
        headers: { ...headers(), "content-type": "application/json" },
        body: JSON.stringify({ slug: "a", name: "A" }),
      });
      assert.equal(refused.headers.get("content-type"), "application/problem+json");
      assert.ok([403, 422].includes(refused.status), `${refused.status}`);
    } finally {
      server.stop();
    }
  });
}
