"use strict";
// Finds the addon that fits this machine: beside this package where it was built, else in the package of the platform.
const { existsSync } = require("node:fs");
const { join } = require("node:path");
const { platform } = require("./platform.cjs");

function load() {
  const name = platform();
  const beside = join(__dirname, "..", `dezky.${name}.node`);
  if (existsSync(beside)) return require(beside);
  const wanted = `@dezky/sdk-${name}`;
  const { optionalDependencies = {}, version } = require("../package.json");
  if (!(wanted in optionalDependencies)) {
    const known = Object.keys(optionalDependencies).map((known) => known.replace("@dezky/sdk-", ""));
    throw new Error(
      `@dezky/sdk has no binary for ${name}; it has some for ${known.join(", ")}. ` +
        "Build it from the sources (bindings/node/README.md), or call the HTTP API of a `dezky serve`.",
    );
  }
  try {
    return require(wanted);
  } catch (cause) {
    if (cause.code !== "MODULE_NOT_FOUND") {
      throw new Error(`@dezky/sdk: the binary of ${wanted} cannot be loaded: ${cause.message}`, { cause });
    }
    throw new Error(
      `@dezky/sdk: the package ${wanted} is not installed. It is an optional dependency, which npm leaves out with ` +
        "`--omit=optional`, or where the lockfile was written on another platform (https://github.com/npm/cli/issues/4828). " +
        `Install it: \`npm install ${wanted}@${version}\`; or remove node_modules and package-lock.json and run \`npm install\`.`,
      { cause },
    );
  }
}

module.exports = load();
