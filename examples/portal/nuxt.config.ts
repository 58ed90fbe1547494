// The portal. What differs between deployments comes from NUXT_* and DEZKY_* variables at start: see README.md.
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The addon of @dezky/sdk where it was built from the sources, which nobody requires by a constant name. */
function addons(): string[] {
  const folder = fileURLToPath(new URL("node_modules/@dezky/sdk/", import.meta.url));
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".node")).map((name) => folder + name) : [];
}

export default defineNuxtConfig({
  compatibilityDate: "2026-11-01",
  telemetry: false,
  devtools: { enabled: false },
  modules: ["nuxt-oidc-auth", "@nuxtjs/i18n"],

  css: ["~/assets/css/main.css"],

  runtimeConfig: {
    /** Where the application is: `https://app.dezky.example.eu`. Tenants live beside it, at `https://<slug>.dezky.example.eu`. */
    portalUrl: "",
    /** A Dezky API elsewhere; empty for the one in this process. */
    dezkyApiUrl: "",
    /** Where sessions are kept. */
    sessionFolder: ".data/sessions",
  },

  oidc: {
    defaultProvider: "oidc",
    provideDefaultSecrets: false,
    devtools: false,
    middleware: { globalMiddlewareEnabled: false, customLoginPage: true },
    providers: {
      oidc: {
        clientId: "",
        clientSecret: "",
        redirectUri: "",
        authorizationUrl: "",
        tokenUrl: "",
        logoutUrl: "",
        // A URL, which the types leave out.
        openIdConfiguration: "" as unknown as Record<string, unknown>,
        scope: ["openid", "profile", "email", "groups", "offline_access"],
        responseType: "code",
        grantType: "authorization_code",
        authenticationScheme: "header",
        tokenRequestType: "form-urlencoded",
        pkce: true,
        state: true,
        nonce: false,
        validateAccessToken: true,
        validateIdToken: true,
        exposeAccessToken: true,
        callbackRedirectUrl: "/auth/done",
      },
    },
    session: {
      // server/session/token.ts checks and refreshes: of requests at the same time one does, and an answer is never replaced.
      expirationCheck: false,
      automaticRefresh: false,
      maxAge: 24 * 60 * 60,
      cookie: { sameSite: "lax", secure: true, ...{ domain: "" } },
    },
  },

  i18n: {
    strategy: "no_prefix",
    defaultLocale: "en",
    locales: [
      { code: "en", language: "en", name: "English", file: "en.json" },
      { code: "de", language: "de", name: "Deutsch", file: "de.json" },
    ],
    detectBrowserLanguage: { useCookie: true, cookieKey: "dezky-language", fallbackLocale: "en", alwaysRedirect: false },
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
    // Endpoints and a plugin of nuxt-oidc-auth that hand the session, token included, to browsers, and its sign-out by GET, which any
    // page could cause: nothing here uses them. The callback has a handler of its own, in server/routes.
    "nitro:config"(config) {
      const unwanted = /^\/api\/_auth\/|^\/auth\/.*\/(?:logout|callback)$/;
      config.handlers = config.handlers?.filter((handler) => !unwanted.test(handler && "route" in handler ? (handler.route ?? "") : ""));
    },
    // A page brings what it needs itself. Links fetch what they lead to, once they are seen; everything else waits until it is used.
    "build:manifest"(manifest) {
      for (const part of Object.values(manifest)) part.prefetch = false;
    },
    "app:resolve"(app) {
      app.plugins = app.plugins.filter(({ src }) => !src.includes("nuxt-oidc-auth"));
    },
  },

  // Browsers that know `light-dark()`: what a minifier puts in its place cannot show a dark preview in a light page.
  vite: { build: { cssTarget: ["chrome123", "firefox120", "safari17.5"] } },

  typescript: { strict: true },
});
