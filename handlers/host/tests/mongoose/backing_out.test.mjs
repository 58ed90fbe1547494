// The replaced service can go on with the documents after `dezky migrate`, and after Dezky has written to them: real Mongoose, with
// the schemas of such a service, and the real binary on one database.
import assert from "node:assert/strict";
import { test } from "node:test";
import mongoose from "mongoose";
import { Estate, declared } from "./estate.mjs";

const { ObjectId } = mongoose.Types;

const at = (object, path) => path.split(".").reduce((within, name) => within?.[name], object);

/** Fails unless Mongoose accepts every document as it is stored: required fields, enumerations, patterns, types. */
async function assertValid(estate) {
  for (const [kind, documents] of Object.entries(await estate.documents())) {
    assert.ok(documents.length > 0, kind);
    for (const document of documents) {
      await document.validate();
      assert.ok(document._id instanceof ObjectId);
      assert.ok(document.createdAt instanceof Date && document.updatedAt instanceof Date, `${kind}: ${document}`);
      // Of the very types that the service writes, and not only of some that Mongoose makes into these.
      const [stored, read] = [await document.collection.findOne({ _id: document._id }), document.toObject()];
      document.schema.eachPath((path, { $isMongooseDocumentArray: isListOfDocuments }) => {
        const value = at(stored, path);
        if (value !== undefined && !isListOfDocuments) assert.deepEqual(at(read, path), value, `${kind}: ${path}`);
      });
    }
  }
}

/** Fails unless every field that a document had is there as it was, with its type, but for those in `changed`. */
function assertKept(before, after, changed = []) {
  for (const [document, fields] of before) {
    for (const [name, value] of fields) {
      if (!changed.includes(name)) assert.equal(after.get(document)?.get(name), value, `${document}: ${name}`);
    }
  }
}

/** Slugs of the tenants that each user has after `populate`, by subject. */
async function tenantsOfUsers({ models: { User } }) {
  const users = await User.find().populate("tenantIds");
  return Object.fromEntries(users.map(({ authentikSubjectId, tenantIds }) => [authentikSubjectId, tenantIds.map(({ slug }) => slug)]));
}

/** A tenant that Dezky has made, without the ids of its items of lists: where none are stored, Mongoose makes up others at every read. */
const withoutItemIds = ({ branding, ...tenant }) => {
  const launcherLinks = branding.launcherLinks.map(({ _id, ...link }) => link);
  return { ...tenant, branding: { ...branding, launcherLinks } };
};

/** What Dezky's operators do in a week: every kind of document is changed and made, two people are taken out of tenants. */
async function liveOn(estate) {
  const run = (...parameters) => estate.dezky(...parameters);
  await run("tenant", "update", "acme", "--name", "Acme & Söhne", "--domain", "acme.example", "--domain", "new.example");
  await run("tenant", "suspend", "beta");
  await run("tenant", "delete", "gamma", "--yes");
  const links = [{ title: "Files", url: "https://files.example/" }];
  const body = { billingInfo: { company: "Delta" }, branding: { primaryColor: "#405060", launcherLinks: links } };
  await run("tenant", "create", "delta", "--name", "Delta", "--status", "active", "--group", "delta-people", "--body", JSON.stringify(body));
  await run("tenant", "create", "echo", "--name", "Echo");
  await run("user", "update", "default/anna", "--name", "Anna Renamed");
  await run("user", "suspend", "default/paul");
  await run("user", "update", "default/root", "--platform-admin", "false", "--role", "support");
  await run("user", "create", "dora", "--email", "dora@example.eu", "--name", "Dora");
  await run("user", "create", "emil", "--email", "emil@example.eu", "--platform-admin", "true");
  await run("member", "create", "delta", "default/dora", "--role", "owner");
  await run("member", "create", "acme", "default/paul");
  await run("member", "revoke", "acme", "default/anna");
  await run("member", "revoke", "beta", "default/paul");
  await run("subscription", "update", "acme", "--seats", "40", "--plan", "enterprise");
  await run("subscription", "create", "delta", "--seats", "7", "--status", "trialing", "--body", '{"trialEndsAt":"2027-03-01T00:00:00Z"}');
}

/** The document that a key finds; fails where there is none. */
const find = async (model, filter) => {
  const document = await model.findOne(filter);
  assert.ok(document, JSON.stringify(filter));
  return document;
};

/** Changes a document and saves it, and returns it as it is then stored. */
const save = async (model, filter, change) => {
  const document = await find(model, filter);
  const before = document.updatedAt;
  change(document);
  await document.save();
  const stored = await model.findById(document._id);
  assert.ok(stored.updatedAt > before);
  assert.deepEqual(declared(stored), declared(document));
  return stored;
};

test("after the upgrade Mongoose reads what it wrote", async (context) => {
  const estate = await Estate.make(context);
  const { Tenant, User, Subscription } = estate.models;
  const [before, populated] = [await estate.raw(), await tenantsOfUsers(estate)];
  const { code, open } = await estate.migrate();
  assert.deepEqual({ code, open }, { code: 7, open: { several_current_subscriptions: 2, dangling_tenant_id: 1 } });

  assert.deepEqual(await estate.read(), estate.written);
  const after = await estate.raw();
  assertKept(before, after);
  assert.deepEqual([...after.keys()], [...before.keys()]);
  await assertValid(estate);
  for (const [model, documents] of [[Tenant, estate.written.tenants], [User, estate.written.users], [Subscription, estate.written.subscriptions]]) {
    for (const document of documents) assert.deepEqual(declared(await model.findById(document._id)), document);
  }
  // The tenant that is gone was left out by Mongoose before, too.
  assert.deepEqual(await tenantsOfUsers(estate), populated);
  assert.deepEqual(populated, { anna: ["acme", "beta"], paul: ["beta"], root: [], lost: ["gamma"] });
});

test("after the upgrade the service's keys find and refuse as before", async (context) => {
  const estate = await Estate.make(context);
  await estate.migrate();
  const { Tenant, User, Subscription } = estate.models;
  const [[acme, beta], [anna]] = [estate.written.tenants, estate.written.users];
  assert.deepEqual((await Tenant.findOne({ slug: "acme" }))._id, acme._id);
  assert.deepEqual((await Tenant.findOne({ authentikGroup: "acme-people" }))._id, acme._id);
  assert.deepEqual((await User.findOne({ authentikSubjectId: "anna" }))._id, anna._id);
  assert.equal(await User.countDocuments({ email: "anna@example.eu" }), 2);
  assert.equal(await User.countDocuments({ tenantIds: beta._id }), 2);
  assert.equal(await User.countDocuments({ tenantIds: estate.gone }), 1);
  assert.equal((await Subscription.findOne({ stripeSubscriptionId: "sub_1" }).populate("tenantId")).tenantId.slug, "acme");
  assert.equal(await Subscription.countDocuments({ tenantId: beta._id, status: { $in: ["active", "trialing"] } }), 2);
  for (const [model, fields] of [
    [Tenant, { slug: "acme", name: "Other" }],
    [Tenant, { slug: "other", name: "Other", authentikGroup: "acme-people" }],
    [User, { authentikSubjectId: "anna", email: "other@example.eu" }],
    [Subscription, { tenantId: acme._id, stripeSubscriptionId: "sub_1" }],
  ]) await assert.rejects(model.create(fields), { code: 11000 });
});

test("documents that Dezky has changed are to Mongoose what they were, but for the change", async (context) => {
  const estate = await Estate.make(context);
  await estate.migrate();
  const before = await estate.raw();
  await liveOn(estate);
  await assertValid(estate);

  const { tenants, users, subscriptions } = await estate.read();
  const changes = {
    acme: { name: "Acme & Söhne", domains: ["acme.example", "new.example"] },
    beta: { status: "suspended" },
    gamma: { status: "deleted" },
    anna: { name: "Anna Renamed" },
    paul: {},
    root: { platformAdmin: false, role: "support" },
    sub_1: { seats: 40, plan: "enterprise" },
  };
  const now = new Map([...tenants, ...users, ...subscriptions].map((document) => [String(document._id), document]));
  for (const old of Object.values(estate.written).flat()) {
    const change = changes[old.slug ?? old.authentikSubjectId ?? old.stripeSubscriptionId];
    const { updatedAt, ...document } = now.get(String(old._id));
    const { updatedAt: updatedBefore, ...expected } = { ...old, ...change };
    assert.deepEqual(document, expected);
    assert.equal(updatedAt > updatedBefore, change !== undefined, `${updatedAt} of ${JSON.stringify(document)}`);
  }
  const touched = ["name", "domains", "status", "platformAdmin", "role", "seats", "plan", "updatedAt", "branding"];
  const own = ["version", "nameKey", "platformAdminSource", "_words"];
  assertKept(before, await estate.raw(), [...touched, ...own]);
});

test("documents that Dezky has made have for Mongoose what it puts into its own", async (context) => {
  const estate = await Estate.make(context);
  await estate.migrate();
  await liveOn(estate);
  await assertValid(estate);

  const { tenants, users, subscriptions } = await estate.read();
  const names = (documents, field) => documents.map((document) => document[field]).toSorted();
  assert.deepEqual(names(tenants, "slug"), ["acme", "beta", "delta", "echo", "gamma"]);
  assert.deepEqual(names(users, "authentikSubjectId"), ["anna", "dora", "emil", "lost", "paul", "root"]);
  assert.equal(subscriptions.length, 5);
  const made = (documents, field, value) => documents.find((document) => document[field] === value);
  const delta = made(tenants, "slug", "delta");
  assert.deepEqual([delta.name, delta.status, delta.plan, delta.authentikGroup], ["Delta", "active", "starter", "delta-people"]);
  assert.deepEqual([delta.billingInfo, delta.branding.primaryColor], [{ company: "Delta" }, "#405060"]);
  assert.deepEqual(withoutItemIds(delta).branding.launcherLinks, [{ title: "Files", url: "https://files.example/" }]);
  assert.deepEqual(made(tenants, "slug", "echo").domains, []);
  const { email, name, role, platformAdmin, tenantIds } = made(users, "authentikSubjectId", "dora");
  assert.deepEqual({ email, name, role, platformAdmin, tenantIds }, { email: "dora@example.eu", name: "Dora", role: "user", platformAdmin: false, tenantIds: [] });
  assert.equal(made(users, "authentikSubjectId", "emil").platformAdmin, true);
  const subscription = subscriptions.find(({ tenantId }) => tenantId.equals(delta._id));
  assert.deepEqual([subscription.seats, subscription.status, subscription.plan], [7, "trialing", "starter"]);
  assert.deepEqual(subscription.trialEndsAt, new Date("2027-03-01T00:00:00Z"));

  // What was granted and revoked meanwhile is not in `tenantIds`: docs/migration.md says so.
  assert.deepEqual(await tenantsOfUsers(estate), { anna: ["acme", "beta"], paul: ["beta"], root: [], lost: ["gamma"], dora: [], emil: [] });
});

test("Mongoose saves documents that Dezky has changed and made", async (context) => {
  const estate = await Estate.make(context);
  await estate.migrate();
  await liveOn(estate);
  const { Tenant, User, Subscription } = estate.models;
  // Its indexes are there beside Dezky's, and it may ask for them again, as it does whenever it starts.
  for (const model of Object.values(estate.models)) {
    assert.deepEqual((await model.diffIndexes()).toCreate, []);
    await model.createIndexes();
  }
  const [acme, delta] = [await find(Tenant, { slug: "acme" }), await find(Tenant, { slug: "delta" })];
  for (const slug of ["acme", "delta"]) {
    const saved = await save(Tenant, { slug }, (tenant) => {
      tenant.name = `${slug} saved`;
      tenant.billingInfo.vatId = "DE100000000";
      tenant.domains.push(`saved.${slug}.example`);
      tenant.branding.launcherLinks[0].title = "Saved";
      tenant.branding.launcherLinks.push({ title: "More", url: "https://more.example" });
    });
    assert.deepEqual([saved.name, saved.domains.at(-1), saved.branding.launcherLinks[0].title], [`${slug} saved`, `saved.${slug}.example`, "Saved"]);
  }
  // Arrays, whose changes Mongoose counts in `__v`: of an old document, and of one that has none yet.
  const { __v } = await save(User, { authentikSubjectId: "anna" }, (user) => user.tenantIds.push(delta._id));
  assert.equal(__v, 1);
  await save(User, { authentikSubjectId: "dora" }, (user) => user.tenantIds.push(delta._id, acme._id));
  await save(User, { authentikSubjectId: "dora" }, (user) => user.tenantIds.pull(acme._id));
  const dora = await save(User, { authentikSubjectId: "dora" }, (user) => user.tenantIds.set(0, acme._id));
  assert.deepEqual([dora.tenantIds.map(String), dora.__v > 0], [[String(acme._id)], true]);
  await save(Subscription, { tenantId: delta._id }, (subscription) => Object.assign(subscription, { seats: 8, status: "cancelled", trialEndsAt: undefined }));
  await assertValid(estate);
});

test("Mongoose updates, makes and removes documents beside those of Dezky", async (context) => {
  const estate = await Estate.make(context);
  await estate.migrate();
  await liveOn(estate);
  const { Tenant, User, Subscription } = estate.models;
  const [acme, delta] = [await find(Tenant, { slug: "acme" }), await find(Tenant, { slug: "delta" })];
  const options = { returnDocument: "after", runValidators: true };
  assert.equal((await Tenant.findOneAndUpdate({ slug: "beta" }, { status: "active" }, options)).status, "active");
  assert.equal((await User.findOneAndUpdate({ authentikSubjectId: "emil" }, { $addToSet: { tenantIds: delta._id } }, options)).tenantIds.length, 1);
  assert.equal((await Subscription.findOneAndUpdate({ stripeSubscriptionId: "sub_1" }, { $inc: { seats: 2 } }, options)).seats, 42);
  await assert.rejects(Tenant.findOneAndUpdate({ slug: "delta" }, { slug: "acme" }, options), { code: 11000 });

  // Two new ones of each kind: Dezky's unique index must not take what they lack for a value that they share.
  for (const number of [1, 2]) {
    const tenant = await Tenant.create({ slug: `new-${number}`, name: "New" });
    await User.create({ authentikSubjectId: `new-${number}`, email: "new@example.eu", tenantIds: [tenant._id, delta._id] });
    await Subscription.create({ tenantId: tenant._id });
    // The service knew no rule of one subscription at a time.
    await Subscription.create({ tenantId: acme._id });
  }
  await (await find(Tenant, { slug: "echo" })).deleteOne();
  assert.equal((await User.deleteOne({ authentikSubjectId: "emil" })).deletedCount, 1);
  await assertValid(estate);
});

test("what Mongoose has written after backing out the next upgrade takes up", async (context) => {
  const estate = await Estate.make(context);
  await estate.migrate();
  await liveOn(estate);
  const { Tenant, User, Subscription } = estate.models;
  const [acme, beta] = estate.written.tenants;
  const fresh = await Tenant.create({ slug: "fresh", name: "Fresh", status: "active", domains: ["fresh.example"] });
  await User.create({ authentikSubjectId: "nils", email: "Nils@example.eu", name: "Nils", tenantIds: [acme._id, fresh._id], platformAdmin: true });
  await Subscription.create({ tenantId: fresh._id, seats: 2 });
  const dora = await User.findOne({ authentikSubjectId: "dora" });
  dora.tenantIds.push(beta._id);
  await dora.save();
  await Tenant.updateOne({ slug: "delta" }, { name: "Delta Renamed" });
  // It also settles what the first upgrade left to a person.
  await User.updateOne({ authentikSubjectId: "lost" }, { $pull: { tenantIds: estate.gone } });
  await Subscription.updateOne({ tenantId: beta._id, status: "trialing" }, { status: "cancelled" });
  const [written, before] = [await estate.read(), await estate.raw()];

  const { code, report, open } = await estate.migrate();
  assert.deepEqual({ code, open }, { code: 0, open: {} });
  // Nils in two and Dora in one are new; Anna in Acme and Paul in Beta stay revoked.
  assert.deepEqual(report.memberships, { madeByClaim: 1, madeByGrant: 2, existing: 4 });
  const read = await estate.read();
  const comparable = ({ tenants, ...others }) => ({ ...others, tenants: tenants.map((one) => (one.slug === "delta" ? withoutItemIds(one) : one)) });
  assert.deepEqual(comparable(read), comparable(written));
  assertKept(before, await estate.raw(), ["nameKey", "uniqueKeys", "_words"]);
  await assertValid(estate);

  const members = async (tenant) => {
    const { items } = await estate.dezky("member", "list", tenant);
    return Object.fromEntries(items.map(({ email, role, source }) => [email, [role, source].join()]));
  };
  assert.deepEqual(await members("acme"), { "nils@example.eu": "member,claim", "paul@example.eu": "member,grant" });
  assert.deepEqual(await members("beta"), { "anna@example.eu": "member,grant", "dora@example.eu": "member,grant" });
  assert.deepEqual(await members("fresh"), { "nils@example.eu": "member,grant" });
  const nils = await estate.dezky("user", "show", "default/nils");
  assert.deepEqual([nils.platformAdmin, nils.platformAdminSource, nils.tenantIds], [true, "grant", [acme._id, fresh._id].map(String)]);
  const { items } = await estate.dezky("tenant", "list");
  assert.deepEqual(items.map(({ name }) => name), ["Acme & Söhne", "Beta", "Delta Renamed", "Echo", "Fresh"]);

  // And once more there and back: Dezky writes what Mongoose made, and Mongoose reads it.
  await estate.dezky("user", "update", "default/nils", "--name", "Nils Renamed");
  await estate.dezky("subscription", "update", "fresh", "--seats", "3");
  await assertValid(estate);
  assert.equal((await User.findOne({ authentikSubjectId: "nils" })).name, "Nils Renamed");
  assert.equal((await Subscription.findOne({ tenantId: fresh._id })).seats, 3);
});

test("people whom Dezky knows without an address, and erased ones, Mongoose reads but does not save as they are", async (context) => {
  const estate = await Estate.make(context);
  await estate.migrate();
  await estate.dezky("user", "create", "carl", "--name", "Carl");
  for (const subject of ["paul", "root"]) await estate.dezky("user", "delete", `default/${subject}`, "--yes");
  const { User } = estate.models;
  const refused = {};
  for (const user of await User.find()) {
    await user.validate().catch(({ errors }) => (refused[user._id] = Object.keys(errors).toSorted()));
  }
  const [, paul, root] = estate.written.users;
  const carl = await User.findOne({ authentikSubjectId: "carl" });
  const erased = ["authentikSubjectId", "email"];
  assert.deepEqual(refused, { [carl._id]: ["email"], [paul._id]: erased, [root._id]: erased });
  carl.email = "carl@example.eu";
  await carl.save();
});
