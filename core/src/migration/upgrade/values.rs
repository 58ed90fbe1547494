//! Unknown values: names that the replaced service or its customer used and this service does not know.
//!
//! They are kept. A mapping is proposed for each, and applied where the operator says so.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use crate::domain::{
    Choice, Problem, SubscriptionStatus, TenantStatus, UserRole, UserStatus,
    fields::{choice, identifier},
};

/// Maximum number of distinct values reported individually; more are only counted.
const KEPT: usize = 1_000;

/// A field in which the replaced service may have unknown values.
#[derive(Debug)]
pub(super) struct OpenField {
    /// Name of the collection.
    collection: &'static str,
    /// Name of the field.
    pub(super) field: &'static str,
    /// Known value that an unknown one counts as; `None` where the field decides nothing.
    counts_as: Option<&'static str>,
    /// Check that the API would accept a value.
    check: fn(&Json) -> Result<(), Problem>,
    /// Guess of a value's most likely meaning.
    propose: fn(&str) -> String,
}

/// All such fields.
static OPEN_FIELDS: &[OpenField] = &[
    OpenField {
        collection: "tenants",
        field: "status",
        counts_as: Some("suspended"),
        check: |value| choice::<TenantStatus>(value).map(drop),
        propose: proposed::<TenantStatus>,
    },
    OpenField { collection: "tenants", field: "plan", counts_as: None, check: plan, propose: proposed_plan },
    OpenField {
        collection: "users",
        field: "status",
        counts_as: Some("disabled"),
        check: |value| choice::<UserStatus>(value).map(drop),
        propose: proposed::<UserStatus>,
    },
    OpenField {
        collection: "users",
        field: "role",
        counts_as: None,
        check: |value| choice::<UserRole>(value).map(drop),
        propose: proposed::<UserRole>,
    },
    OpenField {
        collection: "subscriptions",
        field: "status",
        counts_as: Some("suspended"),
        check: |value| choice::<SubscriptionStatus>(value).map(drop),
        propose: proposed::<SubscriptionStatus>,
    },
    OpenField { collection: "subscriptions", field: "plan", counts_as: None, check: plan, propose: proposed_plan },
];

fn plan(value: &Json) -> Result<(), Problem> {
    identifier(value).map(drop)
}

/// Synonyms of our names, for all fields. The first one that is a name of the field counts.
const SAID_FOR: &[(&str, &[&str])] = &[
    ("active", &["enabled", "live", "ok", "confirmed", "verified", "running", "aktiv", "true"]),
    ("pending", &["new", "created", "provisioning", "setup", "draft"]),
    (
        "cancelled",
        &["canceled", "ended", "expired", "terminated", "incomplete_expired", "closed", "inactive", "deleted"],
    ),
    ("deleted", &["archived", "removed", "closed", "terminated", "cancelled", "canceled"]),
    ("trialing", &["trial", "trialling", "demo"]),
    ("past_due", &["overdue", "unpaid", "late"]),
    ("incomplete", &["pending", "new"]),
    ("paused", &["on_hold", "pause"]),
    ("admin", &["administrator", "superadmin", "super_admin", "root"]),
    ("support", &["helpdesk", "agent", "staff"]),
];

/// Guesses the most likely name: another spelling, a synonym, or the name it counts as.
fn proposed<T: Choice>(value: &str) -> String {
    let plain = value.trim().to_lowercase().replace([' ', '-'], "_");
    let said = || {
        let ours = SAID_FOR.iter().filter(|(_, others)| others.contains(&plain.as_str()));
        ours.filter_map(|(name, _)| T::of(name)).next()
    };
    T::of(&plain).or_else(said).unwrap_or(T::UNKNOWN).name().to_owned()
}

/// Normalizes a plan name to an identifier.
fn proposed_plan(value: &str) -> String {
    let parts = value.split(|character: char| !(character.is_ascii_alphanumeric() || matches!(character, '_' | '.')));
    let plain: String = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-").to_lowercase();
    if plain.is_empty() { "starter".to_owned() } else { plain.chars().take(64).collect() }
}

/// Operator's mapping of a stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    collection: &'static str,
    field: &'static str,
    from: String,
    to: String,
}

impl Mapping {
    /// Parses `COLLECTION.FIELD.VALUE=OURS`, such as `users.role.member=user`.
    ///
    /// # Errors
    /// A text that says what is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let form =
            || format!("`{text}` is no mapping: write COLLECTION.FIELD.VALUE=OURS, such as users.role.member=user");
        let (path, to) = text.rsplit_once('=').ok_or_else(form)?;
        let mut parts = path.splitn(3, '.');
        let (Some(collection), Some(field), Some(from)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(form());
        };
        let known = OPEN_FIELDS.iter().find(|open| open.collection == collection && open.field == field);
        let Some(open) = known else {
            let names: Vec<String> =
                OPEN_FIELDS.iter().map(|open| format!("`{}.{}`", open.collection, open.field)).collect();
            return Err(format!("`{text}`: only values of {} can be mapped", names.join(", ")));
        };
        (open.check)(&to.into()).map_err(|problem| format!("`{text}`: `{to}` {}", problem.message))?;
        Ok(Self { collection: open.collection, field: open.field, from: from.to_owned(), to: to.to_owned() })
    }
}

/// An unknown value and its treatment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ForeignValue {
    /// Name of the collection.
    pub collection: &'static str,
    /// Name of the field.
    pub field: &'static str,
    /// The stored value.
    pub value: String,
    /// Number of documents with the value.
    pub documents: u64,
    /// Known value that it counts as in decisions; absent where the field decides nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts_as: Option<&'static str>,
    /// New value by an applied mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapped_to: Option<String>,
    /// Proposed mapping for `--map`; absent where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposed: Option<String>,
}

/// Counter of the values found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally(BTreeMap<(&'static str, &'static str, String), ForeignValue>);

impl Tally {
    /// Values of all documents, including mappings that matched none.
    pub(super) fn new(mappings: &[Mapping]) -> Self {
        let mut tally = Self::default();
        for mapping in mappings {
            let open =
                OPEN_FIELDS.iter().find(|open| open.collection == mapping.collection && open.field == mapping.field);
            if let Some(open) = open {
                tally.entry(open, &mapping.from, Some(&mapping.to));
            }
        }
        tally
    }

    fn entry(&mut self, open: &OpenField, value: &str, mapped_to: Option<&str>) -> Option<&mut ForeignValue> {
        let key = (open.collection, open.field, value.to_owned());
        if self.0.len() >= KEPT && !self.0.contains_key(&key) {
            return None;
        }
        Some(self.0.entry(key).or_insert_with(|| {
            ForeignValue {
                collection: open.collection,
                field: open.field,
                value: value.to_owned(),
                documents: 0,
                counts_as: open.counts_as,
                mapped_to: mapped_to.map(str::to_owned),
                proposed: mapped_to
                    .is_none()
                    .then(|| format!("{}.{}.{value}={}", open.collection, open.field, (open.propose)(value))),
            }
        }))
    }

    /// Counts a value of a document.
    pub(super) fn count(&mut self, found: &Found) {
        if let Some(entry) = self.entry(found.open, &found.value, found.mapped_to.as_deref()) {
            entry.documents = entry.documents.saturating_add(1);
        }
    }

    /// Returns all values, by collection and field.
    pub(super) fn finish(&self) -> Vec<ForeignValue> {
        self.0.values().cloned().collect()
    }
}

/// An unknown value of a document.
#[derive(Debug)]
pub(super) struct Found {
    open: &'static OpenField,
    value: String,
    /// New value by an applied mapping.
    pub(super) mapped_to: Option<String>,
}

impl Found {
    /// Name of the field.
    pub(super) fn field(&self) -> &'static str {
        self.open.field
    }
}

/// Returns the unknown or mapped values of a stored document.
pub(super) fn found(collection: &str, members: &serde_json::Map<String, Json>, mappings: &[Mapping]) -> Vec<Found> {
    let fields = OPEN_FIELDS.iter().filter(|open| open.collection == collection);
    let found = fields.filter_map(|open| {
        let value = members.get(open.field)?;
        let text = value.as_str()?;
        let mapping = mappings
            .iter()
            .find(|mapping| mapping.collection == collection && mapping.field == open.field && mapping.from == text);
        if mapping.is_none() && (open.check)(value).is_ok() {
            return None;
        }
        // An absent value belongs to a field that was never set.
        if mapping.is_none() && text.is_empty() && open.counts_as.is_none() {
            return None;
        }
        Some(Found { open, value: text.to_owned(), mapped_to: mapping.map(|mapping| mapping.to.clone()) })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn mappings_name_a_field_a_value_and_one_of_ours() {
        let mapping = Mapping::read("users.role.team.lead=x=user").unwrap();
        assert_eq!((mapping.from.as_str(), mapping.to.as_str()), ("team.lead=x", "user"));
        for wrong in ["users.role=user", "users.role.member", "users.name.x=user", "users.role.member=king", ""] {
            assert!(Mapping::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_proposed_is_always_one_of_ours() {
        type Propose = fn(&str) -> String;
        let proposals: [(Propose, &str, &str); 9] = [
            (proposed::<SubscriptionStatus>, "canceled", "cancelled"),
            (proposed::<SubscriptionStatus>, "Past Due", "past_due"),
            (proposed::<SubscriptionStatus>, "weird", "suspended"),
            (proposed::<TenantStatus>, "ACTIVE", "active"),
            (proposed::<TenantStatus>, "archived", "deleted"),
            (proposed::<TenantStatus>, "frozen", "suspended"),
            (proposed::<UserStatus>, "locked", "disabled"),
            (proposed::<UserRole>, "member", "user"),
            (proposed_plan, "Gold Plan (2024)", "gold-plan-2024"),
        ];
        for (propose, value, expected) in proposals {
            assert_eq!(propose(value), expected, "{value}");
        }
        for open in OPEN_FIELDS {
            let counts_as = open.counts_as.map(Json::from);
            assert!(counts_as.is_none_or(|counts_as| (open.check)(&counts_as).is_ok()));
        }
    }
}
