// Ends the session here and at the identity provider.
import { clearUserSession } from "nuxt-oidc-auth/runtime/server/utils/session.js";
import { applicationUrl } from "../../http/site";
import { SESSION_COOKIE } from "../../session/token";

export default defineEventHandler(async (event) => {
  if (getCookie(event, SESSION_COOKIE)) await clearUserSession(event);
  const { logoutUrl, clientId } = useRuntimeConfig().oidc.providers.oidc!;
  if (!logoutUrl) return sendRedirect(event, applicationUrl().href, 303);
  // By the client's id and not by a hint with the ID token: a browser sees no token, in no address either.
  const target = new URL(logoutUrl);
  target.searchParams.set("client_id", clientId);
  target.searchParams.set("post_logout_redirect_uri", applicationUrl().href);
  return sendRedirect(event, target.href, 303);
});
