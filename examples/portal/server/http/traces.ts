// Spans of requests, exported to a collector (OTLP over HTTP, in JSON) as those of `dezky serve` are: the portal's own time in a trace.
import { randomBytes } from "node:crypto";
import type { H3Event } from "h3";
import { report } from "./log";

/** Spans that wait for export at most. What finds no room is dropped: nobody waits for a collector. */
const QUEUE = 4_096;
/** Spans in one request to the collector at most. */
const BATCH = 512;
/** Longest waits for a batch to fill and for the collector, in milliseconds. */
const INTERVAL = 5_000;
const PATIENCE = 10_000;
/** Longest wait for the collector at the end, in milliseconds. */
const FAREWELL = 3_000;
/** Kind `SERVER` and status `ERROR` of the protocol. */
const SERVER = 2;
const ERROR = 2;

/** A request that is being answered. */
export interface Begun {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  sampled: boolean;
  /** Time since 1970 in milliseconds, and of the monotonic clock. */
  at: number;
  started: number;
}

/** Version 00 of W3C Trace Context, and what later ones share with it (section 3.2.4). */
const TRACEPARENT = /^(?!ff)(?:00(?=.{53}$)|(?!00)[0-9a-f]{2}(?=.{53}(?:$|-)))-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})/;

/** Begins the span of a request: a child of the one that it names, or the first of a new trace. */
export function beginSpan(traceparent: string | undefined): Begun {
  const [, traceId, parentSpanId, flags] = TRACEPARENT.exec(traceparent ?? "") ?? [];
  const now = { spanId: randomBytes(8).toString("hex"), at: Date.now(), started: performance.now() };
  // Who begins a trace decides whether it is recorded.
  if (!traceId) return { traceId: randomBytes(16).toString("hex"), sampled: true, ...now };
  return { traceId, parentSpanId, sampled: (Number.parseInt(flags!, 16) & 1) === 1, ...now };
}

/** The header by which the API continues the trace. */
export const traceparentOf = ({ traceId, spanId, sampled }: Begun) => `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;

const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
const nanoseconds = (milliseconds: number) => BigInt(Math.round(milliseconds * 1e6)).toString();

/** What a request was about, without ids and names: the API's routes are in the API's own span. */
function routeOf({ path }: H3Event): string {
  const [first = ""] = path.replace(/[?#].*$/s, "").split("/").filter(Boolean);
  return ["api", "auth"].includes(first) ? `/${first}` : "page";
}

function spanOf(event: H3Event, begun: Begun) {
  const took = performance.now() - begun.started;
  const status = getResponseStatus(event);
  const route = routeOf(event);
  return {
    traceId: begun.traceId,
    spanId: begun.spanId,
    ...(begun.parentSpanId && { parentSpanId: begun.parentSpanId }),
    name: `${event.method} ${route}`,
    kind: SERVER,
    startTimeUnixNano: nanoseconds(begun.at),
    endTimeUnixNano: nanoseconds(begun.at + took),
    attributes: [text("http.request.method", event.method), text("http.route", route), { key: "http.response.status_code", value: { intValue: String(status) } }],
    ...(status >= 500 && { status: { code: ERROR } }),
  };
}

/** Exports spans to the collector at an address. */
export class SpanExport {
  #waiting: ReturnType<typeof spanOf>[] = [];
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failing = false;

  constructor(private readonly endpoint: string) {}

  /** Ends the span of a request, which is exported if its trace is recorded. */
  end(event: H3Event, begun: Begun) {
    if (!begun.sampled || this.#waiting.length >= QUEUE) return;
    this.#waiting.push(spanOf(event, begun));
    if (this.#waiting.length >= BATCH) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), INTERVAL).unref();
  }

  /** Hands over what waits. */
  async close() {
    this.#send();
    await Promise.race([this.#sending, new Promise((resolve) => setTimeout(resolve, FAREWELL).unref())]);
  }

  #send() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined));
  }

  async #sendAll() {
    while (this.#waiting.length) {
      const spans = this.#waiting.splice(0, BATCH);
      const resource = { attributes: [text("service.name", "dezky-portal")] };
      const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "dezky-portal" }, spans }] }] });
      try {
        const answer = await fetch(`${this.endpoint.replace(/\/+$/, "")}/v1/traces`, { method: "POST", headers: { "content-type": "application/json" }, body, redirect: "error", signal: AbortSignal.timeout(PATIENCE) });
        await answer.body?.cancel();
        if (!answer.ok) throw new Error(`it answered ${answer.status}`);
        this.#failing = false;
      } catch (error) {
        // One line for each outage. These spans are lost.
        if (!this.#failing) report("spans are not exported: is NUXT_OTLP_ENDPOINT right?", error);
        this.#failing = true;
      }
    }
  }
}
