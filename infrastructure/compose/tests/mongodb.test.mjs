// The scripts that MongoDB's shell runs, with doubles of the shell's own objects.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

const SCRIPTS = new URL("../mongodb/", import.meta.url);

/** Runs a script in a shell: one whose replica set is in the given state. */
function shell(name, { status, primary = false, environment = {} }) {
  const calls = [];
  class Exit extends Error {}
  const context = {
    process: { env: { MONGO_INITDB_ROOT_USERNAME: "root", MONGO_INITDB_ROOT_PASSWORD: "secret", MONGODB_PASSWORD: "mine", ...environment } },
    db: {
      getSiblingDB: (database) => ({
        auth: (user, password) => calls.push(["auth", database, user, password]),
        createUser: (user) => calls.push(["createUser", database, user]),
      }),
      hello: () => ({ isWritablePrimary: primary }),
    },
    rs: {
      status: () => {
        if (status) throw Object.assign(new Error("status"), { code: status });
      },
      initiate: (configuration) => calls.push(["initiate", configuration]),
    },
    quit: (code) => {
      calls.push(["quit", code]);
      throw new Exit();
    },
  };
  let failure;
  try {
    runInNewContext(readFileSync(new URL(name, SCRIPTS), "utf8"), context);
  } catch (error) {
    if (!(error instanceof Exit)) failure = error;
  }
  // Objects of the other context have prototypes of their own.
  return { calls: JSON.parse(JSON.stringify(calls)), failure };
}

test("a server without a replica set initiates one, and is not healthy yet", () => {
  const { calls } = shell("primary.js", { status: 94 });
  assert.deepEqual(calls, [
    ["auth", "admin", "root", "secret"],
    ["initiate", { _id: "rs0", members: [{ _id: 0, host: "mongodb:27017" }] }],
    ["quit", 1],
  ]);
});

test("a member is healthy once it is the primary, and nothing is initiated again", () => {
  for (const [primary, code] of [[false, 1], [true, 0]]) {
    const { calls } = shell("primary.js", { primary });
    assert.deepEqual(calls, [["auth", "admin", "root", "secret"], ["quit", code]]);
  }
});

test("any other failure is one", () => {
  const { calls, failure } = shell("primary.js", { status: 13 });
  assert.equal(failure.code, 13);
  assert.deepEqual(calls.map(([name]) => name), ["auth"]);
});

test("Dezky's account may read and write its own database alone", () => {
  const { calls } = shell("users.js", {});
  assert.deepEqual(calls, [["createUser", "dezky", { user: "dezky", pwd: "mine", roles: [{ role: "readWrite", db: "dezky" }] }]]);
});

test("names are those of compose.yaml", () => {
  const compose = readFileSync(new URL("../compose.yaml", SCRIPTS), "utf8");
  assert.match(compose, /mongodb:\/\/dezky:\$\{MONGODB_PASSWORD:\?\}@mongodb:27017\/dezky\?replicaSet=rs0&authSource=dezky/);
  assert.match(compose, /mongod --replSet rs0 /);
});
