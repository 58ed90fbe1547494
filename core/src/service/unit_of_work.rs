//! A unit of work: changes, their audit events and their outbox events, in one commit.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Call, Service, conflict, effect::ELSEWHERE, moment::Moment};
use crate::{
    authz::Action,
    clock::Timestamp,
    domain::{
        AuditActor, AuditDetails, AuditEvent, AuditEventId, AuditResource, AuditValue, ObjectId, OutboxEvent,
        OutboxEventId, Removed, TenantId, UserId, Versioned,
    },
    error::{Code, Error, FieldError, Result},
    store::{Collection, Commit, Entity, Field, News, StoreError, error::OTHER_INDEX},
};

#[cfg(feature = "authn")]
use crate::domain::Checkpoint;

/// The tenant and user that an event is about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subject {
    pub(crate) tenant: Option<TenantId>,
    pub(crate) user: Option<UserId>,
}

/// A unit of work.
#[derive(Debug)]
pub(crate) struct UnitOfWork<'a> {
    call: &'a Call,
    actor: AuditActor,
    now: Timestamp,
    pub(crate) commit: Commit,
    /// `true` if there is a change that is carried out elsewhere.
    asks: bool,
    details: bool,
    /// Numbers of what is removed, for the next event.
    removed: Vec<Removed>,
}

impl<'a> UnitOfWork<'a> {
    pub(crate) fn new(call: &'a Call, actor: AuditActor, moment: &Moment) -> Self {
        Self { call, actor, now: moment.now(), commit: Commit::new(), asks: false, details: true, removed: Vec::new() }
    }

    /// Returns the time of the decision.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Keeps personal values out of the audit trail, since an erasure must not record what it erases.
    pub(crate) fn without_details(mut self) -> Self {
        self.details = false;
        self
    }

    /// Counts what the next event removes, by place: a collection, or a system behind a tenant.
    pub(crate) fn removing(&mut self, place: &str, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        if count > 0 {
            self.removed.push(Removed::from_place(place.to_owned(), count));
        }
    }

    /// Returns `true` if there is nothing to do.
    fn is_empty(&self) -> bool {
        !self.asks && self.commit.is_empty()
    }

    /// Adds a new document, with its audit and outbox events.
    pub(crate) fn insert<E: Entity>(&mut self, action: Action, kind: &str, subject: Subject, entity: &E) -> Result<()> {
        if ELSEWHERE {
            self.asks = true;
            return Ok(());
        }
        self.commit.insert(entity)?;
        let after = members(entity)?;
        let news = |name: &&String| E::COLLECTION.field(name).is_some_and(|field| field.news == News::Always);
        let changed: Vec<String> = after.keys().filter(news).cloned().collect();
        let values = personal_values(E::COLLECTION, &changed, &Map::new(), &after);
        self.record(action.name(), kind, entity.id(), subject, changed, values)
    }

    /// Replaces a document, with events of what changed. Returns `false`, and does nothing, if nothing did.
    pub(crate) fn update<E: Entity + Versioned + PartialEq>(
        &mut self,
        action: impl Into<&'static str>,
        kind: &str,
        subject: Subject,
        before: &E,
        after: &mut E,
    ) -> Result<bool> {
        // The usual case of `GET /users/me`, and cheaper to find here than in the documents to write.
        if before == after {
            return Ok(false);
        }
        if ELSEWHERE {
            // The effect is requested even if the difference is not one that is recorded; then it writes nothing.
            self.asks = true;
            return Ok(true);
        }
        let (old, new) = (members(before)?, members(after)?);
        let mut changed: Vec<String> = new
            .iter()
            .filter(|(field, value)| old.get(*field) != Some(*value))
            .map(|(field, _)| field.clone())
            .collect();
        changed.extend(old.keys().filter(|field| !new.contains_key(*field)).cloned());
        changed.retain(|name| E::COLLECTION.field(name).is_some_and(|field| field.news != News::Never));
        if changed.is_empty() {
            return Ok(false);
        }
        after.advance(self.now);
        self.commit.update(after, before.version())?;
        let values = personal_values(E::COLLECTION, &changed, &old, &new);
        self.record(action.into(), kind, before.id(), subject, changed, values)?;
        Ok(true)
    }

    /// Replaces a document without events, for copies of values whose change is recorded elsewhere.
    pub(crate) fn refresh<E: Entity + Versioned>(&mut self, before: &E, after: &mut E) -> Result<()> {
        if ELSEWHERE {
            self.asks = true;
            return Ok(());
        }
        after.advance(self.now);
        Ok(self.commit.update(after, before.version())?)
    }

    /// Removes a document, with its events.
    pub(crate) fn delete<E: Entity>(&mut self, action: Action, kind: &str, subject: Subject, entity: &E) -> Result<()> {
        if ELSEWHERE {
            self.asks = true;
            return Ok(());
        }
        self.commit.delete(entity);
        self.record(action.name(), kind, entity.id(), subject, Vec::new(), Vec::new())
    }

    /// Records an event about a document that this unit of work changes by itself, with names of what was done.
    pub(crate) fn note(
        &mut self,
        action: &'static str,
        kind: &str,
        id: ObjectId,
        subject: Subject,
        done: Vec<String>,
    ) -> Result<()> {
        if ELSEWHERE {
            self.asks = true;
            return Ok(());
        }
        self.record(action, kind, id, subject, done, Vec::new())
    }

    fn record(
        &mut self,
        action: &str,
        kind: &str,
        id: ObjectId,
        subject: Subject,
        changed_fields: Vec<String>,
        values: Vec<AuditValue>,
    ) -> Result<()> {
        let event = self.event(action, kind, id, subject, changed_fields);
        self.add(event, values)
    }

    /// Records that some events may be missing from a chain. Returns the id of the event that says so.
    #[cfg(feature = "authn")]
    pub(crate) fn checkpoint(
        &mut self,
        action: &'static str,
        chain: ObjectId,
        subject: Subject,
        checkpoint: Checkpoint,
    ) -> Result<AuditEventId> {
        let mut event = self.event(action, "audit_chain", chain, subject, Vec::new());
        event.checkpoint = Some(checkpoint);
        let id = event.id;
        self.add(event, Vec::new())?;
        Ok(id)
    }

    fn event(
        &mut self,
        action: &str,
        kind: &str,
        id: ObjectId,
        subject: Subject,
        changed_fields: Vec<String>,
    ) -> AuditEvent {
        debug_assert!(super::event_endpoints::types::is_declared(action), "{action}: declare it in `system_action`");
        AuditEvent {
            id: AuditEventId::generate(),
            version: 1,
            at: self.now,
            actor: self.actor.clone(),
            action: action.to_owned(),
            resource: AuditResource { resource_type: kind.to_owned(), id },
            tenant_id: subject.tenant,
            user_id: subject.user,
            request_id: self.call.context.request_id.clone(),
            client_request_id: self.call.context.client_request_id.clone(),
            changed_fields,
            removed: Some(std::mem::take(&mut self.removed)).filter(|removed| !removed.is_empty()),
            checkpoint: None,
            details_digest: None,
            seq: None,
            hash: None,
            chain: None,
            unsealed: Some(true),
        }
    }

    /// Adds an event to the commit, with the personal values beside it and the event for consumers.
    fn add(&mut self, event: AuditEvent, values: Vec<AuditValue>) -> Result<()> {
        self.commit.insert(&event)?;
        if self.details && !values.is_empty() {
            let (tenant_id, user_id) = (event.tenant_id, event.user_id);
            self.commit.insert(&AuditDetails { id: event.id, version: 1, tenant_id, user_id, values, salt: None })?;
        }
        self.commit.insert(&OutboxEvent {
            id: OutboxEventId(event.id.0),
            version: 1,
            action: event.action,
            tenant_id: event.tenant_id,
            user_id: event.user_id,
            resource: Some(event.resource),
            changed_fields: event.changed_fields,
            created_at: self.now,
        })?;
        Ok(())
    }
}

fn members(entity: &impl Serialize) -> Result<Map<String, Value>> {
    match serde_json::to_value(entity) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Error::internal("an entity is not an object")),
        Err(error) => Err(Error::internal(error.to_string())),
    }
}

/// Returns personal values, which are stored apart from the event. Their derived forms would only repeat them.
fn personal_values(
    collection: &Collection,
    changed: &[String],
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Vec<AuditValue> {
    let is_told = |field: &Field| field.is_personal() && field.derived.is_none();
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    changed
        .iter()
        .filter(|name| collection.field(name).is_some_and(is_told))
        .map(|field| AuditValue::new(field.clone(), text(before.get(field.as_str())), text(after.get(field.as_str()))))
        .collect()
}

impl Service {
    /// Commits a unit of work.
    ///
    /// # Errors
    /// `conflict` when another writer came first, or the error of a key that is taken.
    pub(crate) async fn carry_out(&self, work: UnitOfWork<'_>) -> Result<()> {
        if work.is_empty() {
            return Ok(());
        }
        self.leave_to_effect(work.call).await?;
        if ELSEWHERE {
            return Err(Error::internal("a component writes nothing, and nobody carries its changes out"));
        }
        self.store.commit(&work.call.context, &work.commit).await.map_err(|error| match error {
            error if error.is_conflict() => conflict(error),
            StoreError::DuplicateKey { collection, ref key } => taken(collection, key, error.clone()),
            error => error.into(),
        })
    }
}

/// Turns a taken key into an error that tells the caller what to change.
fn taken(collection: &str, key: &str, source: StoreError) -> Error {
    let field = |field: &'static str, code: Code, message: &'static str| {
        Error::new(code, message).with_fields(vec![FieldError::new(field, code, message)])
    };
    if key.starts_with(OTHER_INDEX) {
        return source.into();
    }
    let (name, value) = key.split_once(':').unwrap_or((key, ""));
    let error = match (collection, name) {
        ("tenants", "slug") => field("slug", Code::SLUG_TAKEN, "this slug is or was in use: choose another"),
        ("tenants", "group") => {
            field("authentikGroup", Code::AUTHENTIK_GROUP_TAKEN, "another tenant has this group: choose another")
        }
        ("tenants", "domain") => {
            let message = format!("another tenant has verified `{value}`: have it give that domain up first");
            let fields = vec![FieldError::new("domainVerifications", Code::DOMAIN_TAKEN, message.clone())];
            Error::new(Code::DOMAIN_TAKEN, message).with_fields(fields)
        }
        ("tenants", "host") => {
            field("launcherHost", Code::HOST_TAKEN, "another tenant has this host name: choose another")
        }
        ("users", "subject" | "tombstone") => {
            field("authentikSubjectId", Code::USER_EXISTS, "there is a user of this issuer and subject already")
        }
        ("subscriptions", "current") => field(
            "tenantId",
            Code::SUBSCRIPTION_EXISTS,
            "the tenant has a subscription that is not cancelled: change or cancel that one",
        ),
        ("subscriptions", "stripe") => {
            field("stripeSubscriptionId", Code::STRIPE_SUBSCRIPTION_TAKEN, "another subscription has this Stripe id")
        }
        ("mailboxes", "address") => field(
            "localPart",
            Code::ADDRESS_TAKEN,
            "a mailbox has this address, or one of the aliases, already: choose another",
        ),
        ("invitations", "invited") => {
            Error::new(Code::ALREADY_INVITED, "this address has an open invitation already: resend or revoke that one")
        }
        ("provisioned_users" | "provisioned_groups", "name") => {
            let message = "the directory has a person or group of this name already: change that one";
            Error::new(Code::SCIM_NOT_UNIQUE, message)
        }
        ("provisioned_users" | "provisioned_groups", "external") => {
            let message = "the directory has a person or group with this `externalId` already: change that one";
            Error::new(Code::SCIM_NOT_UNIQUE, message)
        }
        // Another request took the same place meanwhile: look for a free one again.
        ("app_passwords" | "api_keys" | "event_endpoints", "place") => return conflict(source),
        ("idempotency_records", "request") => Error::new(
            Code::IN_PROGRESS,
            "a request with this `Idempotency-Key` is being worked on: wait for its answer",
        )
        .with_retry_after(std::time::Duration::from_secs(1)),
        // Another request created the same membership, activity, session record or claim meanwhile: read again.
        ("memberships" | "user_activity" | "ended_sessions" | "domains" | "event_cursors", _) => {
            return conflict(source);
        }
        _ => return source.into(),
    };
    error.with_source(source)
}
