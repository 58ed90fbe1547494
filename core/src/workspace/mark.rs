//! Marks states as due: after changes of a tenant, its subscription, its members and its mailboxes, and on request.

use std::collections::HashMap;

use crate::{
    domain::{
        ObjectId, TenantId, UserId, Versioned as _,
        workspace::{Phase, STATES_OF_TENANT, SYSTEM_STATES, SystemKind, SystemState},
    },
    error::{Error, Result},
    service::{Call, Service, conflict, moment::Moment},
    store::{Commit, Query, Repository},
    work::is_overtaken,
};

/// A part of a tenant's workspace: a system, or a person or mailbox in it.
pub type Part = (SystemKind, Option<ObjectId>);

/// Number of states written in one commit.
const BATCH: usize = 100;

/// Marks parts of a tenant's workspace as due, and creates the states of those that have none.
///
/// # Errors
/// When the store does not answer.
pub async fn mark(service: &Service, call: &Call, tenant: TenantId, parts: &[Part]) -> Result<()> {
    for parts in parts.chunks(BATCH) {
        service.settle(call, |moment| try_mark(service, call, moment, tenant, parts, Mark::Wanted)).await?;
    }
    Ok(())
}

/// Creates the states of parts that have none. Others are left as they are.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn ensure(service: &Service, call: &Call, tenant: TenantId, parts: &[Part]) -> Result<()> {
    for parts in parts.chunks(BATCH) {
        service.settle(call, |moment| try_mark(service, call, moment, tenant, parts, Mark::Missing)).await?;
    }
    Ok(())
}

/// Has parts of a tenant's workspace looked at now, as if the time of their next look had come.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn look_again(service: &Service, call: &Call, tenant: TenantId, parts: &[Part]) -> Result<()> {
    for parts in parts.chunks(BATCH) {
        service.settle(call, |moment| try_mark(service, call, moment, tenant, parts, Mark::Looked)).await?;
    }
    Ok(())
}

/// A kind of mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// Something else is desired.
    Wanted,
    /// Nothing: a state is only created if there is none.
    Missing,
    /// The system is not as it was left.
    Looked,
}

impl Mark {
    /// Marks a state. Returns `false` if it stays as it is.
    fn is_made(self, state: &mut SystemState, now: crate::clock::Timestamp) -> bool {
        match self {
            Self::Wanted => {
                state.want(now);
                true
            }
            Self::Missing => false,
            // One that is claimed, or was not as desired before, is looked at soon in any case.
            Self::Looked => {
                let rests = state.lease_owner.is_none() && state.attempts == 0 && state.next_attempt_at > now;
                if rests && state.phase == Phase::Ready {
                    state.next_attempt_at = state.earliest(now);
                }
                rests && state.phase == Phase::Ready
            }
        }
    }
}

async fn try_mark(
    service: &Service,
    call: &Call,
    moment: Moment,
    tenant: TenantId,
    parts: &[Part],
    mark: Mark,
) -> Result<()> {
    let keys: Vec<String> = parts.iter().map(|(system, subject)| SystemState::key(tenant, *system, *subject)).collect();
    let query = Query::by_keys(&SYSTEM_STATES, keys);
    let states: Vec<SystemState> = service.store().load_all(&call.context, &query).await?;
    let stored: HashMap<Part, SystemState> =
        states.into_iter().map(|state| ((state.system, state.subject), state)).collect();
    let now = moment.now();
    let mut commit = Commit::new();
    for part in parts {
        match stored.get(part) {
            Some(state) => {
                let mut marked = state.clone();
                if mark.is_made(&mut marked, now) {
                    marked.advance(now);
                    commit.update(&marked, state.version)?;
                }
            }
            None => commit.insert(&SystemState::new(tenant, part.0, part.1, now))?,
        }
    }
    store(service, call, &commit).await
}

/// Marks all states of a tenant as due.
///
/// # Errors
/// When the store does not answer.
pub async fn mark_all(service: &Service, call: &Call, tenant: TenantId) -> Result<()> {
    each_page(service, call, tenant, |state, now| {
        let mut wanted = state.clone();
        wanted.want(now);
        Some(wanted)
    })
    .await
}

/// Wakes the states of a tenant that wait for others.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn wake_waiting(service: &Service, call: &Call, tenant: TenantId) -> Result<()> {
    each_page(service, call, tenant, |state, now| {
        let waits = state.phase == Phase::Waiting && state.lease_owner.is_none();
        (waits && state.next_attempt_at > now).then(|| {
            let mut woken = state.clone();
            woken.next_attempt_at = woken.earliest(now);
            woken.attempts = 0;
            woken
        })
    })
    .await
}

/// Changes the states of a tenant, page by page.
async fn each_page(
    service: &Service,
    call: &Call,
    tenant: TenantId,
    change: impl Fn(&SystemState, crate::clock::Timestamp) -> Option<SystemState> + Sync,
) -> Result<()> {
    let mut after = None;
    loop {
        let query = Query::new(&SYSTEM_STATES)
            .sort(&STATES_OF_TENANT)
            .equal("tenantId", tenant.0)
            .after(after.clone())
            .limit(u32::try_from(BATCH).unwrap_or(u32::MAX));
        let change = &change;
        let query = &query;
        let states = service
            .settle(call, |moment| async move {
                let states: Vec<SystemState> = service.store().load_all(&call.context, query).await?;
                let now = moment.now();
                let mut commit = Commit::new();
                for state in &states {
                    if let Some(mut changed) = change(state, now) {
                        changed.advance(now);
                        commit.update(&changed, state.version)?;
                    }
                }
                store(service, call, &commit).await?;
                Ok(states)
            })
            .await?;
        let Some(last) = states.last().filter(|_| states.len() >= BATCH) else { return Ok(()) };
        after = Some(crate::store::Position { values: vec![last.subject_key.clone().into()], id: last.id.0 });
    }
}

/// Returns the part of a person in the identity system.
#[must_use]
pub fn person(user: UserId) -> Part {
    (SystemKind::Identity, Some(user.0))
}

async fn store(service: &Service, call: &Call, commit: &Commit) -> Result<()> {
    if commit.is_empty() {
        return Ok(());
    }
    service.store().commit(&call.context, commit).await.map_err(|error| match error {
        error if is_overtaken(&error) => conflict(error),
        error => Error::from(error),
    })
}
