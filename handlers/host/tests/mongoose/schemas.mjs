// The schemas of the replaced service, as such a service has them: strict (Mongoose's default), with timestamps, enumerations,
// required fields, references, and unique indexes of its own. They know nothing of Dezky: what must change here for the tests to pass
// is what the service that one goes back to would trip over.
import mongoose from "mongoose";

const { Schema } = mongoose;
const { ObjectId } = Schema.Types;

const plan = { type: String, enum: ["starter", "business", "enterprise"], required: true, default: "starter" };
const color = { type: String, match: /^#[0-9a-f]{6}$/i };
const link = { title: { type: String, required: true }, url: { type: String, required: true, match: /^https:/ }, icon: String };

const tenant = new Schema(
  {
    slug: { type: String, required: true, unique: true, lowercase: true, trim: true, match: /^[a-z0-9-]{2,63}$/ },
    name: { type: String, required: true, trim: true, maxlength: 200 },
    status: { type: String, enum: ["pending", "active", "suspended", "deleted"], required: true, default: "pending", index: true },
    plan,
    domains: { type: [String], default: [] },
    billingInfo: { company: String, vatId: String, email: String, address: String },
    branding: { logoUrl: String, primaryColor: color, accentColor: color, launcherLinks: [link] },
    authentikGroup: { type: String, unique: true, sparse: true },
    ocisSpaceId: String,
    stalwartDomain: String,
  },
  { timestamps: true },
);

const user = new Schema(
  {
    authentikSubjectId: { type: String, required: true, unique: true, sparse: true },
    email: { type: String, required: true, lowercase: true, trim: true, index: true },
    name: String,
    role: { type: String, enum: ["user", "support", "admin"], required: true, default: "user" },
    platformAdmin: { type: Boolean, required: true, default: false },
    tenantIds: [{ type: ObjectId, ref: "Tenant", index: true }],
  },
  { timestamps: true },
);

const subscription = new Schema(
  {
    tenantId: { type: ObjectId, ref: "Tenant", required: true, index: true },
    plan,
    status: {
      type: String,
      enum: ["incomplete", "trialing", "active", "past_due", "paused", "suspended", "cancelled"],
      required: true,
      default: "active",
    },
    seats: { type: Number, required: true, default: 1, min: 1, validate: Number.isInteger },
    trialEndsAt: Date,
    currentPeriodEndsAt: Date,
    stripeCustomerId: { type: String, index: true, sparse: true },
    stripeSubscriptionId: { type: String, unique: true, sparse: true },
  },
  { timestamps: true },
);

/** The service's models on a connection of their own, with the indexes that it makes when it starts. */
export async function connect(uri) {
  const connection = await mongoose.createConnection(uri).asPromise();
  const models = {
    Tenant: connection.model("Tenant", tenant),
    User: connection.model("User", user),
    Subscription: connection.model("Subscription", subscription),
  };
  await Promise.all(Object.values(models).map((model) => model.init()));
  return { connection, models };
}
