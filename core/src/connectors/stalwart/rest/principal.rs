//! Principals: domains, mailboxes and what else has a name. Paths have their names, and not their numbers.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{
    names,
    reading::{Texts, incompatible},
};
use crate::connectors::{ConnectorResult, Mailbox};

/// Permission without which nobody signs in. There is no other state of a mailbox.
const AUTHENTICATE: &str = "authenticate";

/// A principal. Its secrets are not read.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Principal {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) name: String,
    /// The first is the mailbox's own. Absent if there is none.
    #[serde(default)]
    pub(super) emails: Texts,
    #[serde(default)]
    quota: Option<Value>,
    #[serde(default)]
    disabled_permissions: Texts,
    /// For a domain the number of addresses in it.
    #[serde(default)]
    pub(super) members: Option<Value>,
}

/// Fields of a mailbox, as lists are asked for them.
pub(super) const FIELDS: &str = "type,name,emails,quota,disabledPermissions";

impl Principal {
    /// Returns `true` for a mailbox whose own address is in a domain.
    pub(super) fn is_mailbox_of(&self, domain: &str) -> bool {
        self.kind == "individual" && self.address().is_some_and(|(_, its)| its == domain)
    }

    pub(super) fn address(&self) -> Option<(&str, &str)> {
        self.emails.0.first().and_then(|address| names::split(address))
    }

    /// Returns the mailbox, if the principal is one and has an address.
    pub(super) fn into_mailbox(self) -> ConnectorResult<Option<Mailbox>> {
        let Some((local_part, domain)) = self.address() else { return Ok(None) };
        if self.kind != "individual" {
            return Ok(None);
        }
        let of_domain = self.emails.0.iter().skip(1).filter_map(|address| names::split(address));
        let mut aliases: Vec<String> =
            of_domain.filter(|(_, its)| *its == domain).map(|(local_part, _)| local_part.to_owned()).collect();
        aliases.sort();
        aliases.dedup();
        let quota = match &self.quota {
            None | Some(Value::Null) => None,
            Some(quota) => Some(quota.as_u64().ok_or_else(|| incompatible("`quota` is no number of bytes"))?),
        };
        Ok(Some(Mailbox {
            id: names::id_of(&self.name),
            local_part: local_part.to_owned(),
            domain: names::id_of(domain),
            aliases,
            // 0 is no bound.
            quota: quota.filter(|quota| *quota > 0),
            enabled: !self.disabled_permissions.0.iter().any(|permission| permission == AUTHENTICATE),
        }))
    }
}

/// Returns a change of a principal.
pub(super) fn change(action: &str, field: &str, value: impl Into<Value>) -> Value {
    json!({ "action": action, "field": field, "value": value.into() })
}

/// Returns the change after which one may sign in, or not.
pub(super) fn sign_in(enabled: bool) -> Value {
    change(if enabled { "removeItem" } else { "addItem" }, "disabledPermissions", AUTHENTICATE)
}
