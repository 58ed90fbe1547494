"use strict";
const { createHmac, timingSafeEqual } = require("node:crypto");

/** A secret of an endpoint: its key stands in it in Base64. */
const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;

/** Seconds by which the time of a webhook may differ from this machine's. */
const TOLERANCE = 5 * 60;

/** What a webhook is refused with. See index.d.ts. */
class WebhookVerificationError extends Error {
  get name() {
    return this.constructor.name;
  }
}

function header(headers, name) {
  const value = typeof headers.get === "function" ? headers.get(name) : headers[name];
  if (typeof value !== "string" || value === "") throw new WebhookVerificationError(`the header \`${name}\` is missing`);
  return value;
}

function keyOf(secret) {
  const key = SECRET.exec(secret)?.[1];
  if (!key) throw new TypeError("a secret of an endpoint is `whsec_` and a key in Base64: take it as creating or rotating the endpoint answered it");
  return Buffer.from(key, "base64");
}

/** Refuses what was signed at another time than now, as far as is tolerated. */
function checkTime(time, now, tolerance) {
  if (!/^\d{1,12}$/.test(time)) throw new WebhookVerificationError("the header `webhook-timestamp` is not a number of seconds");
  // Turned this way round, so that a tolerance or a time that is no number refuses.
  if (!(Math.abs(now.getTime() / 1000 - Number(time)) <= tolerance)) {
    throw new WebhookVerificationError(`the webhook was not signed within ${tolerance} seconds of now: if it is new, set the clock of this machine right`);
  }
}

/** Verifies a webhook, and returns its event. See index.d.ts. */
function verifyWebhook(body, headers, secrets, { tolerance = TOLERANCE, now = new Date() } = {}) {
  const keys = [secrets].flat().map(keyOf);
  const [id, time, signatures] = ["id", "timestamp", "signature"].map((name) => header(headers, `webhook-${name}`));
  checkTime(time, now, tolerance);
  const bytes = Buffer.from(body);
  const given = signatures.split(" ").map((signature) => Buffer.from(signature));
  const expected = keys.map((key) => Buffer.from(`v1,${createHmac("sha256", key).update(`${id}.${time}.`).update(bytes).digest("base64")}`));
  // Lengths are no secret.
  if (!expected.some((one) => given.some((other) => one.length === other.length && timingSafeEqual(one, other)))) {
    throw new WebhookVerificationError("the signature fits none of the secrets, or the body is not as it was sent, byte for byte");
  }
  return JSON.parse(bytes.toString());
}

module.exports = { WebhookVerificationError, verifyWebhook };
