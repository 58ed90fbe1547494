// How fast the portal renders a launcher on the server, on the production build, and how much JavaScript pages bring. Prints figures.
import { Agent, request } from "node:http";
import { Stage } from "../../examples/portal/tests/harness/stage.mjs";

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const REQUESTS = Number(process.env.REQUESTS ?? 60);

// Nobody is kept waiting: what is measured is the rendering.
const stage = await Stage.start({ settings: { NUXT_PAGE_RATE: "off" } });
const anna = await stage.signedIn("anna");
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** Milliseconds from a request to the last byte of its answer, on a connection that stands. */
function once(host, path, cookie) {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const asked = request({ host: "127.0.0.1", port: stage.port, path, agent, headers: { host, accept: "text/html", ...(cookie && { cookie }) } }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${path} was answered with ${response.statusCode}`));
      response.once("end", () => resolve(performance.now() - begun)).resume();
    });
    asked.once("error", reject).end();
  });
}

const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)];

const cookie = await anna.cookieHeader();
const launcher = `nordlicht.dezky.localhost:${stage.port}`;
const application = `app.dezky.localhost:${stage.port}`;
const cases = {
  "launcher, signed in": () => once(launcher, "/", cookie),
  "launcher, signed out": () => once(launcher, "/"),
  "members of a tenant": () => once(application, "/tenants/nordlicht/members", cookie),
  "`GET /api/me` alone": () => once(application, "/api/me", cookie),
};

// Code is compiled as it is used: the first requests say nothing about the later ones.
for (const run of Object.values(cases)) for (let index = 0; index < 100; index += 1) await run();
const times = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, run] of Object.entries(cases)) for (let index = 0; index < REQUESTS; index += 1) times[name].push(await run());
}
console.log(`server-rendered, one request at a time, ${ROUNDS} turns of ${REQUESTS}`);
for (const [name, all] of Object.entries(times)) {
  console.log(`  ${name.padEnd(24)} median ${quantile(all, 0.5).toFixed(1)} ms   p95 ${quantile(all, 0.95).toFixed(1)} ms`);
}

console.log("compressed JavaScript of a first load");
for (const [name, address] of [["launcher", stage.launcherUrl("nordlicht")], ["application", stage.portalUrl], ["administration", `${stage.portalUrl}/tenants/nordlicht`]]) {
  console.log(`  ${name.padEnd(24)} ${((await anna.scriptBytes(address)) / 1000).toFixed(1)} kB`);
}

agent.destroy();
await anna.context.close();
await stage.close();
