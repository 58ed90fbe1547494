// Dezky's API over HTTP on a port of its own, as `dezky serve` offers it.
import { once } from "node:events";
import { createServer } from "node:http";

/**
 * Serves the API of a stage; to be given to `Stage.start` as `prepare`. `stage.asked` has the requests that came, each with a promise of
 * its end.
 *
 * @param {object} stage
 * @param {(request: Request, answer: Response) => Promise<Response>} [change] What a test answers instead.
 * @returns {Promise<Record<string, string>>} The portal's setting.
 */
export function serveApi(stage, change = async (_, answer) => answer) {
  return serve(stage, async (incoming, outgoing) => {
    let body = "";
    for await (const part of incoming) body += part;
    const url = new URL(incoming.url.replace(/^\/v1/, ""), "http://dezky");
    const request = () => new Request(url, { method: incoming.method, headers: incoming.headers, body: body || null });
    const response = await change(request(), await stage.dezky.fetch(request()));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    const parts = response.body?.getReader();
    // Whoever has gone wants no more of it, also who went before the answer began.
    if (outgoing.closed) void parts?.cancel();
    else outgoing.once("close", () => parts?.cancel());
    for (let part = await parts?.read(); part && !part.done; part = await parts.read()) outgoing.write(part.value);
    outgoing.end();
  });
}

/** Answers requests on a port of its own, for as long as the stage lives. */
export async function serve(stage, answer) {
  stage.asked = [];
  const server = createServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming;
    stage.asked.push({ method, path, headers, ended: once(outgoing, "close") });
    void answer(incoming, outgoing);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  stage.later(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
  return { NUXT_DEZKY_API_URL: `http://127.0.0.1:${server.address().port}/v1/` };
}
