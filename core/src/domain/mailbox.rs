//! Mailboxes: addresses at a tenant's verified domains, each of one member.

use std::collections::BTreeSet;

use dezky_derive::{Choice, entity};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    MailboxId, Problem, TenantId, UserId,
    fields::{domain_name, label, object_id, whole_number},
};
use crate::{
    callers::Callers,
    clock::Timestamp,
    error::{Error, FieldCode, FieldError, Result},
    store::{Guest, Scope},
};

/// Status of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum MailboxStatus {
    /// In use.
    Active,
    /// Kept with its mail, but nobody signs in to it.
    #[choice(unknown)]
    Suspended,
    /// Being removed with its mail.
    Removing,
}

/// A stored mailbox.
#[entity(
    /// The collection of mailboxes.
    collection MAILBOXES = "mailboxes",
    scope = Scope::TenantAndPerson { tenant: "tenantId", person: "userId" },
    guest = Guest::Scoped { readers: Callers::ADMINS, keys: &[] },
    keys = Self::keys,
    seen = ADMINS,
    /// A tenant's mailboxes by address.
    index MAILBOXES_OF_TENANT = of_tenant(tenant_id, address),
    /// A tenant's mailboxes by domain.
    index MAILBOXES_OF_DOMAIN = of_domain(tenant_id, domain, address),
    /// A person's mailboxes in a tenant.
    index MAILBOXES_OF_MEMBER = of_member(tenant_id, user_id, address),
    /// All of a person's mailboxes.
    index MAILBOXES_OF_USER = of_user(user_id),
    /// Mailboxes by the time of their removal.
    index MAILBOXES_BY_REMOVAL = by_removal(remove_at),
    /// A mailbox.
    view MailboxView,
    /// A new mailbox.
    #[schema(example = json!({"userId": "65f0c0ffee0000000000cafe", "localPart": "anna", "domain": "acme.eu"}))]
    create CreateMailbox,
    /// Changes to a mailbox.
    #[schema(example = json!({"aliases": ["info"]}))]
    update UpdateMailbox,
)]
#[derive(Debug)]
pub struct Mailbox {
    /// Its id.
    pub id: MailboxId,
    /// Its version.
    pub version: u64,
    /// The tenant.
    #[field(see, given)]
    pub tenant_id: TenantId,
    /// The member.
    #[field(see, given, create = required(object_id), text_in_create = "The member.")]
    pub user_id: UserId,
    /// The part before the `@`.
    #[field(see, given, create = required(address_name), personal)]
    pub local_part: String,
    /// The domain: one of the tenant's verified domains.
    #[field(see, given, create = required(domain_name), impersonal)]
    pub domain: String,
    /// The address.
    #[field(see, silent, personal)]
    pub address: String,
    /// Name shown to people.
    #[field(see, input = patch(label), personal)]
    pub display_name: Option<String>,
    /// Local parts at the same domain that are delivered to it as well.
    #[field(see, input = list(20, address_name), apply = Mailbox::set_aliases, personal)]
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Bound of its size in MiB; absent for that of the plan.
    #[field(
        see, input = patch(whole_number(1, 10_000_000)), set = PLATFORM,
        text_in_create = "Bound of its size in MiB, for the platform to set; absent for that of the plan."
    )]
    pub quota_mebibytes: Option<u32>,
    /// Its status.
    #[field(see, initial = MailboxStatus::Active)]
    pub status: MailboxStatus,
    /// Time of its suspension.
    #[field(see)]
    pub suspended_at: Option<Timestamp>,
    /// Time from which it is removed with its mail.
    #[field(see)]
    pub remove_at: Option<Timestamp>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

/// Number of mailboxes that a member has at most.
pub const MOST_MAILBOXES: u32 = 50;

/// Local parts that go to an owner of the tenant (RFC 2142, and the CA/Browser Forum's for certificates).
pub const RESERVED_LOCAL_PARTS: &[&str] = &[
    "abuse",
    "admin",
    "administrator",
    "hostmaster",
    "mailer-daemon",
    "noc",
    "postmaster",
    "root",
    "security",
    "webmaster",
];

impl Mailbox {
    /// Returns the unique key of an address, main or alias.
    #[must_use]
    pub fn key(local_part: &str, domain: &str) -> String {
        format!("address:{local_part}@{domain}")
    }

    /// Sets the aliases, sorted, without duplicates and the main address.
    pub fn set_aliases(&mut self, aliases: Vec<String>) {
        let sorted: BTreeSet<String> = aliases.into_iter().filter(|alias| *alias != self.local_part).collect();
        self.aliases = sorted.into_iter().collect();
    }

    /// Returns all local parts: the main one and the aliases.
    pub fn local_parts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.local_part.as_str()).chain(self.aliases.iter().map(String::as_str))
    }

    /// Returns a local part of it that is reserved for owners.
    #[must_use]
    pub fn reserved(&self) -> Option<&str> {
        self.local_parts().find(|part| RESERVED_LOCAL_PARTS.contains(part))
    }

    /// Suspends it, to be removed later.
    pub fn suspend(&mut self, now: Timestamp, remove_at: Timestamp) {
        if self.status == MailboxStatus::Active {
            self.status = MailboxStatus::Suspended;
            self.suspended_at = Some(now);
        }
        self.remove_at = Some(remove_at);
    }

    /// Puts it in use again.
    pub fn restore(&mut self) {
        self.status = MailboxStatus::Active;
        self.suspended_at = None;
        self.remove_at = None;
    }

    fn keys(&self) -> Vec<String> {
        self.local_parts().map(|part| Self::key(part, &self.domain)).collect()
    }
}

impl CreateMailbox {
    /// Creates the mailbox of a tenant.
    #[must_use]
    pub fn into_mailbox(self, tenant: TenantId, now: Timestamp) -> Mailbox {
        let mut mailbox = Mailbox::blank(tenant, self.user_id, self.local_part.clone(), self.domain.clone(), now);
        mailbox.address = format!("{}@{}", mailbox.local_part, mailbox.domain);
        self.apply(&mut mailbox);
        mailbox
    }
}

/// Checks that reserved names go to owners only.
///
/// # Errors
/// `reserved` for the field with such a name.
pub fn check_reserved(mailbox: &Mailbox, owner: bool) -> Result<()> {
    let Some(name) = mailbox.reserved().filter(|_| !owner) else { return Ok(()) };
    let field = if name == mailbox.local_part { "localPart" } else { "aliases" };
    let message = format!("`{name}` is for an owner of the tenant");
    Err(Error::invalid(vec![FieldError::new(field, FieldCode::RESERVED, message)]))
}

/// Reads a local part: letters, digits, `.`, `_` and `-`, at most 64 characters, in lower case.
///
/// RFC 5321 allows far more. Addresses that people type and that every program accepts keep to this.
pub(super) fn address_name(value: &Value) -> Result<String, Problem> {
    let given = value.as_str().ok_or_else(|| Problem::new(FieldCode::WRONG_TYPE, "must be a text"))?;
    let part = given.trim().to_ascii_lowercase();
    let fits = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    let message = "must have 1 to 64 letters, digits, `.`, `_` or `-`, and begin and end with a letter or digit";
    let ends = |part: &str| part.starts_with(['.', '_', '-']) || part.ends_with(['.', '_', '-']);
    if part.is_empty() || part.len() > 64 || !part.chars().all(fits) || ends(&part) || part.contains("..") {
        return Err(Problem::new(FieldCode::INVALID_FORMAT, message));
    }
    Ok(part)
}
