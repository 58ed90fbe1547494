// A sign-in between its beginning and its return, kept by the browser, sealed.
import { timingSafeEqual } from "node:crypto";
import type { H3Event } from "h3";
import { deleteSignInCookie, setSignInCookie, SIGN_IN_COOKIE } from "./cookies";
import { seal, unseal } from "./sealed";

export interface SignIn {
  state: string;
  codeVerifier: string;
  /** Where the person goes after they have signed in: a URL within the portal. */
  target: string;
}

/** How long a sign-in may take, in seconds: with a new password, a second factor, or a registration. */
const LONGEST = 600;

export async function beginSignIn(event: H3Event, signIn: SignIn): Promise<void> {
  setSignInCookie(event, await seal("sign-in", { ...signIn }, LONGEST), LONGEST);
}

/** The sign-in of this browser to which `state` belongs, which is over by this; `null` where it is another browser's, or an old one. */
export async function endSignIn(event: H3Event, state: unknown): Promise<SignIn | null> {
  const sealed = getCookie(event, SIGN_IN_COOKIE);
  const begun = sealed ? await unseal<SignIn>("sign-in", sealed) : null;
  if (!begun || typeof state !== "string") return null;
  const [own, came] = [Buffer.from(begun.state), Buffer.from(state)];
  if (own.length !== came.length || !timingSafeEqual(own, came)) return null;
  deleteSignInCookie(event);
  return begun;
}
