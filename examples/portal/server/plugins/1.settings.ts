// What must be set, looked at before anything else starts.
function missing(): string[] {
  const { portalUrl, oidc } = useRuntimeConfig();
  const provider = oidc.providers.oidc!;
  const found: string[] = [];
  const check = (holds: boolean, name: string, what: string) => holds || found.push(`${name}: ${what}`);
  const url = URL.canParse(portalUrl) ? new URL(portalUrl) : null;
  check(!!url && url.hostname.includes(".") && url.pathname === "/", "NUXT_PORTAL_URL", "the application's address, such as https://app.dezky.example.eu");
  for (const [key, name] of [
    ["clientId", "CLIENT_ID"],
    ["clientSecret", "CLIENT_SECRET"],
    ["authorizationUrl", "AUTHORIZATION_URL"],
    ["tokenUrl", "TOKEN_URL"],
    ["openIdConfiguration", "OPEN_ID_CONFIGURATION"],
  ] as const) {
    check(!!provider[key], `NUXT_OIDC_PROVIDERS_OIDC_${name}`, "not set");
  }
  const redirectUri = url && `${url.origin}/auth/oidc/callback`;
  check(provider.redirectUri === redirectUri, "NUXT_OIDC_PROVIDERS_OIDC_REDIRECT_URI", `must be ${redirectUri ?? "<NUXT_PORTAL_URL>/auth/oidc/callback"}`);
  const { cookie } = oidc.session;
  const domain = url?.hostname.replace(/^[^.]+\./, "");
  check(cookie?.domain === domain, "NUXT_OIDC_SESSION_COOKIE_DOMAIN", `must be ${domain ?? "the domain of NUXT_PORTAL_URL without its first label"}`);
  check(cookie?.secure === (url?.protocol === "https:"), "NUXT_OIDC_SESSION_COOKIE_SECURE", "must be true with https, and false without");
  const { NUXT_OIDC_TOKEN_KEY: key = "", NUXT_OIDC_SESSION_SECRET: secret = "", NUXT_OIDC_AUTH_SESSION_SECRET: authSecret = "" } = process.env;
  check(Buffer.from(key, "base64").length === 32, "NUXT_OIDC_TOKEN_KEY", "base64 of 32 random bytes: openssl rand -base64 32");
  check(secret.length >= 48, "NUXT_OIDC_SESSION_SECRET", "at least 48 random characters");
  check(authSecret.length >= 48, "NUXT_OIDC_AUTH_SESSION_SECRET", "at least 48 random characters");
  return found;
}

export default defineNitroPlugin(() => {
  const found = missing();
  if (!found.length) return;
  console.error(`the portal cannot start: ${found.join("; ")}`);
  process.exit(1);
});
