// What every page must be, whoever looks at it and however.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export const WIDE = { width: 1280, height: 860 };
export const NARROW = { width: 360, height: 740 };

/**
 * Notes every shift of the layout that no input of the person has caused. Before the page is opened.
 *
 * It begins with the whole document: while a document arrives, a browser shows its parts before it knows what follows, such as a button
 * before its text. Nothing is shown until then, so that this does not depend on how fast it arrives.
 */
export async function watchShifts(context) {
  await context.addInitScript(() => {
    const unseen = new CSSStyleSheet();
    unseen.replaceSync(":root { display: none !important }");
    if (document.readyState === "loading") {
      document.adoptedStyleSheets = [unseen];
      // Before the scripts of the page run.
      document.addEventListener("readystatechange", () => (document.adoptedStyleSheets = []), { once: true });
    }
    window.shifts = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        if (!entry.hadRecentInput) window.shifts.push({ value: entry.value, what: entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 120) ?? node?.textContent) });
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
}

/** Waits until everything that was asked for is shown, and painted without movement. */
export async function settled(page) {
  await page.waitForFunction(() => !document.querySelector(".skeleton, [aria-busy=true]"));
  await page.evaluate(async () => {
    const ending = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity);
    await Promise.all(ending.map(({ finished }) => finished.catch(() => {})));
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  });
}

/**
 * Rounding of a scaled logo moves it by a fraction of a pixel now and then: some 0.000006. A line of text that moves by its own height
 * is a hundred times as much (https://web.dev/articles/cls; good is below 0.1).
 */
const INVISIBLE = 0.00005;

export async function assertNoShift(page) {
  const shifts = await page.evaluate(() => window.shifts);
  assert.deepEqual(shifts.filter(({ value }) => value >= INVISIBLE), [], "the layout has shifted");
}

/**
 * No violation of WCAG 2.2 A and AA, nor of what axe holds for good practice.
 *
 * @param {string[]} [rules] Only these.
 */
export async function assertAccessible(page, rules) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  const runOnly = rules ? { type: "rule", values: rules } : { type: "tag", values: RULES };
  const { violations } = await page.evaluate((only) => window.axe.run(document, { runOnly: only, resultTypes: ["violations"] }), runOnly);
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html, any }) => `${html.slice(0, 160)} ${any[0]?.message ?? ""}`).join(" | ")}`);
  assert.deepEqual(told, [], "axe found violations");
}

/** Nothing is wider than the screen, and navigation covers nothing. */
export async function assertFits(page) {
  const covered = await page.evaluate(() =>
    [...document.querySelectorAll("main nav")].filter((nav) => {
      const [own, next] = [nav, nav.nextElementSibling].map((one) => one?.getBoundingClientRect());
      return next && own.right > next.left && own.bottom > next.top + 1;
    }).map((nav) => nav.getAttribute("aria-label")),
  );
  assert.deepEqual(covered, [], "navigation lies over the page");
  const wider = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > width + 1).map((one) => one.outerHTML.slice(0, 120));
  });
  assert.deepEqual(wider, [], "the page scrolls sideways");
}

/** What the buttons of a part of a page are called. */
export const offeredIn = (part) => part.getByRole("button").evaluateAll((buttons) => buttons.map((one) => one.getAttribute("aria-label") ?? one.textContent.trim()));

/** The page fits and is accessible in light and dark, wide and narrow. It stays narrow, and a picture of each is kept. */
export async function assertLooks(visitor, name) {
  const { page } = visitor;
  for (const colorScheme of ["light", "dark"]) {
    for (const [size, viewport] of Object.entries({ wide: WIDE, narrow: NARROW })) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      await page.evaluate(() => scrollTo(0, 0));
      await settled(page);
      await assertFits(page);
      await assertAccessible(page);
      await visitor.picture(`${name}-${size}-${colorScheme}`);
    }
  }
}
