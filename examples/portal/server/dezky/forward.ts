// Hands requests of pages to Dezky's API, in the name of the session's person.
import { once } from "node:events";
import { ROUTES } from "#dezky/routes";
import type { H3Event } from "h3";
import { report } from "../http/log";
import { sendProblem } from "../http/problem";
import { holdOpen } from "../http/streams";
import { deleteSessionCookie, setAnewCookie } from "../session/cookies";
import { ProviderUnavailable } from "../session/provider";
import { sessionNameOf } from "../session/store";
import { accessTokenOf, endSession } from "../session/token";
import { dezkyApi } from "./api";

/** What the API reads. Never `Cookie`, and never an `Authorization` that a browser sent: only the session says who is calling. */
const PASSED_ON = ["accept", "content-type", "idempotency-key", "if-match", "if-none-match", "last-event-id", "stripe-signature", "traceparent", "tracestate", "user-agent"];

function passedOn(event: H3Event): Headers {
  const headers = new Headers();
  for (const name of PASSED_ON) {
    const value = getRequestHeader(event, name);
    if (value !== undefined) headers.set(name, value);
  }
  // Where the API is elsewhere, its limits by address would otherwise see one address for all people.
  const addresses = [getRequestHeader(event, "x-forwarded-for"), event.node.req.socket?.remoteAddress].filter(Boolean);
  if (addresses.length) headers.set("x-forwarded-for", addresses.join(", "));
  return headers;
}

/** Aborts once the browser has gone. */
function untilGone(event: H3Event): AbortController {
  const gone = new AbortController();
  event.node.res.once?.("close", () => gone.abort());
  return gone;
}

/** The media type of answers that go on (server-sent events). */
const EVENTS = "text/event-stream";

/** Sends events as they come, until the API or the browser ends them, or whatever aborts `signal`. */
async function sendEvents(event: H3Event, { status, headers, body }: Response, signal: AbortSignal) {
  const { res } = event.node;
  setResponseStatus(event, status);
  setResponseHeaders(event, Object.fromEntries(headers));
  res.flushHeaders();
  try {
    for await (const part of body ?? []) if (!res.write(part)) await once(res, "drain", { signal });
  } catch (error) {
    // The browser connects again, and is then told what is wrong.
    if (!signal.aborted) report("the API at NUXT_DEZKY_API_URL has broken off", error);
  } finally {
    res.end();
  }
}

/**
 * Answers with what Dezky's API says to this request at `path`, status, headers and body as they are.
 *
 * @param path The API's own path with its query: `/tenants/acme?limit=20`.
 */
export async function forward(event: H3Event, path: string) {
  // Routes of the API's document alone: health and metrics are no page's business.
  if (!ROUTES.test(path) || !URL.canParse(path, "http://dezky") || new URL(path, "http://dezky").pathname !== path.replace(/\?.*$/s, "")) {
    return sendProblem(event, 404, "not_found", "there is no such route");
  }
  const stream = untilGone(event);
  if (!getRequestHeader(event, "accept")?.includes(EVENTS)) return await answer(event, path, stream.signal);
  // Held before the token is read: a session that ends meanwhile ends this too.
  const release = holdOpen(stream, sessionNameOf(event));
  try {
    return await answer(event, path, stream.signal);
  } finally {
    release();
  }
}

async function answer(event: H3Event, path: string, signal: AbortSignal) {
  const headers = passedOn(event);
  try {
    const token = await accessTokenOf(event);
    if (token) headers.set("authorization", `Bearer ${token}`);
  } catch (error) {
    if (!(error instanceof ProviderUnavailable)) throw error;
    return sendProblem(event, 503, "identity_provider_unavailable", "the sign-in service does not answer, try again", { "retry-after": "5" });
  }
  const bodiless = event.method === "GET" || event.method === "HEAD";
  const api = await dezkyApi();
  let response: Response;
  try {
    response = await api.fetch({ path, method: event.method, headers, body: bodiless ? null : getRequestWebStream(event), signal });
  } catch (error) {
    if (signal.aborted) return;
    report("the API at NUXT_DEZKY_API_URL does not answer", error);
    return sendProblem(event, 503, "api_unavailable", "the service does not answer, try again", { "retry-after": "5" });
  }
  if (response.headers.get("content-type")?.startsWith(EVENTS)) return await sendEvents(event, response, signal);
  return sendWebResponse(event, response.status === 401 || response.status === 403 ? await endedBy(event, response) : response);
}

/** Codes by which the API says that there is nothing more to come of a person's session: a refresh would only bring the next such token. */
const OVER = new Set(["session_ended", "token_revoked", "user_deleted", "user_disabled"]);

/** Those of them that hold for every token of the same sign-in at the provider: only a new one brings a token that counts. */
const SIGN_IN_OVER = new Set(["session_ended", "token_revoked"]);

/** Ends the session here too where the API says that it is over. The answer stays as it is. */
async function endedBy(event: H3Event, response: Response): Promise<Response> {
  const text = await response.text();
  const { status, headers } = response;
  const [name, code] = [sessionNameOf(event), codeOf(text)];
  if (name && OVER.has(code)) {
    await endSession(name);
    deleteSessionCookie(event);
    if (SIGN_IN_OVER.has(code)) setAnewCookie(event);
  }
  return new Response(text, { status, headers });
}

function codeOf(problem: string): string {
  try {
    return (JSON.parse(problem) as { code?: string }).code ?? "";
  } catch {
    return "";
  }
}
