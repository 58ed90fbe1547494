/** One or two letters that stand for a name where there is no picture. */
export function initials(name: string): string {
  const words = name.trim().split(/[\s@._-]+/u).filter(Boolean);
  const letters = [words[0], words.length > 1 ? words[words.length - 1] : undefined].map((word) => (word ? ([...word][0] ?? "") : ""));
  return letters.join("").toLocaleUpperCase() || "?";
}

/** One of 8 hues, always the same for a text. */
export function hueOf(text: string): number {
  let sum = 0;
  for (const character of text) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return sum % 8;
}

/** The name to call a person by, for a greeting. */
export function firstName(name: string): string {
  return name.trim().split(/\s+/u)[0] ?? name;
}

/** What a person is called where there may be no name. */
export function personName(person: { name?: string | null; email?: string | null } | null | undefined): string {
  return person?.name || person?.email || "";
}
