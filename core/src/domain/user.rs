//! Users: people who have signed in through an issuer, or are expected to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Choice, ObjectId, Open, UserId};
use crate::{
    clock::Timestamp,
    store::{Collection, Entity, Field, FieldType, Form, Guest, Index, Scope, Source},
};

/// What a user may be said to do on the platform. Informative: rights come from `platformAdmin` and memberships. Stored, it is an open
/// text, since it decides nothing and the replaced service named no values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserRole {
    /// A person of some tenant.
    #[default]
    User,
    /// Helps tenants.
    Support,
    /// Runs the platform.
    Admin,
}

/// Whether a user may call at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// May call.
    #[default]
    Active,
    /// Is refused everywhere.
    Disabled,
}

impl Choice for UserRole {
    const ALL: &'static [Self] = &[Self::User, Self::Support, Self::Admin];
    const UNKNOWN: Self = Self::User;

    fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Support => "support",
            Self::Admin => "admin",
        }
    }
}

impl Choice for UserStatus {
    const ALL: &'static [Self] = &[Self::Active, Self::Disabled];
    const UNKNOWN: Self = Self::Disabled;

    fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

/// Where a right comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantSource {
    /// The `groups` claim of a token; follows the claim both ways.
    Claim,
    /// A person or the system gave it.
    Grant,
    /// An invitation was accepted.
    Invitation,
}

/// Who took a right away, which decides what may bring it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevokedBy {
    /// The claim was missing from a token; a later claim brings it back.
    Claim,
    /// A person; only an explicit grant or invitation brings it back.
    Person,
    /// The system; only an explicit grant or invitation brings it back.
    System,
}

/// A user as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its version.
    #[serde(default)]
    pub version: u64,
    /// The stable `id` of the issuer that knows this person.
    #[serde(default)]
    pub issuer_id: String,
    /// The `sub` of the person's tokens. Absent after erasure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentik_subject_id: Option<String>,
    /// Keyed hash of the subject, which stays after erasure. Users of before this was kept have it from their erasure on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_hash: Option<String>,
    /// E-mail address. Never links accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The address as it is searched and sorted.
    #[serde(default)]
    pub email_key: String,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name as it is searched and sorted.
    #[serde(default)]
    pub name_key: String,
    /// Informative role.
    #[serde(default)]
    pub role: Open<UserRole>,
    /// Whether the user administers the platform.
    #[serde(default)]
    pub platform_admin: bool,
    /// Where that right came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_admin_source: Option<GrantSource>,
    /// When that right last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_admin_changed_at: Option<Timestamp>,
    /// When that right was taken away: the tombstone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_admin_revoked_at: Option<Timestamp>,
    /// Who took it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_admin_revoked_by: Option<RevokedBy>,
    /// Whether the user may call at all.
    #[serde(default)]
    pub status: Open<UserStatus>,
    /// Tokens issued before this are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_valid_after: Option<Timestamp>,
    /// When the person was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

impl User {
    /// The unique key of a subject of an issuer.
    #[must_use]
    pub fn subject_key(issuer_id: &str, subject: &str) -> String {
        format!("subject:{issuer_id}:{subject}")
    }

    /// The unique key of a subject by its keyed hash. A user has it from creation to after erasure, so that a creation that is
    /// under way when its person is created and erased comes too late.
    #[must_use]
    pub fn tombstone_key(issuer_id: &str, subject_hash: &str) -> String {
        format!("tombstone:{issuer_id}:{subject_hash}")
    }

    /// Whether the person may call: they are active, and nothing else.
    #[must_use]
    pub fn may_call(&self) -> bool {
        self.status.counts_as() == UserStatus::Active
    }

    /// Whether the person was erased and only the tombstone is left.
    #[must_use]
    pub const fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// Sets the name, and the form in which it is searched.
    pub fn set_name(&mut self, name: Option<String>) {
        self.name_key = name.as_deref().map(|name| Form::Name.of(name)).unwrap_or_default();
        self.name = name;
    }

    /// Sets the address, and the form in which it is searched.
    pub fn set_email(&mut self, email: Option<String>) {
        self.email_key = email.as_deref().map(|email| Form::Address.of(email)).unwrap_or_default();
        self.email = email;
    }

    /// Gives or takes the right to administer the platform; taking it leaves a tombstone.
    pub fn set_platform_admin(&mut self, granted: bool, source: GrantSource, by: RevokedBy, now: Timestamp) {
        self.platform_admin = granted;
        self.platform_admin_source = Some(source);
        self.platform_admin_changed_at = Some(now);
        self.platform_admin_revoked_at = (!granted).then_some(now);
        self.platform_admin_revoked_by = (!granted).then_some(by);
    }
}

/// The index by name.
pub const USERS_BY_NAME: Index = Index { name: "by_name", fields: &["nameKey"] };

/// The index by e-mail address.
pub const USERS_BY_EMAIL: Index = Index { name: "by_email", fields: &["emailKey"] };

/// The index by status and name.
pub const USERS_BY_STATUS: Index = Index { name: "by_status", fields: &["status", "nameKey"] };

/// The index by the beginnings of words of names and addresses, each by name.
pub const USERS_BY_WORD: Index = Index { name: "by_word", fields: &["_words", "nameKey"] };

const WORDS: &[Source] = &[Source { field: "name", mark: "" }, Source { field: "email", mark: "" }];

/// The collection of users.
pub static USERS: Collection = Collection {
    name: "users",
    fields: &[
        Field::new("version", FieldType::Integer),
        Field::new("issuerId", FieldType::Text),
        Field::new("authentikSubjectId", FieldType::Text),
        Field::new("subjectHash", FieldType::Text),
        Field::new("email", FieldType::Text),
        Field::derived("emailKey", "email", Form::Address),
        Field::new("name", FieldType::Text),
        Field::derived("nameKey", "name", Form::Name),
        Field::new("role", FieldType::Text),
        Field::new("platformAdmin", FieldType::Boolean),
        Field::new("platformAdminSource", FieldType::Text),
        Field::new("platformAdminChangedAt", FieldType::Time),
        Field::new("platformAdminRevokedAt", FieldType::Time),
        Field::new("platformAdminRevokedBy", FieldType::Text),
        Field::new("status", FieldType::Text),
        Field::new("tokensValidAfter", FieldType::Time),
        Field::new("deletedAt", FieldType::Time),
        Field::new("createdAt", FieldType::Time),
        Field::new("updatedAt", FieldType::Time),
        Field::new("_words", FieldType::Terms(WORDS)),
    ],
    indexes: &[USERS_BY_NAME, USERS_BY_EMAIL, USERS_BY_STATUS, USERS_BY_WORD],
    scope: Scope::Person("id"),
    guest: Guest::Closed,
};

impl Entity for User {
    const COLLECTION: &'static Collection = &USERS;

    fn id(&self) -> ObjectId {
        self.id.0
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn unique_keys(&self) -> Vec<String> {
        match (&self.authentik_subject_id, &self.subject_hash) {
            (Some(subject), None) => vec![Self::subject_key(&self.issuer_id, subject)],
            (Some(subject), Some(hash)) => {
                vec![Self::subject_key(&self.issuer_id, subject), Self::tombstone_key(&self.issuer_id, hash)]
            }
            (None, Some(hash)) => vec![Self::tombstone_key(&self.issuer_id, hash)],
            (None, None) => Vec::new(),
        }
    }
}
