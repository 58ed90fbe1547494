// Wrong settings stop the start with one line that names each; an end is orderly.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startPortal } from "../development/portal.mjs";
import { portalSettings } from "../development/settings.mjs";
import { freePort } from "./harness/stage.mjs";

let folder;
let settings;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "dezky-portal-"));
  const portalUrl = `http://app.dezky.localhost:${await freePort()}`;
  // An issuer that does not answer is no wrong setting.
  settings = portalSettings({ portalUrl, issuer: "http://127.0.0.1:9", store: `sqlite:${join(folder, "dezky.sqlite")}`, sessionFolder: join(folder, "sessions"), seed: folder });
});
after(() => rm(folder, { recursive: true }));

/** What a portal says that does not start. */
async function refusal(changes) {
  let output = "";
  await assert.rejects(startPortal({ ...settings, ...changes }, (text) => (output += text)), /has ended/);
  const lines = output.split("\n").filter((line) => line.startsWith("the portal cannot start"));
  assert.equal(lines.length, 1, output);
  return lines[0];
}

const WRONG = {
  NUXT_PORTAL_URL: ["", "not a url", "https://localhost", "https://app.dezky.eu/path", "http://app.dezky.eu", "ftp://app.dezky.localhost"],
  NUXT_OIDC_PROVIDERS_OIDC_CLIENT_ID: [""],
  NUXT_OIDC_PROVIDERS_OIDC_OPEN_ID_CONFIGURATION: ["", "nowhere"],
  NUXT_OIDC_SESSION_MAX_AGE: ["0", "a day"],
  NUXT_OIDC_SESSION_IDLE_TIMEOUT: ["-1", "1.5", "never"],
  NUXT_OIDC_TOKEN_KEY: ["", "c2hvcnQ="],
  NUXT_PAGE_RATE: ["-1", "many"],
  NUXT_TRUSTED_PROXIES: ["proxy", "10.0.0.0/33", "10.0.0.0/", "10.0.0.1 10.0.0.2"],
  NUXT_DEZKY_API_URL: ["nowhere"],
  NUXT_OTLP_ENDPOINT: ["nowhere", "ftp://collector.dezky.eu"],
  NUXT_PUBLIC_API_URL: ["nowhere", "ftp://api.dezky.eu"],
  DEZKY_STORE: ["nonsense"],
};

for (const [name, values] of Object.entries(WRONG)) {
  test(`a wrong ${name} is named`, async () => {
    for (const value of values) {
      const line = await refusal({ [name]: value });
      assert.match(line, new RegExp(name === "DEZKY_STORE" ? "store|DEZKY_STORE" : name), line);
      for (const secret of [settings.NUXT_OIDC_TOKEN_KEY, settings.NUXT_OIDC_SESSION_SECRET, settings.NUXT_OIDC_PROVIDERS_OIDC_CLIENT_SECRET]) assert.ok(!line.includes(secret));
    }
  });
}

test("the portal starts without its identity provider, and ends with code 0 when it is told to", async () => {
  const portal = await startPortal(settings, () => {});
  await portal.stop();
  assert.equal(portal.process.exitCode, 0);
});
