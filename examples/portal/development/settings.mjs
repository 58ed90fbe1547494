// Settings of a portal with the development provider.
import { createHash } from "node:crypto";
import { CLIENT } from "./provider.mjs";
import { PLATFORM_GROUP } from "./people.mjs";

/** Secrets that stay the same as long as the folder of the data does, so that sessions survive a restart. */
const secretOf = (seed, what) => createHash("sha256").update(`${seed} ${what}`).digest();

/**
 * Environment variables of the portal, as an operator would set them.
 *
 * @param {object} options
 * @param {string} options.portalUrl Where the application is: `http://app.dezky.localhost:3000`.
 * @param {string} options.issuer The provider.
 * @param {string} options.store Such as `sqlite:PATH`.
 * @param {string} options.sessionFolder
 * @param {string} options.seed What secrets are made of.
 * @returns {Record<string, string>}
 */
export function portalSettings({ portalUrl, issuer, store, sessionFolder, seed }) {
  const { port } = new URL(portalUrl);
  return {
    HOST: "127.0.0.1",
    PORT: port,
    NUXT_PORTAL_URL: portalUrl,
    NUXT_SESSION_FOLDER: sessionFolder,
    NUXT_OIDC_PROVIDERS_OIDC_CLIENT_ID: CLIENT.id,
    NUXT_OIDC_PROVIDERS_OIDC_CLIENT_SECRET: CLIENT.secret,
    NUXT_OIDC_PROVIDERS_OIDC_LOGOUT_URL: `${issuer}/session/end`,
    NUXT_OIDC_PROVIDERS_OIDC_OPEN_ID_CONFIGURATION: `${issuer}/.well-known/openid-configuration`,
    NUXT_OIDC_TOKEN_KEY: secretOf(seed, "token key").toString("base64"),
    DEZKY_STORE: store,
    DEZKY_OIDC_ISSUER: issuer,
    DEZKY_OIDC_AUDIENCE: CLIENT.id,
    DEZKY_PLATFORM_ADMIN_GROUP: PLATFORM_GROUP,
  };
}
