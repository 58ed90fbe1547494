import assert from "node:assert/strict";

/** Asks until something holds, for ten seconds at the most. */
export async function until(holds) {
  const end = Date.now() + 10_000;
  while (!(await holds())) {
    assert.ok(Date.now() < end, "it did not come to hold");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
