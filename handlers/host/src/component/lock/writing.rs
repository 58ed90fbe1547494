//! Writing. The component proposes a commit; the host rehearses the request itself and writes what that comes to. Of the
//! proposal it takes the ids of new things and the time, both within bounds, since the component's answer shows them.

use dezky::{
    clock::Timestamp,
    domain::{
        ObjectId,
        audit::{AUDIT_DETAILS, AUDIT_EVENTS},
        idempotency::IDEMPOTENCY_RECORDS,
        membership::MEMBERSHIPS,
        outbox::OUTBOX,
        subscription::SUBSCRIPTIONS,
        tenant::TENANTS,
        user::USERS,
    },
    store::{Change, Collection, Commit, Expectation, StoreError, StoreResult},
};
use http::StatusCode;
use serde_json::Value;

use super::{Locked, refused, rehearsal::Outcome};

/// How far an id's seconds may be from the request's: ids count whole seconds.
const SECOND: i64 = 1;

/// Whether this is a thing that the API shows, and not what is told of it.
fn is_thing(change: &&Change) -> bool {
    [&TENANTS, &USERS, &MEMBERSHIPS, &SUBSCRIPTIONS].contains(&change.collection())
}

impl Locked {
    /// Writes what the request asks for, at most once.
    pub(super) async fn write(&self, proposed: &Commit) -> StoreResult<()> {
        if !self.facts.asked().may_write() {
            return refused("a request of this method writes nothing");
        }
        let told: [&'static Collection; 4] = [&AUDIT_EVENTS, &AUDIT_DETAILS, &OUTBOX, &IDEMPOTENCY_RECORDS];
        if let Some(other) =
            proposed.changes.iter().find(|change| !is_thing(change) && !told.contains(&change.collection()))
        {
            return refused(format!("a component does not write `{}`", other.collection().name));
        }
        let mut done = self.facts.effect().lock().await;
        if *done {
            return refused("a request has one effect");
        }
        let now = self.time_of(proposed);
        let mut commit = match self.facts.rehearsals().run(self.facts.asked(), &self.call, now).await {
            Outcome::Writes(commit) => commit,
            Outcome::Nothing(status) => return Err(self.nothing(status).await),
        };
        self.compare(proposed, &mut commit)?;
        let outcome = self.store().commit(&self.call.context, &commit).await;
        // What failed for want of an answer may have happened all the same.
        *done = match &outcome {
            Err(StoreError::DuplicateKey { .. }) => false,
            Err(error) => !error.is_conflict(),
            Ok(()) => true,
        };
        outcome
    }

    /// The request writes nothing as things are now. Whoever decided otherwise decides anew, and sees why.
    async fn nothing(&self, status: StatusCode) -> StoreError {
        if status.is_server_error() {
            return StoreError::Unavailable { detail: format!("the rehearsal of the request got {status}") };
        }
        tracing::debug!(%status, "the component proposes what the request does not come to");
        let user = self.facts.actor(&self.platform).await.ok();
        let user = user.and_then(|actor| actor.user().map(|user| user.id.0));
        StoreError::GuardFailed { collection: USERS.name, id: user.unwrap_or(ObjectId::from_bytes([0; 12])) }
    }

    /// The time that the component's events tell, if the request was being answered then; otherwise the present.
    fn time_of(&self, proposed: &Commit) -> Timestamp {
        let now = self.platform.clock.now();
        let told = proposed.changes.iter().find_map(|change| match change {
            Change::Insert { collection, json, .. } if *collection == &AUDIT_EVENTS => {
                let event: Value = serde_json::from_str(json).ok()?;
                event.get("at")?.as_str()?.parse::<Timestamp>().ok()
            }
            _ => None,
        });
        told.filter(|at| (self.facts.arrived()..=now).contains(at)).unwrap_or(now)
    }

    /// Compares what is proposed with what the request comes to, and gives new things the ids that were proposed.
    fn compare(&self, proposed: &Commit, commit: &mut Commit) -> StoreResult<()> {
        self.check_versions(proposed, commit)?;
        let mut renamed = Vec::new();
        let (theirs, ours) = (proposed.changes.iter().filter(is_thing), commit.changes.iter().filter(is_thing));
        if theirs.clone().count() != ours.clone().count() {
            return refused("a commit changes other things than the request does");
        }
        for (theirs, ours) in theirs.zip(ours) {
            if let (Change::Insert { id: theirs, .. }, Change::Insert { id: ours, .. }) = (theirs, ours) {
                self.check_id(*theirs)?;
                renamed.push((ours.to_string(), theirs.to_string(), *ours, *theirs));
            }
        }
        for change in &mut commit.changes {
            rename(change, &renamed);
        }
        let ours = commit.changes.iter().filter(is_thing);
        if proposed.changes.iter().filter(is_thing).zip(ours).all(|(theirs, ours)| same(theirs, ours)) {
            return Ok(());
        }
        refused("a commit proposes other than the request asks for")
    }

    /// What rests on other versions than the host has just read is decided anew.
    fn check_versions(&self, proposed: &Commit, commit: &Commit) -> StoreResult<()> {
        let at = |collection: &'static Collection, id: ObjectId| {
            let guard = commit.guards.iter().find(|guard| guard.collection == collection && guard.id == id);
            guard.map(|guard| guard.expect).or_else(|| {
                let of = |change: &&Change| change.collection() == collection && change.id() == id;
                commit.changes.iter().find(of).and_then(expected)
            })
        };
        for change in proposed.changes.iter().filter(is_thing) {
            let (collection, id) = (change.collection(), change.id());
            if let (Some(theirs), Some(ours)) = (expected(change), at(collection, id))
                && theirs != ours
            {
                return Err(StoreError::VersionConflict { collection: collection.name, id });
            }
        }
        for guard in &proposed.guards {
            if at(guard.collection, guard.id).is_some_and(|ours| ours != guard.expect) {
                return Err(StoreError::GuardFailed { collection: guard.collection.name, id: guard.id });
            }
        }
        Ok(())
    }

    /// A new id bears the time of the request, so that none comes back that was used before.
    fn check_id(&self, id: ObjectId) -> StoreResult<()> {
        let [a, b, c, d, ..] = id.bytes();
        let seconds = i64::from(u32::from_be_bytes([a, b, c, d]));
        let from = self.facts.arrived().seconds().saturating_sub(SECOND);
        let until = self.platform.clock.now().seconds().saturating_add(SECOND);
        if (from..=until).contains(&seconds) { Ok(()) } else { refused("a new id is not of the time of the request") }
    }
}

fn expected(change: &Change) -> Option<Expectation> {
    match change {
        Change::Insert { .. } => None,
        Change::Update { expected, .. } | Change::Delete { expected, .. } => Some(Expectation::Version(*expected)),
    }
}

/// Puts other ids in the place of those that the rehearsal has made up, wherever they stand.
fn rename(change: &mut Change, renamed: &[(String, String, ObjectId, ObjectId)]) {
    if let Change::Insert { id, json, unique_keys, .. } | Change::Update { id, json, unique_keys, .. } = change {
        for (from, to, before, after) in renamed {
            if id == before {
                *id = *after;
            }
            for text in std::iter::once(&mut *json).chain(unique_keys.iter_mut()) {
                if text.contains(from.as_str()) {
                    *text = text.replace(from.as_str(), to);
                }
            }
        }
    }
}

/// Whether two changes are the same, whatever the order of their fields.
fn same(theirs: &Change, ours: &Change) -> bool {
    let content = |json: &str| serde_json::from_str::<Value>(json).ok();
    match (theirs, ours) {
        (Change::Insert { json: theirs, .. }, Change::Insert { json: ours, .. })
        | (Change::Update { json: theirs, .. }, Change::Update { json: ours, .. })
            if content(theirs).is_none() || content(theirs) != content(ours) =>
        {
            false
        }
        (Change::Insert { .. }, Change::Insert { .. })
        | (Change::Update { .. }, Change::Update { .. })
        | (Change::Delete { .. }, Change::Delete { .. }) => {
            theirs.collection() == ours.collection() && theirs.id() == ours.id()
        }
        _ => false,
    }
}
