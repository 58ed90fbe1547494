//! App passwords: credentials of a mailbox, each for one mail program.
//!
//! The password itself is in the mail system alone.

use std::{fmt, time::Duration};

use dezky_derive::{Choice, entity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AppPasswordId, Mailbox, MailboxId, TenantId, UserId, fields::text};
use crate::{
    callers::Callers,
    clock::Timestamp,
    store::{Guest, Scope},
};

/// Status of an app password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum AppPasswordStatus {
    /// Being created. It becomes active within seconds, or is removed.
    Pending,
    /// In use.
    Active,
    /// Revoked, and removed once the mail system answers.
    #[choice(unknown)]
    Removing,
}

/// A password that is shown once. Never in `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OneTimeSecret(pub String);

impl fmt::Debug for OneTimeSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OneTimeSecret(…)")
    }
}

/// A stored app password, without the password.
#[entity(
    /// The collection of app passwords.
    collection APP_PASSWORDS = "app_passwords",
    scope = Scope::TenantAndPerson { tenant: "tenantId", person: "userId" },
    guest = Guest::Scoped { readers: Callers::ADMINS, keys: &[] },
    keys = Self::keys,
    seen = ADMINS,
    /// The app passwords of a mailbox by age.
    index PASSWORDS_OF_MAILBOX = of_mailbox(tenant_id, user_id, mailbox_id, created_at),
    /// All of a person's app passwords.
    index PASSWORDS_OF_USER = of_user(user_id),
    /// An app password of a mailbox. The password is only in the answer to its creation.
    view AppPasswordView,
    /// A new app password.
    #[schema(example = json!({"name": "Anna's phone"}))]
    create CreateAppPassword,
)]
#[derive(Debug)]
pub struct AppPassword {
    /// Its id.
    pub id: AppPasswordId,
    /// Its version.
    pub version: u64,
    /// The tenant.
    #[field(see, given)]
    pub tenant_id: TenantId,
    /// The mailbox.
    #[field(see, given)]
    pub mailbox_id: MailboxId,
    /// The member whose mailbox it is, who has created it.
    #[field(see, given)]
    pub user_id: UserId,
    /// Name of the program or device.
    #[field(see, given, create = required(text(64)), personal, text_in_create = "Name of the program or device that is to use it.")]
    pub name: String,
    /// Its status.
    #[field(see, initial = AppPasswordStatus::Pending)]
    pub status: AppPasswordStatus,
    /// Its place among those of the mailbox, of which there are [`MOST_APP_PASSWORDS`].
    #[field(read = ADMINS, silent)]
    pub place: u32,
    /// Its id in the mail system, once that has it.
    #[field(read = ADMINS, silent, impersonal)]
    pub external_id: Option<String>,
    /// The password itself; only in the answer to its creation.
    #[shown(argument)]
    pub secret: Option<OneTimeSecret>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

/// Number of app passwords that a mailbox has at most.
pub const MOST_APP_PASSWORDS: u32 = 20;

/// Time within which a creation comes to an end. One that is pending for longer was broken off.
pub const CREATION: Duration = Duration::from_secs(60);

impl AppPassword {
    /// Returns the unique key of a place.
    #[must_use]
    pub fn place_key(mailbox: MailboxId, place: u32) -> String {
        format!("place:{mailbox}:{place}")
    }

    /// Returns the mark by which the mail system tells it from all others.
    #[must_use]
    pub fn mark(&self) -> String {
        self.id.to_string()
    }

    /// Returns the time at which its creation has come to an end.
    #[must_use]
    pub fn creation_ends(&self) -> Timestamp {
        self.created_at.plus(CREATION)
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::place_key(self.mailbox_id, self.place)]
    }
}

impl CreateAppPassword {
    /// Creates the app password of a mailbox at a free place.
    #[must_use]
    pub fn into_app_password(self, mailbox: &Mailbox, place: u32, now: Timestamp) -> AppPassword {
        let name = self.name;
        AppPassword { place, ..AppPassword::blank(mailbox.tenant_id, mailbox.id, mailbox.user_id, name, now) }
    }
}
