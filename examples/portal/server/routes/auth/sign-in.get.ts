// Where signing in begins. Remembers where the person was, and hands over to nuxt-oidc-auth.
import { applicationUrl, withinPortal } from "../../http/site";
import { RETURN_COOKIE } from "../../session/return";

export default defineEventHandler((event) => {
  const target = withinPortal(getQuery(event).return);
  setCookie(event, RETURN_COOKIE, target?.href ?? applicationUrl().href, {
    httpOnly: true,
    sameSite: "lax",
    secure: applicationUrl().protocol === "https:",
    path: "/auth/",
    maxAge: 600,
  });
  return sendRedirect(event, "/auth/oidc/login", 302);
});
