// The identity provider: what it says of itself, and what the portal asks it for.
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  clockTolerance,
  Configuration,
  discovery,
  enableNonRepudiationChecks,
  refreshTokenGrant,
  ResponseBodyError,
  tokenRevocation,
  type TokenEndpointResponse,
} from "openid-client";
import { printable, report } from "../http/log";
import { callbackUrl } from "../http/site";

const SCOPE = "openid profile email groups offline_access";

/** How long the provider may take to answer, in seconds. */
const PATIENCE = 5;

/** How far its clock may be from ours, in seconds. */
const LEEWAY = 30;

/** The identity provider could not be asked, or did not answer with tokens: the session may go on later. */
export class ProviderUnavailable extends Error {}

export interface Tokens {
  accessToken: string;
  refreshToken?: string;
  /** When the access token ends, in seconds since 1970. */
  expiresAt: number;
}

let found: Promise<Configuration> | undefined;

/** What the provider says of itself, asked once; a failure is not kept. */
function provider(): Promise<Configuration> {
  found ??= find().catch((error: unknown) => {
    found = undefined;
    report("the identity provider's configuration cannot be read", causes(error));
    throw new ProviderUnavailable();
  });
  return found;
}

async function find(): Promise<Configuration> {
  const { clientId, clientSecret, openIdConfiguration, authorizationUrl, tokenUrl } = useRuntimeConfig().oidc.providers.oidc;
  const address = new URL(openIdConfiguration);
  const insecure = address.protocol === "http:";
  const client = { [clockTolerance]: LEEWAY };
  const authentication = ClientSecretBasic(clientSecret);
  const found = await discovery(address, clientId, client, authentication, { timeout: PATIENCE, execute: insecure ? [allowInsecureRequests] : [] });
  const { supportsPKCE: _, ...said } = found.serverMetadata();
  const configuration = new Configuration(
    { ...said, ...(authorizationUrl && { authorization_endpoint: authorizationUrl }), ...(tokenUrl && { token_endpoint: tokenUrl }) },
    clientId,
    client,
    authentication,
  );
  configuration.timeout = PATIENCE;
  if (insecure) allowInsecureRequests(configuration);
  enableNonRepudiationChecks(configuration);
  return configuration;
}

/**
 * Where a browser begins to sign in.
 *
 * @param anew Has the provider ask for the person again, though they are signed in there (OpenID Connect Core 1.0, section 3.1.2.1).
 */
export async function authorizationUrl(state: string, codeVerifier: string, anew: boolean): Promise<URL> {
  return buildAuthorizationUrl(await provider(), {
    redirect_uri: callbackUrl().href,
    scope: SCOPE,
    state,
    code_challenge: await calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: "S256",
    ...(anew && { prompt: "login" }),
  });
}

/**
 * The tokens for the code that a browser came back with; `null` where the provider, or what it says, does not hold.
 *
 * @param came The address that it came back to, with its query.
 */
export async function tokensFor(came: URL, state: string, codeVerifier: string): Promise<Tokens | null> {
  const configuration = await provider();
  try {
    return tokensOf(await authorizationCodeGrant(configuration, came, { pkceCodeVerifier: codeVerifier, expectedState: state, idTokenExpected: true }));
  } catch (error) {
    report("a sign-in was not completed", causes(error));
    return null;
  }
}

/** Asks for new tokens (RFC 6749, section 6). */
export async function refreshedTokens(refreshToken: string): Promise<Tokens | "refused"> {
  const configuration = await provider();
  try {
    return tokensOf(await refreshTokenGrant(configuration, refreshToken));
  } catch (error) {
    // Any other error is one of the settings, or of the way there, and no reason to end sessions.
    if (error instanceof ResponseBodyError && error.error === "invalid_grant") return "refused";
    report("the identity provider does not refresh tokens", causes(error));
    throw new ProviderUnavailable();
  }
}

/** Tells the provider that a refresh token, and what came of it, is to be worth nothing any more (RFC 7009), if it can be told. */
export async function revokeAtProvider(refreshToken: string): Promise<void> {
  try {
    const configuration = await provider();
    if (!configuration.serverMetadata().revocation_endpoint) return;
    await tokenRevocation(configuration, refreshToken, { token_type_hint: "refresh_token" });
  } catch (error) {
    if (!(error instanceof ProviderUnavailable)) report("the identity provider did not revoke a token", causes(error));
  }
}

function tokensOf(answer: TokenEndpointResponse): Tokens {
  const { access_token: accessToken, refresh_token: refreshToken } = answer;
  return { accessToken, expiresAt: expiryOf(answer), ...(refreshToken && { refreshToken }) };
}

/** When an access token ends: as it says itself. Dezky verifies it; here it only matters when to ask for the next. */
function expiryOf({ access_token, expires_in }: TokenEndpointResponse): number {
  const { exp } = JSON.parse(Buffer.from(access_token.split(".")[1] ?? "", "base64url").toString()) as { exp?: number };
  return exp ?? Math.trunc(Date.now() / 1000) + (expires_in ?? 60);
}

/** An error and what caused it, in one line. What the provider says of an error is told, and nothing else that it answered. */
function causes(error: unknown): string {
  if (error instanceof ResponseBodyError) return printable(`${error.error} ${error.error_description ?? ""}`);
  const { message, code, cause } = error as { message?: string; code?: string; cause?: unknown };
  const own = [message, code].filter(Boolean).join(", ");
  return cause instanceof Error ? `${own} (${cause.message})` : own;
}
