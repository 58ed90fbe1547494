// The portal's cookies of sessions and sign-ins. No other header carries either.
import type { H3Event } from "h3";
import { portalHostname } from "../http/site";

/**
 * Of the session, for all hosts of the portal: a launcher on its tenant's host knows who is there. That is why it is no `__Host-` cookie;
 * `__Secure-` keeps a page without TLS from setting it.
 */
export const SESSION_COOKIE = "__Secure-dezky-session";

/** Of a sign-in that has begun: for the application's host alone. */
export const SIGN_IN_COOKIE = "__Host-dezky-sign-in";

/** Says that the next sign-in must be a new one at the provider. For all hosts of the portal, as the session was. */
export const ANEW_COOKIE = "__Secure-dezky-sign-in-anew";

/** How long a browser remembers that, in seconds. */
const ANEW_SECONDS = 86_400;

const ALWAYS = { httpOnly: true, sameSite: "lax", secure: true, path: "/" } as const;

const sessionCookie = () => ({ ...ALWAYS, domain: portalHostname() });

export function setSessionCookie(event: H3Event, value: string): void {
  setCookie(event, SESSION_COOKIE, value, { ...sessionCookie(), maxAge: useRuntimeConfig().oidc.session.maxAge });
}

export function deleteSessionCookie(event: H3Event): void {
  deleteCookie(event, SESSION_COOKIE, sessionCookie());
}

export function setAnewCookie(event: H3Event): void {
  setCookie(event, ANEW_COOKIE, "1", { ...sessionCookie(), maxAge: ANEW_SECONDS });
}

export function deleteAnewCookie(event: H3Event): void {
  deleteCookie(event, ANEW_COOKIE, sessionCookie());
}

export function setSignInCookie(event: H3Event, value: string, maxAge: number): void {
  setCookie(event, SIGN_IN_COOKIE, value, { ...ALWAYS, maxAge });
}

export function deleteSignInCookie(event: H3Event): void {
  deleteCookie(event, SIGN_IN_COOKIE, ALWAYS);
}
