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

/// Issuer of users that are created without one.
pub const DEFAULT_ISSUER: &str = "default";

/// Informative role of a user on the platform. Rights come from `platformAdmin` and memberships.
// Stored as an open text, since it decides nothing and the replaced service had no fixed values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum UserRole {
    /// A person of a tenant.
    #[default]
    #[choice(unknown)]
    User,
    /// Supports tenants.
    Support,
    /// Manages the platform.
    Admin,
}

/// Status of a user, which determines if they may call.
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

/// The source of a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Stored)]
#[serde(rename_all = "snake_case")]
pub enum GrantSource {
    /// The `groups` claim of a token; granted and revoked with the claim.
    Claim,
    /// Granted by a person or the system.
    Grant,
    /// An accepted invitation.
    Invitation,
}

/// The party that revoked a right, which determines what can restore it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Stored)]
#[serde(rename_all = "snake_case")]
pub enum RevokedBy {
    /// The claim was missing from a token; a later claim restores it.
    Claim,
    /// A person; only an explicit grant or invitation restores it.
    Person,
    /// The system; only an explicit grant or invitation restores it.
    System,
}

/// A stored user.
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
    /// The index by prefixes of words of names and addresses, each by name.
    index USERS_BY_WORD = by_word(_words, name_key),
    words _words(name, email),
    /// A user, as seen by themselves and the platform.
    view UserView,
    /// A new user.
    #[schema(example = json!({"authentikSubjectId": "0b7c", "email": "bea@example.eu", "name": "Bea Example"}))]
    create CreateUser,
    /// Changes to a user.
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
    /// Id of the issuer that knows this person.
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
    /// Keyed hash of the subject, which stays after erasure. Older users get it when they are erased.
    #[field(silent(creation), impersonal)]
    pub subject_hash: Option<String>,
    /// E-mail address.
    ///
    /// It never links accounts.
    #[field(see, create = optional(email), update = patch(email), apply = User::set_email, personal)]
    pub email: Option<String>,
    /// The address with its domain in its own script, if that differs.
    #[shown(entity.email.as_deref().and_then(fields::email::readable))]
    pub display_email: Option<String>,
    /// The address in the form that is searched and sorted.
    #[field(derived(email, Address), silent, personal)]
    #[serde(default)]
    pub email_key: String,
    /// Name.
    #[field(see, create = optional(label), update = patch(label), apply = User::set_name, personal)]
    pub name: Option<String>,
    /// The name in the form that is searched and sorted.
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
    /// `true` if the user administers the platform.
    #[field(see, create = optional(boolean), update = replace(boolean), by_hand)]
    #[serde(default)]
    pub platform_admin: bool,
    /// The source of that right.
    #[field(see, shown = entity.platform_admin_source.filter(|_| entity.platform_admin))]
    pub platform_admin_source: Option<GrantSource>,
    /// Time of the last change of that right.
    pub platform_admin_changed_at: Option<Timestamp>,
    /// Time of its revocation: the tombstone.
    pub platform_admin_revoked_at: Option<Timestamp>,
    /// The party that revoked it.
    pub platform_admin_revoked_by: Option<RevokedBy>,
    /// Status of the user; a disabled user is refused everywhere.
    #[field(
        see, read = MEMBERS, create = optional(choice), update = replace(choice),
        text_in_create = "Whether the user may call at all; `active` without it."
    )]
    #[serde(default)]
    pub status: Open<UserStatus>,
    /// The party that disabled the user.
    ///
    /// The identity provider enables again those that it has disabled (`claim`), and no others.
    #[field(see)]
    pub disabled_by: Option<RevokedBy>,
    /// Tenants in which the user is a member: the first 100 by name that the caller may see.
    #[shown(argument)]
    pub tenant_ids: Vec<TenantId>,
    /// Tokens issued before this are refused.
    #[field(
        see, update = patch(time),
        text_in_update = "Tokens issued before this are refused; an issuer's clock may be ahead by 30 seconds."
    )]
    pub tokens_valid_after: Option<Timestamp>,
    /// Time of erasure.
    #[field(see, read = MEMBERS)]
    pub deleted_at: Option<Timestamp>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

impl User {
    /// Returns the unique key of an issuer's subject.
    #[must_use]
    pub fn subject_key(issuer_id: &str, subject: &str) -> String {
        format!("subject:{issuer_id}:{subject}")
    }

    /// Returns the unique key of a subject's keyed hash.
    ///
    /// A user holds it from creation until after erasure, so that a concurrent creation fails even if its person is
    /// created and erased meanwhile.
    #[must_use]
    pub fn tombstone_key(issuer_id: &str, subject_hash: &str) -> String {
        format!("tombstone:{issuer_id}:{subject_hash}")
    }

    /// Returns `true` if the person is active, so that they may call.
    #[must_use]
    pub fn may_call(&self) -> bool {
        self.status.counts_as() == UserStatus::Active
    }

    /// Returns `true` if the person was erased and only the tombstone is left.
    #[must_use]
    pub const fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// Disables or enables the user as the identity provider says. One whom somebody else has disabled stays so.
    pub fn set_active_by_claim(&mut self, active: bool) {
        if !active && self.may_call() {
            self.status = UserStatus::Disabled.into();
            self.disabled_by = Some(RevokedBy::Claim);
        } else if active && self.disabled_by == Some(RevokedBy::Claim) {
            self.status = UserStatus::Active.into();
            self.disabled_by = None;
        }
    }

    /// Sets the name, and the form that is searched.
    pub fn set_name(&mut self, name: Option<String>) {
        self.name_key = name.as_deref().map(|name| Form::Name.of(name)).unwrap_or_default();
        self.name = name;
    }

    /// Sets the address, and the form that is searched.
    pub fn set_email(&mut self, email: Option<String>) {
        self.email_key = email.as_deref().map(|email| Form::Address.of(email)).unwrap_or_default();
        self.email = email;
    }

    /// Grants or revokes the right to administer the platform; revoking it leaves a tombstone.
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
    /// Returns the issuer that knows the person.
    #[must_use]
    pub fn issuer_id(&self) -> &str {
        self.issuer_id.as_deref().unwrap_or(DEFAULT_ISSUER)
    }

    /// Returns the person's subject at the issuer.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.authentik_subject_id
    }

    /// Returns `true` if the new user gets a lasting right to administer the platform.
    #[must_use]
    pub fn makes_admin(&self) -> bool {
        self.platform_admin == Some(true)
    }

    /// Creates the user.
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
    /// Returns `true` if the user gets a lasting right to administer the platform.
    #[must_use]
    pub fn makes_admin(&self) -> bool {
        self.platform_admin == Some(true)
    }

    /// Applies the changes; `by` is recorded as the revoker of a revoked right.
    pub fn apply(self, user: &mut User, by: RevokedBy, now: Timestamp) {
        // `false` leaves a tombstone even for a user without the right, so that a claim cannot grant it.
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
        let decides_status = self.status.is_some();
        self.apply_plain(user);
        if decides_status {
            user.disabled_by = (!user.may_call()).then_some(by);
        }
    }
}
