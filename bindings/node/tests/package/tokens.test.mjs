// Tokens are verified as the API verifies them, without a detour when keys are at hand.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Dezky, UnauthenticatedError } from "@dezky/sdk";
import { start } from "./world.mjs";

let world;
let dezky;
before(async () => {
  world = await start();
  dezky = await Dezky.open(world.options);
});
after(async () => {
  await dezky?.close();
  await world?.stop();
});

test("a genuine token says who is calling, and is the same object as long as it is remembered", async () => {
  const { token } = world.people.anna;
  const verified = await dezky.verify(token);
  assert.equal(verified.subject, "anna");
  assert.equal(verified.issuerId, "default");
  assert.ok(Date.parse(verified.expiresAt) > Date.now());
  assert.ok(Object.isFrozen(verified));
  assert.equal(dezky.verifySync(token), verified);
  assert.equal(await dezky.verify(`${token}`), verified);
});

test("a token that is not genuine is refused with the reason", async () => {
  const [header, payload, signature] = world.people.anna.token.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url"));
  const forged = [header, Buffer.from(JSON.stringify({ ...claims, sub: "paul" })).toString("base64url"), signature].join(".");
  const unsigned = [Buffer.from('{"alg":"none"}').toString("base64url"), payload, ""].join(".");
  for (const [token, code] of [
    [forged, "token_signature"],
    [unsigned, "token_algorithm"],
    ["", "token_missing"],
    ["a.b.c.d.e", "token_encrypted"],
    ["x".repeat(20_000), "token_too_large"],
  ]) {
    assert.throws(() => dezky.verifySync(token), (error) => {
      assert.ok(error instanceof UnauthenticatedError);
      assert.equal(error.code, code);
      return true;
    });
    await assert.rejects(dezky.verify(token), { code });
  }
});

test("keys are fetched when none are at hand", async () => {
  const other = await Dezky.open({ ...world.options, store: `sqlite:${world.folder}/empty.sqlite` });
  try {
    assert.equal((await other.verify(world.people.anna.token)).subject, "anna");
    assert.equal(other.verifySync(world.people.anna.token).subject, "anna");
  } finally {
    await other.close();
  }
});

test("an issuer that is away is told from a token that is refused", async () => {
  const issuers = [{ id: "default", urls: [JSON.parse(Buffer.from(world.people.anna.token.split(".")[1], "base64url")).iss], audiences: ["dezky"], jwks: "http://127.0.0.1:1/keys" }];
  const { oidcIssuer, oidcAudience, ...options } = world.options;
  const other = await Dezky.open({ ...options, issuers, store: `sqlite:${world.folder}/away.sqlite` });
  try {
    assert.equal(other.verifySync(world.people.anna.token), undefined);
    await assert.rejects(other.verify(world.people.anna.token), { code: "issuer_unavailable", retryable: true });
  } finally {
    await other.close();
  }
});
