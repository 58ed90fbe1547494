/** Whether two plain values are the same all the way down. */
export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** A copy of a plain value with no part in common with it, reactive or not. */
export function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** A text of a form as a merge patch takes it: an empty one takes the value away. */
export function orNull(text: string): string | null {
  return text.trim() === "" ? null : text;
}

/** Texts of a list without spaces around them, and without those that are empty. */
export function filled(texts: string[]): string[] {
  return texts.map((text) => text.trim()).filter(Boolean);
}
