// Dezky's API over HTTP on a port of its own, as `dezky serve` offers it.
import { createServer } from "node:http";

/**
 * Serves the API of a stage; to be given to `Stage.start` as `prepare`. `stage.asked` has the requests that came.
 *
 * @param {object} stage
 * @param {(request: Request, answer: Response) => Promise<Response>} [change] What a test answers instead.
 * @returns {Promise<Record<string, string>>} The portal's setting.
 */
export async function serveApi(stage, change = async (_, answer) => answer) {
  stage.asked = [];
  const server = createServer(async (incoming, outgoing) => {
    stage.asked.push({ method: incoming.method, path: incoming.url, headers: incoming.headers });
    let body = "";
    for await (const part of incoming) body += part;
    const url = new URL(incoming.url.replace(/^\/v1/, ""), "http://dezky");
    const request = () => new Request(url, { method: incoming.method, headers: incoming.headers, body: body || null });
    const response = await change(request(), await stage.dezky.fetch(request()));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  stage.later(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
  return { NUXT_DEZKY_API_URL: `http://127.0.0.1:${server.address().port}/v1/` };
}
