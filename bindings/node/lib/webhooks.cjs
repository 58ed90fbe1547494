"use strict";
const { createHmac, timingSafeEqual } = require("node:crypto");

/** Beginning of a secret. */
const SECRET = "whsec_";

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
  if (typeof secret !== "string" || !secret.startsWith(SECRET)) {
    throw new TypeError(`a secret of an endpoint begins with \`${SECRET}\``);
  }
  return Buffer.from(secret.slice(SECRET.length), "base64");
}

/** Verifies a webhook, and returns its event. See index.d.ts. */
function verifyWebhook(body, headers, secrets, options = {}) {
  const keys = (Array.isArray(secrets) ? secrets : [secrets]).map(keyOf);
  const id = header(headers, "webhook-id");
  const time = header(headers, "webhook-timestamp");
  const signatures = header(headers, "webhook-signature").split(" ");
  const now = Math.floor((options.now ?? new Date()).getTime() / 1000);
  if (!/^\d{1,12}$/.test(time) || Math.abs(now - Number(time)) > (options.tolerance ?? TOLERANCE)) {
    throw new WebhookVerificationError("the webhook was signed too long ago, or ahead of time: set the clock of this machine right");
  }
  const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : Buffer.from(body);
  const fits = (key) => {
    const expected = createHmac("sha256", key).update(`${id}.${time}.`).update(bytes).digest();
    return signatures.some((signature) => {
      const given = signature.startsWith("v1,") ? Buffer.from(signature.slice(3), "base64") : Buffer.alloc(0);
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
  };
  if (!keys.some(fits)) {
    throw new WebhookVerificationError("the signature fits none of the secrets, or the body is not as it was sent, byte for byte");
  }
  return JSON.parse(bytes.toString("utf8"));
}

module.exports = { WebhookVerificationError, verifyWebhook };
