// Everything that pages say is there in both languages, and says the same things.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { globSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = async (language) => flat(JSON.parse(await readFile(`${root}i18n/locales/${language}.json`, "utf8")));

/** Texts by their path. */
function flat(tree, path = "") {
  return Object.assign({}, ...Object.entries(tree).map(([key, value]) => (typeof value === "string" ? { [path + key]: value } : flat(value, `${path}${key}.`))));
}

const [english, german] = [await read("en"), await read("de")];
const placeholders = (text) => [...new Set(text.match(/\{[a-z]+\}/gi) ?? [])].sort();

test("both languages have the same texts, with the same places for values", () => {
  assert.deepEqual(Object.keys(german).sort(), Object.keys(english).sort());
  for (const [key, text] of Object.entries(english)) {
    assert.deepEqual(placeholders(german[key]), placeholders(text), key);
    assert.equal(german[key].split(" | ").length, text.split(" | ").length, `${key}: plural forms`);
    assert.ok(german[key].trim() && text.trim(), `${key} says nothing`);
  }
});

test("every text that a page asks for is there, and every text is asked for", async () => {
  const files = globSync("app/**/*.{vue,ts}", { cwd: root });
  const sources = (await Promise.all(files.map((file) => readFile(root + file, "utf8")))).join("\n");
  const asked = new Set([...sources.matchAll(/\bt\(\s*["'`]([\w.]+)["'`]/g)].map(([, key]) => key));
  // A choice between keys, and keys that a computed part completes.
  for (const [, key] of sources.matchAll(/["']((?:[a-z]\w*\.)+\w+)["']/g)) if (key in english) asked.add(key);
  const families = [...sources.matchAll(/\b(?:t|known)\([^`\n)]*[`]([\w.]+\.)(\w*)\$\{/g)].map(([, path, begin]) => path + begin);
  const missing = [...asked].filter((key) => !(key in english));
  assert.deepEqual(missing, [], "asked for and not there");
  for (const family of families) assert.ok(Object.keys(english).some((key) => key.startsWith(family)), `nothing begins with ${family}`);
  const unused = Object.keys(english).filter((key) => !asked.has(key) && !families.some((family) => key.startsWith(family)));
  assert.deepEqual(unused, [], "there and not asked for");
});

test("every action that the audit trail records has words", async () => {
  const { webhooks } = JSON.parse(await readFile(`${root}../../core/openapi.json`, "utf8"));
  const keys = Object.keys(webhooks).map((action) => `action.${action.replace(".", "_")}`);
  assert.deepEqual(keys.filter((key) => !(key in english)), []);
});
