// A database of its own for each test, what the replaced service wrote into it through Mongoose, and `dezky` on the same database.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mongoose from "mongoose";
import { connect } from "./schemas.mjs";

const { Binary, Decimal128, EJSON, Int32, Long, ObjectId } = mongoose.mongo.BSON;
const { DEZKY_TEST_BINARY: binary, DEZKY_TEST_MONGODB_URI: server } = process.env;
if (!binary || !server) throw new Error("DEZKY_TEST_BINARY and DEZKY_TEST_MONGODB_URI must be set: run scripts/test-mongoose.sh");

/** Writes the old estate through the models: documents by kind, and the id of a tenant that is gone. */
async function write({ Tenant, User, Subscription }) {
  const tenants = await Tenant.create([
    {
      slug: "acme", name: "Acme", status: "active", plan: "business", domains: ["acme.example", "www.acme.example"],
      billingInfo: { company: "Å AB", vatId: "SE556000000001", email: "billing@acme.example", address: "Götgatan 1" },
      branding: {
        logoUrl: "https://acme.example/logo.svg", primaryColor: "#102030",
        launcherLinks: [{ title: "Mail", url: "https://mail.acme.example", icon: "mail" }, { title: "Wiki", url: "https://wiki.acme.example" }],
      },
      authentikGroup: "acme-people", ocisSpaceId: "space-1", stalwartDomain: "acme.example",
    },
    { slug: "beta", name: "Beta", status: "active" },
    { slug: "gamma", name: "Gamma", status: "suspended" },
  ], { ordered: true });
  const [acme, beta, gamma] = tenants.map(({ _id }) => _id);
  // None names an issuer: the service knew one only. One names a tenant that is gone; two have the same address.
  const gone = new ObjectId();
  const users = await User.create([
    { authentikSubjectId: "anna", email: "Anna@Example.eu", name: "ÅSA Anna", tenantIds: [acme, beta] },
    { authentikSubjectId: "paul", email: "paul@example.eu", tenantIds: [beta] },
    { authentikSubjectId: "root", email: "root@example.eu", name: "Root", role: "admin", platformAdmin: true },
    { authentikSubjectId: "lost", email: "anna@example.eu", name: "Lost", role: "support", tenantIds: [gamma, gone] },
  ], { ordered: true });
  const period = new Date("2027-01-31T23:59:59.999Z");
  const subscriptions = await Subscription.create([
    { tenantId: acme, plan: "business", status: "active", seats: 25, currentPeriodEndsAt: period, stripeCustomerId: "cus_1", stripeSubscriptionId: "sub_1" },
    { tenantId: acme, status: "cancelled", seats: 3, trialEndsAt: new Date("2024-02-29T12:00:00Z"), stripeCustomerId: "cus_1" },
    // Two at the same time, of which neither is upgraded.
    { tenantId: beta, status: "active" },
    { tenantId: beta, status: "trialing" },
  ], { ordered: true });
  return { tenants, users, subscriptions, gone };
}

/** Fields that no schema has (any more), of the types that JSON lacks. */
const former = () => ({
  price: Decimal128.fromString("12.50"), picture: new Binary(Buffer.from([0, 159, 255])), count: new Int32(7), large: Long.fromBits(0, 1 << 28),
  nothing: null, nested: { since: new Date(-5), list: [1.5, "x", { ref: new ObjectId() }] },
});

/** What the schema declares of a document; further fields are compared by `raw`. */
const declared = (document) => {
  const fields = document.toObject();
  const names = new Set(Object.keys(document.schema.paths).map((path) => path.split(".")[0]));
  return Object.fromEntries(Object.entries(fields).filter(([name]) => names.has(name)).toSorted(([one], [other]) => (one < other ? -1 : 1)));
};

export class Estate {
  /** A fresh database that Mongoose has written; it goes when the test has ended. */
  static async make(context) {
    const estate = new Estate();
    const name = `dezky_mongoose_${process.pid}_${randomBytes(4).toString("hex")}`;
    estate.uri = server.replace(/\/?(\?|$)/, `/${name}$1`);
    estate.folder = await mkdtemp(join(tmpdir(), "dezky-mongoose-"));
    context.after(() => estate.#remove());
    Object.assign(estate, await connect(estate.uri));
    const { gone, ...documents } = await write(estate.models);
    estate.gone = gone;
    for (const { collection, _id } of Object.values(documents).map(([first]) => first)) {
      await collection.updateOne({ _id }, { $set: { former: former() } });
    }
    // From before there were plans: Mongoose fills its default in when it reads.
    const { Tenant, Subscription } = estate.models;
    await Tenant.collection.updateOne({ slug: "gamma" }, { $unset: { plan: "" } });
    await Subscription.collection.updateOne({ status: "cancelled" }, { $unset: { plan: "" } });
    await Tenant.collection.updateOne({ slug: "acme" }, { $set: { "billingInfo.former": Decimal128.fromString("1.0") } });
    estate.written = await estate.read();
    return estate;
  }

  async #remove() {
    await this.connection?.dropDatabase();
    await this.connection?.close();
    await rm(this.folder, { recursive: true });
  }

  /** Runs `dezky`; its exit code and the JSON that it printed. */
  run(...parameters) {
    const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("DEZKY_") && name !== "MONGODB_URI");
    const env = { ...Object.fromEntries(kept), DEZKY_OIDC_ISSUER: "https://auth.example.eu/", DEZKY_OIDC_AUDIENCE: "portal" };
    const all = [...parameters, "--json", "--store", this.uri];
    return new Promise((resolve, reject) => {
      execFile(binary, all, { cwd: this.folder, env, timeout: 60_000 }, (error, stdout, stderr) => {
        if (error && typeof error.code !== "number") return reject(error);
        resolve({ code: error?.code ?? 0, said: stdout ? JSON.parse(stdout) : undefined, stderr });
      });
    });
  }

  /** Runs a command of `dezky` that must succeed, and returns what it printed. */
  async dezky(...parameters) {
    const { code, said, stderr } = await this.run(...parameters);
    assert.equal(code, 0, `dezky ${parameters.join(" ")}: ${stderr}`);
    return said;
  }

  /** Runs `dezky migrate`: its exit code, its report, and the kinds of what it leaves to a person. */
  async migrate() {
    const { code, said, stderr } = await this.run("migrate");
    assert.ok(said, stderr);
    const open = said.counts.filter(({ needsPerson }) => needsPerson).map(({ kind, count }) => [kind, count]);
    return { code, report: said, open: Object.fromEntries(open) };
  }

  /** All documents by kind, in the order of their ids, hydrated by Mongoose. */
  async documents() {
    const { Tenant, User, Subscription } = this.models;
    const all = (model) => model.find().sort("_id");
    return { tenants: await all(Tenant), users: await all(User), subscriptions: await all(Subscription) };
  }

  /** The declared fields of all documents by kind, as Mongoose reads them. */
  async read() {
    const documents = await this.documents();
    return Object.fromEntries(Object.entries(documents).map(([kind, all]) => [kind, all.map(declared)]));
  }

  /** Every document of the service's collections by id, as canonical Extended JSON of each of its fields: what is stored, with its types. */
  async raw() {
    const found = new Map();
    for (const { collection } of Object.values(this.models)) {
      for await (const document of collection.find({}, { promoteValues: false, promoteLongs: false })) {
        const fields = Object.entries(document).map(([name, value]) => [name, EJSON.stringify({ value }, { relaxed: false })]);
        found.set(`${collection.name} ${document._id}`, new Map(fields));
      }
    }
    return found;
  }
}

export { declared };
