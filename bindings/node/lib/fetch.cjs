"use strict";
const { ask } = require("./call.cjs");

/** What the API takes in, and one byte more: by it the router sees that a body is too large. */
const MOST = 1024 * 1024 + 1;

/** Answers of these have no body (https://fetch.spec.whatwg.org/#null-body-status). */
const BODILESS = new Set([101, 103, 204, 205, 304]);

/** The body, as far as the API would look at it. */
async function bodyOf(request) {
  if (!request.body) return null;
  const parts = [];
  let length = 0;
  for await (const part of request.body) {
    parts.push(part);
    length += part.byteLength;
    if (length >= MOST) break;
  }
  const whole = Buffer.concat(parts);
  return whole.length > MOST ? whole.subarray(0, MOST) : whole;
}

/** The whole API as a web-standard handler. */
async function answer(platform, request) {
  const lines = [];
  for (const [name, value] of request.headers) {
    // The length is that of the body as it is handed over.
    if (name !== "content-length") lines.push(name, value);
  }
  const said = await ask(platform, {
    method: request.method,
    url: request.url,
    headers: lines.join("\n"),
    body: await bodyOf(request),
    signal: request.signal,
  });
  const headers = new Headers();
  const told = said.headers.split("\n");
  for (let at = 0; at + 1 < told.length; at += 2) headers.append(told[at], told[at + 1]);
  return new Response(BODILESS.has(said.status) ? null : said.body, { status: said.status, headers });
}

module.exports = { answer };
