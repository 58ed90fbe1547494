// Answers that go on, as `dezky serve` gives them: a document as server-sent events, once more after each change.
import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";

/** How soon a browser connects again, in milliseconds: tests wait for it. */
const RETRY = 100;

const TYPE = { "content-type": "text/event-stream" };

const tagOf = (text) => `"${createHash("sha256").update(text).digest("base64url")}"`;

/** The streams of a stage. */
export class Streams {
  /** The open ones; each function ends one. */
  #open = new Set();
  #told = new EventEmitter().setMaxListeners(0);
  /** How the streams of this API go on: `held` open, `single` events, `collected` by a proxy until their end, or `absent`. */
  kind = "held";

  get size() {
    return this.#open.size;
  }

  /** Waits until so many streams are open; thirty seconds at the most, so that one that a failed test has left open fails the next. */
  async until(size) {
    const signal = AbortSignal.timeout(30_000);
    while (this.#open.size !== size) await once(this.#told, "number", { signal });
  }

  /** Has every stream look again. */
  look() {
    this.#told.emit("look");
  }

  /** Ends all streams, as a server does that stops. */
  end() {
    for (const end of this.#open) end();
  }

  /** Ends all streams with a problem. */
  refuse(problem) {
    this.#told.emit("refuse", problem);
  }

  /**
   * The answer to a request for a stream.
   *
   * @param {Request} request
   * @param {string} name The name of its events.
   * @param {() => Promise<Response>} look The document as an answer like any other.
   */
  async answer(request, name, look) {
    const first = await look();
    if (first.status !== 200 || this.kind === "absent") return first;
    const text = await first.text();
    let seen = request.headers.get("last-event-id");
    const event = (document) => {
      if (tagOf(document) === seen) return null;
      seen = tagOf(document);
      return `event: ${name}\nid: ${seen}\ndata: ${document}\n\n`;
    };
    const begin = `retry: ${RETRY}\n${event(text) ?? ": unchanged\n\n"}`;
    if (this.kind === "single") return new Response(begin, { headers: TYPE });
    return new Response(this.#stream(begin, event, look, this.kind === "collected"), { headers: TYPE });
  }

  #stream(begin, event, look, collected) {
    const encoder = new TextEncoder();
    let kept = "";
    let leave;
    return new ReadableStream({
      start: (controller) => {
        const give = (text) => text && controller.enqueue(encoder.encode(text));
        const send = (text) => (collected ? (kept += text ?? "") : give(text));
        let looking = Promise.resolve();
        const again = () => {
          looking = looking.then(async () => {
            const answer = await look();
            const text = await answer.text();
            if (!this.#open.has(end)) return;
            if (answer.status === 200) send(event(text));
            else refuse(text);
          });
        };
        const refuse = (problem) => (send(`event: problem\ndata: ${problem}\n\n`), end());
        const end = () => (leave(), give(kept), controller.close());
        leave = () => {
          this.#open.delete(end);
          this.#told.off("look", again).off("refuse", refuse);
          this.#told.emit("number");
        };
        this.#open.add(end);
        this.#told.on("look", again).on("refuse", refuse);
        send(begin);
        this.#told.emit("number");
      },
      cancel: () => leave(),
    });
  }
}
