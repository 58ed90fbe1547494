/** A page, and those below it. */
export interface Place {
  to: string;
  /** What is below it are places of their own. */
  alone?: boolean;
}

/** Returns `true` if a path is that of a place, or of a page below it: a list, or one of what it lists. */
export function isAt({ to, alone }: Place, path: string): boolean {
  return path.replace(/\/$/, "") === to || (!alone && path.startsWith(`${to}/`));
}
