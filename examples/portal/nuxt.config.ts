// The portal. What differs between deployments comes from NUXT_* and DEZKY_* variables at start: see README.md.
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LANGUAGE_COOKIE } from "./app/domain/cookies";

/** The addon of @dezky/sdk where it was built from the sources, which nobody requires by a constant name. */
function addons(): string[] {
  const folder = fileURLToPath(new URL("node_modules/@dezky/sdk/", import.meta.url));
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".node")).map((name) => folder + name) : [];
}

export default defineNuxtConfig({
  compatibilityDate: "2026-11-01",
  telemetry: false,
  devtools: { enabled: false },
  modules: ["@nuxtjs/i18n"],

  css: ["~/assets/css/main.css"],

  runtimeConfig: {
    /** Where the application is: `https://app.dezky.example.eu`. Tenants live beside it, at `https://<slug>.dezky.example.eu`. */
    portalUrl: "",
    /** A Dezky API elsewhere; empty for the one in this process. */
    dezkyApiUrl: "",
    public: {
      /** Where other software reaches the API, for pages that say so. */
      apiUrl: "",
    },
    /** Where sessions are kept. */
    sessionFolder: ".data/sessions",
    /** Proxies whose `X-Forwarded-For` says who the client is. */
    trustedProxies: "",
    /** A collector that spans of requests are exported to. */
    otlpEndpoint: "",
    /** Rendered pages a second of one client; five seconds of it at once. */
    pageRate: "20",
    oidc: {
      providers: {
        oidc: {
          clientId: "",
          clientSecret: "",
          openIdConfiguration: "",
          /** Where they are not those of the configuration. */
          authorizationUrl: "",
          tokenUrl: "",
          logoutUrl: "",
        },
      },
      /** How long a session lasts, at most and without a request, in seconds. */
      session: { maxAge: 24 * 60 * 60, idleTimeout: 60 * 60 },
    },
  },

  i18n: {
    strategy: "no_prefix",
    defaultLocale: "en",
    locales: [
      { code: "en", language: "en", name: "English", file: "en.json" },
      { code: "de", language: "de", name: "Deutsch", file: "de.json" },
    ],
    detectBrowserLanguage: { useCookie: true, cookieKey: LANGUAGE_COOKIE, cookieSecure: true, fallbackLocale: "en", alwaysRedirect: false },
  },

  // Linked files instead of copies in every page: the policy of contents then needs no exception for them.
  features: { inlineStyles: false },
  experimental: { entryImportMap: false, appManifest: false },

  nitro: {
    compressPublicAssets: { gzip: true, brotli: true },
    externals: {
      external: ["@dezky/sdk"],
      traceInclude: addons(),
    },
  },

  hooks: {
    // A page brings what it needs itself. Links fetch what they lead to, once they are seen or pointed at; everything else waits until it is used.
    "build:manifest"(manifest) {
      for (const part of Object.values(manifest)) part.prefetch = false;
    },
  },

  // Browsers that know `light-dark()`: what a minifier puts in its place cannot show a dark preview in a light page.
  vite: {
    build: { cssTarget: ["chrome123", "firefox120", "safari17.5"] },
    // Licences that ask to be in every copy: what browsers get is one too.
    $client: { build: { license: { fileName: "_nuxt/third-party-notices.md" } } },
  },

  typescript: { strict: true },
});
