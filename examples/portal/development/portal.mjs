// Runs the portal as a process of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("..", import.meta.url));
const BUILT = [`${FOLDER}.output/server/index.mjs`];
/** Nuxt's own server, which follows changes of the sources. */
const SOURCES = [`${FOLDER}node_modules/nuxt/bin/nuxt.mjs`, "dev", "--no-fork"];

/** How long a portal may take until it answers, in milliseconds. */
const PATIENCE = 30_000;

/**
 * Starts the portal, and waits until it answers.
 *
 * @param {Record<string, string>} settings As `portalSettings` makes them.
 * @param {(line: string) => void} [log] What it says on its outputs.
 * @param {object} [options]
 * @param {boolean} [options.sources] Whether it is run from its sources, and not as it was built. Default: `false`.
 * @returns `stop()` ends it and waits for its end.
 */
export async function startPortal(settings, log = (text) => process.stderr.write(text), { sources = false } = {}) {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...settings, NODE_ENV: sources ? "development" : "production" };
  const child = spawn(process.execPath, sources ? SOURCES : BUILT, { cwd: FOLDER, env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "exit");
  child.stdout.on("data", (part) => log(String(part)));
  child.stderr.on("data", (part) => log(String(part)));
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
    await ended;
  };
  const until = Date.now() + PATIENCE;
  for (;;) {
    const answered = await fetch(`http://127.0.0.1:${settings.PORT}/healthz`).then(({ ok }) => ok, () => false);
    if (answered) return { stop, process: child };
    if (child.exitCode !== null || child.signalCode !== null) throw new Error("the portal has ended; its output says why");
    if (Date.now() > until) {
      await stop();
      throw new Error(`the portal does not answer on port ${settings.PORT}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
