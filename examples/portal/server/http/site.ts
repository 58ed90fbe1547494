// Which of its hosts the portal was asked at: the application's, or that of a tenant's launcher.
import type { H3Event } from "h3";

export interface Site {
  /** The application (sign-in, administration), or the launcher of a tenant. */
  kind: "application" | "launcher";
  /** The tenant of a launcher. */
  slug: string | null;
  /** What all hosts end with, port included: `dezky.example.eu`. */
  domain: string;
  /** Where the application is: `https://app.dezky.example.eu`. */
  applicationUrl: string;
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

let application: URL | undefined;

/** The address of the application, as `NUXT_PORTAL_URL` says it. */
export function applicationUrl(): URL {
  application ??= new URL(useRuntimeConfig().portalUrl);
  return application;
}

/** Where the identity provider leads back to after a sign-in. */
export function callbackUrl(): URL {
  return new URL("/auth/oidc/callback", applicationUrl());
}

/** What all hosts of the portal end with, without the port: the domain of cookies. */
export function portalHostname(): string {
  return applicationUrl().hostname.replace(/^[^.]+\./, "");
}

/** What all hosts of the portal end with, with the port where there is one. */
export function portalDomain(): string {
  return applicationUrl().host.replace(/^[^.]+\./, "");
}

/** The site at a value of `Host`; `null` if it is none of the portal's. */
export function siteAt(host: string): Site | null {
  const { host: applicationHost, origin } = applicationUrl();
  const domain = portalDomain();
  const asked = host.toLowerCase();
  if (asked === applicationHost) return { kind: "application", slug: null, domain, applicationUrl: origin };
  if (!asked.endsWith(`.${domain}`)) return null;
  const slug = asked.slice(0, -domain.length - 1);
  return LABEL.test(slug) ? { kind: "launcher", slug, domain, applicationUrl: origin } : null;
}

/** The site of a request; the middleware has refused all others. */
export function siteOf(event: H3Event): Site {
  const site = siteAt(getRequestHeader(event, "host") ?? "");
  if (!site) throw createError({ statusCode: 421, statusMessage: "Misdirected Request" });
  return site;
}

/** A URL within the portal, or `null`: where a person may be sent after they have signed in or out. */
export function withinPortal(text: unknown): URL | null {
  const base = applicationUrl();
  if (typeof text !== "string" || text.length > 2048 || !URL.canParse(text, base)) return null;
  const url = new URL(text, base);
  return url.protocol === base.protocol && !url.username && !url.password && siteAt(url.host) ? url : null;
}
