//! API keys: credentials of machines, each with the actions that it may perform.
//!
//! A key reads `dzk_ID_SECRET`. The id finds it; only a hash of the secret is stored. A secret has 256 random bits, so
//! that one round of SHA-256 keeps it.

use std::{net::IpAddr, time::Duration};

use dezky_derive::entity;
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use super::{
    ApiKeyId, OneTimeSecret, Problem, TenantId, UserId,
    fields::{network, network::Network, object_id, text, time},
};
use crate::{clock::Timestamp, store::Scope};

/// A stored API key, without its secret.
#[entity(
    /// The collection of API keys.
    collection API_KEYS = "api_keys",
    scope = Scope::Tenant("tenantId"),
    keys = Self::keys,
    seen = ADMINS,
    /// A tenant's API keys by age.
    index API_KEYS_OF_TENANT = of_tenant(tenant_id, created_at),
    /// All API keys by age.
    index API_KEYS_BY_AGE = by_age(created_at),
    /// An API key. Its secret is only in the answers to its creation and rotation.
    view ApiKeyView,
    /// A new API key.
    #[schema(example = json!({"name": "nightly report", "tenantId": "65f0000000000000000000aa", "scopes": ["membership.read"]}))]
    create CreateApiKey,
    /// Changes to an API key.
    update UpdateApiKey,
)]
#[derive(Debug)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Its version.
    pub version: u64,
    /// The tenant that it acts in; absent for a key of the platform.
    #[field(see, create = optional(object_id), text_in_create = "The tenant that it acts in. Without it, a key of the platform.")]
    pub tenant_id: Option<TenantId>,
    /// Name of the machine or program.
    #[field(see, given, create = required(text(64)), update = replace(text(64)), impersonal)]
    pub name: String,
    /// The actions that it may perform, by their names in the table of the policy.
    #[field(see, input = list(100, scope), apply = ApiKey::set_scopes, impersonal)]
    pub scopes: Vec<String>,
    /// The networks that it is accepted from; any without them.
    #[field(see, input = list(20, network), impersonal)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    /// Time at which it expires; never without it.
    #[field(see, input = patch(time))]
    pub expires_at: Option<Timestamp>,
    /// The beginning of the key, by which it can be recognized.
    #[shown(entity.prefix())]
    pub prefix: String,
    /// The person who created it; absent for a system actor.
    #[field(see)]
    pub created_by: Option<UserId>,
    /// SHA-256 of its secret.
    #[field(silent, impersonal, given)]
    pub secret_hash: String,
    /// SHA-256 of the secret before the last rotation.
    #[field(silent, impersonal)]
    pub previous_hash: Option<String>,
    /// Time until which the secret before the last rotation is accepted.
    #[field(see)]
    pub previous_until: Option<Timestamp>,
    /// Time of the last rotation.
    #[field(see)]
    pub rotated_at: Option<Timestamp>,
    /// Its place among those of the tenant, or of the platform, of which there are [`MOST_API_KEYS`].
    #[field(read = ADMINS, silent)]
    pub place: u32,
    /// Time of its last use, at most 5 minutes behind.
    #[shown(argument)]
    pub last_used_at: Option<Timestamp>,
    /// The whole key; only in the answers to its creation and rotation.
    #[shown(argument)]
    pub secret: Option<OneTimeSecret>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

/// The last use of an API key. Its id is that of the key, so that the key's version does not change.
#[entity(
    /// The collection of last uses of API keys.
    collection API_KEY_USES = "api_key_uses",
    scope = Scope::Tenant("tenantId"),
    /// The last uses of a tenant's keys.
    index API_KEY_USES_OF_TENANT = of_tenant(tenant_id),
)]
#[derive(Debug)]
pub struct ApiKeyUse {
    /// The key.
    pub id: ApiKeyId,
    /// Its version.
    pub version: u64,
    /// The tenant of the key.
    #[field(read = ADMINS)]
    pub tenant_id: Option<TenantId>,
    /// Time of the last use, at most 5 minutes behind.
    #[field(read = ADMINS)]
    pub last_used_at: Timestamp,
}

/// Number of API keys that a tenant has at most, and the platform.
pub const MOST_API_KEYS: u32 = 50;

/// Interval in which uses of a key are stored.
pub const USE_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// The beginning of every key, by which scanners of leaked secrets find it.
pub const MARK: &str = "dzk_";

/// Number of random bytes in a secret.
const SECRET_BYTES: usize = 32;

/// Length of a secret as text.
const SECRET_LENGTH: usize = 43;

/// A key as its bearer presents it. Never in `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PresentedKey {
    /// The id of the key.
    pub id: ApiKeyId,
    hash: String,
}

impl std::fmt::Debug for PresentedKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PresentedKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl PresentedKey {
    /// Returns `true` if a bearer credential begins like an API key.
    #[must_use]
    pub fn is_meant(bearer: &str) -> bool {
        bearer.starts_with(MARK)
    }

    /// Reads a key, without comparing it with a stored one.
    #[must_use]
    pub fn read(bearer: &str) -> Option<Self> {
        let (id, secret) = bearer.strip_prefix(MARK)?.split_once('_')?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let fits = secret.len() == SECRET_LENGTH && secret.bytes().all(plain);
        let id = id.parse().ok().filter(|_| fits)?;
        Some(Self { id, hash: hash(secret) })
    }
}

fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// A new secret: what is shown once, and what is stored.
#[derive(Debug)]
pub struct NewSecret {
    /// The secret itself.
    text: OneTimeSecret,
    hash: String,
}

impl NewSecret {
    /// Encodes random bytes as a secret.
    #[must_use]
    pub fn of(random: &[u8; SECRET_BYTES]) -> Self {
        use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
        let text = BASE64_URL_SAFE_NO_PAD.encode(random);
        let hash = hash(&text);
        Self { text: OneTimeSecret(text), hash }
    }
}

impl ApiKey {
    /// Returns the beginning of the key, which tells it from all others.
    #[must_use]
    pub fn prefix(&self) -> String {
        format!("{MARK}{}", self.id)
    }

    /// Returns the whole key with this secret.
    #[must_use]
    pub fn shown(&self, secret: &NewSecret) -> OneTimeSecret {
        OneTimeSecret(format!("{}_{}", self.prefix(), secret.text.0))
    }

    /// Returns `true` if a presented key is this one, or the one before the last rotation while that is accepted.
    ///
    /// Compares in constant time.
    pub fn is(&self, presented: &PresentedKey, has_passed: impl Fn(Timestamp) -> bool) -> bool {
        let equal = |stored: &str| bool::from(stored.as_bytes().ct_eq(presented.hash.as_bytes()));
        let previous = self.previous_hash.as_deref().is_some_and(equal);
        let overlaps = self.previous_until.is_some_and(|until| !has_passed(until));
        self.id == presented.id && (equal(&self.secret_hash) | (previous & overlaps))
    }

    /// Returns `true` if it is accepted from this address. An unknown address is in no network.
    #[must_use]
    pub fn is_accepted_from(&self, address: Option<IpAddr>) -> bool {
        let within = |network: &String| {
            address.is_some_and(|address| Network::parse(network).is_some_and(|network| network.contains(address)))
        };
        self.networks.is_empty() || self.networks.iter().any(within)
    }

    /// Sets the actions that it may perform, in order and each once.
    fn set_scopes(&mut self, mut scopes: Vec<String>) {
        scopes.sort_unstable();
        scopes.dedup();
        self.scopes = scopes;
    }

    /// Replaces its secret. The one before stays accepted for `overlap`.
    pub fn rotate(&mut self, secret: &NewSecret, overlap: Duration, now: Timestamp) {
        let before = std::mem::replace(&mut self.secret_hash, secret.hash.clone());
        let kept = !overlap.is_zero();
        self.previous_hash = kept.then_some(before);
        self.previous_until = kept.then(|| now.plus(overlap));
        self.rotated_at = Some(now);
    }

    /// Returns the unique key of a place.
    #[must_use]
    pub fn place_key(tenant: Option<TenantId>, place: u32) -> String {
        match tenant {
            Some(tenant) => format!("place:{tenant}:{place}"),
            None => format!("place:platform:{place}"),
        }
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::place_key(self.tenant_id, self.place)]
    }
}

impl CreateApiKey {
    /// Creates the key at a free place.
    #[must_use]
    pub fn into_api_key(self, secret: &NewSecret, place: u32, by: Option<UserId>, now: Timestamp) -> ApiKey {
        let mut key = ApiKey::blank(self.name.clone(), secret.hash.clone(), now);
        self.apply(&mut key);
        (key.place, key.created_by) = (place, by);
        key
    }
}

/// Reads a name of an action. The use case checks if keys may perform it.
fn scope(value: &Value) -> Result<String, Problem> {
    text(value, 64)
}
