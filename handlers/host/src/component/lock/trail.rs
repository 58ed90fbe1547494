//! The audit trail and the outbox of a commit: one event each for each change, about that change, by this caller.

use dezky::{
    domain::{
        AuditActor, AuditActorKind, AuditDetails, AuditEvent, ObjectId, OutboxEvent,
        audit::{AUDIT_DETAILS, AUDIT_EVENTS},
        outbox::OUTBOX,
    },
    store::{Change, Commit, Entity, StoreError, StoreResult},
};

use super::{Locked, refused};

/// A change that the policy allows.
#[derive(Debug)]
pub(super) struct Done {
    /// What kind of thing was changed, as the trail calls it.
    pub(super) kind: &'static str,
    /// The thing.
    pub(super) id: ObjectId,
    /// The tenant that it concerns.
    pub(super) tenant: Option<ObjectId>,
    /// The person that it concerns.
    pub(super) user: Option<ObjectId>,
}

impl Done {
    fn is_told_by(&self, event: &AuditEvent) -> bool {
        let verb = event.action.strip_prefix(self.kind).and_then(|rest| rest.strip_prefix('.'));
        verb.is_some_and(|verb| !verb.is_empty())
            && event.resource.resource_type == self.kind
            && event.resource.id == self.id
            && event.tenant_id.map(|tenant| tenant.0) == self.tenant
            && event.user_id.map(|user| user.0) == self.user
    }
}

fn inserted<E: Entity>(change: &Change) -> StoreResult<E> {
    let Change::Insert { id, json, unique_keys, .. } = change else {
        return refused(format!("`{}` is only ever added to", E::COLLECTION.name));
    };
    match serde_json::from_str::<E>(json) {
        Ok(entity) if entity.id() == *id && entity.version() == 1 && entity.unique_keys() == *unique_keys => Ok(entity),
        _ => refused(format!("a document of `{}` is not of its kind", E::COLLECTION.name)),
    }
}

impl Locked {
    /// Checks what a commit tells of its changes, and stamps who did it in which request, and when.
    pub(super) fn check_trail(&self, commit: &mut Commit, done: &[Done]) -> StoreResult<()> {
        let (mut events, mut details, mut outbox) = (Vec::new(), Vec::new(), Vec::new());
        for change in &mut commit.changes {
            let collection = change.collection();
            if collection == &AUDIT_EVENTS {
                let event = self.stamped(inserted(change)?);
                rewrite(change, &event)?;
                events.push(event);
            } else if collection == &AUDIT_DETAILS {
                details.push(inserted::<AuditDetails>(change)?);
            } else if collection == &OUTBOX {
                outbox.push(inserted::<OutboxEvent>(change)?);
            }
        }
        let once = |one: &Done| events.iter().filter(|event| one.is_told_by(event)).count() == 1;
        if events.len() != done.len() || !done.iter().all(once) {
            return refused("each change has one audit event, and each audit event a change");
        }
        let beside = |one: &AuditDetails| {
            let of = events.iter().filter(|event| event.id == one.id);
            of.filter(|event| event.tenant_id == one.tenant_id && event.user_id == one.user_id).count() == 1
        };
        let told = |event: &AuditEvent| {
            let same = |one: &&OutboxEvent| {
                one.action == event.action && one.tenant_id == event.tenant_id && one.user_id == event.user_id
            };
            outbox.iter().any(|one| same(&one))
        };
        let first = outbox.first().is_none_or(|event| event.id.0 == commit.id);
        if !details.iter().all(beside) || outbox.len() != events.len() || !events.iter().all(told) || !first {
            return refused("what a commit tells is not what it does");
        }
        Ok(())
    }

    fn stamped(&self, mut event: AuditEvent) -> AuditEvent {
        let user_id = self.actor.user().map(|user| user.id);
        event.actor = AuditActor { kind: AuditActorKind::User, user_id, name: None };
        event.request_id = self.call.context.request_id.clone();
        event.at = self.platform.clock.now();
        event
    }
}

fn rewrite(change: &mut Change, event: &AuditEvent) -> StoreResult<()> {
    if let Change::Insert { json, .. } = change {
        *json = serde_json::to_string(event).map_err(|error| StoreError::Unsupported {
            detail: format!("an audit event cannot be written: {error}"),
        })?;
    }
    Ok(())
}
