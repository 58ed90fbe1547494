// Ends the session here and at the identity provider.
import { applicationUrl } from "../../http/site";
import { deleteSessionCookie } from "../../session/cookies";
import { sessionNameOf } from "../../session/store";
import { endSession } from "../../session/token";

export default defineEventHandler(async (event) => {
  const name = sessionNameOf(event);
  if (name) await endSession(name);
  deleteSessionCookie(event);
  // Not "cookies": those of the registrable domain would go, and with them the identity provider's, which has to know whom to sign out.
  setResponseHeader(event, "clear-site-data", '"cache", "storage"');
  const { logoutUrl, clientId } = useRuntimeConfig().oidc.providers.oidc;
  if (!logoutUrl) return sendRedirect(event, applicationUrl().href, 303);
  // By the client's id and not by a hint with the ID token: a browser sees no token, in no address either.
  const target = new URL(logoutUrl);
  target.searchParams.set("client_id", clientId);
  target.searchParams.set("post_logout_redirect_uri", applicationUrl().href);
  return sendRedirect(event, target.href, 303);
});
