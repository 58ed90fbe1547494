// A receiver of webhooks on this machine.
import { EventEmitter } from "node:events";
import { createServer } from "node:http";

/** Receives webhooks for as long as a stage lives. */
export class Receiver {
  /** The status that it answers with. */
  status = 204;
  #arrived = [];
  #told = new EventEmitter();

  static async start(stage) {
    const receiver = new Receiver();
    const server = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      receiver.#arrived.push({ path: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(receiver.status).end();
      receiver.#told.emit("webhook");
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    stage.later(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
    receiver.origin = `http://127.0.0.1:${server.address().port}`;
    return receiver;
  }

  /** The next webhook of a type to a path that was not waited for; fifteen seconds at the most. */
  next(path, type = "tenant.update") {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = this.#arrived.findIndex((one) => one.path === path && JSON.parse(one.body).type === type);
        if (found < 0) return;
        clearTimeout(timer);
        this.#told.off("webhook", check);
        resolve(this.#arrived.splice(found, 1)[0]);
      };
      const timer = setTimeout(() => reject(new Error(`no webhook of the type ${type} has come to ${path}`)), 15_000);
      this.#told.on("webhook", check);
      check();
    });
  }
}
