//! The mail system behind a tenant: its domains with keys and DNS records, and mailboxes in them.

use std::fmt;

use async_trait::async_trait;

use super::{ConnectorResult, SystemReport};
use crate::{context::RequestContext, outbound::Traffic};

/// A mail domain. Its name is unique in the mail system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailDomain {
    /// Id in the mail system.
    pub id: String,
    /// Name, such as `acme.eu`.
    pub name: String,
    /// `true` if it sends and receives mail.
    pub enabled: bool,
}

/// A mail domain with what is looked at of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainInFull {
    /// The domain.
    pub domain: MailDomain,
    /// The DNS records that its owner publishes.
    pub records: Vec<DnsRecord>,
    /// Its mailboxes; `None` if they were not listed.
    pub mailboxes: Option<Vec<Mailbox>>,
}

/// A key that signs mail (DKIM, RFC 6376).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DkimKey {
    /// Selector.
    pub selector: String,
    /// Algorithm, such as `rsa-sha256` or `ed25519-sha256`.
    pub algorithm: String,
    /// `true` if mail is signed with it now.
    pub active: bool,
}

/// A DNS record that a domain's owner publishes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DnsRecord {
    /// Type, such as `MX`.
    pub kind: String,
    /// Full name without a dot at the end.
    pub name: String,
    /// Value in presentation format. A `TXT` value is one text without quotes, however the system cut it.
    pub value: String,
}

/// A mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Id in the mail system.
    pub id: String,
    /// Part before the `@`.
    pub local_part: String,
    /// Id of its domain.
    pub domain: String,
    /// Addresses that are delivered to it as well, sorted: local parts of the same domain.
    pub aliases: Vec<String>,
    /// Bound of its size in bytes; `None` for no bound.
    pub quota: Option<u64>,
    /// `true` if it can be signed in to.
    pub enabled: bool,
}

/// A mailbox to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMailbox {
    /// Part before the `@`.
    pub local_part: String,
    /// Id of its domain.
    pub domain: String,
    /// Name of the domain, which older systems ask for.
    pub domain_name: String,
    /// Name shown to people.
    pub display_name: Option<String>,
    /// Local parts of the same domain that are delivered to it as well.
    pub aliases: Vec<String>,
    /// Bound of its size in bytes.
    pub quota: Option<u64>,
}

/// A change of a mailbox. `None` leaves a value as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailboxChange {
    /// All aliases.
    pub aliases: Option<Vec<String>>,
    /// Bound of its size in bytes; `Some(None)` removes it.
    pub quota: Option<Option<u64>>,
    /// `false` keeps its mail and lets nobody sign in.
    pub enabled: Option<bool>,
}

/// A password for one mail program. Shown once, never in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct AppPassword {
    /// Id in the mail system.
    pub id: String,
    /// The password.
    pub secret: String,
}

impl fmt::Debug for AppPassword {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AppPassword").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A mail system. Each change may be done twice.
#[async_trait]
pub trait Mail: Send + Sync + fmt::Debug {
    /// Checks that the system answers, has a known version, and gives the credential its rights.
    async fn check(&self, context: &RequestContext) -> ConnectorResult<SystemReport>;

    /// Returns the numbers of requests so far.
    fn traffic(&self) -> Traffic;

    /// Returns the domain of this name.
    async fn domain(&self, context: &RequestContext, name: &str) -> ConnectorResult<Option<MailDomain>>;

    /// Returns the domain of this name in full, in as few requests as the system allows.
    ///
    /// `id` is the id that it had before. Mailboxes are listed only of a domain that still has it.
    async fn domain_in_full(
        &self,
        context: &RequestContext,
        name: &str,
        id: Option<&str>,
    ) -> ConnectorResult<Option<DomainInFull>> {
        let Some(domain) = self.domain(context, name).await? else { return Ok(None) };
        let records = self.dns_records(context, &domain).await?;
        let mailboxes = match id {
            Some(id) if id == domain.id => Some(self.mailboxes(context, &domain).await?),
            _ => None,
        };
        Ok(Some(DomainInFull { domain, records, mailboxes }))
    }

    /// Creates a domain; its keys follow by themselves.
    ///
    /// # Errors
    /// `Conflict` with the id of the domain that exists. `Rejected` for a name that the system refuses.
    async fn create_domain(&self, context: &RequestContext, name: &str) -> ConnectorResult<MailDomain>;

    /// Enables or disables a domain.
    ///
    /// # Errors
    /// `Rejected` where the system cannot disable one: Stalwart before 0.16. Disable its mailboxes then.
    async fn set_domain_enabled(
        &self,
        context: &RequestContext,
        domain: &MailDomain,
        enabled: bool,
    ) -> ConnectorResult<()>;

    /// Deletes a domain and its keys. An absent one is deleted.
    ///
    /// # Errors
    /// `Conflict` while it has mailboxes.
    async fn delete_domain(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<()>;

    /// Returns the keys that sign the domain's mail. None yet while they are being made.
    async fn dkim_keys(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<Vec<DkimKey>>;

    /// Returns the DNS records that the domain's owner publishes.
    async fn dns_records(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<Vec<DnsRecord>>;

    /// Returns the mailboxes of a domain, all pages of them.
    async fn mailboxes(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<Vec<Mailbox>>;

    /// Returns one mailbox.
    async fn mailbox(
        &self,
        context: &RequestContext,
        domain: &MailDomain,
        local_part: &str,
    ) -> ConnectorResult<Option<Mailbox>>;

    /// Creates a mailbox without a password that anyone knows.
    ///
    /// # Errors
    /// `Conflict` with the id of what has the address already.
    async fn create_mailbox(&self, context: &RequestContext, mailbox: &NewMailbox) -> ConnectorResult<Mailbox>;

    /// Changes a mailbox.
    async fn update_mailbox(
        &self,
        context: &RequestContext,
        mailbox: &Mailbox,
        change: &MailboxChange,
    ) -> ConnectorResult<()>;

    /// Deletes a mailbox with its mail. An absent one is deleted.
    async fn delete_mailbox(&self, context: &RequestContext, mailbox: &Mailbox) -> ConnectorResult<()>;

    /// Creates a password for one mail program, in the place of ours of the same mark.
    ///
    /// The mark has letters and digits only. It tells our app passwords from those of others, and each from the next of
    /// the same name.
    ///
    /// # Errors
    /// `Rejected` when the mailbox has as many as the system allows.
    async fn create_app_password(
        &self,
        context: &RequestContext,
        mailbox: &Mailbox,
        mark: &str,
        name: &str,
    ) -> ConnectorResult<AppPassword>;

    /// Returns the ids of the app passwords of a mailbox that are ours. None for an absent mailbox.
    async fn app_passwords(&self, context: &RequestContext, mailbox: &Mailbox) -> ConnectorResult<Vec<String>>;

    /// Deletes such a password. An absent one is deleted.
    async fn delete_app_password(&self, context: &RequestContext, mailbox: &Mailbox, id: &str) -> ConnectorResult<()>;
}
