// The real server over the store of a stage, behind a proxy that counts.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { createInterface } from "node:readline";
import { CLIENT } from "../../development/provider.mjs";
import { PLATFORM_GROUP } from "../../development/people.mjs";
import { serve } from "./api.mjs";

const binary = process.env.DEZKY_TEST_BINARY;

/** Systems that no connector reaches: what they wait for, operators confirm. */
const SYSTEMS = { DEZKY_CHAT_URL: "https://{slug}.chat.example.eu" };

/**
 * Serves a stage by `dezky serve`, for `Stage.start` as `prepare`. `stage.asked` has the requests that came, each with a promise of its
 * end.
 *
 * @param {object} stage
 * @param {Record<string, string>} [further] Settings of the server beside those that it needs.
 */
export async function serveHost(stage, further = {}) {
  if (!binary) throw new Error("DEZKY_TEST_BINARY must name the binary `dezky`: run scripts/test-portal.sh");
  const { DEZKY_STORE: store, DEZKY_OIDC_ISSUER: issuer } = stage.own;
  const settings = { ...SYSTEMS, DEZKY_STORE: store, DEZKY_OIDC_ISSUER: issuer, DEZKY_OIDC_AUDIENCE: CLIENT.id, DEZKY_PLATFORM_ADMIN_GROUP: PLATFORM_GROUP, DEZKY_PUBLIC_DOMAIN: "dezky.localhost", ...further };
  const server = spawn(binary, ["serve", "--listen", "127.0.0.1:0"], { env: { PATH: process.env.PATH, ...settings }, stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(server, "exit");
  stage.later(async () => {
    server.kill();
    await ended;
  });
  const port = await listening(server);
  return serve(stage, (incoming, outgoing) => {
    const { method, headers } = incoming;
    const path = incoming.url.replace(/^\/v1/, "");
    const asked = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    asked.on("error", () => outgoing.destroy());
    outgoing.once("close", () => asked.destroy());
    incoming.pipe(asked);
  });
}

/** The port of a server, once it listens. Its outputs are read to their end. */
async function listening({ stdout, stderr }) {
  const said = [];
  return new Promise((resolve, reject) => {
    for (const output of [stdout, stderr]) {
      const lines = createInterface(output);
      lines.on("line", (line) => {
        said.push(line);
        const found = /listening address=\S*:(\d+)/.exec(line);
        if (found) resolve(Number(found[1]));
      });
      lines.once("close", () => reject(new Error(`the server has ended: ${said.join("\n")}`)));
    }
  });
}
