//! Verification: reads a chain from its beginning and finds the first place where it is not as it was sealed.
//!
//! Memory is bounded by a page. The next page is read while the seals of one are computed.

use std::{collections::BTreeMap, fmt};

use futures_util::future::join;
use serde::{Deserialize, Serialize};

use super::chain;
use crate::{
    clock::Timestamp,
    context::SystemActor,
    domain::{
        AuditChain, AuditDetails, AuditEvent, AuditEventId, AuditStub, Checkpoint, ObjectId, Tenant, TenantId,
        audit::{AUDIT_DETAILS, AUDIT_EVENTS, AUDIT_OF_CHAIN},
        seal,
        tenant::TENANTS,
        trail::{AUDIT_CHAINS, AUDIT_STUBS, STUBS_OF_CHAIN, kind_of},
    },
    error::{Error, Result},
    service::{Call, Service},
    store::{Collection, Document, Filter, Index, Position, Query, Repository, Value},
    work::trail::RETAINED,
};

/// Number of events read at a time.
const PAGE: u32 = 1_000;

/// Number of places on either side among which the original place of an event is looked for.
const AROUND: u64 = 32;

/// Number of times that a chain is read again because it was changed meanwhile by retention.
const AGAIN: usize = 3;

/// A way in which a chain is not as it was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The event is not the one that was sealed.
    Changed,
    /// There is no event of this number.
    Missing,
    /// The event was sealed at another place.
    Reordered,
    /// There is more than one event of this number.
    SealedTwice,
    /// The personal values beside the event are not those that were sealed.
    ValuesChanged,
    /// An event was removed, and no retention in the chain says so.
    Removed,
    /// The chain ends before an event that was sealed.
    EndMoved,
    /// The head that was written elsewhere is not in the chain.
    CopyDiffers,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Changed => "the event was changed after it was sealed",
            Self::Missing => "the event is missing",
            Self::Reordered => "the event was sealed at another place of the chain",
            Self::SealedTwice => "two events have this number",
            Self::ValuesChanged => "the personal values of the event were changed after it was sealed",
            Self::Removed => "an event was removed that no retention in the chain allows to be missing",
            Self::EndMoved => "the end of the chain is not the last event that was sealed",
            Self::CopyDiffers => "the chain does not have the head that was written elsewhere",
        })
    }
}

/// The first fault of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// Number of the place.
    pub seq: u64,
    /// The fault.
    pub fault: Fault,
    /// Id of the event there, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<AuditEventId>,
}

/// What the verification of a chain came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Verified {
    /// The tenant; absent for the chain of the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// Number of events that are as they were sealed.
    pub events: u64,
    /// Number of places whose event was removed by retention.
    pub stubs: u64,
    /// Number of the last place that was verified.
    pub seq: u64,
    /// Its seal.
    pub hash: String,
    /// The first fault, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
}

/// Verifies the chain of a tenant, or of the platform.
///
/// # Errors
/// When the store does not answer, or holds something that is no event.
pub async fn verify(service: &Service, tenant: Option<TenantId>) -> Result<Verified> {
    let mut attempt = 0;
    loop {
        let call = Call::by_part(SystemActor::Doctor);
        let before = chain(service, &call, tenant).await?.unwrap_or_else(|| AuditChain::empty(tenant));
        let mut walk = Walk::new(before.clone());
        let finding = walk.run(service).await?;
        attempt += 1;
        if finding.is_some() && attempt < AGAIN {
            let after = chain(service, &Call::by_part(SystemActor::Doctor), tenant).await?;
            let retained = |chain: &AuditChain| (chain.start_seq, chain.checkpoint_id);
            if after.is_some_and(|after| retained(&after) != retained(&before)) {
                continue;
            }
        }
        return Ok(walk.verified(finding));
    }
}

/// Verifies all chains, and calls `each` with what each came to.
///
/// # Errors
/// As [`verify`].
pub async fn verify_all(service: &Service, mut each: impl FnMut(Verified)) -> Result<()> {
    each(verify(service, None).await?);
    let mut after = None;
    loop {
        let call = Call::by_part(SystemActor::Doctor);
        let query = Query::new(&TENANTS).after(after).limit(PAGE);
        let tenants: Vec<Tenant> = service.store().load_all(&call.context, &query).await?;
        let Some(last) = tenants.last().map(|tenant| tenant.id.0) else { break };
        for tenant in &tenants {
            each(verify(service, Some(tenant.id)).await?);
        }
        after = Some(Position { values: Vec::new(), id: last });
    }
    // Chains whose tenant is not in the store any more.
    let mut after = None;
    loop {
        let call = Call::by_part(SystemActor::Doctor);
        let query = Query::new(&AUDIT_CHAINS).after(after).limit(PAGE);
        let chains: Vec<AuditChain> = service.store().load_all(&call.context, &query).await?;
        let Some(last) = chains.last().map(|chain| chain.id.0) else { return Ok(()) };
        for tenant in chains.iter().filter_map(|chain| chain.tenant_id) {
            if service.store().load::<Tenant>(&call.context, tenant).await?.is_none() {
                each(verify(service, Some(tenant)).await?);
            }
        }
        after = Some(Position { values: Vec::new(), id: last });
    }
}

/// Verifies that a head which was written elsewhere is in the chain of today.
///
/// Returns none too for one that is before the beginning of the chain, since retention removed it.
///
/// # Errors
/// When the store does not answer.
pub async fn verify_copy(service: &Service, tenant: Option<TenantId>, seq: u64, hash: &str) -> Result<Option<Finding>> {
    let call = Call::by_part(SystemActor::Doctor);
    let chain = chain(service, &call, tenant).await?.unwrap_or_else(|| AuditChain::empty(tenant));
    if seq == 0 || seq < chain.start_seq {
        return Ok(None);
    }
    let differs = |event| Finding { seq, fault: Fault::CopyDiffers, event };
    if seq == chain.start_seq {
        return Ok((chain.start_hash != hash).then(|| differs(None)));
    }
    let page = read(service, chain.id.0, seq, seq.saturating_add(1)).await?;
    let there = page.iter().find(|entry| entry.seq() == seq);
    Ok(match there {
        None => Some(differs(None)),
        Some(entry) => (entry.hash() != hash).then(|| differs(Some(entry.id()))),
    })
}

/// An entry of a chain.
#[derive(Debug)]
enum Entry {
    Event(Box<AuditEvent>),
    Stub(Box<AuditStub>),
}

impl Entry {
    fn seq(&self) -> u64 {
        match self {
            Self::Event(event) => event.seq.unwrap_or(0),
            Self::Stub(stub) => stub.seq,
        }
    }

    fn id(&self) -> AuditEventId {
        match self {
            Self::Event(event) => event.id,
            Self::Stub(stub) => stub.id,
        }
    }

    fn hash(&self) -> &str {
        match self {
            Self::Event(event) => event.hash.as_deref().unwrap_or(""),
            Self::Stub(stub) => &stub.hash,
        }
    }

    /// Returns the seal that it has at a place.
    fn seal(&self, chain: ObjectId, seq: u64, previous: &str) -> String {
        match self {
            Self::Event(event) => seal::of_event(event, chain, seq, previous),
            Self::Stub(stub) => seal::of_stub(&AuditStub { seq, ..AuditStub::clone(stub) }, previous),
        }
    }
}

/// Entries as they are stored.
#[derive(Debug, Default)]
struct Stored {
    events: Vec<Document>,
    stubs: Vec<Document>,
}

/// The number of a place.
#[derive(Deserialize)]
struct Numbered {
    seq: u64,
}

impl Stored {
    /// Returns the number up to which the places from `from` on, before `until`, are complete.
    fn horizon(&self, from: u64, until: u64) -> Result<u64> {
        let mut horizon = until.saturating_sub(1);
        for (documents, collection) in [(&self.events, &AUDIT_EVENTS), (&self.stubs, &AUDIT_STUBS)] {
            // Others may have the number of the last one of a full page: it is read again with them.
            if let Some(last) =
                documents.last().filter(|_| documents.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX))
            {
                horizon = horizon.min(last.decode::<Numbered>(collection)?.seq.saturating_sub(1));
            }
        }
        // A page that is full of one number ends with it.
        Ok(horizon.max(from))
    }

    /// Decodes the entries up to a number, in order.
    fn entries(self, horizon: u64) -> Result<Vec<Entry>> {
        let mut entries = Vec::with_capacity(self.events.len() + self.stubs.len());
        for document in self.events {
            entries.push(Entry::Event(Box::new(document.decode(&AUDIT_EVENTS)?)));
        }
        for document in self.stubs {
            entries.push(Entry::Stub(Box::new(document.decode(&AUDIT_STUBS)?)));
        }
        entries.retain(|entry| entry.seq() <= horizon);
        entries.sort_by_key(|entry| (entry.seq(), entry.id()));
        Ok(entries)
    }
}

async fn stored(service: &Service, chain: ObjectId, from: u64, until: u64) -> Result<Stored> {
    let call = Call::by_part(SystemActor::Doctor);
    let of = |collection: &'static Collection, index: &'static Index| {
        let bound = |seq: u64| Some(Value::Integer(i64::try_from(seq).unwrap_or(i64::MAX)));
        let range = Filter::Range { field: "seq", from: bound(from), until: bound(until) };
        Query::new(collection).sort(index).equal("chain", chain).filter(range).limit(PAGE)
    };
    let reads = [of(&AUDIT_EVENTS, &AUDIT_OF_CHAIN).into(), of(&AUDIT_STUBS, &STUBS_OF_CHAIN).into()];
    let mut answers = service.store().load_together(&call.context, &reads).await?;
    Ok(Stored { events: answers.documents(), stubs: answers.documents() })
}

async fn read(service: &Service, chain: ObjectId, from: u64, until: u64) -> Result<Vec<Entry>> {
    let stored = stored(service, chain, from, until).await?;
    let horizon = stored.horizon(from, until)?;
    stored.entries(horizon)
}

/// A walk along a chain.
struct Walk {
    chain: AuditChain,
    progress: Progress,
}

/// What a walk has come to.
#[derive(Debug, Default)]
struct Progress {
    seq: u64,
    hash: String,
    events: u64,
    stubs: u64,
    /// Time of the newest stub of each kind, with its number.
    removed: BTreeMap<String, (Timestamp, u64)>,
    /// The last checkpoint.
    checkpoint: Option<Checkpoint>,
}

/// Result of sealing the entries of a page again.
enum Sealed {
    /// All are as they were sealed; these events have personal values.
    Fine(Vec<AuditEvent>),
    /// The seal of the entry is not the one that follows.
    Differs(Entry),
    /// Another fault.
    Found(Finding),
}

impl Progress {
    /// Computes the seals of entries.
    fn follow(&mut self, chain: ObjectId, entries: Vec<Entry>) -> Sealed {
        let mut with_values = Vec::new();
        let mut entries = entries.into_iter().peekable();
        while let Some(entry) = entries.next() {
            let expected = self.seq.saturating_add(1);
            let seq = entry.seq();
            if seq != expected {
                return Sealed::Found(Finding { seq: expected, fault: Fault::Missing, event: None });
            }
            if entries.peek().is_some_and(|next| next.seq() == seq) {
                return Sealed::Found(Finding { seq, fault: Fault::SealedTwice, event: Some(entry.id()) });
            }
            let hash = entry.seal(chain, seq, &self.hash);
            if hash != entry.hash() {
                return Sealed::Differs(entry);
            }
            self.seq = seq;
            self.hash = hash;
            match entry {
                Entry::Event(mut event) => {
                    self.events += 1;
                    if event.action == RETAINED && event.checkpoint.is_some() {
                        self.checkpoint = event.checkpoint.take();
                    } else if event.details_digest.is_some() {
                        with_values.push(*event);
                    }
                }
                Entry::Stub(stub) => {
                    self.stubs += 1;
                    let newest = self.removed.entry(kind_of(&stub.action).to_owned()).or_insert((stub.at, seq));
                    if stub.at > newest.0 {
                        *newest = (stub.at, seq);
                    }
                }
            }
        }
        Sealed::Fine(with_values)
    }
}

impl Walk {
    fn new(chain: AuditChain) -> Self {
        let progress = Progress { seq: chain.start_seq, hash: chain.start_hash.clone(), ..Progress::default() };
        Self { chain, progress }
    }

    fn verified(self, finding: Option<Finding>) -> Verified {
        let Progress { seq, hash, events, stubs, .. } = self.progress;
        Verified { tenant_id: self.chain.tenant_id, events, stubs, seq, hash, finding }
    }

    async fn run(&mut self, service: &Service) -> Result<Option<Finding>> {
        let (id, until) = (self.chain.id.0, self.chain.seq.saturating_add(1));
        let mut from = self.progress.seq.saturating_add(1);
        let mut next = stored(service, id, from, until).await?;
        while from < until {
            let horizon = next.horizon(from, until)?;
            from = horizon.saturating_add(1);
            let mut progress = std::mem::take(&mut self.progress);
            // The seals of a page are computed on another thread while the next one is read.
            let following = tokio::task::spawn_blocking(move || {
                let sealed_again = next.entries(horizon).map(|entries| progress.follow(id, entries));
                (progress, sealed_again)
            });
            let (read, followed) = join(stored(service, id, from, until), following).await;
            let (progress, sealed_again) = followed.map_err(|error| Error::internal(error.to_string()))?;
            self.progress = progress;
            next = read?;
            match sealed_again? {
                Sealed::Fine(with_values) => {
                    if let Some(found) = check_values(service, &with_values).await? {
                        return Ok(Some(found));
                    }
                }
                Sealed::Differs(entry) => return self.classify(service, &entry).await.map(Some),
                Sealed::Found(found) => return Ok(Some(found)),
            }
        }
        let Progress { seq, hash, .. } = &self.progress;
        if *seq != self.chain.seq {
            return Ok(Some(Finding { seq: seq.saturating_add(1), fault: Fault::Missing, event: None }));
        }
        if *hash != self.chain.hash {
            return Ok(Some(Finding { seq: *seq, fault: Fault::EndMoved, event: None }));
        }
        if let Some(found) = self.check_removed() {
            return Ok(Some(found));
        }
        self.check_end(service).await
    }

    /// Tells an event that was changed from one that was sealed nearby.
    async fn classify(&self, service: &Service, entry: &Entry) -> Result<Finding> {
        let seq = entry.seq();
        let (from, until) = (seq.saturating_sub(AROUND), seq.saturating_add(AROUND));
        let around = read(service, self.chain.id.0, from, until).await?;
        let seals: Vec<&str> = [self.progress.hash.as_str(), AuditChain::FIRST]
            .into_iter()
            .chain(around.iter().map(Entry::hash))
            .collect();
        let sealed_at = (from..until).find(|candidate| {
            let sealed = |previous: &&str| entry.seal(self.chain.id.0, *candidate, previous) == entry.hash();
            seals.iter().any(sealed)
        });
        let fault = if sealed_at.is_some() { Fault::Reordered } else { Fault::Changed };
        Ok(Finding { seq, fault, event: Some(entry.id()) })
    }

    /// Checks that what is missing may be missing.
    fn check_removed(&self) -> Option<Finding> {
        let allowed = self.progress.checkpoint.as_ref();
        let begins = self.chain.start_seq;
        let may_begin =
            allowed.is_some_and(|last| begins < last.seq || (begins == last.seq && self.chain.start_hash == last.hash));
        if begins > 0 && !may_begin {
            return Some(Finding { seq: begins, fault: Fault::Removed, event: None });
        }
        let may_be_missing = |kind: &str, at: Timestamp| allowed.is_some_and(|last| last.covers(kind, at));
        let found = self.progress.removed.iter().find(|(kind, (at, _))| !may_be_missing(kind, *at));
        found.map(|(_, (_, seq))| Finding { seq: *seq, fault: Fault::Removed, event: None })
    }

    /// Checks that no event was sealed beyond the end of the chain.
    async fn check_end(&self, service: &Service) -> Result<Option<Finding>> {
        let (id, end) = (self.chain.id.0, self.chain.seq.saturating_add(1));
        let beyond = read(service, id, end, end.saturating_add(1)).await?;
        let Some(entry) = beyond.first() else { return Ok(None) };
        // It may have been sealed meanwhile.
        let now = chain(service, &Call::by_part(SystemActor::Doctor), self.chain.tenant_id).await?;
        Ok(match now {
            Some(now) if now.seq >= entry.seq() => None,
            _ => Some(Finding { seq: entry.seq(), fault: Fault::EndMoved, event: Some(entry.id()) }),
        })
    }
}

/// Checks the personal values that are left beside events.
async fn check_values(service: &Service, events: &[AuditEvent]) -> Result<Option<Finding>> {
    if events.is_empty() {
        return Ok(None);
    }
    let call = Call::by_part(SystemActor::Doctor);
    let ids = events.iter().map(|event| Value::Id(event.id.0)).collect();
    let query = Query::new(&AUDIT_DETAILS).filter(Filter::In("id", ids)).limit(PAGE);
    let details: Vec<AuditDetails> = service.store().load_all(&call.context, &query).await?;
    let details: BTreeMap<AuditEventId, AuditDetails> = details.into_iter().map(|one| (one.id, one)).collect();
    let fits = |event: &&AuditEvent| details.get(&event.id).is_none_or(|stored| seal::fits(event, stored));
    Ok(events.iter().find(|event| !fits(event)).map(|event| Finding {
        seq: event.seq.unwrap_or(0),
        fault: Fault::ValuesChanged,
        event: Some(event.id),
    }))
}
