// Storage in files of a folder, one a session, where a reader finds a value whole or not at all: also while it is being replaced, and
// after a power cut. (The file drivers of unstorage write in place.)
import { randomUUID } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { defineDriver } from "unstorage";

/** Identifiers of sessions, and so never a path. */
const KEY = /^[\w-]{1,128}$/;

const UNFINISHED = ".new";

/** What `read` gives, or `null` where there is no such file. */
async function ifThere<T>(read: Promise<T>): Promise<T | null> {
  try {
    return await read;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

export const files = defineDriver((folder: string) => {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  // What an interrupted write has left.
  for (const name of readdirSync(folder)) if (name.endsWith(UNFINISHED)) rmSync(join(folder, name), { force: true });
  const path = (key: string) => {
    if (!KEY.test(key)) throw new Error("a session has an identifier of another form");
    return join(folder, key);
  };
  return {
    name: "dezky-files",
    // Keys of another form are asked for by unstorage itself, which keeps facts about a value beside it.
    hasItem: async (key) => KEY.test(key) && (await ifThere(stat(path(key)))) !== null,
    getItem: async (key) => (KEY.test(key) ? ifThere(readFile(path(key), "utf8")) : null),
    async setItem(key, value) {
      const unfinished = `${path(key)}.${randomUUID()}${UNFINISHED}`;
      const file = await open(unfinished, "wx", 0o600);
      try {
        await file.writeFile(value);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(unfinished, path(key));
    },
    removeItem: (key) => rm(path(key), { force: true }),
    getKeys: async () => (await readdir(folder)).filter((name) => KEY.test(name)),
    async getMeta(key) {
      const found = await ifThere(stat(path(key)));
      return found && { mtime: found.mtime };
    },
  };
});
