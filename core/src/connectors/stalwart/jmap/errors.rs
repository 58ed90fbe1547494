//! Errors of methods and of single objects, as the registry answers them.

use serde::Deserialize;
use serde_json::Value;

use super::super::reading::{incompatible, quote};
use crate::connectors::ConnectorError;

#[derive(Deserialize)]
struct MethodError {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    description: Option<String>,
}

/// Returns the error of a call as a whole (RFC 8620 §3.6.2).
pub(super) fn method_error(method: &str, value: Value) -> ConnectorError {
    let Ok(error) = serde_json::from_value::<MethodError>(value) else {
        return incompatible(&format!("`{method}` fails without a reason"));
    };
    let reason = match &error.description {
        Some(description) => format!("`{}`: `{}`", quote(&error.kind), quote(description)),
        None => format!("`{}`", quote(&error.kind)),
    };
    match error.kind.as_str() {
        "forbidden" => ConnectorError::Unauthorized {
            why: format!(
                "Stalwart refuses `{method}` to this credential, {reason}; give its account or API key the right for it"
            ),
        },
        "serverFail" | "serverUnavailable" | "serverPartialFail" | "rateLimit" => {
            ConnectorError::Retryable { after: None, why: format!("Stalwart fails at `{method}`, {reason}") }
        }
        "requestTooLarge" | "overQuota" | "tooLarge" => {
            ConnectorError::Rejected { why: format!("Stalwart refuses `{method}`, {reason}") }
        }
        _ => incompatible(&format!("`{method}` fails with {reason}")),
    }
}

/// Reference to an object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct ObjectId {
    pub(super) object: String,
    pub(super) id: String,
}

/// Reason why one object was not created, updated or destroyed (RFC 8620 §5.3, with additions of Stalwart).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct SetError {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    properties: Vec<String>,
    /// Read leniently: it only says which object stands in the way.
    #[serde(default)]
    object_id: Value,
    #[serde(default)]
    linked_objects: Value,
    #[serde(skip)]
    method: &'static str,
}

/// Properties whose values come from people, so that a refusal is no mistake of this client.
const GIVEN: [&str; 5] = ["name", "aliases", "description", "quotas", "email"];

impl SetError {
    pub(super) fn of(mut self: Box<Self>, method: &'static str) -> Box<Self> {
        self.method = method;
        self
    }

    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind == kind
    }

    /// Returns the object that stands in the way.
    pub(super) fn object(&self) -> Option<ObjectId> {
        serde_json::from_value(self.object_id.clone()).ok()
    }

    /// Returns the objects that use the one to be destroyed.
    pub(super) fn linked(&self) -> Option<Vec<ObjectId>> {
        serde_json::from_value(self.linked_objects.clone()).ok()
    }

    /// Returns the error. `what` names the object for an operator, such as "the domain `acme.eu`".
    pub(super) fn into_error(self, what: &str) -> ConnectorError {
        let method = self.method;
        let reason = self.reason();
        match self.kind.as_str() {
            "notFound" => {
                ConnectorError::Rejected { why: format!("Stalwart does not have {what} any more; look for it again") }
            }
            "primaryKeyViolation" => {
                let object = self.object();
                let holder = object.as_ref().map_or("object", |object| kind_name(&object.object));
                let why = format!("Stalwart cannot set up {what}: another {holder} has this name or address");
                ConnectorError::Conflict { existing: object.map(|object| object.id), why }
            }
            "objectIsLinked" => ConnectorError::Conflict {
                existing: None,
                why: format!("Stalwart keeps {what}: it is used by {}", self.users()),
            },
            "forbidden" => {
                ConnectorError::Unauthorized { why: format!("Stalwart refuses `{method}` for {what}, {reason}") }
            }
            "rateLimit" => {
                ConnectorError::Retryable { after: None, why: format!("Stalwart has too much to do for {what}") }
            }
            "invalidPatch" if !self.is_about_a_given_value() => {
                incompatible(&format!("`{method}` does not take what this client sets, {reason}"))
            }
            "invalidPatch" | "invalidProperties" | "validationFailed" | "invalidForeignKey" | "overQuota"
            | "tooLarge" => ConnectorError::Rejected { why: format!("Stalwart refuses {what}, {reason}") },
            _ => incompatible(&format!("`{method}` fails with {reason}")),
        }
    }

    /// Returns `true` if a value is refused, and not a property that the system does not have.
    fn is_about_a_given_value(&self) -> bool {
        let given = |property: &String| GIVEN.contains(&property.split('/').next().unwrap_or_default());
        let unknown =
            self.description.as_deref().is_some_and(|text| text.contains("Invalid key") || text.contains("Pointer"));
        !self.properties.is_empty() && self.properties.iter().all(given) && !unknown
    }

    fn reason(&self) -> String {
        let mut reason = format!("`{}`", quote(&self.kind));
        let properties: Vec<&str> =
            self.properties.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        if !properties.is_empty() {
            reason = format!("{reason} in `{}`", quote(&properties.join(", ")));
        }
        // What is said about a password may repeat it.
        let secret = self.properties.iter().any(|property| property.contains("secret"));
        match &self.description {
            Some(description) if !secret => format!("{reason}: `{}`", quote(description)),
            _ => reason,
        }
    }

    fn users(&self) -> String {
        let Some(linked) = self.linked().filter(|linked| !linked.is_empty()) else { return "other objects".to_owned() };
        let mut kinds: Vec<(String, usize)> = Vec::new();
        for object in &linked {
            let name = kind_name(&object.object).to_owned();
            match kinds.iter_mut().find(|(kind, _)| *kind == name) {
                Some((_, number)) => *number += 1,
                None => kinds.push((name, 1)),
            }
        }
        let counted = kinds.iter().map(|(kind, number)| format!("{number} × {kind}"));
        counted.collect::<Vec<_>>().join(", ")
    }
}

/// Returns the name of a kind of object for an operator.
fn kind_name(object: &str) -> &str {
    match object {
        "Account" => "account",
        "Domain" => "domain",
        "MailingList" => "mailing list",
        "DkimSignature" => "DKIM key",
        "SystemSettings" => "system setting",
        _ => "object",
    }
}
