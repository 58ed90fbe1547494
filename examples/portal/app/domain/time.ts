/** Milliseconds of a day. */
export const DAY = 24 * 3600 * 1000;

/** A time that is still to come. */
export function upcoming(time: string | null | undefined): string | undefined {
  return time && Date.parse(time) > Date.now() ? time : undefined;
}
