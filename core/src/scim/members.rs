//! Changes of the members of a group.
//!
//! They are kept apart from those of its other attributes, so that a change of one member costs the same in a group of ten and
//! of ten thousand.

use std::{collections::BTreeSet, str::FromStr as _};

use scim_v2::filter::{AttrExp, CompValue, CompareOp, ValFilter};
use serde_json::Value;

use super::{invalid_value, quoted, schema::MOST_MEMBERS};
use crate::{
    domain::UserId,
    error::{Code, Error, Result},
};

/// A change of the members of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberChange {
    /// The members that it has in the place of those that it has now; those without it.
    pub exactly: Option<BTreeSet<UserId>>,
    /// Members that are added.
    pub added: BTreeSet<UserId>,
    /// Members that are removed.
    pub removed: BTreeSet<UserId>,
}

impl MemberChange {
    /// Replaces all members.
    #[must_use]
    pub fn to(members: BTreeSet<UserId>) -> Self {
        Self { exactly: Some(members), ..Self::default() }
    }

    /// Returns `true` if nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn add(&mut self, members: BTreeSet<UserId>) {
        match &mut self.exactly {
            Some(exactly) => exactly.extend(members),
            None => {
                self.removed.retain(|one| !members.contains(one));
                self.added.extend(members);
            }
        }
    }

    pub(super) fn remove(&mut self, members: BTreeSet<UserId>) {
        match &mut self.exactly {
            Some(exactly) => exactly.retain(|one| !members.contains(one)),
            None => {
                self.added.retain(|one| !members.contains(one));
                self.removed.extend(members);
            }
        }
    }
}

/// Reads a list of members: each an object with the id of a person as `value`.
///
/// # Errors
/// `scim_invalid_value` for a member that is no person.
pub fn read(value: &Value) -> Result<BTreeSet<UserId>> {
    let values = match value {
        Value::Null => return Ok(BTreeSet::new()),
        Value::Array(values) => values.as_slice(),
        single => std::slice::from_ref(single),
    };
    if values.len() > MOST_MEMBERS {
        return Err(invalid_value(format!("`members` has more than {MOST_MEMBERS} values: send less at once")));
    }
    // `null` is nothing (RFC 7643 §2.5), in a list as elsewhere.
    values.iter().filter(|value| !value.is_null()).map(member).collect()
}

fn member(value: &Value) -> Result<UserId> {
    let of_type = value.get("type").and_then(Value::as_str).unwrap_or("User");
    if !of_type.eq_ignore_ascii_case("User") {
        return Err(invalid_value(
            "groups have people as members, and no groups: push the people of a group within a group",
        ));
    }
    match value.get("value").or(Some(value)).and_then(Value::as_str) {
        Some(id) => person(id),
        None => Err(invalid_value("each of `members` must be an object with the id of a person as `value`")),
    }
}

fn person(id: &str) -> Result<UserId> {
    UserId::from_str(id).map_err(|_| invalid_value(format!("there is no person `{}` in this directory", quoted(id))))
}

/// Returns the members that a filter in brackets names: `value eq "ID"`, or several of them with `or`.
///
/// # Errors
/// `scim_invalid_filter` for another filter.
pub(super) fn named(filter: &ValFilter) -> Result<BTreeSet<UserId>> {
    match filter {
        ValFilter::Attr(AttrExp::Comparison(path, CompareOp::Eq, CompValue::Str(id)))
            if path.name.eq_ignore_ascii_case("value") =>
        {
            Ok(BTreeSet::from_iter(UserId::from_str(id)))
        }
        ValFilter::Or(all) => {
            all.iter().map(named).collect::<Result<Vec<_>>>().map(|all| all.into_iter().flatten().collect())
        }
        _ => {
            let message = "members are named by their ids: `members[value eq \"ID\"]`";
            Err(Error::new(Code::SCIM_INVALID_FILTER, message))
        }
    }
}
