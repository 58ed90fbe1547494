"use strict";
const { Platform } = require("./addon.cjs");
const { ask } = require("./call.cjs");
const { fromAddon } = require("./errors.cjs");
const { answer } = require("./fetch.cjs");
const { header, read, scope } = require("./scope.cjs");
const { Verification } = require("./verification.cjs");

/** Only `open` has it. */
const OPENED = Symbol("opened");

/** Dezky inside this process. See index.d.ts. */
class Dezky {
  #platform;
  #verification;

  constructor(opened, platform) {
    if (opened !== OPENED) throw new TypeError("use `await Dezky.open(…)`");
    this.#platform = platform;
    this.#verification = new Verification(platform);
    this.fetch = (request) => answer(platform, request);
  }

  static async open(options = {}) {
    try {
      return new Dezky(OPENED, await Platform.open(JSON.stringify(options)));
    } catch (error) {
      throw fromAddon(error);
    }
  }

  asUser(accessToken) {
    return scope(this.#platform, { authorization: `Bearer ${header("accessToken", accessToken)}` });
  }

  asSystem(name) {
    try {
      Platform.checkActor(String(name));
    } catch (error) {
      throw fromAddon(error);
    }
    return scope(this.#platform, { actor: String(name) });
  }

  async verify(accessToken, { signal } = {}) {
    signal?.throwIfAborted();
    const verified = this.#verification.now(accessToken);
    if (verified !== undefined) return verified;
    const waiting = this.#verification.later(accessToken);
    if (!signal) return waiting;
    return new Promise((resolve, reject) => {
      const aborted = () => reject(signal.reason);
      signal.addEventListener("abort", aborted, { once: true });
      waiting.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
    });
  }

  verifySync(accessToken) {
    return this.#verification.now(accessToken);
  }

  async launcher(host, { signal } = {}) {
    return read(
      await ask(this.#platform, {
        method: "GET",
        url: "/launcher",
        headers: `host\n${header("host", host)}`,
        signal,
      }),
    );
  }

  async close() {
    await this.#platform.close();
  }

  async [Symbol.asyncDispose]() {
    await this.close();
  }
}

module.exports = { Dezky };
