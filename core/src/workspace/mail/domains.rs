//! The tenant's mail domains.

use std::collections::BTreeSet;

use crate::{
    connectors::{ConnectorResult, DnsRecord, DomainInFull, Mail, MailDomain, Mailbox},
    context::RequestContext,
    domain::SystemState,
    workspace::{
        desired::{DesiredDomain, Presence},
        plan::Plan,
    },
};

/// Type of the condition about the domains.
pub const DOMAINS_READY: &str = "DomainsReady";

/// Type of the condition about the keys that sign mail.
pub const KEYS_READY: &str = "DkimKeysReady";

/// A domain in the mail system.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObservedDomain {
    /// Name.
    pub name: String,
    /// The domain, if there is one.
    pub domain: Option<MailDomain>,
    /// `true` if an id of it is stored.
    pub known: bool,
    /// `true` if its id is the stored one, so that this tenant has created or adopted it.
    pub ours: bool,
    /// Local parts of its mailboxes; looked for only where they matter.
    pub mailboxes: Option<BTreeSet<String>>,
    /// Number of keys that sign its mail; looked for only while they are not known to be there.
    pub keys: Option<usize>,
    /// DNS records that its owner publishes; read only of a domain that is to be in use.
    pub records: Vec<DnsRecord>,
    /// Its mailboxes, if it is ours and to be in use, and they could be listed.
    pub listed: Option<Vec<Mailbox>>,
}

/// A change of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainChange {
    /// Creates the domain.
    Create(String),
    /// Takes over a domain of this name that has no mailboxes of others.
    Adopt(MailDomain),
    /// Enables the domain.
    Enable(MailDomain),
    /// Disables the domain.
    Disable(MailDomain),
    /// Deletes the domain and its keys.
    Delete(MailDomain),
    /// Forgets a domain that is gone.
    Forget(String),
}

impl DomainChange {
    /// Returns the name of the change in the audit trail.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "domain.create",
            Self::Adopt(_) => "domain.adopt",
            Self::Enable(_) => "domain.enable",
            Self::Disable(_) => "domain.disable",
            Self::Delete(_) => "domain.delete",
            Self::Forget(_) => "domain.forget",
        }
    }

    /// Returns the name of the domain.
    #[must_use]
    pub fn domain(&self) -> &str {
        match self {
            Self::Create(name) | Self::Forget(name) => name,
            Self::Adopt(domain) | Self::Enable(domain) | Self::Disable(domain) | Self::Delete(domain) => &domain.name,
        }
    }
}

/// Returns the name under which the id of a domain is stored.
#[must_use]
pub fn external(domain: &str) -> String {
    SystemState::domain_object(domain)
}

/// Observes domains: the desired ones, and those that were set up before.
///
/// `stored` are names with ids. `keys_known` are domains whose keys are known to be there.
///
/// # Errors
/// The connector's.
pub async fn observe(
    mail: &dyn Mail,
    context: &RequestContext,
    desired: &[DesiredDomain],
    stored: &[(String, String)],
    keys_known: &BTreeSet<String>,
) -> ConnectorResult<Vec<ObservedDomain>> {
    let mut observed = Vec::new();
    let names: Vec<&str> = desired.iter().map(|domain| domain.name.as_str()).collect();
    let former = stored.iter().map(|(name, _)| name.as_str()).filter(|name| !names.contains(name));
    for name in names.iter().copied().chain(former) {
        let wanted = desired.iter().find(|one| one.name == name).map_or(Presence::Absent, |one| one.presence);
        let id = stored.iter().find(|(one, _)| one == name).map(|(_, id)| id);
        let full = match wanted {
            Presence::Active => mail.domain_in_full(context, name, id.map(String::as_str)).await?,
            Presence::Suspended | Presence::Absent => {
                let domain = mail.domain(context, name).await?;
                domain.map(|domain| DomainInFull { domain, records: Vec::new(), mailboxes: None })
            }
        };
        let (domain, records, listed) = match full {
            Some(full) => (Some(full.domain), full.records, full.mailboxes),
            None => (None, Vec::new(), None),
        };
        let ours = domain.as_ref().is_some_and(|domain| id == Some(&domain.id));
        let looks_inside = domain.is_some() && (!ours || wanted == Presence::Absent);
        let mailboxes = match &domain {
            Some(domain) if looks_inside => {
                let mailboxes = mail.mailboxes(context, domain).await?;
                Some(mailboxes.into_iter().map(|mailbox| mailbox.local_part).collect())
            }
            _ => None,
        };
        let keys = match &domain {
            Some(domain) if ours && wanted == Presence::Active && !keys_known.contains(name) => {
                Some(mail.dkim_keys(context, domain).await?.iter().filter(|key| key.active).count())
            }
            _ => None,
        };
        let known = id.is_some();
        observed.push(ObservedDomain { name: name.to_owned(), domain, known, ours, mailboxes, keys, records, listed });
    }
    Ok(observed)
}

/// Compares the desired domains with the observed ones.
///
/// `own_mailboxes` are the addresses of the tenant's mailboxes: a domain with others is not adopted.
#[must_use]
pub fn plan(
    desired: &[DesiredDomain],
    observed: &[ObservedDomain],
    own_mailboxes: &BTreeSet<String>,
) -> Plan<DomainChange> {
    let mut plan = Plan::default();
    for one in observed {
        let name = &one.name;
        let wanted = desired.iter().find(|domain| domain.name == *name).map_or(Presence::Absent, |one| one.presence);
        let foreign = one.mailboxes.iter().flatten().find(|part| !own_mailboxes.contains(&format!("{part}@{name}")));
        match (&one.domain, wanted) {
            (None, Presence::Absent) if one.known => plan.change(DomainChange::Forget(name.clone())),
            (None, Presence::Absent | Presence::Suspended) => {}
            (None, Presence::Active) => plan.change(DomainChange::Create(name.clone())),
            (Some(_), Presence::Absent) if !one.ours => {
                if one.known {
                    plan.change(DomainChange::Forget(name.clone()));
                }
            }
            (Some(_), _) if !one.ours && foreign.is_some() => plan.blocked(
                DOMAINS_READY,
                "ForeignDomain",
                format!(
                    "the mail system has `{name}` with mailboxes that are not this tenant's: move them away, or create them \
                     here first"
                ),
            ),
            (Some(domain), _) if !one.ours => plan.change(DomainChange::Adopt(domain.clone())),
            (Some(domain), Presence::Active) => {
                if !domain.enabled {
                    plan.change(DomainChange::Enable(domain.clone()));
                }
                if one.keys == Some(0) {
                    plan.waits(KEYS_READY, "KeysPending", format!("the mail system is still making the keys of `{name}`"));
                }
            }
            (Some(domain), Presence::Suspended) => {
                if domain.enabled {
                    plan.change(DomainChange::Disable(domain.clone()));
                }
            }
            (Some(domain), Presence::Absent) => {
                if domain.enabled {
                    plan.change(DomainChange::Disable(domain.clone()));
                }
                match one.mailboxes.as_ref().map_or(0, BTreeSet::len) {
                    0 => plan.change(DomainChange::Delete(domain.clone())),
                    count => plan.waits(
                        DOMAINS_READY,
                        "MailboxesRemain",
                        format!("`{name}` is disabled and keeps {count} mailboxes until they are removed"),
                    ),
                }
            }
        }
    }
    plan
}

/// Applies a change. Returns the id of the domain after it; `None` once it is gone.
///
/// # Errors
/// The connector's.
pub async fn apply(
    mail: &dyn Mail,
    context: &RequestContext,
    change: &DomainChange,
) -> ConnectorResult<Option<String>> {
    match change {
        DomainChange::Create(name) => mail.create_domain(context, name).await.map(|domain| Some(domain.id)),
        DomainChange::Adopt(domain) => Ok(Some(domain.id.clone())),
        DomainChange::Enable(domain) => {
            mail.set_domain_enabled(context, domain, true).await.map(|()| Some(domain.id.clone()))
        }
        DomainChange::Disable(domain) => {
            mail.set_domain_enabled(context, domain, false).await.map(|()| Some(domain.id.clone()))
        }
        DomainChange::Delete(domain) => mail.delete_domain(context, domain).await.map(|()| None),
        DomainChange::Forget(_) => Ok(None),
    }
}
