// A workspace as it changes, with the real API: elsewhere, where it pushes each change, and in the portal's own process.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { serveHost } from "./harness/host.mjs";
import { Stage } from "./harness/stage.mjs";

const PLACE = "/tenants/nordlicht/workspace";
/** The state of the chat system, which is confirmed by hand. */
const chat = (page) => page.getByRole("region", { name: "Workspace" }).getByRole("listitem").filter({ hasText: "Chat" }).first();

describe("over HTTP", () => {
  let stage;
  let petra;
  before(async () => {
    stage = await Stage.start({ prepare: serveHost });
    petra = await stage.signedIn("petra");
  });
  after(async () => {
    await petra?.close();
    await stage?.close();
  });
  const requests = () => stage.asked.filter(({ method, path }) => method === "GET" && path.endsWith("/workspace"));
  const streams = () => requests().filter(({ headers }) => headers.accept === "text/event-stream");
  /** A page that follows; the event is the first of its stream. */
  async function following(name) {
    const visitor = await stage.signedIn(name);
    stage.asked.length = 0;
    await visitor.open(PLACE);
    await visitor.event();
    return visitor;
  }

  test("several changes come by one request, and closing the page ends it", async () => {
    const anna = await following("anna");
    const { page } = anna;
    await chat(page).getByText("Waiting").waitFor();
    const before = requests().length;
    const { id } = await stage.system.tenants.get("nordlicht");
    assert.equal((await petra.ask({ method: "POST", path: `/api/tenants/${id}/workspace/chat/confirm` })).status, 200);
    await chat(page).getByText("Ready").waitFor();
    await stage.system.tenants.suspend("nordlicht");
    await chat(page).getByText("Suspended").waitFor();
    await anna.picture("workspace-pushed");
    await stage.system.tenants.restore("nordlicht");
    await chat(page).getByText("Ready").waitFor();
    assert.ok(anna.events.length >= 2 && anna.events.every(({ name }) => name === "workspace"), JSON.stringify(anna.events));
    assert.deepEqual([requests().length, streams().length], [before, 1]);
    await page.close();
    await streams()[0].ended;
    await anna.close();
  });

  test("leaving the page ends its stream too", async () => {
    const anna = await following("anna");
    await anna.page.getByRole("link", { name: "Members", exact: true }).click();
    await streams()[0].ended;
    await anna.close();
  });

  test("the answer is passed on as it comes, uncompressed", async () => {
    const anna = await following("anna");
    const response = await anna.page.evaluate(async () => {
      const gone = new AbortController();
      const answer = await fetch("/api/tenants/nordlicht/workspace", { headers: { accept: "text/event-stream" }, signal: gone.signal });
      const { value } = await answer.body.pipeThrough(new TextDecoderStream()).getReader().read();
      gone.abort();
      return { headers: Object.fromEntries(answer.headers), value };
    });
    assert.match(response.value, /^event: workspace\n/m);
    const { "content-type": type, "content-encoding": encoding, "cache-control": cache, "x-accel-buffering": buffering } = response.headers;
    assert.deepEqual([type, encoding, cache, buffering], ["text/event-stream", undefined, "private, no-store", "no"]);
    const [, asked] = streams();
    assert.equal(asked.headers["accept-encoding"], "identity");
    await asked.ended;
    await anna.close();
  });

  test("a right that is taken away ends the stream", async () => {
    const clara = await following("clara");
    await stage.system.members.revoke("nordlicht", (await stage.userOf("clara")).id);
    await streams()[0].ended;
    await clara.page.getByText("This may be out of date").waitFor();
    assert.equal(clara.events.at(-1).name, "problem");
    assert.equal(streams().length, 1);
    await clara.close(/status of 404/);
  });

  test("open streams do not hold up the end of the portal, and are begun again after it", async () => {
    const anna = await following("anna");
    const begun = Date.now();
    await stage.restartPortal();
    assert.ok(Date.now() - begun < 20_000, "connections that do not end would be given 30 s");
    await streams()[0].ended;
    await stage.system.tenants.suspend("nordlicht");
    await chat(anna.page).getByText("Suspended").waitFor();
    await stage.system.tenants.restore("nordlicht");
    await chat(anna.page).getByText("Ready").waitFor();
    await anna.close(/ERR_|status of 503/);
  });
});

describe("in the portal's own process, which answers one event at a time", () => {
  let stage;
  before(async () => (stage = await Stage.start()));
  after(() => stage?.close());

  test("a page of what is being set up comes to date all the same", async () => {
    await stage.system.tenants.create({ slug: "fresh", name: "Fresh Start", status: "pending" });
    const petra = await stage.signedIn("petra");
    const { page } = petra;
    await petra.open("/tenants/fresh/workspace");
    await page.getByText("Setting up begins").waitFor();
    await petra.event();
    const asked = [];
    page.on("request", (request) => request.url().endsWith("/workspace") && asked.push(request.resourceType()));
    await stage.system.tenants.update("fresh", { status: "active" });
    await page.getByText("No connected systems").waitFor();
    assert.ok(asked.length && asked.every((type) => type === "eventsource"), String(asked));
    await petra.close();
  });
});
