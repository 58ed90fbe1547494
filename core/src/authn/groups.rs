//! Reading of the groups claim: where an issuer puts it and what a token says with it. No I/O.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{issuer::IssuerSettings, token::ClaimSet};

/// Policy for the groups claim of an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupsClaim {
    /// Memberships and platform administrators follow the claim.
    Sync,
    /// The claim is treated as missing.
    Ignore,
}

/// Meaning of a token without a groups claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupsAbsent {
    /// No statement: earlier grants by the claim stay, so a client without the mapper revokes nothing.
    #[default]
    Keep,
    /// Membership in no group, for providers that omit an empty claim.
    None,
}

/// Names of the claims that are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimNames {
    /// Groups claim: a name, or a JSON pointer (RFC 6901) such as `/realm_access/roles`. Default: `groups`.
    pub groups: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self { groups: "groups".to_owned() }
    }
}

impl ClaimNames {
    /// Returns what is wrong with a name, if anything.
    pub(crate) fn fault(name: &str) -> Option<&'static str> {
        if name.is_empty() || name.len() > 255 || name.chars().any(char::is_control) {
            return Some("must be the name of a claim, or a JSON pointer such as `/realm_access/roles`");
        }
        let escapes = name.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        (name.starts_with('/') && !escapes).then_some("is no JSON pointer: write `~` as `~0` and `/` in a name as `~1`")
    }
}

/// Statement of a token about groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Groups {
    /// No statement.
    Unsaid,
    /// Membership in exactly these groups.
    Are(Vec<String>),
    /// A value that is neither a list of strings nor a string. It counts as no statement.
    Unreadable,
}

/// Reads the groups of a token by the rules of its issuer.
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
        // A string is one group: group names may contain commas and spaces.
        (Found::Value(Value::String(group)), _) if !group.trim().is_empty() => Groups::Are(vec![group.clone()]),
        (Found::Value(_) | Found::OutOfPlace, _) => Groups::Unreadable,
    }
}

/// Result of a claim lookup.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Found<'claims> {
    /// No value, or `null`.
    Nothing,
    /// A value.
    Value(&'claims Value),
    /// A value without members stands on the path.
    OutOfPlace,
}

/// Looks up a claim by name or by JSON pointer (RFC 6901).
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
