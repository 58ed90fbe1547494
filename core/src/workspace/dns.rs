//! Checks of the DNS records of mail domains: on request, and once a day.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt as _, stream};

use super::{claim::call, mail::check, schedule};
use crate::{
    clock::Timestamp,
    connectors::{ConnectorResult, Dns},
    domain::{
        DomainRecords, Versioned as _,
        workspace::{DOMAIN_RECORDS, RECORDS_BY_DUE},
    },
    error::{Error, Result},
    service::Service,
    store::{Commit, Filter, Query, Repository, Value},
    work::is_overtaken,
};

/// Number of domains checked in one step.
const BATCH: u32 = 16;

/// Number of questions at a time.
const AT_A_TIME: usize = 8;

/// Time to the next check of a domain whose records are all there.
const DAILY: Duration = Duration::from_secs(24 * 60 * 60);

/// Time to the next check while required records are missing.
const WHILE_MISSING: Duration = Duration::from_secs(60 * 60);

fn by_due() -> Query {
    Query::new(&DOMAIN_RECORDS).sort(&RECORDS_BY_DUE)
}

/// Returns the time of the next check.
pub(super) async fn next_due(service: &Service) -> Result<Option<Timestamp>> {
    let first: Vec<DomainRecords> = service.store().load_all(&call().context, &by_due().limit(1)).await?;
    Ok(first.first().map(|records| records.next_check_at))
}

/// Checks the domains that are due. Returns their number.
///
/// Several workers may check one at the same time; the first to store the result counts.
pub(super) async fn check_due(service: &Service, dns: &dyn Dns) -> Result<usize> {
    let now = crate::work::time(service).await;
    let until = Value::Time(now.plus(Duration::from_millis(1)));
    let due = Filter::Range { field: "nextCheckAt", from: None, until: Some(until) };
    let records: Vec<DomainRecords> =
        service.store().load_all(&call().context, &by_due().filter(due).limit(BATCH)).await?;
    for before in &records {
        let found = look_up(dns, before).await;
        let now = crate::work::time(service).await;
        let mut after = before.clone();
        let wait = apply(&mut after, found, now);
        after.next_check_at = now.plus(schedule::jittered(wait, schedule::random_fraction()));
        after.advance(now);
        let mut commit = Commit::new();
        commit.update(&after, before.version)?;
        match service.store().commit(&call().context, &commit).await {
            Err(error) if !is_overtaken(&error) => return Err(Error::from(error)),
            _ => {}
        }
    }
    Ok(records.len())
}

type Found = BTreeMap<(String, String), ConnectorResult<Vec<String>>>;

/// Asks once about each name and type.
async fn look_up(dns: &dyn Dns, records: &DomainRecords) -> Found {
    let mut questions: Vec<(String, String)> =
        records.records.iter().map(|record| (record.kind.clone(), record.name.clone())).collect();
    questions.sort();
    questions.dedup();
    let asked = questions.into_iter().map(|(kind, name)| async move {
        let found = dns.lookup(&kind, &name).await;
        ((kind, name), found)
    });
    stream::iter(asked).buffer_unordered(AT_A_TIME).collect().await
}

/// Notes what was found. Returns the time to the next check.
fn apply(records: &mut DomainRecords, found: Found, now: Timestamp) -> Duration {
    let mut failure = None;
    for record in &mut records.records {
        match found.get(&(record.kind.clone(), record.name.clone())) {
            Some(Ok(values)) => check::compare(record, values),
            // What was seen before is not unseen because DNS does not answer.
            Some(Err(error)) => failure = Some(error.to_string()),
            None => {}
        }
    }
    records.last_error = failure;
    if records.last_error.is_none() {
        records.checked_at = Some(now);
    }
    let missing = records.records.iter().any(|record| record.required && record.seen != Some(true));
    if missing || records.last_error.is_some() { WHILE_MISSING } else { DAILY }
}
