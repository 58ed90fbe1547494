//! The sealer: gives each event its number in the chain of its tenant, and the seal that follows from the one before.
//!
//! An event is sealed in the commit that moves the end of its chain under its version. A sealer that was paused conflicts
//! there, so that no number is given twice. Its lease only saves work.

use std::{collections::BTreeMap, time::Duration};

use super::chain;
use crate::{
    clock::Timestamp,
    context::SystemActor,
    domain::{
        AuditChain, AuditDetails, AuditEvent, AuditEventId, ObjectId,
        audit::{AUDIT_DETAILS, AUDIT_EVENTS, AUDIT_UNSEALED},
        seal,
        trail::AUDIT_CHAINS,
    },
    error::Result,
    service::{Call, Service},
    store::{Commit, Filter, Position, Query, Repository, Value},
    work::{is_overtaken, lease::span, time},
};

/// Maximum number of events sealed in one commit.
const BATCH: u32 = 200;

/// Maximum number of commits in a call.
const ROUNDS: usize = 64;

/// Time for which an event waits for others that are sealed in the same commit.
const GATHERING: Duration = Duration::from_secs(1);

/// Result of a batch.
enum Batch {
    /// Nothing waits.
    None,
    /// So many events were sealed or prepared.
    Some(usize),
    /// Another sealer came first.
    Overtaken,
}

/// Seals what waits, until nothing does or 64 commits were made. Returns the number of events dealt with.
///
/// # Errors
/// When the store does not answer.
pub async fn seal(service: &Service) -> Result<usize> {
    let mut done = 0;
    for _ in 0..ROUNDS {
        match seal_batch(service).await? {
            Batch::None => return Ok(done),
            Batch::Some(count) => done += count,
            Batch::Overtaken => {}
        }
    }
    Ok(done)
}

/// Returns how long there is nothing to seal; none if nothing waits.
///
/// # Errors
/// When the store does not answer.
pub async fn waits(service: &Service) -> Result<Option<Duration>> {
    let call = Call::by_part(SystemActor::Outbox);
    if !chain(service, &call, None).await?.is_some_and(|platform| platform.adopted) {
        return Ok(Some(Duration::ZERO));
    }
    let oldest: Vec<AuditEvent> = service.store().load_all(&call.context, &unsealed().limit(1)).await?;
    let now = time(service).await;
    Ok(oldest.first().map(|event| span(now, event.at.plus(GATHERING)).min(GATHERING)))
}

fn unsealed() -> Query {
    Query::new(&AUDIT_EVENTS).sort(&AUDIT_UNSEALED).equal("unsealed", true)
}

async fn seal_batch(service: &Service) -> Result<Batch> {
    let call = Call::by_part(SystemActor::Outbox);
    let now = time(service).await;
    let platform = chain(service, &call, None).await?;
    match platform {
        Some(platform) if platform.adopted => {}
        other => return adopt(service, &call, other.unwrap_or_else(|| AuditChain::empty(None)), now).await,
    }
    let events: Vec<AuditEvent> = service.store().load_all(&call.context, &unsealed().limit(BATCH)).await?;
    if events.is_empty() {
        return Ok(Batch::None);
    }
    let ids = |ids: Vec<ObjectId>| Filter::In("id", ids.into_iter().map(Value::Id).collect());
    let mut chain_ids: Vec<ObjectId> = events.iter().map(|event| AuditChain::id_of(event.tenant_id)).collect();
    chain_ids.sort_unstable();
    chain_ids.dedup();
    let event_ids = events.iter().map(|event| event.id.0).collect();
    let reads = [
        Query::new(&AUDIT_CHAINS).filter(ids(chain_ids)).limit(BATCH).into(),
        Query::new(&AUDIT_DETAILS).filter(ids(event_ids)).limit(BATCH).into(),
    ];
    let mut answers = service.store().load_together(&call.context, &reads).await?;
    let chains: Vec<AuditChain> = answers.all()?;
    let mut chains: BTreeMap<ObjectId, AuditChain> = chains.into_iter().map(|chain| (chain.id.0, chain)).collect();
    let details: Vec<AuditDetails> = answers.all()?;
    let mut details: BTreeMap<AuditEventId, AuditDetails> = details.into_iter().map(|one| (one.id, one)).collect();
    let mut commit = Commit::new();
    let count = events.len();
    for mut event in events {
        let id = AuditChain::id_of(event.tenant_id);
        let chain = chains.entry(id).or_insert_with(|| AuditChain::empty(event.tenant_id));
        if let Some(stored) = details.remove(&event.id).filter(|stored| !stored.values.is_empty()) {
            event.details_digest = Some(salt(&mut commit, stored)?);
        }
        let before = event.version;
        event.version = before.saturating_add(1);
        event.unsealed = None;
        place(chain, &mut event, now);
        commit.update(&event, before)?;
    }
    for chain in chains.into_values() {
        store(&mut commit, chain)?;
    }
    match service.store().commit(&call.context, &commit).await {
        Ok(()) => Ok(Batch::Some(count)),
        // Another sealer, or an erasure of the personal values.
        Err(error) if is_overtaken(&error) => Ok(Batch::Overtaken),
        Err(error) => Err(error.into()),
    }
}

/// Gives an event the next place in a chain.
pub(crate) fn place(chain: &mut AuditChain, event: &mut AuditEvent, now: Timestamp) {
    let seq = chain.seq.saturating_add(1);
    let hash = seal::of_event(event, chain.id.0, seq, &chain.hash);
    event.chain = Some(chain.id.0);
    event.seq = Some(seq);
    event.hash = Some(hash.clone());
    chain.seq = seq;
    chain.hash = hash;
    chain.sealed_at = Some(now);
    if event.checkpoint.is_some() {
        chain.checkpoint_id = Some(event.id);
    }
}

/// Adds a salt to personal values, and returns their digest.
fn salt(commit: &mut Commit, stored: AuditDetails) -> Result<String> {
    let salt = seal::salt()?;
    let digest = seal::of_values(&salt, &stored.values);
    let before = stored.version;
    commit.update(&AuditDetails { salt: Some(salt), version: before.saturating_add(1), ..stored }, before)?;
    Ok(digest)
}

/// Adds a chain to a commit, which conflicts if another sealer has moved its end.
pub(super) fn store(commit: &mut Commit, mut chain: AuditChain) -> Result<()> {
    let stored = chain.version;
    chain.version = stored.saturating_add(1);
    match stored {
        0 => commit.insert(&chain)?,
        stored => commit.update(&chain, stored)?,
    }
    Ok(())
}

/// Marks events of earlier releases as unsealed, in the order of their ids. They are sealed once all of them are marked.
async fn adopt(service: &Service, call: &Call, mut platform: AuditChain, now: Timestamp) -> Result<Batch> {
    let after = platform.adopted_to.map(|id| Position { values: Vec::new(), id: id.0 });
    let query = Query::new(&AUDIT_EVENTS).after(after).limit(BATCH);
    let events: Vec<AuditEvent> = service.store().load_all(&call.context, &query).await?;
    let mut commit = Commit::new();
    match events.last() {
        None => platform.adopted = true,
        Some(last) => platform.adopted_to = Some(last.id),
    }
    let count = events.len();
    for mut event in events.into_iter().filter(|event| event.unsealed.is_none() && event.seq.is_none()) {
        let before = event.version;
        event.version = before.saturating_add(1);
        event.unsealed = Some(true);
        commit.update(&event, before)?;
    }
    platform.sealed_at = Some(now);
    store(&mut commit, platform)?;
    match service.store().commit(&call.context, &commit).await {
        Ok(()) => Ok(Batch::Some(count)),
        Err(error) if is_overtaken(&error) => Ok(Batch::Overtaken),
        Err(error) => Err(error.into()),
    }
}
