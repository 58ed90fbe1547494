// Problem documents (RFC 9457) of the portal itself, in the form of those of Dezky's API.
import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { H3Event } from "h3";

/** Answers with a problem document. */
export function sendProblem(event: H3Event, status: number, code: string, detail: string, headers: Record<string, string> = {}) {
  setResponseStatus(event, status);
  setResponseHeaders(event, { "content-type": "application/problem+json", "cache-control": "no-store", ...headers });
  const title = STATUS_CODES[status] ?? "Error";
  return send(event, JSON.stringify({ type: "about:blank", title, status, code, detail, requestId: randomUUID() }));
}
