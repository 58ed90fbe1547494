//! Runs over the tenant's mail domains.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use async_trait::async_trait;

use super::{Extra, MOST_LOOKS, Owner, PROVISIONED, Run, Settled, Unit, mark, not_configured};
use crate::{
    clock::Timestamp,
    connectors::{ConnectorError, Mail},
    domain::{
        DomainRecords, Mailbox, Tenant, TenantId, Versioned as _,
        mailbox::{MAILBOXES, MAILBOXES_OF_TENANT},
        workspace::{DOMAIN_RECORDS, Phase, RECORDS_OF_TENANT, SystemKind},
    },
    service::unit_of_work::{Subject, UnitOfWork},
    store::{Position, Query, Repository},
    workspace::{
        claim::{Stopped, call},
        desired::{DesiredDomain, DesiredMailbox, Facts, Presence, Workspace, desired, presence, removal},
        mail::{
            domains::{self, DOMAINS_READY, DomainChange, KEYS_READY, ObservedDomain, external},
            mailbox, records,
        },
        mark::Part,
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
    let mailboxes = mailboxes(run).await?;
    let now = crate::work::time(run.service).await;
    let facts = Facts { tenant: &tenant, subscription: subscription.as_ref(), members: &[], mailboxes: &mailboxes };
    let Workspace { domains: wanted, mailboxes: wanted_mailboxes, .. } = desired(facts, run.settings, run.grace(), now);
    let addresses: BTreeSet<String> = mailboxes.iter().map(|mailbox| mailbox.address.clone()).collect();
    let mut looks = 0;
    let (observed, obstacles) = loop {
        run.claimed.keep(run.service).await?;
        let (stored, keys) = stored(run);
        let observed = domains::observe(&*mail, &run.context(), &wanted, &stored, &keys).await?;
        let mut plan = domains::plan(&wanted, &observed, &addresses);
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
    let records = records_of(tenant.id, &observed, &wanted, stored_records, crate::work::time(run.service).await);
    // Each mailbox has a state of its own, which a dry run compares.
    if !run.claimed.is_dry() {
        let parts = differing(&mailboxes, &wanted_mailboxes, &observed);
        mark::look_again(run.service, &call(), tenant.id, &parts).await?;
    }
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

/// Reads the tenant's mailboxes.
async fn mailboxes(run: &mut Run<'_>) -> Result<Vec<Mailbox>, Stopped> {
    const PAGE: u32 = 200;
    let mut mailboxes = Vec::new();
    let mut after = None;
    loop {
        run.claimed.keep(run.service).await?;
        let query = Query::new(&MAILBOXES)
            .sort(&MAILBOXES_OF_TENANT)
            .equal("tenantId", run.claimed.state.tenant_id.0)
            .after(after)
            .limit(PAGE);
        let page: Vec<Mailbox> = run.service.store().load_all(&run.context(), &query).await?;
        let full = page.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        after = page.last().map(|last| Position { values: vec![last.address.clone().into()], id: last.id.0 });
        mailboxes.extend(page);
        if !full {
            return Ok(mailboxes);
        }
    }
}

/// Returns the mailboxes that are not as desired in the mail system. Each is looked at by itself, at once.
fn differing(mailboxes: &[Mailbox], wanted: &[DesiredMailbox], observed: &[ObservedDomain]) -> Vec<Part> {
    let mut differing = Vec::new();
    for domain in observed {
        let Some(listed) = &domain.listed else { continue };
        let listed: HashMap<&str, &_> = listed.iter().map(|one| (one.local_part.as_str(), one)).collect();
        let of_domain = mailboxes.iter().zip(wanted).filter(|(_, wanted)| wanted.domain == domain.name);
        let differs = |wanted: &DesiredMailbox| {
            !mailbox::plan(wanted, listed.get(wanted.local_part.as_str()).copied()).changes.is_empty()
        };
        let parts = of_domain.filter(|(_, wanted)| differs(wanted)).map(|(one, _)| (SystemKind::Mail, Some(one.id.0)));
        differing.extend(parts);
    }
    differing
}

/// A change of the stored records of a domain.
enum RecordChange {
    Insert(DomainRecords),
    Update { before: DomainRecords, after: DomainRecords },
    Delete(DomainRecords),
}

/// Returns the differences of the records that the owners of the domains publish to the stored ones.
fn records_of(
    tenant: TenantId,
    observed: &[ObservedDomain],
    wanted: &[DesiredDomain],
    stored: Vec<DomainRecords>,
    now: Timestamp,
) -> Vec<RecordChange> {
    let mut changes = Vec::new();
    for one in observed.iter().filter(|one| one.ours) {
        let is_wanted = wanted.iter().any(|domain| domain.name == one.name && domain.presence == Presence::Active);
        if !is_wanted {
            continue;
        }
        match stored.iter().find(|stored| stored.name == one.name) {
            None => {
                let mut new = DomainRecords::new(tenant, &one.name, now);
                new.records = records::published(&one.records, &[]);
                changes.push(RecordChange::Insert(new));
            }
            Some(before) => {
                let mut after = before.clone();
                after.records = records::published(&one.records, &before.records);
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
    changes
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
