// The access token of a request's session, which leaves this process for Dezky's API alone.
import type { H3Event } from "h3";
import { endStreamsOf } from "../http/streams";
import { type Tokens, ProviderUnavailable, refreshedTokens, revokeAtProvider } from "./provider";
import { readSession, removeSession, type Session, sessionNameOf, usedSession, writeSession } from "./store";

/** How long before its end a token is refreshed, in seconds: longer than a request takes. */
const EARLY = 30;

/** Refreshes under way, by session. Requests of one session wait for the same: a refresh token works once. */
const refreshing = new Map<string, Promise<Session | null>>();

/** Sessions that are being ended: whatever is under way for them comes to nothing. */
const ending = new Set<string>();

/** The access token of the request's session; `undefined` where nobody is signed in. */
export async function accessTokenOf(event: H3Event): Promise<string | undefined> {
  const name = sessionNameOf(event);
  if (name === null || ending.has(name)) return undefined;
  let session = await usedSession(name);
  if (session === "over") {
    await endSession(name);
    return undefined;
  }
  if (session && expiresWithin(session, EARLY)) session = await refreshedOnce(name);
  return session?.accessToken;
}

/**
 * Ends a session: its cookie proves nothing from now on. What a refresh brings that is under way is thrown away, and the identity provider
 * is told that its refresh tokens are over.
 */
export async function endSession(name: string): Promise<void> {
  ending.add(name);
  endStreamsOf(name);
  const session = await readSession(name);
  await removeSession(name);
  void forgetTokens(name, session?.refreshToken);
}

/** The part that nobody waits for. */
async function forgetTokens(name: string, refreshToken: string | undefined): Promise<void> {
  await refreshing.get(name)?.catch(() => null);
  ending.delete(name);
  if (refreshToken) await revokeAtProvider(refreshToken);
}

const expiresWithin = (tokens: Tokens, seconds: number) => tokens.expiresAt <= Date.now() / 1000 + seconds;

function refreshedOnce(name: string): Promise<Session | null> {
  let running = refreshing.get(name);
  if (!running) {
    running = refreshed(name).finally(() => refreshing.delete(name));
    refreshing.set(name, running);
  }
  return running;
}

async function refreshed(name: string): Promise<Session | null> {
  // Read again: a refresh may have ended between the caller's reading and here.
  const session = await readSession(name);
  if (!session || ending.has(name)) return null;
  if (!expiresWithin(session, EARLY)) return session;
  if (!session.refreshToken) return expired(name, session);
  let answer: Tokens | "refused";
  try {
    answer = await refreshedTokens(session.refreshToken);
  } catch (error) {
    if (error instanceof ProviderUnavailable && !expiresWithin(session, 0)) return session;
    throw error;
  }
  if (answer === "refused") return expired(name, session);
  const renewed = { ...session, ...answer };
  if (!ending.has(name)) await writeSession(name, renewed);
  return ending.has(name) ? thrownAway(name, renewed) : renewed;
}

/** Signing out wins over a refresh at the same time. */
async function thrownAway(name: string, { refreshToken }: Session): Promise<null> {
  await removeSession(name);
  if (refreshToken) void revokeAtProvider(refreshToken);
  return null;
}

/** What remains of a session that cannot be refreshed: the rest of its token's time, then nothing. */
async function expired(name: string, session: Session): Promise<Session | null> {
  if (!expiresWithin(session, 0)) return session;
  await removeSession(name);
  return null;
}
