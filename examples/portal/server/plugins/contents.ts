// The Content-Security-Policy of pages: own files, and the inline script of Nuxt's settings by a nonce that no page has twice.
import { randomBytes } from "node:crypto";
import { applicationUrl } from "../http/site";

/** Adds the nonce to scripts and styles in parts of a page that Nuxt wrote itself: not in its body, where texts of people stand. */
function withNonce(parts: string[], nonce: string): string[] {
  return parts.map((part) => part.replace(/<(script|style)(?=[\s>])/g, `<$1 nonce="${nonce}"`));
}

/** Where a form may lead: signing out leads over the application to the identity provider. */
function formTargets(): string {
  const { logoutUrl } = useRuntimeConfig().oidc.providers.oidc!;
  const provider = URL.canParse(logoutUrl) ? ` ${new URL(logoutUrl).origin}` : "";
  return `'self' ${applicationUrl().origin}${provider}`;
}

export default defineNitroPlugin((nitro) => {
  // What it is made with is nobody's business.
  nitro.hooks.hook("render:response", ({ headers }) => {
    delete headers?.["x-powered-by"];
  });
  nitro.hooks.hook("render:html", (html, { event }) => {
    const nonce = randomBytes(16).toString("base64");
    html.head = withNonce(html.head, nonce);
    html.bodyPrepend = withNonce(html.bodyPrepend, nonce);
    html.bodyAppend = withNonce(html.bodyAppend, nonce);
    const policy = {
      "default-src": "'none'",
      "script-src": `'self' 'nonce-${nonce}'`,
      "style-src": `'self' 'nonce-${nonce}'`,
      // Colours of tenants, and positions of menus.
      "style-src-attr": "'unsafe-inline'",
      // Logos of tenants are anywhere.
      "img-src": "'self' data: https:",
      "font-src": "'self'",
      "connect-src": "'self'",
      "form-action": formTargets(),
      "base-uri": "'none'",
      "frame-ancestors": "'none'",
    };
    if (import.meta.dev) {
      // Vite's client connects to itself and inserts styles.
      policy["connect-src"] += " ws: wss:";
      policy["style-src"] = "'self' 'unsafe-inline'";
    }
    setResponseHeaders(event, {
      "content-security-policy": Object.entries(policy).map(([name, value]) => `${name} ${value}`).join("; "),
      "cache-control": "no-store",
    });
  });
});
