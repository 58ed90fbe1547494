// Compiles the code blocks of the README, each a module, with `tsc --strict` against the types of the package; what comes
// out is what the tests mount. node scripts/readme.mjs, after tests/ is installed.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../tests/.readme/", import.meta.url));
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const blocks = [...readme.matchAll(/^```ts\n\/\/ (\w+\.ts)[^\n]*\n([\s\S]*?)^```/gm)];
const all = readme.match(/^```(ts|js|typescript|javascript)\b/gm) ?? [];
if (blocks.length === 0 || blocks.length !== all.length) throw new Error("every code block of the README begins with `// name.ts`");

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
for (const [, name, code] of blocks) writeFileSync(folder + name, code);
writeFileSync(`${folder}package.json`, '{ "type": "module" }\n');
const options = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  module: "nodenext",
  target: "es2022",
  lib: ["es2022"],
  types: ["node"],
};
const typescript = fileURLToPath(new URL("../tests/node_modules/typescript/bin/tsc", import.meta.url));
function compile(project, files, more) {
  writeFileSync(folder + project, JSON.stringify({ compilerOptions: { ...options, ...more }, files }));
  execFileSync(process.execPath, [typescript, "--project", folder + project], { stdio: "inherit" });
}
const names = blocks.map(([, name]) => name);
const frameworks = ["nitro.ts", "hono.ts", "express.ts"];
// The types of the package are checked too; those of frameworks are theirs to check, and some of them need a browser's.
compile("tsconfig.json", names.filter((name) => !frameworks.includes(name)), {});
compile("tsconfig.frameworks.json", frameworks, { skipLibCheck: true });
console.log(`the README's ${blocks.length} code blocks compile with --strict`);
