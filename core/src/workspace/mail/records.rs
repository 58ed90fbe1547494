//! The DNS records of a mail domain that its owner publishes.

use crate::{connectors::DnsRecord, domain::workspace::PublishedRecord};

/// Types without which mail is not delivered, or is taken for forged.
const REQUIRED: &[&str] = &["MX", "TXT"];

/// Converts the records that the mail system asks for, in the order in which people publish them.
///
/// What was seen of a record before is kept while its value is the same.
#[must_use]
pub fn published(wanted: &[DnsRecord], before: &[PublishedRecord]) -> Vec<PublishedRecord> {
    let mut records: Vec<PublishedRecord> = wanted
        .iter()
        .map(|record| {
            let same = |one: &&PublishedRecord| {
                one.kind == record.kind && one.name == record.name && one.value == record.value
            };
            let known = before.iter().find(same);
            PublishedRecord {
                kind: record.kind.clone(),
                name: record.name.clone(),
                value: record.value.clone(),
                required: is_required(record),
                seen: known.and_then(|known| known.seen),
                advice: known.and_then(|known| known.advice.clone()),
            }
        })
        .collect();
    records.sort_by(|one, other| {
        (!one.required, &one.kind, &one.name, &one.value).cmp(&(
            !other.required,
            &other.kind,
            &other.name,
            &other.value,
        ))
    });
    records.dedup();
    records
}

/// Returns `true` for the records of delivery, of keys, and of senders; policies and discovery are advice.
fn is_required(record: &DnsRecord) -> bool {
    let label = record.name.split('.').next().unwrap_or_default();
    let is_policy =
        label == "_dmarc" || label.starts_with("_mta-sts") || label.starts_with("_smtp") || label == "ua-auto-config";
    REQUIRED.contains(&record.kind.as_str()) && !is_policy
}
