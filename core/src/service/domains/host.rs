//! A tenant's own host name for its launcher: its way to the platform, as DNS has it.

use std::collections::BTreeSet;

use super::{PublicRecords, Told};
use crate::domain::tenant_domain::{HostSighting, Sighting, SightingOutcome, Verdict};

/// Asks for the CNAME record of a host, and if that is not the target, for the addresses of both.
pub(super) async fn look(records: &dyn PublicRecords, host: &str, target: &str) -> HostSighting {
    let sightings = by_name(records, host, target).await;
    let sightings = match Verdict::of(&sightings) {
        Verdict::Missing => by_address(records, host, target).await,
        _ => sightings,
    };
    let leads_here = Verdict::of(&sightings) == Verdict::Proven;
    HostSighting { name: host.to_owned(), target: target.to_owned(), leads_here, sightings }
}

async fn by_name(records: &dyn PublicRecords, host: &str, target: &str) -> Vec<Sighting> {
    let is_target = |value: &String| value.trim_end_matches('.').eq_ignore_ascii_case(target);
    let compare = |(server, told)| {
        let (outcome, detail) = match told {
            Told::Values(values) if values.iter().any(is_target) => (SightingOutcome::Seen, None),
            Told::Values(values) => match values.into_iter().next() {
                Some(other) => (SightingOutcome::Other, Some(other)),
                None => (SightingOutcome::Absent, None),
            },
            told => failed(told),
        };
        Sighting { server, outcome, detail }
    };
    records.ask("CNAME", host).await.into_iter().map(compare).collect()
}

/// Compares addresses: a host at the top of a zone has no CNAME record.
async fn by_address(records: &dyn PublicRecords, host: &str, target: &str) -> Vec<Sighting> {
    let mut ours = BTreeSet::new();
    for kind in ["A", "AAAA"] {
        for (_, told) in records.ask(kind, target).await {
            if let Told::Values(values) = told {
                ours.extend(values);
            }
        }
    }
    let (v4, v6) = (records.ask("A", host).await, records.ask("AAAA", host).await);
    let answers = v4.into_iter().zip(v6);
    let compare = |((server, v4), (_, v6))| {
        let (outcome, detail) = match (v4, v6) {
            (Told::Values(mut values), Told::Values(more)) => {
                values.extend(more);
                match values.iter().find(|value| !ours.contains(*value)) {
                    None if values.is_empty() => (SightingOutcome::Absent, None),
                    None => (SightingOutcome::Seen, None),
                    Some(other) => (SightingOutcome::Other, Some(other.clone())),
                }
            }
            (Told::Values(_), told) | (told, _) => failed(told),
        };
        Sighting { server, outcome, detail }
    };
    answers.map(compare).collect()
}

/// Returns the outcome of an answer without values.
pub(super) fn failed(told: Told) -> (SightingOutcome, Option<String>) {
    match told {
        Told::Values(_) => (SightingOutcome::Absent, None),
        Told::Nothing(why) => (SightingOutcome::Unanswered, Some(why)),
        Told::Bogus(why) => (SightingOutcome::Bogus, Some(why)),
    }
}
