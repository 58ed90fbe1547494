// Contents that only this portal can read and write, each for one purpose (JSON Web Encryption, RFC 7516).
import { EncryptJWT, type JWTPayload, jwtDecrypt } from "jose";

const key = () => Buffer.from(process.env.NUXT_OIDC_TOKEN_KEY ?? "", "base64");

/**
 * Seals contents.
 *
 * @param purpose Only whoever names the same can open it.
 * @param seconds How long it can be opened.
 */
export function seal(purpose: string, contents: JWTPayload, seconds: number): Promise<string> {
  const until = Math.trunc(Date.now() / 1000) + seconds;
  return new EncryptJWT(contents).setProtectedHeader({ alg: "dir", enc: "A256GCM" }).setAudience(purpose).setExpirationTime(until).encrypt(key());
}

/** What was sealed for this purpose; `null` where it was not by this portal, was changed, or is too old. */
export async function unseal<Contents>(purpose: string, sealed: string): Promise<Contents | null> {
  try {
    const { payload } = await jwtDecrypt(sealed, key(), { audience: purpose, keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] });
    return payload as Contents;
  } catch {
    return null;
  }
}
