"use strict";
const { readFileSync } = require("node:fs");

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

module.exports = { platform };
