// A trace from a browser's request through the portal and the API to the store, as a collector gets it.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { serveHost } from "./harness/host.mjs";
import { Stage } from "./harness/stage.mjs";
import { until } from "./harness/until.mjs";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = "00f067aa0ba902b7";

let stage;
let spans;

/** Collects spans, for as long as the stage lives. Returns its address. */
async function collect(stage) {
  spans = [];
  const server = createServer(async (request, answer) => {
    let body = "";
    for await (const part of request) body += part;
    for (const { resource, scopeSpans } of JSON.parse(body).resourceSpans) {
      const service = resource.attributes.find(({ key }) => key === "service.name").value.stringValue;
      spans.push(...scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ service, ...span }))));
    }
    answer.end("{}");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  stage.later(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
  return `http://127.0.0.1:${server.address().port}`;
}

before(async () => {
  stage = await Stage.start({
    prepare: async (started) => {
      const collector = await collect(started);
      return { NUXT_OTLP_ENDPOINT: collector, ...(await serveHost(started, { DEZKY_OTLP_ENDPOINT: collector })) };
    },
  });
});
after(() => stage?.close());

test("a recorded request is a span in the portal, within it one of the API, and within that the store's calls", async () => {
  const anna = await stage.signedIn("anna");
  const ask = (traceparent) => anna.ask({ path: "/api/users/me/tenants", headers: { traceparent } });
  assert.equal((await ask(`00-${TRACE}-${CALLER}-01`)).status, 200);
  const unrecorded = TRACE.replace("4b", "5b");
  assert.equal((await ask(`00-${unrecorded}-${CALLER}-00`)).status, 200);
  const { id } = await stage.userOf("anna");
  await anna.close();
  const of = (service, parent) => spans.filter((span) => span.service === service && span.traceId === TRACE && span.parentSpanId === parent);
  const whole = () => {
    const [portal] = of("dezky-portal", CALLER);
    const [api] = of("dezky", portal?.spanId);
    const [store] = of("dezky", api?.spanId);
    return store && { portal, api, store };
  };
  const { portal, api, store } = await until(whole);
  assert.deepEqual([portal.name, api.name], ["GET /api", "GET /users/me/tenants"]);
  assert.equal(store.kind, 3);
  assert.ok(store.attributes.some(({ key, value }) => key === "db.system.name" && value.stringValue === "sqlite"), JSON.stringify(store));
  assert.ok(BigInt(portal.startTimeUnixNano) <= BigInt(portal.endTimeUnixNano));
  assert.deepEqual(spans.filter(({ traceId }) => traceId === unrecorded), []);
  assert.equal(JSON.stringify(spans).includes(id), false, "a span names a person");
});
