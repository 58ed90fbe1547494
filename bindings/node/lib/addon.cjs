"use strict";
// Finds the addon that fits this machine: beside this package where it was built, else in the package of the platform.
const { existsSync, readFileSync } = require("node:fs");
const { join } = require("node:path");

/** Whether the C library of this process is musl: glibc names its version in the process report. */
function isMusl() {
  const report = process.report?.getReport?.();
  const { header, sharedObjects } = typeof report === "string" ? JSON.parse(report) : (report ?? {});
  if (header?.glibcVersionRuntime) return false;
  if (sharedObjects) return sharedObjects.some((file) => /ld-musl-|libc\.musl-/.test(file));
  try {
    return readFileSync("/usr/bin/ldd", "latin1").includes("musl");
  } catch {
    return false;
  }
}

/** Such as `linux-x64-gnu`. */
function platform() {
  const { platform: system, arch } = process;
  if (system === "linux") return `linux-${arch}-${isMusl() ? "musl" : "gnu"}`;
  return system === "win32" ? `win32-${arch}-msvc` : `${system}-${arch}`;
}

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
