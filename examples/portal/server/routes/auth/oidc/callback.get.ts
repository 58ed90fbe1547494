// Where the identity provider leads back to: the code becomes a session, and the person goes on to where they were.
import type { H3Event } from "h3";
import { printable, report } from "../../../http/log";
import { callbackUrl } from "../../../http/site";
import { ANEW_COOKIE, deleteAnewCookie, setSessionCookie } from "../../../session/cookies";
import { ProviderUnavailable, tokensFor } from "../../../session/provider";
import { endSignIn, type SignIn } from "../../../session/sign-in";
import { createSession, sessionNameOf } from "../../../session/store";
import { endSession } from "../../../session/token";

/** The tokens of a sign-in; `null` where it was cancelled, refused, or is none of this browser's. */
async function exchange(event: H3Event, begun: SignIn) {
  const { error, error_description: description } = getQuery(event);
  // Only of a sign-in that began here: others do not get to write into the log.
  if (error) {
    report(`the identity provider ended a sign-in with \`${printable(error)}\``, description);
    return null;
  }
  const came = callbackUrl();
  came.search = getRequestURL(event).search;
  try {
    return await tokensFor(came, begun.state, begun.codeVerifier);
  } catch (unavailable) {
    if (unavailable instanceof ProviderUnavailable) return null;
    throw unavailable;
  }
}

export default defineEventHandler(async (event) => {
  const begun = await endSignIn(event, getQuery(event).state);
  const tokens = begun && (await exchange(event, begun));
  if (!begun || !tokens) {
    const detail = "the sign-in was cancelled, took too long, or began in another browser: sign in again";
    throw createError({ statusCode: 400, statusMessage: "Sign-in failed", data: { status: 400, code: "sign_in_failed", detail } });
  }
  const former = sessionNameOf(event);
  if (former) await endSession(former);
  setSessionCookie(event, await createSession({ ...tokens, startedAt: Math.trunc(Date.now() / 1000) }));
  if (getCookie(event, ANEW_COOKIE) !== undefined) deleteAnewCookie(event);
  return sendRedirect(event, begun.target, 302);
});
