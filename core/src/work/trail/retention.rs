//! Retention: removes events of a kind that are older than the settings allow, and leaves the chain whole.
//!
//! An event is replaced by a stub, from which its seal still follows. Stubs at the beginning of a chain are removed. What may
//! be missing stands in an event of the chain, a checkpoint, which is sealed before anything is removed.

use std::collections::{BTreeMap, BTreeSet};

use super::{RETAINED, chain, seal::store};
use crate::{
    clock::Timestamp,
    context::SystemActor,
    domain::{
        AuditActor, AuditChain, AuditDetails, AuditEvent, AuditEventId, AuditStub, Checkpoint, Expired, ObjectId,
        TenantId,
        audit::{AUDIT_BY_ACTION, AUDIT_DETAILS, AUDIT_EVENTS, AUDIT_OF_CHAIN},
        seal,
        trail::{AUDIT_STUBS, STUBS_OF_CHAIN, kind_of},
    },
    error::{Error, Result},
    service::{
        Call, Service,
        moment::Moment,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::{Commit, Entity, Filter, Position, Query, Repository, Value},
    work::{is_overtaken, time},
};

/// Maximum number of events replaced in one commit.
const BATCH: u32 = 100;

/// Applies the retention of the settings once. Returns the number of events that were removed.
///
/// # Errors
/// When the store does not answer.
pub async fn retain(service: &Service) -> Result<usize> {
    let now = time(service).await;
    let kinds = &service.settings().audit_retention;
    let limits: Vec<Expired> =
        kinds.iter().map(|(kind, kept)| Expired { kind: kind.clone(), before: now.minus(*kept) }).collect();
    let mut prepared = BTreeSet::new();
    let mut removed = 0;
    for limit in &limits {
        let mut from = format!("{}.", limit.kind);
        // The actions of a kind are found one after the other, since nothing lists them.
        while let Some(action) = next_action(service, &limit.kind, &from).await? {
            removed += retain_action(service, &action, limit.before, &limits, &mut prepared).await?;
            from = format!("{action}\u{0}");
        }
    }
    Ok(removed)
}

/// Returns the first action of a kind whose name is not before `from`, if there is an event of one.
async fn next_action(service: &Service, kind: &str, from: &str) -> Result<Option<String>> {
    let call = Call::by_part(SystemActor::Housekeeping);
    let range = Filter::Range { field: "action", from: Some(from.into()), until: None };
    let query = Query::new(&AUDIT_EVENTS).sort(&AUDIT_BY_ACTION).filter(range).limit(1);
    let found: Vec<AuditEvent> = service.store().load_all(&call.context, &query).await?;
    Ok(found.into_iter().map(|event| event.action).find(|action| kind_of(action) == kind))
}

/// Removes the events of an action before a time.
async fn retain_action(
    service: &Service,
    action: &str,
    before: Timestamp,
    limits: &[Expired],
    prepared: &mut BTreeSet<ObjectId>,
) -> Result<usize> {
    let (mut removed, mut after) = (0, None);
    loop {
        let call = Call::by_part(SystemActor::Housekeeping);
        let range = Filter::Range { field: "at", from: None, until: Some(before.into()) };
        let query = Query::new(&AUDIT_EVENTS)
            .sort(&AUDIT_BY_ACTION)
            .equal("action", action)
            .filter(range)
            .after(after)
            .limit(BATCH);
        let events: Vec<AuditEvent> = service.store().load_all(&call.context, &query).await?;
        let Some(last) = events.last() else { return Ok(removed) };
        after = Some(Position { values: vec![last.at.into()], id: last.id.0 });
        let sealed = events.into_iter().filter(|event| event.seq.is_some());
        let mut of_chains: BTreeMap<ObjectId, Vec<AuditEvent>> = BTreeMap::new();
        for event in sealed {
            of_chains.entry(AuditChain::id_of(event.tenant_id)).or_default().push(event);
        }
        for (id, events) in of_chains {
            let tenant = events.first().and_then(|event| event.tenant_id);
            if prepared.insert(id) {
                prepare(service, tenant, limits).await?;
            }
            removed += replace(service, &events).await?;
        }
    }
}

/// Writes and seals a checkpoint, and removes what the beginning of the chain no longer needs.
async fn prepare(service: &Service, tenant: Option<TenantId>, limits: &[Expired]) -> Result<()> {
    let call = Call::by_part(SystemActor::Housekeeping);
    let Some(stored) = chain(service, &call, tenant).await? else { return Ok(()) };
    let last: Option<AuditEvent> = match stored.checkpoint_id {
        Some(id) => service.store().load(&call.context, id).await?,
        None => None,
    };
    let former = last.and_then(|event| event.checkpoint).map_or_else(Vec::new, |checkpoint| checkpoint.expired);
    let (seq, hash) = beginning(service, &stored).await?;
    let checkpoint = Checkpoint { seq, hash, expired: merged(former, limits) };
    let id = service.settle(&call, |moment| write(service, &call, moment, tenant, checkpoint.clone())).await?;
    // Nothing is removed before the chain says so.
    while super::seal(service).await? > 0 {}
    let sealed: Option<AuditEvent> =
        service.store().load(&Call::by_part(SystemActor::Housekeeping).context, id).await?;
    if sealed.is_none_or(|event| event.seq.is_none()) {
        return Err(Error::internal("the checkpoint of an audit chain was not sealed"));
    }
    cut(service, tenant, seq).await
}

/// Returns the limits of both, each kind with the later one.
fn merged(former: Vec<Expired>, limits: &[Expired]) -> Vec<Expired> {
    let mut all: BTreeMap<String, Timestamp> = BTreeMap::new();
    for one in former.into_iter().chain(limits.iter().cloned()) {
        let before = all.entry(one.kind).or_insert(one.before);
        *before = one.before.max(*before);
    }
    all.into_iter().map(|(kind, before)| Expired { kind, before }).collect()
}

/// Returns the last place before which nothing but stubs and former checkpoints is left, with its seal.
async fn beginning(service: &Service, chain: &AuditChain) -> Result<(u64, String)> {
    let (mut seq, mut hash) = (chain.start_seq, chain.start_hash.clone());
    loop {
        let stubs = from::<AuditStub>(service, STUBS, chain.id.0, seq.saturating_add(1)).await?;
        let events = from::<AuditEvent>(service, EVENTS, chain.id.0, seq.saturating_add(1)).await?;
        let begun = seq;
        let mut places: BTreeMap<u64, String> = BTreeMap::new();
        places.extend(stubs.into_iter().map(|stub| (stub.seq, stub.hash)));
        let checkpoints = events.into_iter().filter(|event| event.action == RETAINED);
        places.extend(checkpoints.filter_map(|event| Some((event.seq?, event.hash?))));
        while let Some(next) = places.remove(&seq.saturating_add(1)) {
            (seq, hash) = (seq.saturating_add(1), next);
        }
        if seq == begun {
            return Ok((seq, hash));
        }
    }
}

type Places = (&'static crate::store::Collection, &'static crate::store::Index);
const EVENTS: Places = (&AUDIT_EVENTS, &AUDIT_OF_CHAIN);
const STUBS: Places = (&AUDIT_STUBS, &STUBS_OF_CHAIN);

/// Returns the first places of a chain from a number on.
async fn from<E: Entity>(service: &Service, places: Places, chain: ObjectId, seq: u64) -> Result<Vec<E>> {
    let call = Call::by_part(SystemActor::Housekeeping);
    let bound = Some(Value::Integer(i64::try_from(seq).unwrap_or(i64::MAX)));
    let range = Filter::Range { field: "seq", from: bound, until: None };
    let query = Query::new(places.0).sort(places.1).equal("chain", chain).filter(range).limit(BATCH);
    Ok(service.store().load_all(&call.context, &query).await?)
}

async fn write(
    service: &Service,
    call: &Call,
    moment: Moment,
    tenant: Option<TenantId>,
    checkpoint: Checkpoint,
) -> Result<AuditEventId> {
    let mut work = UnitOfWork::new(call, AuditActor::part(SystemActor::Housekeeping), &moment).without_details();
    let id = work.checkpoint(RETAINED, AuditChain::id_of(tenant), Subject { tenant, user: None }, checkpoint)?;
    service.carry_out(work).await?;
    Ok(id)
}

/// Removes the places of a chain up to a number, and moves its beginning with them.
async fn cut(service: &Service, tenant: Option<TenantId>, until: u64) -> Result<()> {
    loop {
        let call = Call::by_part(SystemActor::Housekeeping);
        let Some(mut stored) = chain(service, &call, tenant).await? else { return Ok(()) };
        if stored.start_seq >= until {
            return Ok(());
        }
        let next = stored.start_seq.saturating_add(1);
        let stubs = from::<AuditStub>(service, STUBS, stored.id.0, next).await?;
        let events = from::<AuditEvent>(service, EVENTS, stored.id.0, next).await?;
        let mut stubs: BTreeMap<u64, AuditStub> = stubs.into_iter().map(|stub| (stub.seq, stub)).collect();
        let mut events: BTreeMap<u64, AuditEvent> =
            events.into_iter().filter_map(|event| Some((event.seq?, event))).collect();
        let mut commit = Commit::new();
        while stored.start_seq < until && commit.changes.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) {
            let place = stored.start_seq.saturating_add(1);
            match (stubs.remove(&place), events.remove(&place)) {
                (Some(stub), None) => {
                    commit.delete(&stub);
                    stored.start_hash = stub.hash;
                }
                (None, Some(event)) if event.action == RETAINED => {
                    commit.delete(&event);
                    stored.start_hash = event.hash.unwrap_or_default();
                }
                // Something is there that was not when the checkpoint was written: verification tells.
                _ => break,
            }
            stored.start_seq = place;
        }
        if commit.is_empty() {
            return Ok(());
        }
        store(&mut commit, stored)?;
        match service.store().commit(&call.context, &commit).await {
            // The sealer has moved the end.
            Err(error) if is_overtaken(&error) => {}
            outcome => outcome?,
        }
    }
}

/// Replaces events of a chain by stubs, and removes the personal values beside them.
async fn replace(service: &Service, events: &[AuditEvent]) -> Result<usize> {
    let call = Call::by_part(SystemActor::Housekeeping);
    let ids = events.iter().map(|event| Value::Id(event.id.0)).collect();
    let query = Query::new(&AUDIT_DETAILS).filter(Filter::In("id", ids)).limit(BATCH);
    let details: Vec<AuditDetails> = service.store().load_all(&call.context, &query).await?;
    let mut commit = Commit::new();
    for event in events {
        let (Some(seq), Some(hash), Some(chain)) = (event.seq, event.hash.clone(), event.chain) else { continue };
        commit.delete(event);
        commit.insert(&AuditStub {
            id: event.id,
            version: 1,
            tenant_id: event.tenant_id,
            chain,
            seq,
            action: event.action.clone(),
            at: event.at,
            content: hex::encode(seal::content(event)),
            hash,
        })?;
    }
    details.iter().for_each(|one| commit.delete(one));
    match service.store().commit(&call.context, &commit).await {
        // Another process removes them too: the next run looks again.
        Err(error) if is_overtaken(&error) => Ok(0),
        outcome => Ok(outcome.map(|()| events.len())?),
    }
}
