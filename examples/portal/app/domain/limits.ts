import { LIMITS } from "#build/dezky-api.mjs";

/** What the API takes of a value at most. */
export interface Limit {
  /** Characters of a text. */
  length?: number;
  /** The least and the greatest number. */
  least?: number;
  most?: number;
  /** Entries of a list. */
  items?: number;
}

/**
 * The API's limit of a value; nothing where its document has none.
 *
 * @param sent What is sent: `UpdateTenantBody`, or `GET /tenants` for the parameters of a list.
 * @param path The value in it: `branding.launcherLinks[0].title`.
 */
export function limitOf(sent: string, path: string): Limit {
  return LIMITS[sent]?.[path.replace(/\[\d+\]/g, "[]")] ?? {};
}

/** How many characters a text has, as the API counts them. */
export function lengthOf(text: string): number {
  return [...text.trim()].length;
}
