//! Runs over the tenant's mail domains.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;

use super::{Extra, MOST_LOOKS, Owner, PROVISIONED, Run, Settled, Unit, not_configured};
use crate::{
    connectors::{ConnectorError, Mail},
    domain::{
        DomainRecords, Mailbox, Tenant, Versioned as _,
        mailbox::{MAILBOXES, MAILBOXES_OF_TENANT},
        workspace::{DOMAIN_RECORDS, Phase, RECORDS_OF_TENANT, SystemKind},
    },
    service::unit_of_work::{Subject, UnitOfWork},
    store::{Position, Query, Repository},
    workspace::{
        claim::Stopped,
        desired::{DesiredDomain, Facts, Presence, desired, presence, removal},
        mail::{
            domains::{self, DOMAINS_READY, DomainChange, KEYS_READY, ObservedDomain, external},
            records,
        },
        plan::holds,
    },
};

/// Mark of domains whose keys are known to be there.
const KEYS: &str = "keys:";

/// Number of domains of a tenant whose records are kept.
const MOST_DOMAINS: u32 = 200;

pub(super) async fn reconcile(run: &mut Run<'_>) -> Result<Settled, Stopped> {
    let Some(mail) = run.systems.mail.clone() else { return Err(not_configured(SystemKind::Mail)) };
    let records = Query::new(&DOMAIN_RECORDS).sort(&RECORDS_OF_TENANT).equal("tenantId", run.claimed.state.tenant_id.0);
    let (owner, mut answers) = run.owner(vec![records.limit(MOST_DOMAINS).into()]).await?;
    let Some(Owner { tenant, subscription }) = owner else { return Ok(Settled::gone()) };
    let stored_records: Vec<DomainRecords> = answers.all()?;
    let now = crate::work::time(run.service).await;
    let facts = Facts { tenant: &tenant, subscription: subscription.as_ref(), members: &[], mailboxes: &[] };
    let wanted = desired(facts, run.settings, run.grace(), now).domains;
    let mailboxes = addresses(run).await?;
    let mut looks = 0;
    let (observed, obstacles) = loop {
        run.claimed.keep(run.service).await?;
        let (stored, keys) = stored(run);
        let observed = domains::observe(&*mail, &run.context(), &wanted, &stored, &keys).await?;
        let mut plan = domains::plan(&wanted, &observed, &mailboxes);
        looks += 1;
        if plan.changes.is_empty() {
            break (observed, plan.obstacles);
        }
        if looks > MOST_LOOKS {
            let why = "the domains do not become as they should be, though every change succeeds".to_owned();
            return Err(ConnectorError::Retryable { after: None, why }.into());
        }
        let unit = OfDomains { mail: Arc::clone(&mail) };
        let made = run.make(&mut plan, &unit).await?;
        if !made {
            break (observed, plan.obstacles);
        }
    };
    for one in observed.iter().filter(|one| one.keys.is_some_and(|keys| keys > 0)) {
        run.claimed.remember(run.service, &format!("{KEYS}{}", one.name), Some("active")).await?;
    }
    let records = records_of(run, &*mail, &observed, &wanted, stored_records).await?;
    let tenant_presence = presence(&tenant, run.grace(), now);
    let phase = match tenant_presence {
        Presence::Active => Phase::Ready,
        Presence::Suspended => Phase::Suspended,
        Presence::Absent => Phase::Removed,
    };
    let reason = if wanted.is_empty() { "NoVerifiedDomain" } else { "Ready" };
    let mut fine = vec![holds(DOMAINS_READY, reason, now)];
    if !wanted.is_empty() {
        fine.push(holds(KEYS_READY, "Ready", now));
    }
    let mut settled = Settled::new(phase, obstacles, fine, now);
    if settled.phase != phase && tenant_presence == Presence::Absent {
        settled.phase = Phase::Removing;
    }
    settled.next = removal(&tenant, run.grace()).filter(|_| tenant_presence == Presence::Suspended);
    settled.extra = Some(finish(tenant, wanted, records, settled.phase == Phase::Ready));
    Ok(settled)
}

/// Returns the stored domains with their ids, and those whose keys are there.
fn stored(run: &Run<'_>) -> (Vec<(String, String)>, BTreeSet<String>) {
    let ids = &run.claimed.state.external_ids;
    let stored = ids.iter().filter_map(|one| Some((one.object.strip_prefix("domain:")?.to_owned(), one.id.clone())));
    let keys = ids.iter().filter_map(|one| one.object.strip_prefix(KEYS).map(str::to_owned));
    (stored.collect(), keys.collect())
}

/// Reads the addresses of the tenant's mailboxes.
async fn addresses(run: &mut Run<'_>) -> Result<BTreeSet<String>, Stopped> {
    const PAGE: u32 = 200;
    let mut addresses = BTreeSet::new();
    let mut after = None;
    loop {
        run.claimed.keep(run.service).await?;
        let query = Query::new(&MAILBOXES)
            .sort(&MAILBOXES_OF_TENANT)
            .equal("tenantId", run.claimed.state.tenant_id.0)
            .after(after)
            .limit(PAGE);
        let mailboxes: Vec<Mailbox> = run.service.store().load_all(&run.context(), &query).await?;
        addresses.extend(mailboxes.iter().map(|mailbox| mailbox.address.clone()));
        let full = mailboxes.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        let Some(last) = mailboxes.last().filter(|_| full) else { return Ok(addresses) };
        after = Some(Position { values: vec![last.address.clone().into()], id: last.id.0 });
    }
}

/// A change of the stored records of a domain.
enum RecordChange {
    Insert(DomainRecords),
    Update { before: DomainRecords, after: DomainRecords },
    Delete(DomainRecords),
}

/// Reads the records that the owners of the domains publish. Returns the differences to the stored ones.
async fn records_of(
    run: &mut Run<'_>,
    mail: &dyn Mail,
    observed: &[ObservedDomain],
    wanted: &[DesiredDomain],
    stored: Vec<DomainRecords>,
) -> Result<Vec<RecordChange>, Stopped> {
    let mut changes = Vec::new();
    for one in observed.iter().filter(|one| one.ours) {
        let is_wanted = wanted.iter().any(|domain| domain.name == one.name && domain.presence == Presence::Active);
        let Some(domain) = one.domain.as_ref().filter(|_| is_wanted) else { continue };
        run.claimed.keep(run.service).await?;
        let records = mail.dns_records(&run.context(), domain).await?;
        let now = crate::work::time(run.service).await;
        match stored.iter().find(|stored| stored.name == one.name) {
            None => {
                let mut new = DomainRecords::new(run.claimed.state.tenant_id, &one.name, now);
                new.records = records::published(&records, &[]);
                changes.push(RecordChange::Insert(new));
            }
            Some(before) => {
                let mut after = before.clone();
                after.records = records::published(&records, &before.records);
                if after.records != before.records {
                    after.next_check_at = now;
                    after.advance(now);
                    changes.push(RecordChange::Update { before: before.clone(), after });
                }
            }
        }
    }
    let gone = stored.into_iter().filter(|stored| !wanted.iter().any(|domain| domain.name == stored.name));
    changes.extend(gone.map(RecordChange::Delete));
    Ok(changes)
}

/// Stores the records, and the first domain with the tenant.
fn finish(tenant: Tenant, wanted: Vec<DesiredDomain>, records: Vec<RecordChange>, ready: bool) -> Extra {
    Box::new(move |work: &mut UnitOfWork<'_>, _| {
        for change in &records {
            match change {
                RecordChange::Insert(records) => work.commit.insert(records)?,
                RecordChange::Update { before, after } => work.commit.update(after, before.version)?,
                RecordChange::Delete(records) => work.commit.delete(records),
            }
        }
        let first = wanted.first().map(|domain| &domain.name).filter(|_| ready);
        if first.is_none() || tenant.stalwart_domain.as_ref() == first {
            return Ok(());
        }
        let mut named = tenant.clone();
        named.stalwart_domain = first.cloned();
        let about = Subject { tenant: Some(tenant.id), user: None };
        work.update(PROVISIONED, "tenant", about, &tenant, &mut named).map(drop)
    })
}

/// The domains as a unit that changes are made in.
struct OfDomains {
    mail: Arc<dyn Mail>,
}

#[async_trait]
impl Unit<DomainChange> for OfDomains {
    fn name(&self, change: &DomainChange) -> String {
        format!("{}:{}", change.name(), change.domain())
    }

    async fn apply(&self, run: &mut Run<'_>, change: &DomainChange) -> Result<(), Stopped> {
        let id = domains::apply(&*self.mail, &run.context(), change).await?;
        run.claimed.remember(run.service, &external(change.domain()), id.as_deref()).await?;
        if id.is_none() {
            run.claimed.remember(run.service, &format!("{KEYS}{}", change.domain()), None).await?;
        }
        Ok(())
    }
}
