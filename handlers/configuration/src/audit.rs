//! Settings of the audit trail.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use dezky::{Result, authz::policy::POLICY, domain::trail::kind_of, work::notices};

use super::{settings, sources::Sources};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);
/// Default retention of personal values beside the audit trail, in days.
const DETAILS_DAYS: u32 = 365;
/// Maximum retention in days.
const MOST_DAYS: u32 = 36_500;
/// Default time between two copies of heads, in minutes.
const HEADS_MINUTES: u32 = 60;
/// Maximum time between two copies of heads: a day.
const MOST_MINUTES: u32 = 1_440;
/// The kind of events that the chain itself consists of.
const OF_CHAIN: &str = "audit";

/// The file to which the ends of chains are written, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHeads {
    /// The file, which only grows.
    pub file: PathBuf,
    /// Time between two copies.
    pub interval: Duration,
}

/// Reads the retention of personal values beside the audit trail; `None` keeps them for ever.
pub(super) fn details(sources: &Sources) -> Result<Option<Duration>> {
    let Some(found) = sources.find(&settings::AUDIT_DETAILS_DAYS)? else { return Ok(Some(DAY * DETAILS_DAYS)) };
    if found.text == "off" {
        return Ok(None);
    }
    match found.text.parse::<u32>() {
        Ok(days) if (1..=MOST_DAYS).contains(&days) => Ok(Some(DAY * days)),
        _ => Err(found.refuse(format!(
            "`{}` must be 1 to {MOST_DAYS} days, or `off` to keep them for ever",
            found.text.escape_debug()
        ))),
    }
}

/// Reads the retention of audit events by kind. Default: all are kept.
pub(super) fn retention(sources: &Sources) -> Result<BTreeMap<String, Duration>> {
    let Some(found) = sources.find(&settings::AUDIT_RETENTION)? else { return Ok(BTreeMap::new()) };
    let kinds: BTreeSet<&str> = POLICY
        .iter()
        .map(|rule| rule.name)
        .chain([notices::SEND])
        .map(kind_of)
        .filter(|kind| *kind != OF_CHAIN)
        .collect();
    let mut all = BTreeMap::new();
    for part in found.text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (kind, days) = part.split_once('=').unwrap_or((part, ""));
        let (kind, days) = (kind.trim(), days.trim());
        if kind == OF_CHAIN {
            let message = "events of the kind `audit` say what may be missing from the trail, and stay: leave it out";
            return Err(found.refuse(message));
        }
        if !kinds.contains(kind) {
            let known = kinds.into_iter().collect::<Vec<_>>().join("`, `");
            return Err(found.refuse(format!(
                "there is no kind of audit event `{}`: use some of `{known}`, such as `workspace=400`",
                kind.escape_debug()
            )));
        }
        match days.parse::<u32>() {
            Ok(days) if (1..=MOST_DAYS).contains(&days) => _ = all.insert(kind.to_owned(), DAY * days),
            _ => {
                let part = part.escape_debug();
                return Err(found.refuse(format!("`{part}` must be a kind and 1 to {MOST_DAYS} days, as `{kind}=400`")));
            }
        }
    }
    Ok(all)
}

/// Reads where the ends of chains are copied to. Default: nowhere.
pub(super) fn heads(sources: &Sources) -> Result<Option<AuditHeads>> {
    let interval = match sources.find(&settings::AUDIT_HEADS_MINUTES)? {
        None => MINUTE * HEADS_MINUTES,
        Some(found) => match found.text.parse::<u32>() {
            Ok(minutes) if (1..=MOST_MINUTES).contains(&minutes) => MINUTE * minutes,
            _ => {
                let text = found.text.escape_debug();
                return Err(found.refuse(format!("`{text}` must be 1 to {MOST_MINUTES} minutes")));
            }
        },
    };
    let Some(found) = sources.find(&settings::AUDIT_HEADS_FILE)? else { return Ok(None) };
    match found.text.trim() {
        "" => Err(found.refuse("names no file: write a path such as `/var/lib/dezky-heads/heads.jsonl`")),
        path => Ok(Some(AuditHeads { file: PathBuf::from(path), interval })),
    }
}
