// The old service in the rehearsal: estate.mjs write | settle URI | use URI | forget URI. Its models and data are those of the tests of
// `dezky migrate` (handlers/host/tests/mongoose).
import assert from "node:assert/strict";
import { Estate } from "../../handlers/host/tests/mongoose/estate.mjs";
import { connect } from "../../handlers/host/tests/mongoose/schemas.mjs";

const [work, uri] = process.argv.slice(2);

/** Lets everything of a database be read, checked and saved by the models, as a week of the old service would. */
async function use({ Tenant, User, Subscription }) {
  for (const model of [Tenant, User, Subscription]) {
    for (const document of await model.find()) {
      await document.validate();
      document.markModified("name");
      await document.save();
    }
  }
  const acme = await Tenant.findOne({ slug: "acme" });
  assert.equal(acme.billingInfo.company, "Å AB");
  await User.create({ authentikSubjectId: `new-${Date.now()}`, email: "new@example.eu", name: "New", tenantIds: [acme._id] });
  const anna = await User.findOne({ authentikSubjectId: "anna" }).populate("tenantIds");
  console.log(`anna is in ${anna.tenantIds.map(({ slug }) => slug).join(", ")}`);
}

const works = {
  async write() {
    const estate = await Estate.make({ after() {} });
    console.log(JSON.stringify({ uri: estate.uri, gone: String(estate.gone) }));
    return estate;
  },
  /** Settles the findings of the report: a subscription that is current twice, and a tenant that is gone. */
  async settle({ User, Subscription, Tenant }) {
    const beta = await Tenant.findOne({ slug: "beta" });
    await Subscription.collection.updateOne({ tenantId: beta._id, status: "trialing" }, { $set: { status: "cancelled" } });
    const there = await Tenant.distinct("_id");
    await User.collection.updateMany({}, { $pull: { tenantIds: { $not: { $in: there } } } });
  },
  use,
  async forget(_, connection) {
    await connection.dropCollection("memberships");
  },
};

const { models, connection } = work === "write" ? await works.write() : await connect(uri);
if (work !== "write") await works[work](models, connection);
await connection.close();
