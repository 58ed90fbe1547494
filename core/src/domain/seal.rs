//! Seals: hashes that chain audit events, over their canonical form (RFC 8785).
//!
//! A seal is SHA-256 of the link `{action, at, chain, content, previous, seq}`. Its `content` is SHA-256 of the rest of the
//! event. That way a stub can take the place of an event whose rest was removed. Personal values are in neither: the event
//! has a digest of them with a salt, and what an erasure removes is outside the chain.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    AuditActor, AuditActorKind, AuditChain, AuditDetails, AuditEvent, AuditEventId, AuditStub, AuditValue, Checkpoint,
    ObjectId, Removed, TenantId, UserId,
};
use crate::clock::Timestamp;

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// Size in bytes that most canonical forms do not exceed.
const USUAL: usize = 768;

/// Name of the platform's chain in links.
const PLATFORM: &str = "platform";

// Members are declared in the order of RFC 8785, by name. Texts are escaped by `serde_json` as that form has them.

/// The link of a chain.
#[derive(Serialize)]
struct Link<'a> {
    action: &'a str,
    at: Timestamp,
    chain: ChainName,
    content: &'a str,
    previous: &'a str,
    seq: u64,
}

/// Name of a chain: the tenant's id, or `platform`.
struct ChainName(ObjectId);

impl Serialize for ChainName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == AuditChain::PLATFORM { serializer.serialize_str(PLATFORM) } else { self.0.serialize(serializer) }
    }
}

/// The rest of an event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    actor: Actor<'a>,
    changed_fields: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<Limits<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details_digest: Option<&'a str>,
    id: AuditEventId,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<Vec<Count<'a>>>,
    request_id: &'a str,
    resource: Resource<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<TenantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Actor<'a> {
    kind: AuditActorKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
}

#[derive(Serialize)]
struct Resource<'a> {
    id: ObjectId,
    #[serde(rename = "type")]
    resource_type: &'a str,
}

#[derive(Serialize)]
struct Count<'a> {
    count: u64,
    place: &'a str,
}

#[derive(Serialize)]
struct Limits<'a> {
    expired: Vec<Limit<'a>>,
    hash: &'a str,
    seq: u64,
}

#[derive(Serialize)]
struct Limit<'a> {
    before: Timestamp,
    kind: &'a str,
}

/// Personal values with their salt.
#[derive(Serialize)]
struct Details<'a> {
    salt: &'a str,
    values: Vec<Value<'a>>,
}

#[derive(Serialize)]
struct Value<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a str>,
    field: &'a str,
}

impl<'a> Value<'a> {
    fn of(value: &'a AuditValue) -> Self {
        Self { after: value.after.as_deref(), before: value.before.as_deref(), field: &value.field }
    }
}

impl<'a> Content<'a> {
    fn of(event: &'a AuditEvent) -> Self {
        let AuditActor { kind, user_id, name } = &event.actor;
        let count = |removed: &'a Removed| Count { count: removed.count, place: &removed.place };
        let limits = |checkpoint: &'a Checkpoint| Limits {
            expired: checkpoint.expired.iter().map(|one| Limit { before: one.before, kind: &one.kind }).collect(),
            hash: &checkpoint.hash,
            seq: checkpoint.seq,
        };
        Self {
            actor: Actor { kind: *kind, name: name.as_deref(), user_id: *user_id },
            changed_fields: &event.changed_fields,
            checkpoint: event.checkpoint.as_ref().map(limits),
            client_request_id: event.client_request_id.as_deref(),
            details_digest: event.details_digest.as_deref(),
            id: event.id,
            removed: event.removed.as_ref().map(|removed| removed.iter().map(count).collect()),
            request_id: &event.request_id,
            resource: Resource { id: event.resource.id, resource_type: &event.resource.resource_type },
            tenant_id: event.tenant_id,
            user_id: event.user_id,
        }
    }
}

/// Returns the hash of the rest of an event, which its link contains.
#[must_use]
pub fn content(event: &AuditEvent) -> Hash {
    hash(&Content::of(event))
}

/// Returns the seal of an event at a place in a chain, in hexadecimal.
#[must_use]
pub fn of_event(event: &AuditEvent, chain: ObjectId, seq: u64, previous: &str) -> String {
    link(&event.action, event.at, chain, &hex::encode(content(event)), seq, previous)
}

/// Returns the seal that the event of a stub had, if it was after `previous`.
#[must_use]
pub fn of_stub(stub: &AuditStub, previous: &str) -> String {
    link(&stub.action, stub.at, stub.chain, &stub.content, stub.seq, previous)
}

fn link(action: &str, at: Timestamp, chain: ObjectId, content: &str, seq: u64, previous: &str) -> String {
    hex::encode(hash(&Link { action, at, chain: ChainName(chain), content, previous, seq }))
}

/// Returns the digest of personal values with this salt, in hexadecimal.
#[must_use]
pub fn of_values(salt: &str, values: &[AuditValue]) -> String {
    let values = values.iter().map(Value::of).collect();
    hex::encode(hash(&Details { salt, values }))
}

/// Returns `true` if personal values beside an event are those of its digest, or were erased.
#[must_use]
pub fn fits(event: &AuditEvent, details: &AuditDetails) -> bool {
    match (&event.details_digest, &details.salt) {
        _ if details.values.is_empty() => true,
        (Some(digest), Some(salt)) => *digest == of_values(salt, &details.values),
        _ => false,
    }
}

/// Creates a salt of 16 random bytes, in hexadecimal.
///
/// # Errors
/// When the operating system has no random numbers.
pub fn salt() -> crate::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| crate::Error::internal(error.to_string()))?;
    Ok(hex::encode(bytes))
}

/// Returns the hash of the canonical form of a value whose members are declared in its order.
fn hash(value: &impl Serialize) -> Hash {
    let mut bytes = Vec::with_capacity(USUAL);
    // These types have no values that JSON lacks.
    let _written = serde_json::to_writer(&mut bytes, value);
    Sha256::digest(&bytes).into()
}
