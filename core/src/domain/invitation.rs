//! Invitations of people to a tenant, each proven by a secret that only its mail contains.

use std::time::Duration;

use dezky_derive::{Choice, entity, part};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{
    ApiKeyId, InvitationId, MembershipRole, Problem, TenantId, UserId,
    fields::{self, choice, domain_name, email, label},
    mailbox::address_name,
};
use crate::{
    callers::Callers,
    clock::Timestamp,
    error::FieldCode,
    store::{Form, Guest, Scope},
};

/// Status of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum InvitationStatus {
    /// Its mail waits to be sent.
    Pending,
    /// Its mail was taken by the mail server.
    Sent,
    /// Its mail was refused or came back.
    Failed,
    /// Accepted, once and for all.
    Accepted,
    /// Revoked before it was accepted.
    Revoked,
    /// Not accepted in time.
    #[choice(unknown)]
    Expired,
}

/// Language of the mail to somebody who is invited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    #[choice(unknown)]
    En,
    /// German.
    De,
}

/// Result of the mailbox that came with an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum MailboxOutcome {
    /// Created.
    Created,
    /// Not created: another mailbox has one of its addresses.
    AddressTaken,
    /// Not created: the tenant has not verified its domain, or not any more.
    DomainUnverified,
    /// Not created: one of its names is for owners.
    #[choice(unknown)]
    Reserved,
    /// Not created: the member has the maximum number of mailboxes.
    LimitReached,
}

/// The mailbox that an invited person gets.
#[part]
#[derive(Debug, ToSchema)]
pub struct InvitedMailbox {
    /// The part before the `@`.
    #[field(personal)]
    pub local_part: String,
    /// The domain: one of the tenant's verified domains.
    #[field(impersonal)]
    pub domain: String,
    /// Local parts at the same domain that are delivered to it as well.
    #[field(personal)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// A stored invitation, without its secret.
#[entity(
    /// The collection of invitations.
    collection INVITATIONS = "invitations",
    scope = Scope::Tenant("tenantId"),
    guest = Guest::Scoped { readers: Callers::ADMINS, keys: &[] },
    keys = Self::keys,
    seen = ADMINS,
    /// A tenant's invitations by age.
    index INVITATIONS_OF_TENANT = of_tenant(tenant_id, created_at),
    /// A tenant's open invitations by expiry.
    index OPEN_INVITATIONS = open_of_tenant(tenant_id, open, expires_at),
    /// A tenant's invitations of an address by age.
    index INVITATIONS_OF_ADDRESS = of_address(tenant_id, email_key, created_at),
    /// Invitations by the time of their next step.
    index INVITATIONS_BY_DUE = by_due(due_at),
    /// Invitations that a person has accepted.
    index INVITATIONS_OF_PERSON = of_person(accepted_by),
    /// An invitation. Its secret is only in the mail.
    view InvitationView,
    /// A new invitation.
    #[schema(example = json!({"email": "anna@example.eu", "role": "member", "language": "de"}))]
    create CreateInvitation,
)]
#[derive(Debug)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Its version.
    pub version: u64,
    /// The tenant.
    #[field(see, given)]
    pub tenant_id: TenantId,
    /// The address that it is mailed to. It proves nothing about the person who accepts.
    #[field(see, given, create = required(email), silent, personal, text_in_create = "The address that it is mailed to.")]
    pub email: String,
    /// The address with its domain in its own script, if that differs.
    #[shown(fields::email::readable(&entity.email))]
    pub display_email: Option<String>,
    /// The address in the form that is compared.
    #[field(derived(email, Address), read = ADMINS, personal)]
    pub email_key: String,
    /// Name of the person, for the salutation.
    #[field(see, create = optional(label), silent, personal)]
    pub name: Option<String>,
    /// The role that it gives.
    #[field(
        see, create = default(MembershipRole::Member, choice), initial = MembershipRole::Member,
        text_in_create = "The role that it gives; `member` without it."
    )]
    pub role: MembershipRole,
    /// Language of its mail.
    #[field(
        see, create = default(Language::En, choice), initial = Language::En,
        text_in_create = "Language of its mail; `en` without it."
    )]
    pub language: Language,
    /// The mailbox that comes with it.
    #[field(see, create = optional(invited_mailbox), silent, personal)]
    pub mailbox: Option<InvitedMailbox>,
    /// Its status.
    #[field(see, initial = InvitationStatus::Pending)]
    pub status: InvitationStatus,
    /// `true` while it can become a membership, which holds a seat and the address.
    #[field(read = ADMINS, silent, initial = true)]
    pub open: bool,
    /// Reason for which its mail was refused or came back, or waits for another attempt.
    #[field(see, silent, personal)]
    pub failure: Option<String>,
    /// The person who invites; absent for the system.
    #[field(see)]
    pub invited_by: Option<UserId>,
    /// The API key that invites, instead of a person.
    #[field(see)]
    pub invited_by_key: Option<ApiKeyId>,
    /// Time at which it expires.
    #[field(see, given)]
    pub expires_at: Timestamp,
    /// Time at which its mail was taken by the mail server.
    #[field(see)]
    pub sent_at: Option<Timestamp>,
    /// Number of attempts to mail it.
    #[field(see, silent)]
    pub attempts: u32,
    /// Number of attempts since it was last asked for.
    #[field(read = ADMINS, silent)]
    pub attempts_in_a_row: u32,
    /// Number of times that its mail was asked for since `askedSince`.
    #[field(read = ADMINS, silent)]
    pub asked: u32,
    /// Beginning of the day in which `asked` counts.
    #[field(read = ADMINS, silent, given)]
    pub asked_since: Timestamp,
    /// Time of its next step: an attempt to mail it, its expiry, or its removal.
    #[field(read = ADMINS, silent, given)]
    pub due_at: Timestamp,
    /// SHA-256 of its secret, drawn with each attempt to mail it.
    #[field(silent, impersonal)]
    pub secret_hash: Option<String>,
    /// The person who accepted it.
    #[field(see)]
    pub accepted_by: Option<UserId>,
    /// Time at which it was accepted.
    #[field(see)]
    pub accepted_at: Option<Timestamp>,
    /// Time at which it was revoked.
    #[field(see)]
    pub revoked_at: Option<Timestamp>,
    /// Result of the mailbox that came with it.
    #[field(see)]
    pub mailbox_outcome: Option<MailboxOutcome>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

/// Number of times a day that the mail of an invitation, or to an address, may be asked for.
pub const MOST_MAILS_A_DAY: u32 = 5;

/// Length of the day in which these are counted.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Retention of invitations that are closed.
pub const RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Number of random bytes in a secret.
pub const SECRET_BYTES: usize = 32;

impl Invitation {
    /// Returns the unique key of an address while an invitation of it is open.
    #[must_use]
    pub fn address_key(tenant: TenantId, address: &str) -> String {
        format!("invited:{tenant}:{}", Form::Address.of(address))
    }

    /// Returns the unique key of a secret, by its hash.
    #[must_use]
    pub fn secret_key(hash: &str) -> String {
        format!("secret:{hash}")
    }

    /// Returns the hash of a secret, as it is stored.
    #[must_use]
    pub fn hash(secret: &str) -> String {
        hex::encode(Sha256::digest(secret.as_bytes()))
    }

    /// Returns `true` if it can be accepted at this time.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.open && self.expires_at > now
    }

    /// Closes it if its time has passed. Returns `true` if it did.
    pub fn lapse(&mut self, now: Timestamp) -> bool {
        let lapses = self.open && self.expires_at <= now;
        if lapses {
            self.close(InvitationStatus::Expired, now);
        }
        lapses
    }

    /// Has it mailed again with a new secret, valid for `life`.
    pub fn ask_again(&mut self, life: Duration, now: Timestamp) {
        self.status = InvitationStatus::Pending;
        self.failure = None;
        self.attempts_in_a_row = 0;
        self.expires_at = now.plus(life);
        self.due_at = now;
        if self.is_new_day(now) {
            (self.asked, self.asked_since) = (0, now);
        }
        self.asked = self.asked.saturating_add(1);
    }

    /// Returns `true` if its mail may be asked for again today.
    #[must_use]
    pub fn may_be_asked(&self, now: Timestamp) -> bool {
        self.is_new_day(now) || self.asked < MOST_MAILS_A_DAY
    }

    fn is_new_day(&self, now: Timestamp) -> bool {
        self.asked_since.plus(DAY) <= now
    }

    /// Notes an attempt to mail it with the secret of this hash, which must end within `limit`.
    pub fn attempt(&mut self, hash: String, limit: Duration, now: Timestamp) {
        self.secret_hash = Some(hash);
        self.attempts = self.attempts.saturating_add(1);
        self.attempts_in_a_row = self.attempts_in_a_row.saturating_add(1);
        self.due_at = now.plus(limit);
    }

    /// Notes that the mail server has taken its mail.
    pub fn sent(&mut self, now: Timestamp) {
        self.status = InvitationStatus::Sent;
        self.failure = None;
        self.sent_at = Some(now);
        self.due_at = self.expires_at;
    }

    /// Notes that its mail waits for another attempt.
    pub fn wait(&mut self, until: Timestamp, reason: String) {
        self.failure = Some(reason);
        self.due_at = until.min(self.expires_at);
    }

    /// Notes that its mail was refused or came back.
    pub fn fail(&mut self, reason: String) {
        self.status = InvitationStatus::Failed;
        self.failure = Some(reason);
        self.due_at = self.expires_at;
    }

    /// Revokes it; its link leads nowhere any more.
    pub fn revoke(&mut self, now: Timestamp) {
        self.revoked_at = Some(now);
        self.secret_hash = None;
        self.close(InvitationStatus::Revoked, now);
    }

    /// Accepts it.
    pub fn accept(&mut self, user: UserId, mailbox: Option<MailboxOutcome>, now: Timestamp) {
        self.accepted_by = Some(user);
        self.accepted_at = Some(now);
        self.mailbox_outcome = mailbox;
        self.close(InvitationStatus::Accepted, now);
    }

    fn close(&mut self, status: InvitationStatus, now: Timestamp) {
        self.status = status;
        self.open = false;
        self.due_at = now.plus(RETENTION);
    }

    fn keys(&self) -> Vec<String> {
        let address = self.open.then(|| Self::address_key(self.tenant_id, &self.email));
        let secret = self.secret_hash.as_deref().map(Self::secret_key);
        address.into_iter().chain(secret).collect()
    }
}

impl CreateInvitation {
    /// Creates the invitation of a tenant, valid for `life`.
    #[must_use]
    pub fn into_invitation(self, tenant: TenantId, by: Option<UserId>, life: Duration, now: Timestamp) -> Invitation {
        let mut invitation = Invitation::blank(tenant, self.email.clone(), now.plus(life), now, now, now);
        invitation.email_key = Form::Address.of(&invitation.email);
        invitation.invited_by = by;
        invitation.asked = 1;
        self.apply(&mut invitation);
        invitation
    }
}

/// Reads the mailbox of an invitation.
fn invited_mailbox(value: &Value) -> Result<InvitedMailbox, Problem> {
    let given = value.as_object().ok_or_else(|| Problem::new(FieldCode::WRONG_TYPE, "must be an object"))?;
    let aliases = match given.get("aliases") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(aliases)) if aliases.len() <= MOST_ALIASES => aliases
            .iter()
            .map(|alias| address_name(alias).map_err(|problem| of("aliases", problem)))
            .collect::<Result<_, _>>()?,
        Some(Value::Array(_)) => {
            return Err(Problem::new(
                FieldCode::TOO_LONG,
                format!("`aliases` must have at most {MOST_ALIASES} entries"),
            ));
        }
        Some(_) => return Err(Problem::new(FieldCode::WRONG_TYPE, "`aliases` must be a list")),
    };
    let local_part = member(given, "localPart", address_name)?;
    let domain = member(given, "domain", domain_name)?;
    if let Some(unknown) = given.keys().find(|name| !["localPart", "domain", "aliases"].contains(&name.as_str())) {
        let message = format!("has no field `{}`", unknown.escape_debug());
        return Err(Problem::new(FieldCode::UNKNOWN_FIELD, message));
    }
    Ok(InvitedMailbox { local_part, domain, aliases })
}

/// Number of aliases that the mailbox of an invitation has at most.
const MOST_ALIASES: usize = 20;

fn member<T>(
    given: &Map<String, Value>,
    name: &str,
    read: impl FnOnce(&Value) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let missing = || Problem::new(FieldCode::REQUIRED, format!("must have `{name}`"));
    read(given.get(name).ok_or_else(missing)?).map_err(|problem| of(name, problem))
}

fn of(name: &str, problem: Problem) -> Problem {
    Problem::new(problem.code, format!("`{name}` {}", problem.message))
}
