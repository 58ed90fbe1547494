// Packs the package and that of this platform, with the addon that was built last, and installs both into an empty project, where
// they work as ES module and as CommonJS. Without the platform's package the error says what to do.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const { platform } = createRequire(import.meta.url)("../lib/platform.cjs");
const name = platform();
const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "dezky-packed-"));
const npm = (args, cwd) => execFileSync("npm", [...args, "--silent", "--no-audit", "--no-fund"], { cwd, encoding: "utf8" });
const run = (project, ...args) => execFileSync(process.execPath, args, { cwd: project, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

try {
  // Copies, so that what is packed holds nothing of the folder in which it is built.
  const [main, binary] = [join(folder, "main"), join(folder, "binary")];
  cpSync(root, main, { recursive: true, filter: (path) => !/\/(tests|npm|node_modules|src)$|\.node$/.test(path) });
  cpSync(join(root, "npm", name), binary, { recursive: true });
  cpSync(join(root, `dezky.${name}.node`), join(binary, `dezky.${name}.node`));
  npm(["pack", "--pack-destination", folder], main);
  npm(["pack", "--pack-destination", folder], binary);
  const packed = readdirSync(folder).filter((file) => file.endsWith(".tgz")).map((file) => join(folder, file));
  const own = packed.find((file) => /sdk-\d/.test(file));

  const project = join(folder, "project");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), "{}");
  // The registry has none of the platforms' packages yet: both are given.
  npm(["install", "--offline", ...packed], project);
  writeFileSync(join(project, "run.mjs"), 'import { Dezky, NotFoundError } from "@dezky/sdk";\nconst dezky = await Dezky.open({ environment: false, store: "sqlite:a.sqlite", oidcIssuer: "http://127.0.0.1:1/", oidcAudience: "dezky", log: "off" });\nawait dezky.asSystem("a").tenants.create({ slug: "acme", name: "Acme" });\nawait dezky.asSystem("a").tenants.get("b").catch((error) => console.log(error instanceof NotFoundError));\nawait dezky.close();\n');
  writeFileSync(join(project, "run.cjs"), 'const { Dezky } = require("@dezky/sdk");\nDezky.open({ environment: false, store: "sqlite:a.sqlite", oidcIssuer: "http://127.0.0.1:1/", oidcAudience: "dezky", log: "off" }).then(async (dezky) => {\n  console.log((await dezky.asSystem("a").tenants.get("acme")).name);\n  await dezky.close();\n});\n');
  assert.equal(run(project, "run.mjs"), "true\n");
  assert.equal(run(project, "run.cjs"), "Acme\n");

  const bare = join(folder, "bare");
  mkdirSync(bare);
  writeFileSync(join(bare, "package.json"), "{}");
  npm(["install", "--offline", "--omit=optional", own], bare);
  assert.throws(() => run(bare, "-e", 'require("@dezky/sdk")'), (error) => {
    assert.match(error.stderr, new RegExp(`@dezky/sdk-${name} is not installed[\\s\\S]*npm install @dezky/sdk-${name}@`));
    return true;
  });
  console.log(`the packed packages work in an empty project on ${name}`);
} finally {
  rmSync(folder, { recursive: true });
}
