//! The JSON format of case files. Unknown keys are errors, since an ignored check could not fail.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::authn::{ClaimNames, GroupsAbsent, GroupsClaim, Profile, TokenLife};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CaseFile {
    pub(super) name: String,
    #[serde(default, rename = "notes")]
    _notes: Option<String>,
    pub(super) cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    #[serde(default, rename = "notes")]
    _notes: Option<String>,
    #[serde(default)]
    pub(super) settings: Settings,
    #[serde(default)]
    pub(super) given: Given,
    pub(super) steps: Vec<Step>,
    #[serde(default)]
    pub(super) after: After,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Settings {
    #[serde(default)]
    pub(super) platform_admin_group: Option<String>,
    #[serde(default)]
    pub(super) public_domain: Option<String>,
    #[serde(default)]
    pub(super) issuers: Vec<Issuer>,
}

/// An issuer other than `default`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Issuer {
    pub(super) id: String,
    #[serde(default)]
    pub(super) tenant: Option<String>,
    #[serde(default)]
    pub(super) groups: Option<GroupsClaim>,
    #[serde(default)]
    pub(super) groups_absent: GroupsAbsent,
    #[serde(default)]
    pub(super) claims: ClaimNames,
    #[serde(default)]
    pub(super) profile: Profile,
    #[serde(default)]
    pub(super) max_token_life: TokenLife,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    #[serde(default)]
    pub(super) tenants: Vec<Map<String, Value>>,
    #[serde(default)]
    pub(super) users: Vec<Map<String, Value>>,
    #[serde(default)]
    pub(super) memberships: Vec<Map<String, Value>>,
    #[serde(default)]
    pub(super) subscriptions: Vec<Map<String, Value>>,
    #[serde(default)]
    pub(super) user_activity: Vec<Map<String, Value>>,
    #[serde(default)]
    pub(super) mailboxes: Vec<Map<String, Value>>,
    #[serde(default)]
    pub(super) app_passwords: Vec<Map<String, Value>>,
    #[serde(default)]
    pub(super) api_keys: Vec<Map<String, Value>>,
    #[serde(default)]
    pub(super) invitations: Vec<Map<String, Value>>,
}

/// A step, which is one of: a request, a change of the clock, a background task of the platform.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Step {
    #[serde(default, rename = "notes")]
    _notes: Option<String>,
    #[serde(default, rename = "as")]
    pub(super) caller: Option<Value>,
    #[serde(default)]
    pub(super) request: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) body: Option<Value>,
    #[serde(default)]
    pub(super) raw_body: Option<Vec<Part>>,
    #[serde(default)]
    pub(super) form: Option<BTreeMap<String, FormValue>>,
    #[serde(default)]
    pub(super) expect: Option<Value>,
    #[serde(default)]
    pub(super) save: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) advance: Option<u64>,
    #[serde(default)]
    pub(super) work: Option<PlatformWork>,
}

/// A part of a raw body: exactly one of `text`, `base64` and `repeat` (with `times`).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) base64: Option<String>,
    #[serde(default)]
    pub(super) repeat: Option<String>,
    #[serde(default)]
    pub(super) times: Option<usize>,
}

/// A form parameter: a text, or a logout token.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum FormValue {
    Text(String),
    LogoutToken(LogoutToken),
}

/// A logout token; `jti` is its name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LogoutToken {
    #[serde(rename = "logoutToken")]
    pub(super) name: String,
    #[serde(default = "default_issuer")]
    pub(super) issuer: String,
    #[serde(default)]
    pub(super) subject: Option<String>,
    #[serde(default)]
    pub(super) session: Option<String>,
    #[serde(default)]
    pub(super) claims: Map<String, Value>,
    #[serde(default)]
    pub(super) without: Vec<String>,
    #[serde(default)]
    pub(super) header: Map<String, Value>,
    #[serde(default)]
    pub(super) issued: i64,
    #[serde(default = "default_life")]
    pub(super) life: i64,
    #[serde(default)]
    pub(super) token: TokenKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PlatformWork {
    Outbox,
    Housekeeping,
}

/// A caller in full; a plain text is only the subject.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Person {
    pub(super) subject: String,
    #[serde(default = "default_issuer")]
    pub(super) issuer: String,
    #[serde(default)]
    pub(super) groups: Option<Vec<String>>,
    #[serde(default)]
    pub(super) claims: Map<String, Value>,
    #[serde(default)]
    pub(super) without: Vec<String>,
    #[serde(default)]
    pub(super) header: Map<String, Value>,
    /// Seconds from now, negative for the past.
    #[serde(default)]
    pub(super) issued: i64,
    /// Seconds from `iat` to `exp`.
    #[serde(default = "default_life")]
    pub(super) life: i64,
    #[serde(default)]
    pub(super) token: TokenKind,
}

fn default_issuer() -> String {
    crate::authn::IssuerSettings::DEFAULT_ID.to_owned()
}

const fn default_life() -> i64 {
    300
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TokenKind {
    /// Signed with the issuer's key.
    #[default]
    Genuine,
    /// `alg: none`.
    Unsigned,
    /// HS256 with the public key as the secret.
    Symmetric,
    /// Signed with another key, under the issuer's `kid`.
    Forged,
    /// Five segments.
    Encrypted,
    /// Without the signature.
    Truncated,
    /// Larger than 16 KiB.
    Oversized,
}

/// A header sent unchanged.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAuthorization {
    pub(super) authorization: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Expect {
    pub(super) status: u16,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Value>,
    #[serde(default)]
    pub(super) body: Option<Value>,
    #[serde(default)]
    pub(super) contains: Option<Value>,
    #[serde(default)]
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) errors: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(super) same_as: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct After {
    /// Each of these must match a stored document.
    #[serde(default)]
    pub(super) documents: BTreeMap<String, Vec<Value>>,
    /// None of these may match a stored document.
    #[serde(default)]
    pub(super) absent: BTreeMap<String, Vec<Value>>,
    /// The number of stored documents.
    #[serde(default)]
    pub(super) count: BTreeMap<String, usize>,
    /// The complete audit trail, in any order.
    #[serde(default)]
    pub(super) audit: Option<Vec<ExpectedEvent>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ExpectedEvent {
    pub(super) action: String,
    /// A person's symbol, or `system:<name>`.
    pub(super) by: String,
    #[serde(default)]
    pub(super) tenant: Option<String>,
    #[serde(default)]
    pub(super) user: Option<String>,
    #[serde(default)]
    pub(super) changed: Option<Vec<String>>,
    #[serde(default)]
    pub(super) request: Option<String>,
}
