// Every page: accessible, of the screen's width, without shifts of the layout; in light and dark, wide and narrow, English and German.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, assertFits, assertNoShift, settled, watchShifts } from "./harness/looks.mjs";
import { Stage } from "./harness/stage.mjs";

const WIDE = { viewport: { width: 1280, height: 860 } };
const NARROW = { viewport: { width: 360, height: 740 } };
const VARIATIONS = {
  "wide-light": { ...WIDE, colorScheme: "light" },
  "wide-dark": { ...WIDE, colorScheme: "dark" },
  "narrow-light": { ...NARROW, colorScheme: "light" },
  "narrow-dark": { ...NARROW, colorScheme: "dark" },
  "narrow-german": { ...NARROW, colorScheme: "light", locale: "de-DE" },
};
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
      "tenant-domains": "/tenants/nordlicht/domains",
      "tenant-branding": "/tenants/nordlicht/branding",
      "tenant-members": "/tenants/nordlicht/members",
      "tenant-subscription": "/tenants/nordlicht/subscription",
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
      "empty-domains": "/tenants/bare/domains",
      "empty-branding": "/tenants/bare/branding",
      "empty-subscription": "/tenants/bare/subscription",
      "empty-search": "/tenants/bare/members?search=nobody",
      "suspended-launcher": stage.launcherUrl("alpina"),
      "suspended-details": "/tenants/alpina",
      "suspended-members": "/tenants/alpina/members",
    },
    petra: {
      "platform-tenants": "/platform/tenants",
      "platform-tenants-none": "/platform/tenants?search=zzz",
      "platform-users": "/platform/users",
      "platform-user": `/platform/users/${anna.id}`,
      "platform-subscriptions": "/platform/subscriptions",
      "platform-audit": "/platform/audit",
      "platform-tenant": "/tenants/alpina",
    },
  };
});
after(() => stage?.close());

for (const [variation, options] of Object.entries(VARIATIONS)) {
  test(`pages, ${variation}`, async (t) => {
    for (const [name, addresses] of Object.entries(pages)) {
      const visitor = name === "nobody" ? await stage.visitor(options) : await stage.signedIn(name, options);
      const { page } = visitor;
      await watchShifts(visitor.context);
      for (const [picture, address] of Object.entries(addresses)) {
        await t.test(picture, async () => {
          await visitor.open(address);
          await settled(page);
          await assertNoShift(page);
          await assertFits(page);
          await assertAccessible(page);
          assert.equal(await page.locator("h1").count(), 1, "a page has one heading of the first level");
          const language = options.locale ? "de" : "en";
          assert.equal(await page.locator("html").getAttribute("lang"), language);
          await visitor.picture(`${variation}/${picture}`);
        });
      }
      await visitor.close(FAILED);
    }
  });
}

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

for (const [variation, options] of Object.entries(VARIATIONS).filter(([name]) => name !== "narrow-german")) {
  test(`what opens over a page, ${variation}`, async (t) => {
    const visitor = await stage.signedIn("petra", options);
    for (const [picture, act] of Object.entries(OVERLAYS)) {
      await t.test(picture, async () => {
        await visitor.open("/platform/tenants");
        await act(visitor.page);
        await settled(visitor.page);
        await assertFits(visitor.page);
        // What appears slowly has no contrast yet.
        await visitor.page.evaluate(() => Promise.all(document.getAnimations().filter(({ effect }) => effect.getTiming().iterations !== Infinity).map(({ finished }) => finished)));
        await assertAccessible(visitor.page);
        await visitor.picture(`${variation}/over-${picture}`, { fullPage: false });
      });
    }
    await visitor.close(FAILED);
  });
}
