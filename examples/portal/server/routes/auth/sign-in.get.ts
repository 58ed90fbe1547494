// Where signing in begins. Remembers where the person was, and leads to the identity provider.
import { randomPKCECodeVerifier, randomState } from "openid-client";
import { applicationUrl, withinPortal } from "../../http/site";
import { ANEW_COOKIE } from "../../session/cookies";
import { authorizationUrl, ProviderUnavailable } from "../../session/provider";
import { beginSignIn } from "../../session/sign-in";

export default defineEventHandler(async (event) => {
  const target = withinPortal(getQuery(event).return) ?? applicationUrl();
  const [state, codeVerifier] = [randomState(), randomPKCECodeVerifier()];
  try {
    const provider = await authorizationUrl(state, codeVerifier, getCookie(event, ANEW_COOKIE) !== undefined);
    await beginSignIn(event, { state, codeVerifier, target: target.href });
    return sendRedirect(event, provider.href, 302);
  } catch (error) {
    if (!(error instanceof ProviderUnavailable)) throw error;
    const detail = "the sign-in service does not answer, try again";
    throw createError({ statusCode: 503, statusMessage: "Sign-in is not available", data: { status: 503, code: "identity_provider_unavailable", detail } });
  }
});
