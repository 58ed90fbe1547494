//! What a component may write for the caller of a request.

use dezky::{
    authz::{Action, Outcome, Resource, TargetFacts, TenantFacts, decide},
    domain::{
        IdempotencyRecord, Membership, MembershipRole, ObjectId, Subscription, Tenant, TenantStatus, User, UserStatus,
        audit::{AUDIT_DETAILS, AUDIT_EVENTS},
        idempotency::IDEMPOTENCY_RECORDS,
        membership::MEMBERSHIPS,
        outbox::OUTBOX,
        subscription::SUBSCRIPTIONS,
        tenant::TENANTS,
        user::USERS,
    },
    store::{Change, Collection, Commit, Document, Entity, StoreError, StoreResult},
};
use serde_json::{Map, Value};

use super::{Locked, refused, trail::Done};

/// Fields that follow from others, and those of which the policy has rules of their own names.
const DERIVED: &[&str] = &["version", "updatedAt", "nameKey", "formerSlugs", "suspendedFrom"];

/// An entity before and after a change.
pub(super) struct Step<E> {
    pub(super) before: Option<E>,
    pub(super) after: Option<E>,
    /// Names of the declared fields that are not the same.
    pub(super) fields: Vec<&'static str>,
}

fn members(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap_or_default()
}

fn changed(collection: &'static Collection, before: &str, after: &str) -> Vec<&'static str> {
    let (before, after) = (members(before), members(after));
    let differs = |name: &&str| before.get(*name).filter(|v| !v.is_null()) != after.get(*name).filter(|v| !v.is_null());
    collection.fields.iter().map(|field| field.name).filter(differs).collect()
}

impl Locked {
    /// Checks every change of a commit, stamps its audit events, and makes it rest on the caller's rights.
    pub(super) async fn check_writes(&self, commit: &mut Commit) -> StoreResult<()> {
        if self.actor.user().is_none() {
            return refused("this caller writes nothing");
        }
        for guard in &commit.guards {
            if !self.facts.seen().has(guard.collection, guard.id) {
                return refused(format!("a guard on `{}` is on what this request has not read", guard.collection.name));
            }
        }
        let mut done = Vec::new();
        for change in &commit.changes {
            let collection = change.collection();
            if collection == &IDEMPOTENCY_RECORDS {
                self.check_answer(change).await?;
            } else if let Some(one) = self.check_change(change).await? {
                done.push(one);
            } else if ![&AUDIT_EVENTS, &AUDIT_DETAILS, &OUTBOX].contains(&collection) {
                return refused(format!("a component does not write `{}`", collection.name));
            }
        }
        self.check_trail(commit, &done)?;
        self.actor.guard(commit, done.iter().filter_map(|one| one.tenant));
        Ok(())
    }

    /// Checks a change of something that the policy knows; none for anything else.
    async fn check_change(&self, change: &Change) -> StoreResult<Option<Done>> {
        let collection = change.collection();
        Ok(Some(if collection == &TENANTS {
            self.check_tenant(change, self.step(change).await?).await?
        } else if collection == &USERS {
            self.check_user(change, &self.step(change).await?)?
        } else if collection == &MEMBERSHIPS {
            self.check_membership(change, &self.step(change).await?).await?
        } else if collection == &SUBSCRIPTIONS {
            self.check_subscription(change, &self.step(change).await?).await?
        } else {
            return Ok(None);
        }))
    }

    /// Reads what is there, and what shall be, which must be what it says that it is.
    async fn step<E: Entity>(&self, change: &Change) -> StoreResult<Step<E>> {
        let (expected, content) = match change {
            Change::Insert { json, unique_keys, .. } => (None, Some((json, unique_keys))),
            Change::Update { expected, json, unique_keys, .. } => (Some(*expected), Some((json, unique_keys))),
            Change::Delete { expected, .. } => (Some(*expected), None),
        };
        let stored = match expected {
            None => None,
            Some(expected) => Some(self.stored(change, expected).await?),
        };
        let before = stored.as_ref().map(|document| document.decode::<E>(E::COLLECTION)).transpose()?;
        let after = match content {
            None => None,
            Some((json, keys)) => {
                let Ok(after) = serde_json::from_str::<E>(json) else {
                    return refused("a document is not of its kind");
                };
                let version = expected.map_or(1, |expected| expected.saturating_add(1));
                if after.id() != change.id() || after.version() != version || after.unique_keys() != *keys {
                    return refused("a document's id, version or keys are not what they must be");
                }
                Some(after)
            }
        };
        let fields = match (&stored, content) {
            (Some(stored), Some((json, _))) => changed(E::COLLECTION, &stored.json, json),
            _ => Vec::new(),
        };
        Ok(Step { before, after, fields })
    }

    /// The document that is changed, at the version that the component has read in this request.
    async fn stored(&self, change: &Change, expected: u64) -> StoreResult<Document> {
        let (collection, id) = (change.collection(), change.id());
        if !self.facts.seen().has(collection, id) {
            return refused(format!("a change of `{}` is of what this request has not read", collection.name));
        }
        let stored = self.store().get(&self.call.context, collection, id).await?;
        stored
            .filter(|document| document.version == expected)
            .ok_or(StoreError::VersionConflict { collection: collection.name, id })
    }

    /// Asks the policy of the core.
    fn decide(&self, action: Action, resource: &Resource<'_>) -> StoreResult<()> {
        let Some(actor) = self.actor.for_policy() else { return refused("this caller writes nothing") };
        let decision = decide(&actor, action, resource);
        if decision.outcome == Outcome::Allow {
            return Ok(());
        }
        refused(format!("the caller may not do `{}` ({:?})", action.name(), decision.reason))
    }

    /// The tenant that something belongs to, read for this decision.
    async fn tenant(&self, id: ObjectId) -> StoreResult<Tenant> {
        self.actor.learn(&self.platform, &self.call, std::iter::once(id)).await?;
        let found = self.store().get(&self.call.context, &TENANTS, id).await?;
        match found {
            Some(document) => document.decode(&TENANTS),
            None => refused("a change belongs to a tenant that is not there"),
        }
    }

    fn resource<'a>(&self, tenant: &'a Tenant, fields: &'a [&'static str]) -> Resource<'a> {
        Resource {
            tenant: Some(TenantFacts { slug: &tenant.slug, status: tenant.status }),
            role: self.actor.role(tenant.id.0),
            fields,
            ..Resource::default()
        }
    }

    async fn check_tenant(&self, change: &Change, step: Step<Tenant>) -> StoreResult<Done> {
        let done = Done { kind: "tenant", id: change.id(), tenant: Some(change.id()), user: None };
        let Some(after) = &step.after else { return refused("a tenant is never removed") };
        let Some(before) = &step.before else {
            self.decide(Action::CreateTenant, &Resource::default())?;
            return Ok(done);
        };
        let action = match (before.status, after.status) {
            (before, after) if before == after => Action::UpdateTenant,
            (_, TenantStatus::Deleted) => Action::DeleteTenant,
            (_, TenantStatus::Suspended) => Action::SuspendTenant,
            (TenantStatus::Suspended, _) => Action::RestoreTenant,
            _ => Action::UpdateTenant,
        };
        self.actor.learn(&self.platform, &self.call, std::iter::once(change.id())).await?;
        let mut fields: Vec<&'static str> =
            step.fields.iter().copied().filter(|field| !DERIVED.contains(field)).collect();
        // A domain that goes takes its proof with it: that sets nothing.
        let proofs = &before.domain_verifications;
        if after.domain_verifications.iter().all(|proof| proofs.contains(proof)) {
            fields.retain(|field| *field != "domainVerifications");
        }
        let known = ["name", "branding", "domains", "billingInfo"];
        if !self.actor.is_platform() {
            let hidden = ["formerSlugs", "suspendedFrom", "createdAt", "deletedAt"];
            if step.fields.iter().any(|field| hidden.contains(field))
                || fields
                    .iter()
                    .any(|field| !known.contains(field) && *field != "domainVerifications" && is_plain(field))
            {
                return refused("a field of a tenant is not the caller's to set");
            }
        }
        self.decide(action, &self.resource(before, &fields))?;
        Ok(done)
    }

    fn check_user(&self, change: &Change, step: &Step<User>) -> StoreResult<Done> {
        let id = change.id();
        let done = Done { kind: "user", id, tenant: None, user: Some(id) };
        let Some(after) = &step.after else { return refused("a user is never removed") };
        let resource = Resource { oneself: self.actor.is(id), ..Resource::default() };
        let intent = self.facts.intent();
        let Some(before) = &step.before else {
            self.decide(Action::CreateUser, &resource)?;
            let asked = !after.platform_admin || intent.says("platformAdmin") == Some(Value::Bool(true));
            if !intent.creates("users") || !asked {
                return refused("the request does not ask for this user");
            }
            return Ok(done);
        };
        let erased = after.deleted_at.is_some() && before.deleted_at.is_none();
        self.decide(if erased { Action::DeleteUser } else { Action::UpdateUser }, &resource)?;
        if intent.creates("users") {
            // Readmission opens the tombstone, and changes nothing else.
            let opened = ["subjectHash", "version", "updatedAt"];
            if before.deleted_at.is_some() && step.fields.iter().all(|field| opened.contains(field)) {
                return Ok(done);
            }
        }
        if !intent.names("users", id) || erased != intent.deletes() {
            return refused("the request does not name this user");
        }
        self.check_rights(before, after, erased)?;
        Ok(done)
    }

    /// The highest rights change only as the request's own body says, and nobody raises themselves.
    fn check_rights(&self, before: &User, after: &User, erased: bool) -> StoreResult<()> {
        let intent = self.facts.intent();
        let admin = before.platform_admin == after.platform_admin
            || (erased && !after.platform_admin)
            || (intent.says("platformAdmin") == Some(Value::Bool(after.platform_admin))
                && !(after.platform_admin && self.actor.is(after.id.0)));
        let named = match after.status {
            UserStatus::Active => "active",
            UserStatus::Disabled => "disabled",
        };
        let status = before.status == after.status
            || (erased && after.status == UserStatus::Disabled)
            || intent.says("status") == Some(Value::String(named.to_owned()));
        let tokens = before.tokens_valid_after == after.tokens_valid_after || intent.says("tokensValidAfter").is_some();
        if admin && status && tokens {
            return Ok(());
        }
        refused("the request does not ask for this right of a user")
    }

    async fn check_membership(&self, change: &Change, step: &Step<Membership>) -> StoreResult<Done> {
        let Some(after) = &step.after else { return refused("a membership is never removed") };
        let (tenant, user) = (after.tenant_id.0, after.user_id.0);
        let done = Done { kind: "membership", id: change.id(), tenant: Some(tenant), user: Some(user) };
        if step.before.as_ref().is_some_and(|before| before.tenant_id.0 != tenant || before.user_id.0 != user) {
            return refused("a membership stays with its tenant and its person");
        }
        let active = step.before.as_ref().filter(|before| before.active);
        let current = active.map(|before| before.role);
        let (action, wanted) = match (active.is_some(), after.active) {
            (true, false) => (Action::RevokeMembership, None),
            (true, true) => (Action::UpdateMembership, Some(after.role)),
            (false, true) => (Action::GrantMembership, Some(after.role)),
            (false, false) => return refused("a tombstone is not changed"),
        };
        let of = self.tenant(tenant).await?;
        let target = TargetFacts { current, wanted, last_owner: false };
        self.decide(action, &Resource { target, ..self.resource(&of, &[]) })?;
        if step.before.is_none() && !self.actor.is_platform() {
            return refused("only the platform brings new people into a tenant");
        }
        let raised = after.active && current < Some(after.role);
        if raised && self.actor.is(user) && !self.asks_for_own(user, after.role) {
            return refused("a role of the caller is not raised");
        }
        Ok(done)
    }

    /// Whether an administrator of the platform asks for a role of their own in so many words.
    fn asks_for_own(&self, user: ObjectId, role: MembershipRole) -> bool {
        let intent = self.facts.intent();
        let named = intent.names("members", user) || intent.says("userId") == Some(Value::String(user.to_string()));
        let role = intent.says("role").map_or(role == MembershipRole::Member, |said| said == role.name());
        self.actor.is_platform() && named && role
    }

    async fn check_subscription(&self, change: &Change, step: &Step<Subscription>) -> StoreResult<Done> {
        let Some(subject) = step.after.as_ref().or(step.before.as_ref()) else { return refused("nothing is changed") };
        let of = self.tenant(subject.tenant_id.0).await?;
        if step.before.as_ref().is_some_and(|before| before.tenant_id != subject.tenant_id) {
            return refused("a subscription stays with its tenant");
        }
        let action = match (&step.before, &step.after) {
            (None, _) => Action::CreateSubscription,
            (Some(_), None) => Action::DeleteSubscription,
            (Some(_), Some(_)) => Action::UpdateSubscription,
        };
        self.decide(action, &self.resource(&of, &[]))?;
        Ok(Done { kind: "subscription", id: change.id(), tenant: Some(of.id.0), user: None })
    }

    /// The stored answer of this very request, and no other.
    async fn check_answer(&self, change: &Change) -> StoreResult<()> {
        let own = self.facts.stored_key(&self.call);
        let step: Step<IdempotencyRecord> = self.step(change).await?;
        match (&step.before, &step.after) {
            (None, Some(record)) | (Some(record), None) if own.as_ref() == Some(&record.key) => Ok(()),
            _ => refused("a stored answer is not that of this request"),
        }
    }
}

/// Whether the policy has no rule for this field of a tenant, so that only the platform may set it.
fn is_plain(field: &str) -> bool {
    !["slug", "status", "plan", "authentikGroup", "ocisSpaceId", "stalwartDomain"].contains(&field)
}
