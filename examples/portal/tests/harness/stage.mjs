// Everything that an end-to-end test needs: store, provider, the built portal as a process, a browser. Ports and folders are its own.
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Dezky } from "@dezky/sdk";
import { chromium } from "playwright-core";
import { loadDemonstration } from "../../development/demonstration.mjs";
import { PLATFORM_GROUP, people as everybody } from "../../development/people.mjs";
import { startPortal } from "../../development/portal.mjs";
import { CLIENT, startProvider } from "../../development/provider.mjs";
import { portalSettings } from "../../development/settings.mjs";
import { ask } from "./ask.mjs";
import { Visitor } from "./visitor.mjs";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** A port that was free a moment ago. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class Stage {
  /** Steps that undo what was started, the last one first. */
  #undo = [];
  #browser;

  /**
   * Starts a stage with the demonstration data.
   *
   * @param {object} [options]
   * @param {Record<string, string>} [options.settings] Settings of the portal beside those that it needs.
   * @param {(stage: Stage) => Promise<Record<string, string>>} [options.prepare] Runs before the portal, and adds settings.
   */
  static async start({ settings = {}, prepare = async () => ({}) } = {}) {
    const stage = new Stage();
    try {
      await stage.#start(settings, prepare);
    } catch (error) {
      await stage.close();
      throw error;
    }
    return stage;
  }

  async #start(settings, prepare) {
    const folder = await mkdtemp(join(tmpdir(), "dezky-portal-"));
    this.#undo.push(() => rm(folder, { recursive: true }));
    const port = await freePort();
    this.port = port;
    this.portalUrl = `http://app.dezky.localhost:${port}`;
    // A copy: tests change what somebody's tokens say.
    this.people = structuredClone(everybody);
    this.provider = await startProvider({ port: 0, portalUrl: this.portalUrl, people: this.people });
    this.#undo.push(() => this.provider.close());
    const { issuer } = this.provider;
    const store = `sqlite:${join(folder, "dezky.sqlite")}`;
    this.dezky = await Dezky.open({ store, oidcIssuer: issuer, oidcAudience: CLIENT.id, platformAdminGroup: PLATFORM_GROUP, publicDomain: "dezky.localhost", environment: false });
    this.#undo.push(() => this.dezky.close());
    /** What happens beside the portal, by a system actor. */
    this.system = this.dezky.asSystem("test");
    await loadDemonstration(this.dezky, this.people);
    /** The settings that the portal needs. */
    this.own = portalSettings({ portalUrl: this.portalUrl, issuer, store, sessionFolder: join(folder, "sessions"), seed: folder });
    this.settings = { ...this.own, ...settings, ...(await prepare(this)) };
    this.sessionFolder = this.settings.NUXT_SESSION_FOLDER;
    await this.startPortal();
    this.#undo.push(() => this.portal.stop());
  }

  /** Lines that the portal has written. */
  output = "";

  #listeners = new Set();

  async startPortal() {
    this.portal = await startPortal(this.settings, (text) => {
      this.output += text;
      for (const listener of this.#listeners) listener();
    });
  }

  /** Waits until the portal has written what matches; ten seconds at the most. */
  said(pattern) {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = pattern.exec(this.output);
        if (!found) return;
        clearTimeout(timer);
        this.#listeners.delete(check);
        resolve(found);
      };
      const timer = setTimeout(() => reject(new Error(`the portal has not written ${pattern}: ${this.output}`)), 10_000);
      this.#listeners.add(check);
      check();
    });
  }

  /** Ends the portal as an operator does, and starts it again on the same data. */
  async restartPortal() {
    await this.portal.stop();
    await this.startPortal();
  }

  /** Something that is to be undone at the end. */
  later(undo) {
    this.#undo.push(undo);
  }

  launcherUrl(slug) {
    return `http://${slug}.dezky.localhost:${this.port}`;
  }

  /** A person of the demonstration data by the part of their address before `@`. */
  person(name) {
    return this.people.find(({ email }) => email.startsWith(`${name}@`));
  }

  /** The user of a person, as Dezky has them. */
  async userOf(name) {
    const { email } = this.person(name);
    return (await this.system.users.list({ email })).items[0];
  }

  /**
   * A browser profile of its own that nobody is signed in with.
   *
   * @param {import("playwright-core").BrowserContextOptions} [options]
   * @returns {Promise<Visitor>}
   */
  async visitor(options = {}) {
    if (!this.#browser) {
      // Kept before it is there: several visitors may come at once.
      this.#browser = chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
      this.#undo.push(async () => (await this.#browser).close());
    }
    const context = await (await this.#browser).newContext({ locale: "en-GB", ...options });
    context.setDefaultTimeout(15_000);
    const visitor = new Visitor(this, context, await context.newPage());
    await visitor.watchEvents();
    return visitor;
  }

  /** A person who has signed in, at the application. */
  async signedIn(name, options) {
    const visitor = await this.visitor(options);
    await visitor.signIn(name);
    return visitor;
  }

  /** Asks the portal without a browser; see `ask`. */
  ask(request) {
    return ask(this.port, { host: `app.dezky.localhost:${this.port}`, ...request });
  }

  async close() {
    for (const undo of this.#undo.reverse()) await undo();
    this.#undo = [];
  }
}
