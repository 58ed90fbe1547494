//! The claim that names the groups of a person: what it is called, and what a token says by it. No I/O.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{issuer::IssuerSettings, token::ClaimSet};

/// Whether the claim of groups of an issuer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupsClaim {
    /// Memberships and administrators of the platform follow it.
    Sync,
    /// It is as if it were missing.
    Ignore,
}

/// What a token says that has no claim of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupsAbsent {
    /// Nothing: what the claim has given before stays. A client that lacks the mapper takes nothing away.
    #[default]
    Keep,
    /// That the person is in no group. For providers that leave an empty claim out.
    None,
}

/// What an issuer calls the claims that are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimNames {
    /// The claim of groups: its name, or a JSON pointer (RFC 6901) such as `/realm_access/roles`. Default: `groups`.
    pub groups: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self { groups: "groups".to_owned() }
    }
}

impl ClaimNames {
    /// What is wrong with a name, if anything is.
    pub(crate) fn fault(name: &str) -> Option<&'static str> {
        if name.is_empty() || name.len() > 255 || name.chars().any(char::is_control) {
            return Some("must be the name of a claim, or a JSON pointer such as `/realm_access/roles`");
        }
        let escapes = name.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        (name.starts_with('/') && !escapes).then_some("is no JSON pointer: write `~` as `~0` and `/` in a name as `~1`")
    }
}

/// What a token says about groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Groups {
    /// Nothing.
    Unsaid,
    /// The person is in these and in no other.
    Are(Vec<String>),
    /// Something that is neither a list of texts nor one text, which says nothing.
    Unreadable,
}

/// What a token of this issuer says about groups.
pub(crate) fn read(settings: &IssuerSettings, claims: &ClaimSet) -> Groups {
    if settings.groups_claim() == GroupsClaim::Ignore {
        return Groups::Unsaid;
    }
    match (claims.find(&settings.claims.groups), settings.groups_absent) {
        (Found::Nothing, GroupsAbsent::Keep) => Groups::Unsaid,
        (Found::Nothing, GroupsAbsent::None) => Groups::Are(Vec::new()),
        (Found::Value(Value::Array(items)), _) => {
            let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            texts.map_or(Groups::Unreadable, Groups::Are)
        }
        // One text is one group: names of groups hold commas and spaces.
        (Found::Value(Value::String(group)), _) if !group.trim().is_empty() => Groups::Are(vec![group.clone()]),
        (Found::Value(_) | Found::OutOfPlace, _) => Groups::Unreadable,
    }
}

/// What stands at a place among claims.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Found<'claims> {
    /// Nothing, or `null`.
    Nothing,
    /// This.
    Value(&'claims Value),
    /// On the way there is something that has no members.
    OutOfPlace,
}

/// Finds what a name, or a JSON pointer (RFC 6901), names among claims.
pub(crate) fn find<'claims>(claims: &'claims Map<String, Value>, name: &str) -> Found<'claims> {
    let whole = |found: Option<&'claims Value>| match found {
        None | Some(Value::Null) => Found::Nothing,
        Some(value) => Found::Value(value),
    };
    let Some(pointer) = name.strip_prefix('/') else { return whole(claims.get(name)) };
    let mut steps = pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
    let mut at = whole(steps.next().and_then(|step| claims.get(&step)));
    for step in steps {
        at = match at {
            Found::Value(Value::Object(members)) => whole(members.get(&step)),
            Found::Value(Value::Array(items)) => whole(step.parse::<usize>().ok().and_then(|index| items.get(index))),
            Found::Value(_) => return Found::OutOfPlace,
            Found::Nothing | Found::OutOfPlace => return at,
        };
    }
    at
}
