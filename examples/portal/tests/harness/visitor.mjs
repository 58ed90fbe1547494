// A person with a browser. Notes whatever a browser complains about, and every token that reaches it.
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ARTIFACTS = fileURLToPath(new URL("../artifacts/", import.meta.url));

/** The cookie of a session. */
export const SESSION_COOKIE = "__Secure-dezky-session";

/** A JSON Web Token, or the beginning of one. */
const TOKEN = /eyJ[\w-]{10,}\.eyJ[\w-]{10,}/;

export class Visitor {
  /** What the console and pages complained about. */
  complaints = [];
  /** Where a token was seen. */
  tokens = [];
  /** Events that the API has pushed. */
  events = [];
  #readings = [];
  #pushed = new EventEmitter();

  constructor(stage, context, page) {
    this.stage = stage;
    this.context = context;
    this.page = page;
    this.watch(page);
    context.on("page", (other) => other !== page && this.watch(other));
  }

  watch(page) {
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.complaints.push(`${message.text()} (${message.location().url})`);
    });
    page.on("pageerror", (error) => this.complaints.push(`uncaught: ${error.message}`));
    page.on("response", (response) => this.#readings.push(this.#look(response)));
  }

  /** Looks for tokens in what the portal answered. */
  async #look(response) {
    const url = response.url();
    if (!new URL(url).hostname.endsWith("dezky.localhost")) return;
    const headers = JSON.stringify(await response.allHeaders().catch(() => ({})));
    // Redirects have no body, and neither has what the browser left behind. Events are looked at as they come.
    const text = headers.includes("text/event-stream") ? "" : await response.text().catch(() => "");
    for (const [part, value] of Object.entries({ address: url, headers, body: text })) if (TOKEN.test(value)) this.tokens.push(`${part} of ${url}`);
  }

  /** Follows the events that the API pushes to the page. */
  async watchEvents() {
    const protocol = await this.context.newCDPSession(this.page);
    protocol.on("Network.eventSourceMessageReceived", ({ eventName: name, data }) => {
      if (TOKEN.test(data)) this.tokens.push(`event ${name}`);
      this.events.push({ name, data });
      this.#pushed.emit("event");
    });
    await protocol.send("Network.enable");
  }

  /** Waits for a pushed event, the next one that was not waited for. */
  async event() {
    while (!this.events.length) await once(this.#pushed, "event");
    return this.events.shift();
  }

  /** Everything that scripts of the page could read, and cookies. */
  async lookForTokens() {
    await Promise.all(this.#readings);
    const readable = await this.#readable();
    const cookies = (await this.context.cookies()).filter(({ domain }) => domain.endsWith("dezky.localhost"));
    if (TOKEN.test(readable)) this.tokens.push(`page ${this.page.url()}`);
    for (const { name, value } of cookies) if (TOKEN.test(decodeURIComponent(value))) this.tokens.push(`cookie ${name}`);
    return this.tokens;
  }

  /** What scripts of the page could read, of the next page if this one is being left. */
  async #readable() {
    for (let attempt = 1; ; attempt += 1) {
      await this.page.waitForLoadState();
      try {
        return await this.page.evaluate(() =>
          JSON.stringify([
            document.documentElement.outerHTML,
            document.cookie,
            { ...localStorage },
            { ...sessionStorage },
            JSON.stringify(window.useNuxtApp?.().payload ?? {}),
          ]),
        );
      } catch (error) {
        if (attempt === 5 || !error.message.includes("Execution context was destroyed")) throw error;
      }
    }
  }

  /** Opens a path of the application, or a URL, and waits until the page is alive. */
  async open(address) {
    const response = await this.page.goto(new URL(address, this.stage.portalUrl).href);
    await this.alive();
    return response;
  }

  /** Waits until the page's scripts have taken over. */
  async alive() {
    await this.page.waitForFunction(() => window.useNuxtApp?.().isHydrating === false || !document.getElementById("__nuxt"));
  }

  /** Fills in the provider's form; the page is there already. */
  async authenticate(name) {
    const { email, password } = this.stage.person(name);
    await this.page.getByLabel("E-mail address").fill(email);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }

  /** Signs in, and comes back to an address of the portal. */
  async signIn(name, returnTo = "/") {
    const target = new URL(returnTo, this.stage.portalUrl).href;
    await this.page.goto(`${this.stage.portalUrl}/auth/sign-in?return=${encodeURIComponent(target)}`);
    await this.page.waitForURL((url) => url.href === target || url.pathname.startsWith("/interaction/"));
    if (this.page.url() !== target) {
      await this.authenticate(name);
      await this.page.waitForURL(target);
    }
    await this.alive();
  }

  /**
   * Lets a request to such an address fail before it is sent, redirected ones too.
   *
   * @returns {Promise<() => Promise<string>>} Waits for the address that was asked for.
   */
  async stopAt(pattern) {
    const protocol = await this.context.newCDPSession(this.page);
    const stopped = new Promise((resolve) => {
      protocol.once("Fetch.requestPaused", async ({ requestId, request }) => {
        await protocol.send("Fetch.failRequest", { requestId, errorReason: "Aborted" });
        resolve(request.url);
      });
    });
    await protocol.send("Fetch.enable", { patterns: [{ urlPattern: pattern }] });
    return () => stopped;
  }

  /** How many bytes of scripts a page brings into an empty cache, compressed as they come, without the heads of the answers. */
  async scriptBytes(address) {
    const page = await this.context.newPage();
    const protocol = await this.context.newCDPSession(page);
    await protocol.send("Network.enable");
    await protocol.send("Network.clearBrowserCache");
    const heads = new Map();
    let bytes = 0;
    protocol.on("Network.responseReceived", ({ requestId, response }) => {
      if (response.mimeType.includes("javascript")) heads.set(requestId, response.encodedDataLength);
    });
    protocol.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
      if (heads.has(requestId)) bytes += encodedDataLength - heads.get(requestId);
    });
    await page.goto(address, { waitUntil: "networkidle" });
    await page.close();
    return bytes;
  }

  /** The cookies that the browser would send to the application, as a header. */
  async cookieHeader() {
    const cookies = await this.context.cookies(this.stage.portalUrl);
    return cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  }

  /** Asks the portal with this person's session, as a page of the application does. */
  async ask({ headers = {}, ...request }) {
    const { portalUrl } = this.stage;
    return this.stage.ask({ ...request, headers: { cookie: await this.cookieHeader(), origin: portalUrl, "sec-fetch-site": "same-origin", ...headers } });
  }

  /** Keeps a picture of the page. */
  async picture(name, options = {}) {
    mkdirSync(ARTIFACTS, { recursive: true });
    await this.page.screenshot({ path: `${ARTIFACTS}${name}.png`, fullPage: true, animations: "disabled", ...options });
  }

  /**
   * Closes the browser profile, after a look whether anything was wrong: complaints of the browser, and tokens.
   *
   * @param {RegExp} [expected] Complaints that the test has caused.
   */
  async close(expected) {
    let { tokens } = this;
    try {
      if (!this.page.isClosed()) tokens = await this.lookForTokens();
    } finally {
      // Its streams end with it, whatever was found: the next test waits for that.
      await this.context.close();
    }
    assert.deepEqual(tokens, [], "a token reached the browser");
    const complaints = this.complaints.filter((text) => !expected?.test(text));
    assert.deepEqual(complaints, [], "the browser complained");
  }
}
