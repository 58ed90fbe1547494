// Where the identity provider leads back to. nuxt-oidc-auth exchanges the code; here stands what it leaves open.
import type { H3Event } from "h3";
import { callbackEventHandler } from "nuxt-oidc-auth/runtime/server/lib/oidc.js";
import { getUserSessionId, setUserSession } from "nuxt-oidc-auth/runtime/server/utils/session.js";
import { removeTokens } from "../../../session/store";
import { SESSION_COOKIE } from "../../../session/token";

const exchange = callbackEventHandler({
  async onSuccess(event, { user, callbackRedirectUrl }) {
    await setUserSession(event, user!);
    return sendRedirect(event, callbackRedirectUrl ?? "/", 302);
  },
});

/** Whether this browser began the sign-in that comes back. The library asks too, but goes on with the code when it did not. */
async function isOwn(event: H3Event): Promise<boolean> {
  const { code, state } = getQuery(event);
  if (!code || !state || !getCookie(event, "oidc")) return false;
  const begun = await useSession<{ state?: string }>(event, { name: "oidc", password: process.env.NUXT_OIDC_AUTH_SESSION_SECRET ?? "" });
  return begun.data.state === state;
}

/** Ends the session that the browser had, so that the new one gets an identifier that nobody can have known before. */
async function forgetFormer(event: H3Event): Promise<void> {
  if (!getCookie(event, SESSION_COOKIE)) return;
  await removeTokens(await getUserSessionId(event));
  delete event.context.sessions?.[SESSION_COOKIE];
  const others = (getRequestHeader(event, "cookie") ?? "").split(/;\s*/).filter((pair) => !pair.startsWith(`${SESSION_COOKIE}=`));
  event.node.req.headers.cookie = others.join("; ");
}

export default defineEventHandler(async (event) => {
  if (!(await isOwn(event))) {
    const detail = "the sign-in was cancelled, took too long, or began in another browser: sign in again";
    throw createError({ statusCode: 400, statusMessage: "Sign-in failed", data: { status: 400, code: "sign_in_failed", detail } });
  }
  await forgetFormer(event);
  return exchange(event);
});
