// The access token of a request's session, which leaves this process for Dezky's API alone.
import type { H3Event } from "h3";
import { getUserSessionId } from "nuxt-oidc-auth/runtime/server/utils/session.js";
import { readTokens, removeTokens, type Tokens, writeTokens } from "./store";

/** The cookie of nuxt-oidc-auth: a sealed identifier of the session, without tokens. */
export const SESSION_COOKIE = "nuxt-oidc-auth";

/** How long before its end a token is refreshed, in seconds: longer than a request takes. */
const EARLY = 30;

/** How long the identity provider may take to answer, in milliseconds. */
const PATIENCE = 5000;

/** The identity provider could not be asked, or did not answer with tokens: the session may go on later. */
export class ProviderUnavailable extends Error {}

/** Refreshes under way. Requests of one session wait for the same: a refresh token works once. */
const refreshing = new Map<string, Promise<Tokens | null>>();

/** The access token of the request's session; `undefined` where nobody is signed in. */
export async function accessTokenOf(event: H3Event): Promise<string | undefined> {
  if (!getCookie(event, SESSION_COOKIE)) return undefined;
  const id = await getUserSessionId(event);
  let tokens = await readTokens(id);
  if (tokens && expiresWithin(tokens, EARLY)) tokens = await refreshedOnce(id);
  return tokens?.accessToken;
}

const expiresWithin = (tokens: Tokens, seconds: number) => tokens.expiresAt <= Date.now() / 1000 + seconds;

function refreshedOnce(id: string): Promise<Tokens | null> {
  let running = refreshing.get(id);
  if (!running) {
    running = refreshed(id).finally(() => refreshing.delete(id));
    refreshing.set(id, running);
  }
  return running;
}

async function refreshed(id: string): Promise<Tokens | null> {
  // Read again: a refresh may have ended between the caller's reading and here.
  const tokens = await readTokens(id);
  if (!tokens || !expiresWithin(tokens, EARLY)) return tokens;
  if (!tokens.refreshToken) return expired(id, tokens);
  const answer = await askProvider(tokens.refreshToken);
  if (answer === "refused") return expired(id, tokens);
  if (answer === "unavailable") {
    if (!expiresWithin(tokens, 0)) return tokens;
    throw new ProviderUnavailable();
  }
  const renewed = { ...tokens, ...answer };
  await writeTokens(id, renewed);
  return renewed;
}

/** What remains of a session that cannot be refreshed: the rest of its token's time, then nothing. */
async function expired(id: string, tokens: Tokens): Promise<Tokens | null> {
  if (!expiresWithin(tokens, 0)) return tokens;
  await removeTokens(id);
  return null;
}

interface TokenAnswer {
  access_token: string;
  refresh_token?: string;
  expires_in?: number;
}

/** Asks for new tokens (RFC 6749, section 6). */
async function askProvider(refreshToken: string): Promise<Tokens | "refused" | "unavailable"> {
  const { tokenUrl, clientId, clientSecret } = useRuntimeConfig().oidc.providers.oidc!;
  const credentials = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString("base64");
  try {
    const response = await fetch(tokenUrl, {
      method: "POST",
      headers: { authorization: `Basic ${credentials}`, accept: "application/json" },
      body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken }),
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (response.status === 400 || response.status === 401) {
      const { error } = (await response.json()) as { error?: string };
      // Any other error is one of the settings, and no reason to end sessions.
      if (error === "invalid_grant") return "refused";
      console.error(`the identity provider refuses to refresh tokens: ${error}`);
    }
    if (!response.ok) return "unavailable";
    const answer = (await response.json()) as TokenAnswer;
    return {
      accessToken: answer.access_token,
      expiresAt: expiryOf(answer),
      ...(answer.refresh_token && { refreshToken: answer.refresh_token }),
    };
  } catch (error) {
    console.error(`the identity provider does not answer: ${String(error)}`);
    return "unavailable";
  }
}

/** When an access token ends: as it says itself. Dezky verifies it; here it only matters when to ask for the next. */
function expiryOf({ access_token, expires_in }: TokenAnswer): number {
  const { exp } = JSON.parse(Buffer.from(access_token.split(".")[1] ?? "", "base64url").toString()) as { exp?: number };
  return exp ?? Math.trunc(Date.now() / 1000) + (expires_in ?? 60);
}
