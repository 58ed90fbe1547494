// Systems behind tenants in any state, as their controllers would report it. Everything else is the API's own answer.
import { serveApi } from "./api.mjs";
import { Streams } from "./events.mjs";

const NOW = "2026-11-29T18:00:00.000Z";
let last = 0;

/** A condition that does not hold. */
export const unmet = (type, reason, message) => ({ type, status: "false", reason, message, since: NOW });

/** The state of a system, or of a person or mailbox in it. */
export function stateOf(system, phase, { conditions = [], ...rest } = {}) {
  last += 1;
  const id = last.toString(16).padStart(24, "0");
  const base = { id, tenantId: "", system, wantedGeneration: 1, reachedGeneration: 1, phase, conditions, attempts: 0, nextAttemptAt: NOW, lookedAt: NOW, createdAt: NOW, updatedAt: NOW };
  return { ...base, ...rest };
}

/** A record to publish. */
export const record = (type, name, value, rest = {}) => ({ type, name, value, required: true, ...rest });

/** The records of a domain. */
export const recordsOf = (name, records, rest = {}) => ({ name, records, checkedAt: NOW, nextCheckAt: NOW, ...rest });

/** The parts of workspaces by tenant, whose changes streams tell. */
class Systems extends Map {
  constructor(streams) {
    super();
    this.streams = streams;
  }

  set(tenant, states) {
    super.set(tenant, states);
    this.streams.look();
    return this;
  }
}

/**
 * Serves the API of a stage with systems behind its tenants, for `Stage.start` as `prepare`.
 *
 * `stage.systems` maps the id of a tenant to the parts of its `WorkspaceView`, to be changed at any time: `stage.streams` tell it. `again`
 * among them is in how many seconds another look is worth it (2). `stage.failure` is the answer of all looks at workspaces while it is
 * set. `stage.appPasswords` maps the id of a mailbox to its app passwords, which a mail system would create.
 */
export function serveSystems(stage) {
  stage.streams = new Streams();
  stage.systems = new Systems(stage.streams);
  stage.failure = null;
  stage.appPasswords = new Map();
  return serveApi(stage, async (request, answer) => {
    const { pathname } = new URL(request.url);
    const [, mailbox, password] = /^\/tenants\/[\w-]+\/mailboxes\/(\w+)\/app-passwords(?:\/(\w+))?$/.exec(pathname) ?? [];
    if (mailbox) return appPasswords(stage, request, answer, mailbox, password);
    if (!/^\/tenants\/\w+\/workspace(?:\/\w+)?$/.test(pathname)) return answer;
    if (request.headers.get("accept") !== "text/event-stream") return workspace(stage, request, answer);
    const headers = { authorization: request.headers.get("authorization") };
    const look = () => new Request(request.url, { headers });
    return stage.streams.answer(request, "workspace", async () => workspace(stage, look(), await stage.dezky.fetch(look())));
  });
}

/** The workspace with the states that the test has set, where the API has let the caller pass. */
async function workspace(stage, request, answer) {
  if (answer.status !== 200) return answer;
  if (stage.failure) return stage.failure();
  const view = await answer.json();
  const states = stage.systems.get(view.tenantId);
  if (!states) return Response.json(view);
  const { role, platform } = await callerOf(stage, request, view.tenantId);
  const manages = platform || role !== "member";
  const systems = (states.systems ?? []).map((state) => ({ ...state, tenantId: view.tenantId }));
  const links = states.links ?? systems.map(({ system, phase }) => ({ system, phase }));
  const ready = states.ready ?? systems.every(({ phase }) => phase === "ready");
  const told = { ...view, ready, systems, parts: manages ? (states.parts ?? []) : [], domains: manages ? (states.domains ?? []) : [], links };
  return Response.json(told, { headers: ready ? {} : { "retry-after": String(states.again ?? 2) } });
}

/** What the API would answer with a mail system, where it has let the caller pass. */
async function appPasswords(stage, request, answer, mailboxId, password) {
  const all = stage.appPasswords.get(mailboxId) ?? [];
  const keep = (passwords) => stage.appPasswords.set(mailboxId, passwords);
  const { code } = answer.status === 409 ? await answer.clone().json() : {};
  if (request.method === "GET" && answer.status === 200) return Response.json({ items: all, nextCursor: null });
  if (request.method === "DELETE" && answer.status === 404) return keep(all.filter(({ id }) => id !== password)), new Response(null, { status: 204 });
  if (request.method !== "POST" || code !== "mail_not_configured") return answer;
  last += 1;
  const id = last.toString(16).padStart(24, "0");
  const { name } = await request.json();
  const view = { id, version: 2, tenantId: "", mailboxId, userId: "", name, status: "active", createdAt: NOW, updatedAt: NOW };
  keep([...all, view]);
  return Response.json({ ...view, secret: `app_${id.repeat(2)}` }, { status: 201, headers: { "cache-control": "no-store" } });
}

async function callerOf(stage, { headers }, tenant) {
  const answer = await stage.dezky.fetch(new Request(`http://dezky/tenants/${tenant}`, { headers: { authorization: headers.get("authorization") } }));
  const { role } = await answer.json();
  return { role, platform: !role };
}
