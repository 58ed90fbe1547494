// How often each client may ask (generic cell rate algorithm): a steady rate, and some at once.

/** How many clients are told apart. Of more, those that have not asked for the longest begin anew. */
const MOST = 10_000;

export class Rate {
  /** When each client would have used what it was granted, in milliseconds; the one that asked last is the last. */
  #until = new Map<string, number>();
  #interval: number;
  #span: number;

  /**
   * @param perSecond Requests a second of one client.
   * @param seconds For how many seconds of that rate it may ask at once; once in any case.
   */
  constructor(perSecond: number, seconds: number) {
    this.#interval = 1000 / perSecond;
    this.#span = Math.max(seconds * 1000, this.#interval);
  }

  /** Counts a request. Gives the milliseconds to wait where it is one too many, and else 0. */
  take(client: string, now: number): number {
    const until = Math.max(this.#until.get(client) ?? 0, now) + this.#interval;
    const wait = until - now - this.#span;
    if (wait > 0) return wait;
    this.#until.delete(client);
    this.#until.set(client, until);
    if (this.#until.size > MOST) this.#until.delete(this.#until.keys().next().value!);
    return 0;
  }
}
