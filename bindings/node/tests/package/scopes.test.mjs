// Every use case as a person and as the system, over a store that a server has open at the same time.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ConflictError, Dezky, ForbiddenError, InvalidError, NotFoundError, PreconditionFailedError, entityTag } from "@dezky/sdk";
import { start } from "./world.mjs";

let world;
let dezky;
before(async () => {
  world = await start();
  dezky = await Dezky.open(world.options);
});
after(async () => {
  await dezky?.close();
  await world?.stop();
});

const fresh = (() => {
  let last = 0;
  return (name) => `${name}-${++last}`;
})();

test("a person's profile is what the server answers", async () => {
  const profile = await dezky.asUser(world.people.anna.token).me();
  const answer = await world.http("/users/me", world.people.anna.token);
  assert.deepEqual(profile, await answer.json());
  assert.equal(entityTag(profile), answer.headers.get("etag"));
  assert.equal(profile.user.email, "anna@example.eu");
});

test("what one process writes the other reads, and a right that is taken away is gone at once in both", async () => {
  const system = dezky.asSystem("test");
  const slug = fresh("shared");
  const tenant = await system.tenants.create({ slug, name: "Shared", status: "active" });
  await system.members.grant(slug, { userId: world.people.anna.id });
  const seen = await world.http(`/tenants/${slug}`, world.people.anna.token);
  assert.equal((await seen.json()).id, tenant.id);
  assert.equal((await dezky.asUser(world.people.anna.token).tenants.get(slug)).id, tenant.id);
  await system.members.revoke(slug, world.people.anna.id);
  assert.equal((await world.http(`/tenants/${slug}`, world.people.anna.token)).status, 404);
  await assert.rejects(dezky.asUser(world.people.anna.token).tenants.get(slug), NotFoundError);
});

test("tenants are created, listed, changed, suspended, restored and deleted", async () => {
  const { tenants } = dezky.asSystem("test");
  const slug = fresh("acme");
  const created = await tenants.create({ slug, name: "Acme", status: "active" });
  assert.deepEqual(await tenants.get(slug), created);
  assert.equal((await tenants.update(slug, { name: "Acme & Söhne" })).name, "Acme & Söhne");
  assert.deepEqual((await tenants.list({ search: "acme & s" })).items.map((item) => item.slug), [slug]);
  assert.equal((await tenants.suspend(slug)).status, "suspended");
  assert.equal((await tenants.restore(created.id)).status, "active");
  assert.equal(await tenants.delete(slug), undefined);
  assert.equal((await tenants.get(slug)).status, "deleted");
});

test("members are granted, listed, changed and revoked", async () => {
  const { tenants, members } = dezky.asSystem("test");
  const slug = fresh("people");
  const user = world.people.anna.id;
  await tenants.create({ slug, name: "People", status: "active" });
  assert.equal((await members.grant(slug, { userId: user, role: "owner" })).role, "owner");
  assert.deepEqual((await members.list(slug, { role: "owner" })).items.map((item) => item.userId), [user]);
  assert.equal((await members.update(slug, user, { role: "admin" })).role, "admin");
  assert.equal((await members.get(slug, user)).role, "admin");
  await members.revoke(slug, user);
  assert.deepEqual((await members.list(slug)).items, []);
});

test("an API key calls the API inside this process, until it is revoked", async () => {
  const { tenants, apiKeys } = dezky.asSystem("test");
  const slug = fresh("keys");
  const tenant = await tenants.create({ slug, name: "Keys", status: "active" });
  const made = await apiKeys.create({ name: "Report", tenantId: tenant.id, scopes: ["membership.read"] });
  const call = (secret, path) => dezky.fetch(new Request(`http://dezky.test${path}`, { headers: { authorization: `Bearer ${secret}` } }));
  assert.equal((await call(made.secret, `/tenants/${slug}/members`)).status, 200);
  assert.equal((await call(made.secret, `/tenants/${slug}`)).status, 403);
  const rotated = await apiKeys.rotate(made.id, { overlapSeconds: 0 });
  assert.equal((await call(made.secret, `/tenants/${slug}/members`)).status, 401);
  assert.equal((await call(rotated.secret, `/tenants/${slug}/members`)).status, 200);
  const [listed] = (await apiKeys.list({ tenant: slug })).items;
  assert.deepEqual([listed.prefix, listed.secret], [`dzk_${made.id}`, undefined]);
  const changed = await apiKeys.update(made.id, { scopes: ["mailbox.read"] }, { ifMatch: await apiKeys.get(made.id) });
  assert.deepEqual((await apiKeys.get(made.id)).scopes, changed.scopes);
  await apiKeys.delete(made.id);
  assert.equal((await call(rotated.secret, `/tenants/${slug}/members`)).status, 401);
});

test("mailboxes are created, listed, changed and deleted, and the workspace is looked at", async () => {
  const { tenants, members, mailboxes, appPasswords, workspace } = dezky.asSystem("test");
  const slug = fresh("mail");
  const userId = world.people.anna.id;
  const domain = `${slug}.eu`;
  const domainVerifications = [{ name: domain, verifiedAt: "2026-02-01T00:00:00.000Z" }];
  const tenant = await tenants.create({ slug, name: "Mail", domains: [domain], domainVerifications });
  await members.grant(slug, { userId });
  const mailbox = await mailboxes.create(slug, { userId, localPart: "Anna", domain, aliases: ["info"] });
  assert.deepEqual([mailbox.address, mailbox.aliases, mailbox.status], [`anna@${domain}`, ["info"], "active"]);
  assert.deepEqual((await mailboxes.list(slug, { userId })).items, [mailbox]);
  const changed = await mailboxes.update(slug, mailbox.id, { displayName: "Anna", aliases: [] }, { ifMatch: mailbox });
  assert.deepEqual([changed.displayName, changed.aliases], ["Anna", []]);
  assert.deepEqual(await mailboxes.get(slug, mailbox.id), changed);
  await assert.rejects(mailboxes.delete(slug, mailbox.id, { ifMatch: mailbox }), PreconditionFailedError);
  // Only the member creates one, and there is no mail system here that could.
  assert.deepEqual((await appPasswords.list(slug, mailbox.id)).items, []);
  await assert.rejects(appPasswords.create(slug, mailbox.id, { name: "Phone" }), { name: ForbiddenError.name, code: "holder_required" });
  const anna = dezky.asUser(world.people.anna.token);
  await assert.rejects(anna.appPasswords.create(slug, mailbox.id, { name: "Phone" }), { name: ConflictError.name, code: "mail_not_configured" });
  await assert.rejects(anna.appPasswords.delete(slug, mailbox.id, mailbox.id), NotFoundError);
  assert.deepEqual((await anna.mailboxes.list(slug, { userId })).items, [changed]);
  await mailboxes.delete(slug, mailbox.id);
  await assert.rejects(mailboxes.get(slug, mailbox.id), NotFoundError);

  // Which systems there are, and how far they are, is the server's business.
  for (const view of [await workspace.get(slug), await workspace.retry(slug), await workspace.check(slug)]) {
    assert.deepEqual([view.tenantId, typeof view.ready], [tenant.id, "boolean"]);
    for (const list of ["systems", "parts", "domains", "links"]) assert.ok(Array.isArray(view[list]), list);
  }
  await members.revoke(slug, userId);
});

test("users and subscriptions are created, listed, changed and deleted", async () => {
  const { tenants, users, subscriptions } = dezky.asSystem("test");
  const subject = fresh("bea");
  const user = await users.create({ authentikSubjectId: subject, email: `${subject}@example.eu`, name: "Bea" });
  assert.deepEqual((await users.list({ email: `${subject}@` })).items, [user]);
  assert.equal((await users.update(user.id, { name: "Beate" })).name, "Beate");
  await users.delete(user.id);
  assert.deepEqual([(await users.get(user.id)).name, (await users.get(user.id)).status], [undefined, "disabled"]);

  const tenant = await tenants.create({ slug: fresh("paying"), name: "Paying" });
  const subscription = await subscriptions.create({ tenantId: tenant.id, seats: 3 });
  assert.equal((await subscriptions.update(subscription.id, { seats: 4 })).seats, 4);
  assert.equal((await subscriptions.get(subscription.id)).version, 2);
  assert.equal((await subscriptions.list({ tenantId: tenant.id })).items.length, 1);
  await subscriptions.delete(subscription.id);
  await assert.rejects(subscriptions.get(subscription.id), NotFoundError);
});

test("the audit trail names the system actor", async () => {
  const system = dezky.asSystem("nightly-report");
  const slug = fresh("audited");
  await system.tenants.create({ slug, name: "Audited" });
  const { items } = await system.audit.list({ tenant: slug });
  assert.deepEqual(items.map((item) => [item.action, item.actor]), [["tenant.create", { kind: "system", name: "nightly-report" }]]);
});

test("lists are walked page by page to their end", async () => {
  const system = dezky.asSystem("test");
  const slugs = ["a", "b", "c", "d", "e"].map((letter) => `walked-${letter}`);
  for (const slug of slugs) await system.tenants.create({ slug, name: `Walked ${slug}` });
  const first = await system.tenants.list({ search: "walked", limit: 2 });
  assert.equal(first.items.length, 2);
  const second = await system.tenants.list({ search: "walked", limit: 2, cursor: first.nextCursor });
  const walked = [];
  for await (const tenant of system.tenants.all({ search: "walked", limit: 2 })) walked.push(tenant.slug);
  assert.deepEqual(walked, slugs);
  assert.deepEqual([...first.items, ...second.items].map((item) => item.slug), slugs.slice(0, 4));
  const own = await Array.fromAsync?.(dezky.asUser(world.people.anna.token).myTenants.all());
  if (own) assert.deepEqual(own.map((tenant) => tenant.slug), ["dezky"]);
});

test("a change of a version that is not the current one is refused", async () => {
  const { tenants } = dezky.asSystem("test");
  const slug = fresh("versioned");
  const read = await tenants.create({ slug, name: "One" });
  const changed = await tenants.update(slug, { name: "Two" }, { ifMatch: read });
  await assert.rejects(tenants.update(slug, { name: "Three" }, { ifMatch: read }), PreconditionFailedError);
  await tenants.update(slug, { name: "Three" }, { ifMatch: entityTag(changed) });
  await assert.rejects(tenants.delete(slug, { ifMatch: changed }), PreconditionFailedError);
  await assert.rejects(tenants.delete(slug, { ifMatch: { ...changed } }), InvalidError);
  assert.equal(entityTag({}), undefined);
});

test("a repeated creation with one key has one effect", async () => {
  const { tenants } = dezky.asSystem("test");
  const input = { slug: fresh("once"), name: "Once" };
  const first = await tenants.create(input, { idempotencyKey: "k-1" });
  assert.deepEqual(await tenants.create(input, { idempotencyKey: "k-1" }), first);
  await assert.rejects(tenants.create(input), ConflictError);
  await assert.rejects(tenants.create(input, { idempotencyKey: "a\nx-request-id: b" }), InvalidError);
});

test("a person may not what the platform may, and a system actor is no person", async () => {
  const anna = dezky.asUser(world.people.anna.token);
  await assert.rejects(anna.tenants.create({ slug: "mine", name: "Mine" }), ForbiddenError);
  await assert.rejects(dezky.asSystem("test").me(), { code: "person_required" });
  for (const name of ["seed", "", "a b", "x".repeat(65)]) assert.throws(() => dezky.asSystem(name), InvalidError);
});

test("a place in a path is a name and no path", async () => {
  const { tenants } = dezky.asSystem("test");
  for (const name of ["..", ".", "a/../../users/me", "dezky/members", "dezky?limit=1", "%2e%2e", "dezky#x"]) {
    await assert.rejects(tenants.get(name), NotFoundError, name);
  }
  await assert.rejects(tenants.get(""), InvalidError);
  await assert.rejects(tenants.get(undefined), InvalidError);
});

test("the launcher of a host is public", async () => {
  assert.equal((await dezky.launcher("dezky.dezky.test:8080")).slug, "dezky");
  await assert.rejects(dezky.launcher("nobody.dezky.test"), NotFoundError);
});
