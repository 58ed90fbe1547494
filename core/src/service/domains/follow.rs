//! Asks DNS about a claim, and stores what follows: for a check on request, and for those that are due.

use super::{PublicRecords, Told, fraction, host, store, subject};
use crate::{
    authz::Action,
    domain::{
        DomainStatus, Tenant, TenantDomain, system_action,
        tenant_domain::{HostSighting, Sighting, Verdict},
    },
    error::Result,
    service::{ServiceSettings, unit_of_work::UnitOfWork},
};

/// Answers of DNS about a claim.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// About the record.
    pub(crate) sightings: Vec<Sighting>,
    /// About the tenant's own host name, if it is within the domain.
    host: Option<HostSighting>,
}

/// Asks DNS about a claim, and about the tenant's host name within it.
pub(crate) async fn look(
    records: &dyn PublicRecords,
    claim: &TenantDomain,
    tenant: &Tenant,
    settings: &ServiceSettings,
) -> Seen {
    let compare = |(server, told)| {
        let (outcome, detail) = match told {
            Told::Values(values) => claim.compare(&values),
            told => host::failed(told),
        };
        Sighting { server, outcome, detail }
    };
    let sightings: Vec<Sighting> = records.ask("TXT", &claim.challenge_name()).await.into_iter().map(compare).collect();
    let own = tenant.launcher_host.as_ref().filter(|host| tenant.domain_of_host(host) == Some(claim.name.as_str()));
    let host = match (own, &settings.public_domain) {
        (Some(own), Some(domain)) => Some(host::look(records, own, &format!("{}.{domain}", tenant.slug)).await),
        _ => None,
    };
    Seen { sightings, host }
}

/// Adds what follows from an answer to the work: the claim, and the tenant that it verifies or loses a domain of.
///
/// Returns both as they are then. The name of the event is that of the new status.
pub(crate) fn apply(
    work: &mut UnitOfWork<'_>,
    tenant: &Tenant,
    before: &TenantDomain,
    seen: Seen,
    settings: &ServiceSettings,
) -> Result<(TenantDomain, Tenant)> {
    let now = work.now();
    let (mut claim, mut after) = (before.clone(), tenant.clone());
    claim.follow(tenant);
    claim.note(seen.sightings, &settings.domains, fraction(), now);
    let _ = claim.tell(&mut after, now);
    if let Some(host) = &seen.host
        && after.launcher_host.as_ref() == Some(&host.name)
    {
        match Verdict::of(&host.sightings) {
            Verdict::Proven => {
                after.launcher_host_verified_at.get_or_insert(now);
            }
            Verdict::Missing => after.launcher_host_verified_at = None,
            Verdict::Unknown => {}
        }
    }
    claim.host = seen.host;
    let event = match claim.status {
        DomainStatus::Pending => system_action::DOMAIN_UNVERIFY,
        DomainStatus::Verified => system_action::DOMAIN_VERIFY,
        DomainStatus::AtRisk => system_action::DOMAIN_WARN,
        DomainStatus::Lost => system_action::DOMAIN_LOSE,
        DomainStatus::Expired => system_action::DOMAIN_EXPIRE,
    };
    store(work, event, before, &mut claim)?;
    if after.domain_verifications != tenant.domain_verifications {
        work.update(Action::UpdateTenant, "tenant", subject(tenant.id), tenant, &mut after)?;
    } else if after != *tenant {
        work.refresh(tenant, &mut after)?;
    } else {
        // A domain that the tenant gives up meanwhile is not verified.
        work.commit.guard(tenant);
    }
    Ok((claim, after))
}
