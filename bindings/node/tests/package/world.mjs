// What every test works with: `dezky dev` on a free port and a fresh folder, and the people that it knows.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const binary = process.env.DEZKY_TEST_BINARY;
if (!binary) throw new Error("DEZKY_TEST_BINARY must name the binary `dezky`: run scripts/test-node.sh");

/** A running `dezky dev`: its origin, its people with tokens, and how the package opens the same store. */
export async function start() {
  const folder = await mkdtemp(join(tmpdir(), "dezky-node-"));
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("DEZKY_")));
  const server = spawn(binary, ["dev", "--no-systems", "--json", "--listen", "127.0.0.1:0", "--data", join(folder, "data")], {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  server.stderr.on("data", (text) => (log += text));
  const stop = async () => {
    if (server.exitCode === null) {
      server.kill();
      await once(server, "exit");
    }
    await rm(folder, { recursive: true });
  };
  let said = "";
  for await (const text of server.stdout) {
    said += text;
    if (said.trimEnd().endsWith("}")) break;
  }
  if (!said) {
    await stop();
    throw new Error(`the server did not start: ${log}`);
  }
  const { issuer, origin, people } = JSON.parse(said);
  const options = {
    environment: false,
    store: `sqlite:${join(folder, "data", "dezky.sqlite")}`,
    oidcIssuer: issuer,
    oidcAudience: "dezky",
    platformAdminGroup: "dezky-platform-admins",
    publicDomain: "dezky.test",
    log: "off",
  };
  const http = (path, token) => fetch(origin + path, { headers: { authorization: `Bearer ${token}` } });
  return { folder, origin, people, options, http, stop };
}
