// People as a spreadsheet or a mail program has them: comma-separated values (RFC 4180), or an address on each line.

/** Columns, in their order where the first line does not name them. */
export const COLUMNS = ["email", "name", "role", "language", "mailbox"] as const;
type Column = (typeof COLUMNS)[number];

/** A line as the API takes it. */
export interface Invited {
  email?: string;
  name?: string;
  role?: string;
  language?: string;
  mailbox?: string | { localPart: string; domain: string };
}

/** Reads rows of fields. Commas, semicolons or tabs separate, whichever the first line has most of. Quotes that never end are those of the last field. */
export function rowsOf(text: string): string[][] {
  const plain = text.replace(/^\uFEFF/, "");
  const first = plain.split("\n", 1)[0] ?? "";
  const count = (separator: string) => first.split(separator).length;
  const separator = [",", ";", "\t"].reduce((best, one) => (count(one) > count(best) ? one : best));
  const rows: string[][] = [];
  let row: string[] = [];
  let field = "";
  let quoted = false;
  for (let at = 0; at < plain.length; at += 1) {
    const character = plain[at];
    if (quoted) {
      if (character !== '"') field += character;
      else if (plain[at + 1] === '"') {
        field += '"';
        at += 1;
      } else quoted = false;
    } else if (character === '"' && field === "") quoted = true;
    else if (character === separator || character === "\n") {
      row.push(field);
      field = "";
      if (character === "\n") {
        rows.push(row);
        row = [];
      }
    } else if (character !== "\r" || plain[at + 1] !== "\n") field += character;
  }
  rows.push([...row, field]);
  return rows.filter((fields) => fields.some((one) => one.trim() !== ""));
}

/** Reads the people of a text. Lines without a role or a language get these. */
export function peopleOf(text: string, otherwise: Pick<Invited, "role" | "language">): Invited[] {
  const rows = rowsOf(text);
  const head = rows[0]?.map((field) => field.trim().toLowerCase());
  const named = head?.includes("email");
  const columns = named && head ? (rows.shift(), head) : [...COLUMNS];
  return rows.map((row) => {
    const person: Invited = { ...otherwise };
    row.forEach((field, at) => {
      const [column, value] = [columns[at] as Column | undefined, field.trim()];
      if (!column || !COLUMNS.includes(column) || value === "") return;
      if (column === "mailbox") person.mailbox = mailboxOf(value);
      else person[column] = value;
    });
    return person;
  });
}

/** The mailbox of an address; what is none stays as it is, for the API to say so. */
export function mailboxOf(address: string): Invited["mailbox"] {
  const at = address.lastIndexOf("@");
  return at > 0 ? { localPart: address.slice(0, at), domain: address.slice(at + 1) } : address;
}
