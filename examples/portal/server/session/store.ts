// Tokens of sessions, encrypted, in the storage `oidc` where nuxt-oidc-auth puts them at sign-in.
import { decryptToken, encryptToken } from "nuxt-oidc-auth/runtime/server/utils/security.js";

interface Encrypted {
  encryptedToken: string;
  iv: string;
}

/** What is stored of a session; times in seconds since 1970. */
interface Stored {
  exp: number;
  iat: number;
  accessToken: Encrypted;
  refreshToken?: Encrypted;
}

export interface Tokens {
  accessToken: string;
  refreshToken?: string;
  /** When the access token ends, in seconds since 1970. */
  expiresAt: number;
}

const sessions = () => useStorage<Stored>("oidc");

/** The tokens of a session; `null` where it has ended, or what is stored of it cannot be read. */
export async function readTokens(id: string): Promise<Tokens | null> {
  const stored = await sessions().getItem(id);
  const key = process.env.NUXT_OIDC_TOKEN_KEY ?? "";
  try {
    if (!stored?.accessToken) return null;
    return {
      accessToken: await decryptToken(stored.accessToken, key),
      ...(stored.refreshToken && { refreshToken: await decryptToken(stored.refreshToken, key) }),
      expiresAt: stored.exp,
    };
  } catch {
    // Another key, or a file that was cut short: the person signs in again.
    return null;
  }
}

/** Stores the tokens of a session. */
export async function writeTokens(id: string, tokens: Tokens): Promise<void> {
  const key = process.env.NUXT_OIDC_TOKEN_KEY ?? "";
  await sessions().setItem(id, {
    exp: tokens.expiresAt,
    iat: Math.trunc(Date.now() / 1000),
    accessToken: await encryptToken(tokens.accessToken, key),
    ...(tokens.refreshToken && { refreshToken: await encryptToken(tokens.refreshToken, key) }),
  });
}

/** Ends a session: its cookie proves nothing from now on. */
export async function removeTokens(id: string): Promise<void> {
  await sessions().removeItem(id);
}

/** Removes what is stored of sessions that have ended by age; seconds. */
export async function removeOld(maxAge: number): Promise<void> {
  const before = Date.now() - maxAge * 1000;
  for (const id of await sessions().getKeys()) {
    const { mtime } = await sessions().getMeta(id);
    if (mtime && new Date(mtime).getTime() < before) await sessions().removeItem(id);
  }
}
