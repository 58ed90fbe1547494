// Run once by the image's entry point, on an empty database: the account that Dezky signs in with, for its own database alone.
db.getSiblingDB("dezky").createUser({
  user: "dezky",
  pwd: process.env.MONGODB_PASSWORD,
  roles: [{ role: "readWrite", db: "dezky" }],
});
