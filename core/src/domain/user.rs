//! Users: people who have signed in through an issuer, or are expected to.

use dezky_derive::{Choice, Stored, entity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Open, TenantId, UserId,
    fields::{self, boolean, choice, email, identifier, label, text, time},
};
use crate::{
    callers::Callers,
    clock::Timestamp,
    store::{Form, Guest, Scope},
};

/// The issuer of users that are created without one.
pub const DEFAULT_ISSUER: &str = "default";

/// What a user may be said to do on the platform. Informative: rights come from `platformAdmin` and memberships. Stored, it is an open
/// text, since it decides nothing and the replaced service named no values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum UserRole {
    /// A person of some tenant.
    #[default]
    #[choice(unknown)]
    User,
    /// Helps tenants.
    Support,
    /// Runs the platform.
    Admin,
}

/// Whether a user may call at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// May call.
    #[default]
    Active,
    /// Is refused everywhere.
    #[choice(unknown)]
    Disabled,
}

/// Where a right comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Stored)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Stored)]
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
#[entity(
    /// The collection of users.
    collection USERS = "users",
    scope = Scope::Person("id"),
    guest = Guest::Scoped { readers: Callers::MEMBERS, keys: &[] },
    keys = Self::keys,
    seen = SELF,
    /// The index by name.
    index USERS_BY_NAME = by_name(name_key),
    /// The index by e-mail address.
    index USERS_BY_EMAIL = by_email(email_key),
    /// The index by status and name.
    index USERS_BY_STATUS = by_status(status, name_key),
    /// The index by the beginnings of words of names and addresses, each by name.
    index USERS_BY_WORD = by_word(_words, name_key),
    words _words(name, email),
    /// A user, as they see themselves and the platform sees them.
    view UserView,
    /// A user to be created.
    #[schema(example = json!({"authentikSubjectId": "0b7c", "email": "bea@example.eu", "name": "Bea Example"}))]
    create CreateUser,
    /// Changes of a user.
    #[schema(example = json!({"name": "Bea Beispiel", "role": "support"}))]
    update UpdateUser,
)]
#[derive(Debug)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its version.
    #[serde(default)]
    pub version: u64,
    /// The issuer that knows this person.
    ///
    /// Its stable `id` in the settings.
    #[field(
        see, given, create = optional(identifier), impersonal,
        text_in_create = "Id of the issuer that knows this person; `default` without it."
    )]
    #[serde(default)]
    pub issuer_id: String,
    /// The person's subject at the issuer.
    ///
    /// The `sub` of the person's tokens, of at most 255 characters (OpenID Connect Core 1.0 §2). Absent after erasure.
    #[field(
        see, given, create = required(text(255)), impersonal,
        text_in_view = "The person's subject at the issuer; absent after erasure."
    )]
    pub authentik_subject_id: Option<String>,
    /// Keyed hash of the subject, which stays after erasure. Users of before this was kept have it from their erasure on.
    #[field(silent(creation), impersonal)]
    pub subject_hash: Option<String>,
    /// E-mail address.
    ///
    /// Never links accounts.
    #[field(see, create = optional(email), update = patch(email), apply = User::set_email, personal)]
    pub email: Option<String>,
    /// The address with its domain in its own script, where that differs.
    #[shown(entity.email.as_deref().and_then(fields::email::readable))]
    pub display_email: Option<String>,
    /// The address as it is searched and sorted.
    #[field(derived(email, Address), silent, personal)]
    #[serde(default)]
    pub email_key: String,
    /// Name.
    #[field(see, create = optional(label), update = patch(label), apply = User::set_name, personal)]
    pub name: Option<String>,
    /// The name as it is searched and sorted.
    #[field(derived(name, Name), silent, personal)]
    #[serde(default)]
    pub name_key: String,
    /// Informative role.
    #[field(
        see, create = optional(choice), update = replace(choice),
        text_in_create = "Informative role; `user` without it."
    )]
    #[serde(default)]
    pub role: Open<UserRole>,
    /// Whether the user administers the platform.
    #[field(see, create = optional(boolean), update = replace(boolean), by_hand)]
    #[serde(default)]
    pub platform_admin: bool,
    /// Where that right came from.
    #[field(see, shown = entity.platform_admin_source.filter(|_| entity.platform_admin))]
    pub platform_admin_source: Option<GrantSource>,
    /// When that right last changed.
    pub platform_admin_changed_at: Option<Timestamp>,
    /// When that right was taken away: the tombstone.
    pub platform_admin_revoked_at: Option<Timestamp>,
    /// Who took it away.
    pub platform_admin_revoked_by: Option<RevokedBy>,
    /// Whether the user may call at all.
    #[field(
        see, read = MEMBERS, create = optional(choice), update = replace(choice),
        text_in_create = "Whether the user may call at all; `active` without it."
    )]
    #[serde(default)]
    pub status: Open<UserStatus>,
    /// Tenants in which the user has a membership in force: the first 100 by name, of those that the caller may see.
    #[shown(argument)]
    pub tenant_ids: Vec<TenantId>,
    /// Tokens issued before this are refused.
    #[field(
        see, update = patch(time),
        text_in_update = "Tokens issued before this are refused; an issuer's clock may be ahead by 30 seconds."
    )]
    pub tokens_valid_after: Option<Timestamp>,
    /// When the person was erased.
    #[field(see, read = MEMBERS)]
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

    fn keys(&self) -> Vec<String> {
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

impl CreateUser {
    /// The issuer that knows the person.
    #[must_use]
    pub fn issuer_id(&self) -> &str {
        self.issuer_id.as_deref().unwrap_or(DEFAULT_ISSUER)
    }

    /// The person's subject at the issuer.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.authentik_subject_id
    }

    /// Whether the new user administers the platform, by a lasting right.
    #[must_use]
    pub fn makes_admin(&self) -> bool {
        self.platform_admin == Some(true)
    }

    /// The new user.
    #[must_use]
    pub fn into_user(self, now: Timestamp) -> User {
        let mut user = User::blank(self.issuer_id().to_owned(), Some(self.subject().to_owned()), now);
        if self.makes_admin() {
            user.set_platform_admin(true, GrantSource::Grant, RevokedBy::Person, now);
        }
        self.apply_plain(&mut user);
        user
    }
}

impl UpdateUser {
    /// Whether the user is to administer the platform, by a lasting right.
    #[must_use]
    pub fn makes_admin(&self) -> bool {
        self.platform_admin == Some(true)
    }

    /// Applies the changes; `by` says who takes a right away, if one is taken.
    pub fn apply(self, user: &mut User, by: RevokedBy, now: Timestamp) {
        // Saying `false` of somebody who never was one leaves a tombstone too: it forbids the claim to make them one.
        if let Some(granted) = self.platform_admin {
            let settled = if granted {
                user.platform_admin && user.platform_admin_source == Some(GrantSource::Grant)
            } else {
                matches!(user.platform_admin_revoked_by, Some(RevokedBy::Person | RevokedBy::System))
            };
            if !settled {
                user.set_platform_admin(granted, GrantSource::Grant, by, now);
            }
        }
        self.apply_plain(user);
    }
}
