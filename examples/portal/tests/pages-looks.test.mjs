// Every page: accessible, of the screen's width, without shifts of the layout; in light and dark, wide and narrow, English and German.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { NARROW, WIDE, assertAccessible, assertFits, assertNoShift, settled, watchShifts } from "./harness/looks.mjs";
import { Stage } from "./harness/stage.mjs";

/** What browsers say of an answer that is a page all the same. */
const FAILED = /the server responded with a status of (403|404|422|503)/;

let stage;
let pages;
before(async () => {
  stage = await Stage.start();
  const anna = await stage.userOf("anna");
  await stage.system.tenants.create({ slug: "bare", name: "Bare", status: "active" });
  const owner = await stage.userOf("dario");
  await stage.system.members.grant("bare", { userId: owner.id, role: "owner" });
  await stage.system.members.grant("alpina", { userId: owner.id, role: "owner" });
  for (const slug of ["nordlicht", "alpina"]) {
    const { id } = await stage.system.tenants.get(slug);
    await stage.system.apiKeys.create({ tenantId: id, name: "nightly report", scopes: ["membership.read", "mailbox.read"], networks: ["192.0.2.0/24"] });
  }
  const endpointOf = {};
  for (const slug of ["nordlicht", "alpina"]) {
    const { id: tenantId } = await stage.system.tenants.get(slug);
    endpointOf[slug] = await stage.system.eventEndpoints.create({ tenantId, url: `https://hooks.${slug}.example/dezky`, description: "Ticket system", types: ["membership.*", "tenant.update"] });
  }
  const ofPlatform = await stage.system.eventEndpoints.create({ url: "https://hooks.example/all" });
  pages = {
    nobody: {
      welcome: "/",
      "launcher-signed-out": stage.launcherUrl("fjord"),
      "launcher-unknown": stage.launcherUrl("nobody-lives-here"),
    },
    anna: {
      home: "/",
      profile: "/profile",
      launcher: stage.launcherUrl("nordlicht"),
      "tenant-details": "/tenants/nordlicht",
      "tenant-workspace": "/tenants/nordlicht/workspace",
      "tenant-domains": "/tenants/nordlicht/domains",
      "tenant-mailboxes": "/tenants/nordlicht/mailboxes",
      "tenant-branding": "/tenants/nordlicht/branding",
      "tenant-members": "/tenants/nordlicht/members",
      "tenant-subscription": "/tenants/nordlicht/subscription",
      "tenant-api-keys": "/tenants/nordlicht/api-keys",
      "tenant-scim": "/tenants/nordlicht/api-keys/scim",
      "tenant-event-endpoints": "/tenants/nordlicht/event-endpoints",
      "tenant-deliveries": `/tenants/nordlicht/event-endpoints/${endpointOf.nordlicht.id}`,
      "deliveries-of-others": `/tenants/nordlicht/event-endpoints/${endpointOf.alpina.id}`,
      "tenant-audit": "/tenants/nordlicht/audit",
      "tenant-of-others": "/tenants/quartier",
      "no-page": "/no/such/page",
      "not-of-the-platform": "/platform/tenants",
    },
    clara: {
      "member-details": "/tenants/nordlicht",
      "member-members": "/tenants/nordlicht/members",
      "member-refused": "/tenants/nordlicht/audit",
      "launcher-of-others": stage.launcherUrl("fjord"),
    },
    dario: {
      "empty-launcher": stage.launcherUrl("bare"),
      "first-steps": "/tenants/bare",
      "empty-domains": "/tenants/bare/domains",
      "empty-mailboxes": "/tenants/bare/mailboxes",
      "empty-branding": "/tenants/bare/branding",
      "empty-subscription": "/tenants/bare/subscription",
      "empty-api-keys": "/tenants/bare/api-keys",
      "empty-event-endpoints": "/tenants/bare/event-endpoints",
      "empty-search": "/tenants/bare/members?search=nobody",
      "suspended-launcher": stage.launcherUrl("alpina"),
      "suspended-details": "/tenants/alpina",
      "suspended-members": "/tenants/alpina/members",
      "suspended-api-keys": "/tenants/alpina/api-keys",
      "suspended-event-endpoints": "/tenants/alpina/event-endpoints",
    },
    petra: {
      "platform-tenants": "/platform/tenants",
      "platform-tenants-none": "/platform/tenants?search=zzz",
      "platform-users": "/platform/users",
      "platform-user": `/platform/users/${anna.id}`,
      "platform-subscriptions": "/platform/subscriptions",
      "platform-api-keys": "/platform/api-keys",
      "platform-scim": "/platform/api-keys/scim",
      "platform-event-endpoints": "/platform/event-endpoints",
      "platform-deliveries": `/platform/event-endpoints/${ofPlatform.id}`,
      "platform-audit": "/platform/audit",
      "platform-tenant": "/tenants/alpina",
    },
  };
});
after(() => stage?.close());

const enter = (name, options) => (name === "nobody" ? stage.visitor(options) : stage.signedIn(name, options));

/** A look at each page of each person, several people at once. */
async function eachPage(t, options, look) {
  await Promise.all(
    Object.entries(pages).map(([name, addresses]) =>
      t.test(name, async (t) => {
        const visitor = await enter(name, options);
        await watchShifts(visitor.context);
        for (const [picture, address] of Object.entries(addresses)) {
          await t.test(picture, async () => {
            await visitor.open(address);
            await settled(visitor.page);
            await assertNoShift(visitor.page);
            await look(visitor, picture);
          });
        }
        await visitor.close(FAILED);
      }),
    ),
  );
}

test("pages in English, wide and narrow, light and dark", { concurrency: 3 }, (t) =>
  eachPage(t, { viewport: WIDE, colorScheme: "light" }, async (visitor, picture) => {
    const { page } = visitor;
    assert.equal(await page.locator("html").getAttribute("lang"), "en");
    assert.equal(await page.locator("h1").count(), 1, "a page has one heading of the first level");
    await assertAccessible(page);
    await visitor.picture(`${picture}-wide-light`);
    await page.emulateMedia({ colorScheme: "dark" });
    await settled(page);
    await assertAccessible(page, ["color-contrast"]);
    await visitor.picture(`${picture}-wide-dark`);
    await page.setViewportSize(NARROW);
    await settled(page);
    await assertFits(page);
    await visitor.picture(`${picture}-narrow-dark`);
    await page.emulateMedia({ colorScheme: "light" });
    await settled(page);
    await visitor.picture(`${picture}-narrow-light`);
    await page.setViewportSize(WIDE);
  }),
);

test("pages in German on a narrow screen", { concurrency: 3 }, (t) =>
  eachPage(t, { viewport: NARROW, colorScheme: "light", locale: "de-DE" }, async (visitor, picture) => {
    assert.equal(await visitor.page.locator("html").getAttribute("lang"), "de");
    await assertFits(visitor.page);
    await assertAccessible(visitor.page, ["target-size", "region", "color-contrast"]);
    await visitor.picture(`${picture}-narrow-german`);
  }),
);

const OVERLAYS = {
  switcher: async (page) => {
    await page.keyboard.press("Control+k");
    await page.getByRole("option").first().waitFor();
  },
  account: (page) => page.getByRole("button", { name: /^Account: / }).click(),
  "create-tenant": async (page) => {
    await page.getByRole("button", { name: "Create tenant" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Create tenant" }).click();
    await page.getByRole("dialog").getByRole("alert").waitFor();
  },
  suspend: async (page) => {
    await page.getByRole("button", { name: "Suspend Fjord Logistikk" }).click();
    await page.getByRole("dialog").waitFor();
  },
};

for (const [size, viewport] of Object.entries({ wide: WIDE, narrow: NARROW })) {
  test(`what opens over a page, ${size}`, async (t) => {
    const visitor = await stage.signedIn("petra", { viewport, colorScheme: "light" });
    const { page } = visitor;
    for (const [picture, act] of Object.entries(OVERLAYS)) {
      await t.test(picture, async () => {
        await visitor.open("/platform/tenants");
        await act(page);
        for (const colorScheme of ["light", "dark"]) {
          await page.emulateMedia({ colorScheme });
          await settled(page);
          await assertFits(page);
          await assertAccessible(page);
          await visitor.picture(`over-${picture}-${size}-${colorScheme}`, { fullPage: false });
        }
      });
    }
    await visitor.close(FAILED);
  });
}
