// The other end of tests/cases/main.rs: opens stores and answers requests, a line of JSON each.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
const { openAt, setTime } = require("../../lib/addon.cjs");
const { answer } = require("../../lib/fetch.cjs");

const edges = new Map();

async function open({ open, now, options }) {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null));
  edges.set(open, await openAt(JSON.stringify(given), now));
  return {};
}

async function send({ send, now, method, target, headers, body }) {
  setTime(now);
  const host = headers.find(([name]) => name === "host")?.[1];
  // What is no host cannot be said in a URL.
  const origin = `http://${/^[a-z0-9.:[\]-]+$/i.test(host ?? "") ? host : "dezky.test"}`;
  const bytes = Buffer.from(body, "base64");
  const request = new Request(new URL(target, origin), {
    method,
    headers,
    body: bytes.length ? bytes : undefined,
  });
  const response = await answer(edges.get(send), request);
  return {
    status: response.status,
    headers: [...response.headers],
    body: Buffer.from(await response.arrayBuffer()).toString("base64"),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const said = JSON.parse(line);
  if (said.close) {
    const edge = edges.get(said.close);
    edges.delete(said.close);
    await edge?.close();
    continue;
  }
  let answered;
  try {
    answered = await (said.open ? open(said) : send(said));
  } catch (error) {
    answered = { failed: String(error?.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify({ id: said.id, ...answered })}\n`);
}
