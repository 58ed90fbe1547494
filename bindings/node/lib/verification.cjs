"use strict";
const { fromAddon } = require("./errors.cjs");

/** As many tokens as the addon has numbers for. */
const MOST = 10_000;

/** Verifies tokens, and gives the same object for a token that is still remembered. */
class Verification {
  #platform;
  #known = new Map();

  constructor(platform) {
    this.#platform = platform;
  }

  /** Here and now; `undefined` when keys must be fetched first. */
  now(accessToken) {
    let told;
    try {
      told = this.#platform.verifyNow(accessToken);
    } catch (error) {
      throw fromAddon(error);
    }
    // A number, far oftener than not.
    if (typeof told === "number") return this.#known.get(told) ?? this.#learn(this.#platform.token(told));
    return told === null || told === undefined ? undefined : this.#learn(told);
  }

  async later(accessToken) {
    let told;
    try {
      told = await this.#platform.verify(accessToken);
    } catch (error) {
      throw fromAddon(error);
    }
    if (typeof told === "number") return this.#known.get(told) ?? this.#learn(this.#platform.token(told));
    return this.#learn(told);
  }

  #learn(json) {
    const { number, token } = JSON.parse(json);
    if (this.#known.size >= MOST) this.#known.delete(this.#known.keys().next().value);
    this.#known.set(number, Object.freeze(token));
    return token;
  }
}

module.exports = { Verification };
