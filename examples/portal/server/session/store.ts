// What is stored of sessions: their tokens, sealed. A session ends by age, and when nobody uses it for a while.
import { createHash, randomBytes } from "node:crypto";
import type { H3Event } from "h3";
import { SESSION_COOKIE } from "./cookies";
import { names, readFileOf, removeFileOf, touchFileOf, usedAt, writeFileOf } from "./files";
import { seal, unseal } from "./sealed";

export interface Session {
  accessToken: string;
  refreshToken?: string;
  /** When the access token ends, in seconds since 1970. */
  expiresAt: number;
  /** When the person signed in, in seconds since 1970. */
  startedAt: number;
}

/** How exactly the last use is kept, in milliseconds: not every request writes. */
const EXACTNESS = 60_000;

const limits = () => useRuntimeConfig().oidc.session;

/** The name of what is stored of a session: the folder tells nobody the value of a cookie. */
const nameOf = (cookie: string) => createHash("sha256").update(cookie).digest("base64url");

/** The name of the request's session, if it says one; by its cookie and by nothing else. */
export function sessionNameOf(event: H3Event): string | null {
  const cookie = getCookie(event, SESSION_COOKIE);
  return cookie ? nameOf(cookie) : null;
}

/** Stores a new session, and gives the value of its cookie, which nobody can have known before. */
export async function createSession(session: Session): Promise<string> {
  const cookie = randomBytes(32).toString("base64url");
  await writeSession(nameOf(cookie), session);
  return cookie;
}

export async function writeSession(name: string, session: Session): Promise<void> {
  await writeFileOf(name, await seal(`session ${name}`, { ...session }, limits().maxAge));
}

/** What is stored of a session, in use or not; `null` where it has ended, or cannot be read: the person then signs in again. */
export async function readSession(name: string): Promise<Session | null> {
  const stored = await readFileOf(name);
  return stored === null ? null : unseal<Session>(`session ${name}`, stored);
}

/** The session, which is used by this; `"over"` where its time has come, `null` where there is none. */
export async function usedSession(name: string): Promise<Session | "over" | null> {
  const used = await usedAt(name);
  const session = used === null ? null : await readSession(name);
  if (used === null || !session) return null;
  const { maxAge, idleTimeout } = limits();
  const idle = Date.now() - used;
  if (idle > idleTimeout * 1000 || session.startedAt + maxAge < Date.now() / 1000) return "over";
  if (idle > Math.min(EXACTNESS, idleTimeout * 100)) await touchFileOf(name);
  return session;
}

export async function removeSession(name: string): Promise<void> {
  await removeFileOf(name);
}

/** Removes what is stored of sessions that nobody has used for too long. */
export async function removeUnused(): Promise<void> {
  const { maxAge, idleTimeout } = limits();
  const before = Date.now() - Math.min(maxAge, idleTimeout) * 1000;
  for (const name of await names()) {
    const used = await usedAt(name);
    if (used !== null && used < before) await removeFileOf(name);
  }
}
