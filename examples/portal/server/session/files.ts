// The folder of sessions: a file each, which a reader finds whole or not at all, also while it is being replaced and after a power cut. The
// time of a file's last change is that of the session's last use.
import { randomUUID } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { open, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join, resolve } from "node:path";

/** Names of sessions, and so never a path. */
const NAME = /^[\w-]{43}$/;

const UNFINISHED = ".new";

/** Names of former versions, to which no cookie leads any more. */
const FORMER = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let folder = "";

/** Makes the folder, for this user alone, and removes what interrupted writes and former versions have left. */
export function openFolder(path: string): void {
  folder = resolve(path);
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  for (const name of readdirSync(folder)) if (name.endsWith(UNFINISHED) || FORMER.test(name)) rmSync(join(folder, name), { force: true });
}

function pathOf(name: string): string {
  if (!NAME.test(name)) throw new Error("a session has a name of another form");
  return join(folder, name);
}

/** What `done` gives, or `null` where there is no such file. */
async function ifThere<T>(done: Promise<T>): Promise<T | null> {
  try {
    return await done;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** When a session was last used, in milliseconds since 1970; `null` where there is none. */
export async function usedAt(name: string): Promise<number | null> {
  return (await ifThere(stat(pathOf(name))))?.mtimeMs ?? null;
}

export function readFileOf(name: string): Promise<string | null> {
  return ifThere(readFile(pathOf(name), "utf8"));
}

/** Replaces a file in one step. */
export async function writeFileOf(name: string, contents: string): Promise<void> {
  const unfinished = `${pathOf(name)}.${randomUUID()}${UNFINISHED}`;
  const file = await open(unfinished, "wx", 0o600);
  try {
    await file.writeFile(contents);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, pathOf(name));
}

/** Notes that a session is being used. */
export async function touchFileOf(name: string): Promise<void> {
  const now = new Date();
  await ifThere(utimes(pathOf(name), now, now));
}

export function removeFileOf(name: string): Promise<void> {
  return rm(pathOf(name), { force: true });
}

export async function names(): Promise<string[]> {
  return (await readdir(folder)).filter((name) => NAME.test(name));
}
