"use strict";
const { fromAddon } = require("./errors.cjs");

/**
 * Asks the router of the addon. With a signal the request is ended when it fires: of what was asked for, all has happened
 * or nothing.
 */
async function ask(platform, { actor = null, method, url, headers = "", body = null, signal }) {
  signal?.throwIfAborted();
  if (!signal) {
    try {
      return await platform.request(actor, method, url, headers, body, 0);
    } catch (error) {
      throw fromAddon(error);
    }
  }
  const number = platform.endable();
  return new Promise((resolve, reject) => {
    const aborted = () => {
      platform.end(number);
      reject(signal.reason);
    };
    signal.addEventListener("abort", aborted, { once: true });
    const settle = (end, value) => {
      signal.removeEventListener("abort", aborted);
      end(value);
    };
    platform.request(actor, method, url, headers, body, number).then(
      (answer) => settle(resolve, answer),
      (error) => settle(reject, fromAddon(error)),
    );
  });
}

module.exports = { ask };
