// Where nuxt-oidc-auth leads after sign-in: back to where the person was.
import { applicationUrl, withinPortal } from "../../http/site";
import { RETURN_COOKIE } from "../../session/return";

export default defineEventHandler((event) => {
  const target = withinPortal(getCookie(event, RETURN_COOKIE)) ?? applicationUrl();
  deleteCookie(event, RETURN_COOKIE, { path: "/auth/" });
  return sendRedirect(event, target.href, 302);
});
