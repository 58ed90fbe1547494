// An OpenID provider for development and tests: signs in the people that it is given, and issues access tokens as Authentik does.
// It forgets everything when it ends. Not for production.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer, request } from "node:http";
import { Provider } from "oidc-provider";
import { signedOutPage, signInPage, signOutPage } from "./pages.mjs";

/** The portal's client at this provider. */
export const CLIENT = { id: "dezky-portal", secret: "development-secret-of-the-portal" };

const RESOURCE = "urn:dezky:api";
const SCOPES = "openid profile email groups offline_access";

/** Reads a form of at most 10 kB. */
async function formOf(request) {
  let text = "";
  for await (const part of request) {
    text += part;
    if (text.length > 10_000) throw new Error("the form is too large");
  }
  return new URLSearchParams(text);
}

/** As `fetch`, for the portal's own address: names below `localhost` are this machine (RFC 6761, section 6.3), whether the system's resolver knows it or not. */
function fetchHere(url, { method, headers, body, signal }) {
  const lookup = (_, { all }, found) => (all ? found(null, [{ address: "127.0.0.1", family: 4 }]) : found(null, "127.0.0.1", 4));
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: Object.fromEntries(headers), lookup, signal }, (response) => {
      response.resume().once("error", reject).once("end", () => resolve(new Response(null, { status: response.statusCode })));
    });
    sent.once("error", reject).end(String(body));
  });
}

function signingKeys() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { keys: [{ ...privateKey.export({ format: "jwk" }), kid: randomBytes(8).toString("hex"), alg: "RS256", use: "sig" }] };
}

const isForTokens = ({ url }) => new URL(url, "http://provider").pathname === "/token";

/**
 * Starts the provider on a loopback address.
 *
 * @param {object} options
 * @param {number} options.port 0 for any.
 * @param {string} options.portalUrl Where the portal's application is: `http://app.dezky.localhost:3000`.
 * @param {import("./people.mjs").Person[]} options.people Whom it knows; changes of the list count at once.
 * @param {number} [options.tokenSeconds] Life of access tokens. Default: 300.
 * @returns What runs: `issuer`, `settings` (may be changed), the `provider` with its events, `refuse(status)` (answers token requests
 *   with that status until `refuse(null)`), `hold()` (the next token request waits: `arrived` tells that it is there, `release()` lets it
 *   go on), `forgetGrants()` (ends the sessions of clients), and `close()`.
 */
export async function startProvider({ port, portalUrl, people, tokenSeconds = 300 }) {
  const settings = { tokenSeconds };
  const server = createServer();
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${server.address().port}`;

  const claimsOf = ({ subject, email, name, groups }) => ({ sub: subject, email, email_verified: false, name, groups });
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [`${portalUrl}/auth/oidc/callback`],
        post_logout_redirect_uris: [`${portalUrl}/`],
        backchannel_logout_uri: `${portalUrl}/api/oidc/backchannel-logout`,
        backchannel_logout_session_required: true,
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
      },
    ],
    jwks: signingKeys(),
    cookies: { keys: [randomBytes(32).toString("hex")] },
    claims: { openid: ["sub"], profile: ["name"], email: ["email", "email_verified"], groups: ["groups"] },
    scopes: SCOPES.split(" "),
    findAccount(_, subject) {
      const person = people.find((each) => each.subject === subject);
      return person && { accountId: subject, claims: () => claimsOf(person) };
    },
    // Authentik's access tokens carry the claims of the person, `azp`, `uid` and the session.
    extraTokenClaims(_, token) {
      const person = people.find((each) => each.subject === token.accountId);
      return person && { ...claimsOf(person), azp: CLIENT.id, uid: randomBytes(20).toString("hex"), sid: token.sid };
    },
    fetch: fetchHere,
    ttl: { AccessToken: () => settings.tokenSeconds, Session: 86_400, Grant: 86_400, RefreshToken: 86_400, Interaction: 600, IdToken: 300 },
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    expiresWithSession: () => false,
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      revocation: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => (ctx.body = signOutPage(ctx, form)),
        postLogoutSuccessSource: (ctx) => (ctx.body = signedOutPage(ctx)),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: SCOPES, audience: CLIENT.id, accessTokenFormat: "jwt", jwt: { sign: { alg: "RS256" } } }),
      },
    },
    // Nobody is asked for consent: the portal is the platform's own.
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope(SCOPES);
      grant.addResourceScope(RESOURCE, SCOPES);
      await grant.save();
      return grant;
    },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
  });

  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith("/interaction/")) return next();
    ctx.set("cache-control", "no-store");
    if (ctx.method === "POST") {
      const form = await formOf(ctx.req);
      const person = people.find(({ email }) => email === form.get("email")?.trim().toLowerCase());
      if (person && person.password === form.get("password")) {
        ctx.respond = false;
        return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: person.subject } });
      }
      ctx.status = 422;
      ctx.body = signInPage({ path: ctx.path, email: form.get("email") ?? "", failed: true });
      return;
    }
    ctx.body = signInPage({ path: ctx.path, email: "", failed: false });
  });

  // What a test may do to it: refuse all token requests, hold one, and end all sessions of clients.
  let refusal = null;
  let held = null;
  const answer = provider.callback();
  server.on("request", (request, response) => {
    if (!isForTokens(request)) return answer(request, response);
    if (refusal !== null) return response.writeHead(refusal).end();
    if (!held) return answer(request, response);
    held.arrive();
    held.released.then(() => answer(request, response));
    held = null;
  });
  const hold = () => {
    const gate = {};
    const arrived = new Promise((resolve) => (gate.arrive = resolve));
    gate.released = new Promise((resolve) => (gate.release = resolve));
    held = gate;
    return { arrived, release: gate.release };
  };
  const refuse = (status) => (refusal = status);
  const granted = new Set();
  provider.on("grant.success", ({ oidc }) => granted.add(oidc.entities.Grant?.jti ?? oidc.entities.AccessToken?.grantId));
  const forgetGrants = async () => {
    for (const id of granted) {
      await provider.RefreshToken.revokeByGrantId(id);
      await (await provider.Grant.find(id))?.destroy();
    }
    granted.clear();
  };
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return { issuer, settings, provider, refuse, hold, forgetGrants, close };
}
