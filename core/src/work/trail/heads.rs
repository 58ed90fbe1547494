//! Heads: the ends of chains, to be written where nobody who can write the store can write.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    context::SystemActor,
    domain::{
        AuditChain, TenantId,
        trail::{AUDIT_CHAINS, CHAINS_BY_SEALING},
    },
    error::Result,
    service::{Call, Service},
    store::{Filter, Position, Query, Repository},
};

/// Number of chains read at a time.
const PAGE: u32 = 1_000;

/// The end of a chain at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Head {
    /// Time of the last seal.
    pub sealed_at: Timestamp,
    /// The tenant; absent for the chain of the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// Number of the last event.
    pub seq: u64,
    /// Its seal.
    pub hash: String,
}

/// Returns a page of the heads that were moved since a time, and where the next page begins.
///
/// # Errors
/// When the store does not answer.
pub async fn heads(
    service: &Service,
    since: Option<Timestamp>,
    after: Option<Position>,
) -> Result<(Vec<Head>, Option<Position>)> {
    let call = Call::by_part(SystemActor::Housekeeping);
    let mut query = Query::new(&AUDIT_CHAINS).sort(&CHAINS_BY_SEALING).after(after).limit(PAGE);
    if let Some(since) = since {
        query = query.filter(Filter::Range { field: "sealedAt", from: Some(since.into()), until: None });
    }
    let chains: Vec<AuditChain> = service.store().load_all(&call.context, &query).await?;
    let position = |chain: &AuditChain| Some(Position { values: vec![chain.sealed_at?.into()], id: chain.id.0 });
    let next = chains.last().and_then(position);
    let head = |chain: AuditChain| {
        let AuditChain { tenant_id, seq, hash, sealed_at, .. } = chain;
        Some(Head { sealed_at: sealed_at?, tenant_id, seq, hash }).filter(|head| head.seq > 0)
    };
    Ok((chains.into_iter().filter_map(head).collect(), next))
}
