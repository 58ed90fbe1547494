import assert from "node:assert/strict";

/** Asks until there is something, for ten seconds at the most, and returns it. */
export async function until(holds) {
  const end = Date.now() + 10_000;
  for (;;) {
    const found = await holds();
    if (found) return found;
    assert.ok(Date.now() < end, "it did not come to hold");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
