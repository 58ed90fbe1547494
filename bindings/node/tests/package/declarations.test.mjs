// What is declared by hand in index.d.ts is what the code has: options, exports, members, errors and verified tokens.
import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import typescript from "typescript";
import * as sdk from "@dezky/sdk";

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL("../..", import.meta.url));
const source = typescript.createSourceFile("index.d.ts", readFileSync(join(root, "index.d.ts"), "utf8"), typescript.ScriptTarget.Latest, true);

const folder = mkdtempSync(join(tmpdir(), "dezky-declared-"));
after(() => rmSync(folder, { recursive: true }));

const nameOf = (node) => node.name?.getText(source);
const declared = (kind) => source.statements.filter((statement) => statement.kind === kind);
const find = (name) => source.statements.find((statement) => nameOf(statement) === name);
const isStatic = (member) => member.modifiers?.some((modifier) => modifier.kind === typescript.SyntaxKind.StaticKeyword) ?? false;
/** Names of members that are called or read, without symbols and constructors. */
const members = (name, wanted = () => true) =>
  find(name).members.filter((member) => nameOf(member) && !nameOf(member).startsWith("[") && wanted(member)).map(nameOf).sort();

/** The names that the code knows, from its complaint about one that it does not know: those of this language, not those of `dezky.toml`. */
async function known(options) {
  const error = await sdk.Dezky.open({ environment: false, ...options }).then(() => assert.fail("it was opened"), (error) => error);
  assert.ok(error instanceof sdk.ConfigurationError, String(error));
  const [, names] = /unknown field `nonsense`, expected one of (.*?)(?: at line|$)/.exec(error.message) ?? assert.fail(error.message);
  return [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name).filter((name) => !name.includes("_")).sort();
}

test("options are those that `open` reads", async () => {
  assert.deepEqual(members("OpenOptions"), await known({ nonsense: 1 }));
  assert.deepEqual(members("IssuerOptions"), await known({ issuers: [{ nonsense: 1 }] }));
});

test("what is declared is exported, and nothing else", () => {
  const values = [typescript.SyntaxKind.ClassDeclaration, typescript.SyntaxKind.FunctionDeclaration];
  const names = values.flatMap(declared).map(nameOf).sort();
  assert.deepEqual(Object.keys(require("@dezky/sdk")).sort(), names);
  assert.deepEqual(Object.keys(sdk).filter((name) => name !== "default" && name !== "module.exports").sort(), names);
});

test("the class has the members that are declared, and nothing else in sight", async () => {
  const dezky = await sdk.Dezky.open({ environment: false, store: `sqlite:${join(folder, "members.sqlite")}`, oidcIssuer: "http://127.0.0.1:1/", oidcAudience: "dezky", log: "off" });
  try {
    const own = [...Object.getOwnPropertyNames(Object.getPrototypeOf(dezky)), ...Object.keys(dezky)];
    assert.deepEqual(own.filter((name) => name !== "constructor").sort(), members("Dezky", (member) => !isStatic(member)));
    const statics = Object.getOwnPropertyNames(sdk.Dezky).filter((name) => !["length", "name", "prototype"].includes(name));
    assert.deepEqual(statics.sort(), members("Dezky", isStatic));
  } finally {
    await dezky.close();
  }
});

test("every kind of error is declared, and has a class of its own", () => {
  const kinds = find("ErrorKind").type.types.map((type) => type.literal.text).sort();
  const { make } = require(join(root, "lib/errors.cjs"));
  const classes = new Map(kinds.map((kind) => [make({ kind, code: "some", status: 500, message: "", fields: [] }).constructor, kind]));
  assert.equal(classes.size, kinds.length, "no two kinds share a class");
  for (const [Kind, kind] of classes) {
    assert.ok(Kind.prototype instanceof sdk.DezkyError, kind);
    assert.equal(sdk[Kind.name], Kind);
  }
  const exported = Object.values(sdk).filter((value) => value?.prototype instanceof sdk.DezkyError);
  assert.deepEqual(new Set(exported), new Set(classes.keys()));
});

test("all packages have the version of the crate, and each platform's is an optional dependency", () => {
  const read = (path) => JSON.parse(readFileSync(join(root, path), "utf8"));
  const [, version] = /^\[workspace\.package\]\nversion = "([^"]+)"/m.exec(readFileSync(join(root, "../../Cargo.toml"), "utf8"));
  const main = read("package.json");
  assert.equal(main.version, version);
  const platforms = readdirSync(join(root, "npm")).map((platform) => read(join("npm", platform, "package.json")));
  assert.deepEqual(main.optionalDependencies, Object.fromEntries(platforms.map(({ name }) => [name, version])));
  for (const platform of platforms) assert.equal(platform.version, version, platform.name);
});

test("a verified token with every claim has the members that are declared", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const now = Math.floor(Date.now() / 1000);
  const issuer = "https://issuer.test/";
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const head = encode({ alg: "ES256", kid: "one" });
  const claims = encode({ iss: issuer, aud: "dezky", sub: "anna", iat: now, nbf: now, exp: now + 60, email: "anna@example.eu", name: "Anna", sid: "s", jti: "t" });
  const signature = sign("sha256", Buffer.from(`${head}.${claims}`), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url");
  const dezky = await sdk.Dezky.open({
    environment: false,
    store: `sqlite:${join(folder, "claims.sqlite")}`,
    issuers: [{ id: "default", urls: [issuer], audiences: ["dezky"], jwks: { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one" }] }, profile: "any", tenant: "acme" }],
    log: "off",
  });
  try {
    assert.deepEqual(Object.keys(await dezky.verify(`${head}.${claims}.${signature}`)).sort(), members("VerifiedToken"));
  } finally {
    await dezky.close();
  }
});
