// Lines of the portal's log. What others have sent stands in them as text, whatever it is made of.

/** How much of a text from elsewhere a line repeats, in characters. */
const MOST = 300;

/** Control characters of ASCII and Latin-1, and the separators that some readers take for the end of a line. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** The same without the ends of lines and tabs, which the portal's own output is made of. */
const CONTROL_BUT_LINES = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g;

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** A text from elsewhere for one line: bounded, and with control characters written out. */
export function printable(text: unknown): string {
  return inOneLine(String(text).slice(0, MOST));
}

const inOneLine = (text: string) => text.replace(CONTROL, escaped);

/** Output as it may reach a terminal: nothing in it moves the cursor or changes colours. */
export function withoutControls(output: string): string {
  return output.replace(CONTROL_BUT_LINES, escaped);
}

/** Writes a line to the log; `cause` is what went wrong, from wherever. */
export function report(what: string, cause?: unknown): void {
  console.error(inOneLine(cause === undefined ? what : `${what}: ${printable(cause)}`));
}
