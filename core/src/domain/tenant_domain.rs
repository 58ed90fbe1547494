//! Claims of domains: the proof by DNS that a domain belongs to a tenant, and how it was seen last.
//!
//! The tenant's own document says which domains it claims and which of them count as verified. The unique key of a
//! verified domain is there as well, so that one name is proven for one tenant only.

use std::time::Duration;

use dezky_derive::{Choice, entity, part};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    DomainVerification, Tenant, TenantDomainId, TenantId,
    fields::{self, domain_name},
};
use crate::{
    callers::Callers,
    clock::Timestamp,
    error::{Error, Result},
    store::{Guest, Scope},
};

/// Number of domains that a tenant has at most.
pub const MOST_DOMAINS: usize = 100;

/// Label below which the record of the proof is published.
const CHALLENGE: &str = "_dezky-challenge";

/// Beginning of the record's value.
const VALUE: &str = "dezky-verification=";

/// Number of random bytes in a token.
const TOKEN_BYTES: usize = 16;

/// Status of a domain of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum DomainStatus {
    /// Claimed, and not proven yet.
    #[choice(unknown)]
    Pending,
    /// Proven.
    Verified,
    /// Proven, but the record is no longer there.
    AtRisk,
    /// No longer proven, after a time at risk: its mail is suspended, and another tenant may prove it.
    Lost,
    /// Not proven in time, and no longer looked for.
    Expired,
}

/// Source of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum VerificationMethod {
    /// The record in public DNS, which is looked for again and again.
    #[choice(unknown)]
    Dns,
    /// An operator's word, which is not checked.
    Operator,
}

/// A DNS record to publish.
#[part]
#[derive(Debug, ToSchema)]
pub struct ChallengeRecord {
    /// Type of the record.
    #[serde(rename = "type")]
    pub kind: String,
    /// Full name without a dot at the end.
    pub name: String,
    /// Value.
    pub value: String,
}

/// What a DNS server has told about the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum SightingOutcome {
    /// The record is there.
    Seen,
    /// There is no such record.
    Absent,
    /// There is another one of that name.
    Other,
    /// No usable answer.
    #[choice(unknown)]
    Unanswered,
    /// An answer whose signature (DNSSEC) is not valid.
    Bogus,
}

/// The answer of one DNS server.
#[part]
#[derive(Debug, ToSchema)]
pub struct Sighting {
    /// The server.
    pub server: String,
    /// What it has told.
    pub outcome: SightingOutcome,
    /// A value that is there instead, or the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// How the tenant's own host name was seen, which is within this domain.
#[part]
#[derive(Debug, ToSchema)]
pub struct HostSighting {
    /// The host name.
    pub name: String,
    /// The platform's host that its CNAME record, or its addresses, are to lead to.
    pub target: String,
    /// `true` if most servers see that it does.
    pub leads_here: bool,
    /// Answers of the DNS servers.
    pub sightings: Vec<Sighting>,
}

/// A tenant's claim of a domain.
#[entity(
    /// The collection of claims of domains.
    collection TENANT_DOMAINS = "domains",
    scope = Scope::Tenant("tenantId"),
    guest = Guest::Scoped { readers: Callers::MEMBERS, keys: &[] },
    keys = Self::keys,
    seen = MEMBERS,
    /// A tenant's claims by name.
    index DOMAINS_OF_TENANT = of_tenant(tenant_id, name),
    /// Claims by the time of their next check.
    index DOMAINS_BY_DUE = by_due(next_check_at),
    /// A domain of a tenant, with the record that proves it.
    view TenantDomainView,
    /// A domain to be claimed.
    #[schema(example = json!({"name": "acme.eu"}))]
    create AddDomain,
)]
#[derive(Debug)]
pub struct TenantDomain {
    /// Its id.
    pub id: TenantDomainId,
    /// Its version.
    pub version: u64,
    /// The tenant.
    #[field(see, given)]
    pub tenant_id: TenantId,
    /// The domain, in its DNS form.
    #[field(see, given, create = required(domain_name), impersonal)]
    pub name: String,
    /// The domain in its own script, if that differs.
    #[shown(fields::domain_name::readable(&entity.name))]
    pub display_name: Option<String>,
    /// Its status.
    #[field(see, initial = DomainStatus::Pending)]
    pub status: DomainStatus,
    /// The random part of the record.
    #[field(read = MEMBERS, silent, impersonal)]
    pub token: String,
    /// The record to publish, and to keep; for owners, admins and the platform.
    #[shown(entity.challenge().filter(|_| Callers::ADMINS.includes(viewer)))]
    pub challenge: Option<ChallengeRecord>,
    /// Source of the verification, once there is one.
    #[field(see, silent)]
    pub method: Option<VerificationMethod>,
    /// Time of the verification.
    #[field(see, silent)]
    pub verified_at: Option<Timestamp>,
    /// Time since which the record of a verified domain is not there.
    #[field(see, silent)]
    pub at_risk_since: Option<Timestamp>,
    /// Time at which a domain at risk is lost; while it is at risk.
    #[field(see, silent)]
    pub lost_from: Option<Timestamp>,
    /// Time at which a claim that is not proven expires; while it is pending.
    #[field(see, silent)]
    pub expires_at: Option<Timestamp>,
    /// Answers of the DNS servers at the last check.
    #[field(see, silent, impersonal)]
    #[serde(default)]
    pub sightings: Vec<Sighting>,
    /// `true` if the record was seen, and another tenant has verified the domain already.
    #[field(see, silent)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contested: bool,
    /// The tenant's own host name, if it is within this domain, as it was seen at the last check.
    #[field(see, silent, impersonal)]
    pub host: Option<HostSighting>,
    /// What to do next, if anything.
    #[shown(entity.advice())]
    pub advice: Option<String>,
    /// Time of the last check.
    #[field(see, silent)]
    pub checked_at: Option<Timestamp>,
    /// Number of checks in a row that did not see the record.
    #[field(read = MEMBERS, silent)]
    #[serde(default)]
    pub misses: u32,
    /// Time of the next check by itself; absent if there is none.
    #[shown(entity.is_looked_for().then_some(entity.next_check_at))]
    pub next_look_at: Option<Timestamp>,
    /// Time at which the background task has something to do about it.
    #[field(read = MEMBERS, silent, initial = now)]
    pub next_check_at: Timestamp,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

/// Times of claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DomainTimes {
    /// Time in which a claim is to be proven. Default: 14 days.
    pub claim: Duration,
    /// Time at risk before a domain is lost. Default: 7 days.
    pub at_risk: Duration,
    /// Time between two looks at a verified domain. Default: 24 h.
    pub look: Duration,
    /// Least time between two checks on request. Default: 10 s.
    pub least: Duration,
}

const HOUR: Duration = Duration::from_secs(60 * 60);

impl Default for DomainTimes {
    fn default() -> Self {
        Self { claim: 14 * 24 * HOUR, at_risk: 7 * 24 * HOUR, look: 24 * HOUR, least: Duration::from_secs(10) }
    }
}

/// Wait before the first look at a new claim; it doubles with each look.
const FIRST_LOOK: Duration = Duration::from_secs(60);

/// Longest wait before the next look at a claim that is not proven.
const LONGEST_WAIT: Duration = HOUR.saturating_mul(6);

/// Time until a claim that is not looked for is looked at again: never, as far as anybody can tell.
const NEVER: Duration = HOUR.saturating_mul(24 * 365 * 100);

/// The common result of all servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Most servers have the record.
    Proven,
    /// Most servers tell that it is not there.
    Missing,
    /// Neither: they differ, do not answer, or some answer is not authentic.
    Unknown,
}

impl Verdict {
    /// Compares the answers of all configured servers. An answer that is not authentic outweighs all others.
    #[must_use]
    pub fn of(sightings: &[Sighting]) -> Self {
        let count = |outcomes: &[SightingOutcome]| {
            sightings.iter().filter(|sighting| outcomes.contains(&sighting.outcome)).count()
        };
        let most = |count: usize| count * 2 > sightings.len();
        if count(&[SightingOutcome::Bogus]) > 0 {
            Self::Unknown
        } else if most(count(&[SightingOutcome::Seen])) {
            Self::Proven
        } else if most(count(&[SightingOutcome::Absent, SightingOutcome::Other])) {
            Self::Missing
        } else {
            Self::Unknown
        }
    }
}

impl AddDomain {
    /// Creates the claim of a tenant, with a new token.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] without randomness.
    pub fn into_domain(self, tenant: TenantId, times: &DomainTimes, now: Timestamp) -> Result<TenantDomain> {
        TenantDomain::claimed(tenant, self.name, times, now)
    }
}

impl TenantDomain {
    /// Creates a claim, with a new token.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] without randomness.
    pub fn claimed(tenant: TenantId, name: String, times: &DomainTimes, now: Timestamp) -> Result<Self> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| Error::internal(format!("no randomness: {error}")))?;
        let mut claim = Self::blank(tenant, name, now);
        claim.token = hex::encode(bytes);
        claim.expires_at = Some(now.plus(times.claim));
        claim.next_check_at = now.plus(FIRST_LOOK);
        Ok(claim)
    }

    /// Creates what is shown of a domain that the tenant has without a claim, such as one of an earlier release.
    #[must_use]
    pub fn without_claim(tenant: &Tenant, name: &str) -> Self {
        let mut shown = Self::blank(tenant.id, name.to_owned(), tenant.created_at);
        shown.id = TenantDomainId(tenant.id.0);
        shown.updated_at = tenant.updated_at;
        shown.follow(tenant);
        shown
    }

    /// Returns the unique key of a claim.
    #[must_use]
    pub fn key(tenant: TenantId, name: &str) -> String {
        format!("claim:{tenant}:{name}")
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::key(self.tenant_id, &self.name)]
    }

    /// Returns the record that proves the domain.
    #[must_use]
    pub fn challenge(&self) -> Option<ChallengeRecord> {
        (!self.token.is_empty()).then(|| ChallengeRecord {
            kind: "TXT".to_owned(),
            name: self.challenge_name(),
            value: format!("{VALUE}{}", self.token),
        })
    }

    /// Returns the name of the record.
    #[must_use]
    pub fn challenge_name(&self) -> String {
        format!("{CHALLENGE}.{}", self.name)
    }

    /// Compares the values of the record's name with the one that is to be there.
    #[must_use]
    pub fn compare(&self, values: &[String]) -> (SightingOutcome, Option<String>) {
        let wanted = format!("{VALUE}{}", self.token);
        if !self.token.is_empty() && values.iter().any(|value| value.trim() == wanted) {
            return (SightingOutcome::Seen, None);
        }
        match values.first() {
            None => (SightingOutcome::Absent, None),
            Some(other) => (SightingOutcome::Other, Some(other.chars().take(120).collect())),
        }
    }

    /// Returns `true` if it is looked for without being asked to.
    #[must_use]
    pub fn is_looked_for(&self) -> bool {
        self.status != DomainStatus::Expired && !self.token.is_empty()
    }

    /// Takes over what the tenant's own document says, which an operator may have changed.
    pub fn follow(&mut self, tenant: &Tenant) {
        let verification = tenant.domain_verifications.iter().find(|one| one.name == self.name);
        let counts = matches!(self.status, DomainStatus::Verified | DomainStatus::AtRisk);
        match verification {
            Some(DomainVerification { lost_at: None, verified_at, .. }) if !counts => {
                self.status = DomainStatus::Verified;
                self.method = Some(VerificationMethod::Operator);
                self.verified_at = Some(*verified_at);
                (self.at_risk_since, self.lost_from, self.expires_at) = (None, None, None);
            }
            Some(DomainVerification { lost_at: Some(_), .. }) if counts => self.status = DomainStatus::Lost,
            None if counts || self.status == DomainStatus::Lost => {
                self.status = DomainStatus::Pending;
                (self.method, self.verified_at, self.at_risk_since, self.lost_from) = (None, None, None, None);
            }
            _ => {}
        }
    }

    /// Notes the result of a check.
    ///
    /// What does not answer changes nothing: only servers that tell of no record make a domain lost.
    pub fn note(&mut self, sightings: Vec<Sighting>, times: &DomainTimes, fraction: f64, now: Timestamp) {
        let verdict = Verdict::of(&sightings);
        self.sightings = sightings;
        self.checked_at = Some(now);
        self.contested = false;
        self.misses = if verdict == Verdict::Proven { 0 } else { self.misses.saturating_add(1) };
        match (verdict, self.status) {
            (Verdict::Proven, _) => {
                self.status = DomainStatus::Verified;
                self.method = Some(VerificationMethod::Dns);
                self.verified_at.get_or_insert(now);
                (self.at_risk_since, self.lost_from, self.expires_at) = (None, None, None);
            }
            (_, DomainStatus::Pending) if self.expires_at.is_none_or(|end| end <= now) => {
                self.status = DomainStatus::Expired;
            }
            (Verdict::Missing, DomainStatus::Verified) if self.method != Some(VerificationMethod::Operator) => {
                self.status = DomainStatus::AtRisk;
                self.at_risk_since = Some(now);
                self.lost_from = Some(now.plus(times.at_risk));
            }
            (Verdict::Missing, DomainStatus::AtRisk) if self.lost_from.is_none_or(|end| end <= now) => {
                self.status = DomainStatus::Lost;
                self.lost_from = None;
            }
            _ => {}
        }
        self.next_check_at = now.plus(self.wait(times, fraction));
    }

    /// Notes that the record was seen, but another tenant has the domain.
    pub fn contest(&mut self, sightings: Vec<Sighting>, times: &DomainTimes, fraction: f64, now: Timestamp) {
        self.sightings = sightings;
        self.checked_at = Some(now);
        self.contested = true;
        self.misses = self.misses.saturating_add(1);
        self.next_check_at = now.plus(self.wait(times, fraction));
    }

    /// Returns the wait before the next look. Half of it is jitter.
    fn wait(&self, times: &DomainTimes, fraction: f64) -> Duration {
        let doubled = FIRST_LOOK.saturating_mul(1_u32.checked_shl(self.misses.min(16)).unwrap_or(u32::MAX));
        let backoff = doubled.min(LONGEST_WAIT);
        let whole = match self.status {
            DomainStatus::Expired => return NEVER,
            DomainStatus::Verified if self.misses == 0 || self.method == Some(VerificationMethod::Operator) => {
                times.look
            }
            DomainStatus::Verified | DomainStatus::Pending => backoff,
            DomainStatus::AtRisk | DomainStatus::Lost => times.look.min(HOUR),
        };
        whole.mul_f64(0.5 + 0.5 * fraction.clamp(0.0, 1.0))
    }

    /// Brings the tenant's own document in line with its status. Returns `true` if that changed.
    #[must_use]
    pub fn tell(&self, tenant: &mut Tenant, now: Timestamp) -> bool {
        let verification = tenant.domain_verifications.iter_mut().find(|one| one.name == self.name);
        match (self.status, verification) {
            (DomainStatus::Verified | DomainStatus::AtRisk, None) => {
                let verified_at = self.verified_at.unwrap_or(now);
                let name = self.name.clone();
                tenant.domain_verifications.push(DomainVerification { name, verified_at, lost_at: None });
                true
            }
            (DomainStatus::Verified | DomainStatus::AtRisk, Some(one)) => one.lost_at.take().is_some(),
            (DomainStatus::Lost, Some(one)) if one.lost_at.is_none() => {
                one.lost_at = Some(now);
                true
            }
            _ => false,
        }
    }

    /// Tells what to do next.
    fn advice(&self) -> Option<String> {
        let count = |outcome| self.sightings.iter().filter(|sighting| sighting.outcome == outcome).count();
        let all = self.sightings.len();
        let name = self.challenge_name();
        let publish = format!("publish the TXT record at `{name}`");
        let seen = count(SightingOutcome::Seen);
        Some(match self.status {
            DomainStatus::Verified => return None,
            _ if self.contested => {
                "another tenant has verified this domain: have it removed there first, or ask the platform's operator".to_owned()
            }
            DomainStatus::Expired => "the claim was not proven in time: add the domain again for a new record".to_owned(),
            DomainStatus::Pending if self.token.is_empty() => {
                "no record was made for this domain yet: add it again".to_owned()
            }
            DomainStatus::Pending if all == 0 => format!("{publish}, then check"),
            _ if count(SightingOutcome::Bogus) > 0 => {
                "the answer about the record has no valid DNSSEC signature: correct the zone's signatures, or its DS record"
                    .to_owned()
            }
            _ if seen > 0 => {
                format!("{seen} of {all} DNS servers see the record: the others follow once their copies expire")
            }
            _ if count(SightingOutcome::Unanswered) * 2 >= all => {
                format!("DNS does not answer about `{name}`: see that the zone's name servers do")
            }
            _ if count(SightingOutcome::Other) > 0 => format!("`{name}` has another value: replace it"),
            DomainStatus::Lost => format!("mail is suspended since the record is gone: {publish} again"),
            DomainStatus::AtRisk => format!("the record is gone: {publish} again before mail is suspended"),
            DomainStatus::Pending => format!("the record is not there: {publish}"),
        })
    }
}
