// How much JavaScript a browser fetches before a page is alive, and after: everything, prefetched parts of other pages too.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Stage } from "./harness/stage.mjs";

const MOST = 150_000;

let stage;
before(async () => (stage = await Stage.start()));
after(() => stage.close());

for (const [what, path] of [["a launcher", (stage) => stage.launcherUrl("nordlicht")], ["the application", (stage) => stage.portalUrl], ["the administration of a tenant", (stage) => `${stage.portalUrl}/tenants/nordlicht`]]) {
  test(`${what} comes with at most 150 kB of compressed JavaScript`, async () => {
    const anna = await stage.signedIn("anna");
    const bytes = await anna.scriptBytes(path(stage));
    assert.ok(bytes > 10_000, "scripts were seen");
    assert.ok(bytes <= MOST, `${bytes} bytes`);
    await anna.close();
  });
}
