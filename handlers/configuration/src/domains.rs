//! Settings of the proof of domains.

use std::{sync::Arc, time::Duration};

use dezky::{Result, connectors::DnsServers, domain::tenant_domain::DomainTimes, service::PublicRecords};

use super::{
    settings::{self, Setting},
    sources::Sources,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Maximum number of days of a setting.
const MOST_DAYS: u32 = 3_650;

/// Settings of the proof of domains.
#[derive(Debug, Clone)]
pub struct DomainSettings {
    /// Times of claims.
    pub times: DomainTimes,
    /// DNS servers that are asked, each by itself; `None` asks none.
    pub dns: Option<DnsServers>,
}

impl DomainSettings {
    /// Returns public DNS, if it is asked.
    #[must_use]
    pub fn records(&self) -> Option<Arc<dyn PublicRecords>> {
        self.dns.clone().map(|dns| Arc::new(dns) as Arc<dyn PublicRecords>)
    }

    /// Asks no servers but those that are named.
    #[must_use]
    pub fn only_named(self) -> Self {
        Self { dns: self.dns.filter(DnsServers::are_named), ..self }
    }
}

/// Reads the settings.
///
/// # Errors
/// Kind `Configuration` when one cannot be used.
pub fn read(sources: &Sources) -> Result<DomainSettings> {
    let standard = DomainTimes::default();
    let times = DomainTimes {
        claim: days(sources, &settings::DOMAIN_CLAIM_DAYS)?.unwrap_or(standard.claim),
        at_risk: days(sources, &settings::DOMAIN_AT_RISK_DAYS)?.unwrap_or(standard.at_risk),
        ..standard
    };
    let validates = match sources.find(&settings::DNSSEC)? {
        None => true,
        Some(found) => match found.text.as_str() {
            "true" => true,
            "false" => false,
            other => return Err(found.refuse(format!("`{}` is neither `true` nor `false`", other.escape_debug()))),
        },
    };
    Ok(DomainSettings { times, dns: Some(DnsServers::new(&super::systems::dns_servers(sources)?, validates)) })
}

fn days(sources: &Sources, setting: &'static Setting) -> Result<Option<Duration>> {
    let Some(found) = sources.find(setting)? else { return Ok(None) };
    match found.text.parse::<u32>() {
        Ok(days) if (1..=MOST_DAYS).contains(&days) => Ok(Some(DAY * days)),
        _ => Err(found.refuse(format!("`{}` must be 1 to {MOST_DAYS} days", found.text.escape_debug()))),
    }
}
