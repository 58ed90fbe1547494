// What must be set, looked at before anything else starts.
import { report } from "../http/log";
import { trustedProxies } from "../http/client";

/** Whether browsers keep `Secure` cookies of a site: with TLS, and for development on this machine. */
function keepsCookies({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && hostname.endsWith(".localhost"));
}

function missing(): string[] {
  const { portalUrl, trustedProxies: proxies, pageRate, otlpEndpoint, oidc } = useRuntimeConfig();
  const { apiUrl } = useRuntimeConfig().public;
  const provider = oidc.providers.oidc;
  const found: string[] = [];
  const check = (holds: boolean, name: string, what: string) => holds || found.push(`${name}: ${what}`);
  const url = URL.canParse(portalUrl) ? new URL(portalUrl) : null;
  const fits = !!url && url.hostname.includes(".") && url.pathname === "/" && keepsCookies(url);
  check(fits, "NUXT_PORTAL_URL", "the application's address, such as https://app.dezky.example.eu; without TLS below localhost alone");
  check(!apiUrl || /^https?:$/.test(URL.parse(apiUrl)?.protocol ?? ""), "NUXT_PUBLIC_API_URL", "the address at which other software reaches the API, such as https://api.dezky.example.eu");
  for (const [key, name] of [["clientId", "CLIENT_ID"], ["clientSecret", "CLIENT_SECRET"]] as const) {
    check(!!provider[key], `NUXT_OIDC_PROVIDERS_OIDC_${name}`, "not set");
  }
  check(URL.canParse(provider.openIdConfiguration), "NUXT_OIDC_PROVIDERS_OIDC_OPEN_ID_CONFIGURATION", "the URL of the provider's configuration");
  const key = process.env.NUXT_OIDC_TOKEN_KEY ?? "";
  check(Buffer.from(key, "base64").length === 32, "NUXT_OIDC_TOKEN_KEY", "base64 of 32 random bytes: openssl rand -base64 32");
  for (const [value, name] of [[oidc.session.maxAge, "MAX_AGE"], [oidc.session.idleTimeout, "IDLE_TIMEOUT"]] as const) {
    check(Number.isInteger(value) && value > 0, `NUXT_OIDC_SESSION_${name}`, "a number of seconds");
  }
  check(pageRate === "off" || (Number.isFinite(Number(pageRate)) && Number(pageRate) >= 0), "NUXT_PAGE_RATE", "pages a second of one client, or off");
  check(trustedProxies(String(proxies)) !== null, "NUXT_TRUSTED_PROXIES", "addresses and networks, such as 10.0.0.0/8, with commas between them");
  check(!otlpEndpoint || /^https?:$/.test(URL.parse(otlpEndpoint)?.protocol ?? ""), "NUXT_OTLP_ENDPOINT", "the address of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318");
  return found;
}

export default defineNitroPlugin(() => {
  const found = missing();
  if (!found.length) return;
  report(`the portal cannot start: ${found.join("; ")}`);
  process.exit(1);
});
