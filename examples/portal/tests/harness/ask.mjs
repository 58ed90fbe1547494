// HTTP without a browser: any host, any header.
import { request } from "node:http";

/**
 * Asks a server on this machine.
 *
 * @param {number} port
 * @param {object} what
 * @param {string} what.host Value of `Host`.
 * @param {string} what.path
 * @param {string} [what.method] Default: `GET`.
 * @param {Record<string, string>} [what.headers]
 * @param {unknown} [what.body] Sent as JSON, or as it is where it is a text.
 * @returns {Promise<{ status: number, headers: import("node:http").IncomingHttpHeaders, text: string, json: any }>}
 */
export function ask(port, { host, path, method = "GET", headers = {}, body }) {
  const payload = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const type = payload === undefined || typeof body === "string" ? {} : { "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json" };
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method, headers: { host, ...type, ...headers }, agent: false }, async (response) => {
      let text = "";
      for await (const part of response) text += part;
      const isJson = /json/.test(response.headers["content-type"] ?? "");
      resolve({ status: response.statusCode, headers: response.headers, text, json: isJson && text ? JSON.parse(text) : undefined });
    });
    asked.once("error", reject);
    asked.end(payload);
  });
}
