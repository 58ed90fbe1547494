// What is built has the licences of what others wrote in it: all beside it, and those of what browsers get where these can read them.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const OUTPUT = fileURLToPath(new URL("../.output/", import.meta.url));
const read = (path) => readFileSync(OUTPUT + path, "utf8");
const all = new Set(read("THIRD-PARTY-NOTICES").split("-".repeat(80))[0].match(/^ {4}\S+ \d\S*/gm).map((line) => line.trim()));

test("packages in the bundles of browsers have theirs there, and beside the portal", () => {
  const titles = [...read("public/_nuxt/third-party-notices.md").matchAll(/^## (\S+) - (\S+) \(/gm)].map(([, name, version]) => `${name} ${version}`);
  assert.ok(titles.some((title) => title.startsWith("@lucide/vue ")));
  assert.deepEqual(titles.filter((title) => !all.has(title)), []);
});

test("packages beside the server have theirs", () => {
  const manifests = globSync("**/node_modules/**/package.json", { cwd: `${OUTPUT}server` }).map((path) => JSON.parse(read(`server/${path}`)));
  const packages = manifests.filter(({ name, version }) => name && version && !name.startsWith("@dezky/")).map(({ name, version }) => `${name} ${version}`);
  assert.ok(packages.length > 20);
  assert.deepEqual(packages.filter((name) => !all.has(name)), []);
});

test("what is in the server's own chunks and in the addon is named, and what only builds and tests need is not", () => {
  const names = new Set([...all].map((title) => title.split(" ")[0]));
  for (const name of ["nitropack", "nuxt", "rusqlite", "napi"]) assert.ok(names.has(name), name);
  for (const name of ["vite", "typescript", "playwright-core", "proptest"]) assert.ok(!names.has(name), name);
});
