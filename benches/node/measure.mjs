// Measures @dezky/sdk beside jose, fast-jwt and jsonwebtoken with jwks-rsa, in one process: verifications a second, and
// `fetch('/users/me')`. Prints figures and ratios; nothing passes or fails. Started by `benches/run.sh node`, on one core.
//
// Cases that are compared take turns in rounds; a figure is the median of its rounds, a ratio the median of the ratios within them.
import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createVerifier } from "fast-jwt";
import { createLocalJWKSet, jwtVerify } from "jose";
import jsonwebtoken from "jsonwebtoken";
import jwksClient from "jwks-rsa";
import { Dezky } from "../../bindings/node/index.mjs";

const ISSUER = "https://auth.example.eu/application/o/dezky-portal/";
const AUDIENCE = "dezky-portal";
const ROUNDS = Number(process.env.ROUNDS ?? 7);
const TOKENS = 1_000;

const now = Math.floor(Date.now() / 1000);
const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const claims = (number) => ({
  iss: ISSUER, sub: `0b7c${String(number).padStart(28, "0")}`, aud: AUDIENCE, exp: now + 36_000, iat: now, auth_time: now, acr: "goauthentik.io/providers/oauth2/default",
  email: "anna@example.eu", email_verified: true, name: "Anna Example", preferred_username: "anna", groups: ["acme", "dezky"], azp: AUDIENCE, uid: "9f5c1b7d3e", sid: "session-anna",
});

const ALGORITHMS = {
  RS256: [() => generateKeyPairSync("rsa", { modulusLength: 2048 }), (data, key) => sign("sha256", data, key)],
  ES256: [() => generateKeyPairSync("ec", { namedCurve: "P-256" }), (data, key) => sign("sha256", data, { key, dsaEncoding: "ieee-p1363" })],
  EdDSA: [() => generateKeyPairSync("ed25519"), (data, key) => sign(null, data, key)],
};

function issuer(alg) {
  const [generate, make] = ALGORITHMS[alg];
  const { publicKey, privateKey } = generate();
  const mint = (number) => {
    const signed = `${encode({ alg, kid: alg, typ: "JWT" })}.${encode(claims(number))}`;
    return `${signed}.${make(Buffer.from(signed), privateKey).toString("base64url")}`;
  };
  const jwks = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: alg, alg, use: "sig" }] };
  return { alg, publicKey, jwks, mint };
}

const folder = mkdtempSync(join(process.env.DEZKY_BENCH_FOLDER ?? ".", "dezky-bench-"));
let opened = 0;
const open = ({ jwks }) =>
  Dezky.open({
    environment: false, log: "off", store: `sqlite:${folder}/${(opened += 1)}.sqlite`,
    issuers: [{ id: "default", urls: [ISSUER], audiences: [AUDIENCE], jwks }],
  });

const median = (values) => values.toSorted((one, other) => one - other)[values.length >> 1];
const rate = (value) => Math.round(value).toLocaleString("en").padStart(9);

/** Verifications a second of one pass. */
async function pass(verify, tokens, asynchronous) {
  const begun = process.hrtime.bigint();
  if (asynchronous) for (const token of tokens) await verify(token);
  else for (const token of tokens) verify(token);
  return tokens.length / (Number(process.hrtime.bigint() - begun) / 1e9);
}

/** Runs cases in turns; each makes its verifier anew for every round, outside of what is measured. */
async function compare(title, cases, tokens) {
  const figures = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS + 1; round += 1) {
    for (const [name, { make, asynchronous, warm }] of Object.entries(cases)) {
      const { verify, close } = await make();
      if (warm) await pass(verify, new Set(tokens), asynchronous);
      const figure = await pass(verify, tokens, asynchronous);
      // The first round warms up.
      if (round > 0) figures[name].push(figure);
      await close?.();
    }
  }
  const ours = Object.keys(cases)[0];
  console.log(`\n${title}`);
  for (const [name, values] of Object.entries(figures)) {
    const ratio = median(figures[ours].map((own, at) => own / values[at]));
    const said = name === ours ? "" : `   ${ours} is ${ratio.toFixed(2)}x`;
    console.log(`  ${name.padEnd(34)} ${rate(median(values))}/s${said}`);
  }
}

for (const alg of Object.keys(ALGORITHMS)) {
  const own = issuer(alg);
  const tokens = Array.from({ length: TOKENS }, (_, number) => own.mint(number));
  const dezkySync = async () => {
    const dezky = await open(own);
    await dezky.verify(own.mint(TOKENS)); // The keys are there from here on.
    return { verify: (token) => dezky.verifySync(token), close: () => dezky.close() };
  };
  const dezkyAsync = async () => {
    const dezky = await open(own);
    await dezky.verify(own.mint(TOKENS));
    return { verify: (token) => dezky.verify(token), close: () => dezky.close() };
  };
  const keys = createLocalJWKSet(own.jwks);
  const jose = async () => ({ verify: (token) => jwtVerify(token, keys, { issuer: ISSUER, audience: AUDIENCE }) });
  const pem = own.publicKey.export({ type: "spki", format: "pem" });
  const fast = (cache) => async () => ({ verify: createVerifier({ key: pem, cache, allowedIss: ISSUER, allowedAud: AUDIENCE }) });
  const checked = { issuer: ISSUER, audience: AUDIENCE, algorithms: [alg] };
  const client = jwksClient({ jwksUri: "https://auth.example.eu/jwks", fetcher: async () => own.jwks, cache: true });
  const viaJwksRsa = async () => ({
    verify: async (token) => {
      const key = await client.getSigningKey(alg);
      return jsonwebtoken.verify(token, key.getPublicKey(), checked);
    },
  });
  const withKeyObject = async () => ({ verify: (token) => jsonwebtoken.verify(token, own.publicKey, checked) });
  const others = alg === "EdDSA" ? {} : { // jsonwebtoken has no EdDSA.
    "jsonwebtoken, KeyObject": { make: withKeyObject },
    "jsonwebtoken + jwks-rsa": { make: viaJwksRsa, asynchronous: true },
  };
  await compare(`${alg}, first sight (${tokens[0].length} characters)`, {
    "dezky.verifySync": { make: dezkySync },
    "dezky.verify": { make: dezkyAsync, asynchronous: true },
    "fast-jwt, no cache": { make: fast(false) },
    "jose, local keys": { make: jose, asynchronous: true },
    ...others,
  }, tokens);
  if (alg !== "RS256") continue;
  const few = Array.from({ length: 100_000 }, (_, at) => tokens[at % 100]);
  await compare(`${alg}, remembered (100 tokens in turns)`, {
    "dezky.verifySync": { make: dezkySync, warm: true },
    "dezky.verify": { make: dezkyAsync, asynchronous: true, warm: true },
    "fast-jwt, cache": { make: fast(true), warm: true },
  }, few);
}

const own = issuer("RS256");
const dezky = await open(own);
const authorization = `Bearer ${own.mint(1)}`;
const ask = async () => {
  const answer = await dezky.fetch(new Request("http://dezky.test/users/me", { headers: { authorization } }));
  if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
  return answer.text();
};
const scope = dezky.asUser(authorization.slice(7));
console.log("\nGET /users/me in process, SQLite");
for (const [name, call] of [["fetch", ask], ["asUser(token).me()", () => scope.me()]]) {
  for (const lanes of [1, 32]) {
    const figures = [];
    for (let round = 0; round < ROUNDS + 1; round += 1) {
      const calls = 4_000;
      let left = calls;
      const begun = process.hrtime.bigint();
      await Promise.all(Array.from({ length: lanes }, async () => {
        while (left-- > 0) await call();
      }));
      if (round > 0) figures.push(calls / (Number(process.hrtime.bigint() - begun) / 1e9));
    }
    console.log(`  ${name}, ${lanes} at a time`.padEnd(37) + `${rate(median(figures))}/s`);
  }
}
await dezky.close();
rmSync(folder, { recursive: true });
