// An emulated payment provider for `Stage.start` as `prepare`: that of `dezky dev`, which announces to the portal.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const plan = (seats, files_gib, features, prices) => ({ seats, files_gib, mailbox_gib: 10, features, prices });

/** What can be subscribed to. */
export const PLANS = {
  starter: plan(5, 50, [], ["price_starter"]),
  business: plan(25, 500, ["meetings", "chat"], ["price_business"]),
  enterprise: plan(500, 5_000, ["meetings", "chat"], []),
};

/** An address that leads to the portal: names below `localhost` are known to browsers alone. */
async function leadingTo(stage) {
  const server = createServer((coming, answer) => {
    const { method, url: path, headers } = coming;
    const going = request({ port: stage.port, method, path, headers: { ...headers, host: new URL(stage.portalUrl).host } });
    going.on("response", (response) => answer.writeHead(response.statusCode, response.headers) && response.pipe(answer));
    going.on("error", () => answer.writeHead(502).end());
    coming.pipe(going);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  stage.later(() => new Promise((resolve) => server.close(resolve) && server.closeAllConnections()));
  return `http://127.0.0.1:${server.address().port}`;
}

/** Starts it, and gives the portal its address and keys. */
export async function serveStripe(stage) {
  const folder = await mkdtemp(join(tmpdir(), "dezky-stripe-"));
  stage.later(() => rm(folder, { recursive: true }));
  const webhook = `${await leadingTo(stage)}/api/billing/stripe/webhook`;
  const command = ["dev", "--json", "--no-systems", "--data", folder, "--listen", "127.0.0.1:0", "--billing-webhook", webhook];
  const server = spawn(process.env.DEZKY_TEST_BINARY, command, { stdio: ["ignore", "pipe", "ignore"] });
  stage.later(async () => {
    server.kill("SIGTERM");
    await once(server, "exit");
  });
  const [line] = await once(createInterface({ input: server.stdout }), "line");
  const { url, key, webhookSecret } = JSON.parse(line).billing;
  return {
    DEZKY_STRIPE_URL: url,
    DEZKY_STRIPE_SECRET: key,
    DEZKY_STRIPE_WEBHOOK_SECRETS: webhookSecret,
    DEZKY_PORTAL_URL: stage.portalUrl,
    DEZKY_PLANS: JSON.stringify(PLANS),
  };
}
