import type { ApiKeyView } from "@dezky/sdk";

/** Milliseconds of a day. */
export const DAY = 24 * 3600 * 1000;

/** The time until which the previous secret of a key is accepted, while it is. */
export function overlapOf({ previousUntil }: ApiKeyView): string | undefined {
  return previousUntil && Date.parse(previousUntil) > Date.now() ? previousUntil : undefined;
}
