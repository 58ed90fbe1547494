// Runs the built portal as a process of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const SERVER = fileURLToPath(new URL("../.output/server/index.mjs", import.meta.url));

/** How long a portal may take until it answers, in milliseconds. */
const PATIENCE = 20_000;

/**
 * Starts the portal, and waits until it answers.
 *
 * @param {Record<string, string>} settings As `portalSettings` makes them.
 * @param {(line: string) => void} [log] What it says on its outputs.
 * @returns `stop()` ends it and waits for its end.
 */
export async function startPortal(settings, log = (text) => process.stderr.write(text)) {
  const child = spawn(process.execPath, [SERVER], { env: { PATH: process.env.PATH, ...settings }, stdio: ["ignore", "pipe", "pipe"] });
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
