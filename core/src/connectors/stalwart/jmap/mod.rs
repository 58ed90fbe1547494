//! Client of the JMAP registry of Stalwart 0.16 and later.

mod call;
mod domains;
mod errors;
mod mailboxes;
mod passwords;

use async_trait::async_trait;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

pub(super) use call::{Answers, Batch, QueryAnswer};

use super::{
    names,
    reading::{incompatible, quote, read},
};
use crate::{
    connectors::{
        AppPassword, ConnectorError, ConnectorResult, DkimKey, DnsRecord, DomainInFull, Mail, MailDomain, Mailbox,
        MailboxChange, NewMailbox, SystemReport,
    },
    context::RequestContext,
    outbound::{OriginClient, Request, Traffic},
};

/// Number of entries of a list that are read.
const MAXIMUM_ENTRIES: u64 = 10_000;

/// Number of times that a list is read from its beginning because it has changed.
const MAXIMUM_READS: usize = 3;

/// Content of the session resource, as far as it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// Account of the credential, which calls name.
    pub(super) account: String,
    /// Number of objects in one answer.
    pub(super) page: u64,
}

/// Client of the registry.
#[derive(Debug)]
pub(super) struct Jmap {
    client: OriginClient,
    session: Session,
}

/// Names the fields to read of an object.
trait Object: DeserializeOwned {
    const GET: &'static str;
    const QUERY: &'static str;
    const PROPERTIES: &'static [&'static str];
}

/// A page of a list.
struct Page<T> {
    objects: Vec<T>,
    /// Number of ids in the page.
    length: u64,
    /// Number of entries of the whole list.
    total: u64,
}

impl<T: Object> Page<T> {
    /// Takes the answers to the calls for a page.
    fn take(answers: &mut Answers, place: usize) -> ConnectorResult<Self> {
        let page: QueryAnswer = answers.take(place)?;
        let total = page.total.ok_or_else(|| incompatible(&format!("`{}` answers without `total`", T::QUERY)))?;
        let objects: call::GetAnswer = answers.take(place + 1)?;
        let objects: ConnectorResult<_> = objects.list.into_iter().map(|object| read(T::GET, object)).collect();
        Ok(Self { objects: objects?, length: page.ids.len() as u64, total })
    }

    /// Returns `true` if the page is the whole list.
    fn is_all(&self) -> bool {
        self.length >= self.total
    }
}

impl Jmap {
    pub(super) fn new(client: OriginClient, session: Session) -> Self {
        Self { client, session }
    }

    async fn send(&self, context: &RequestContext, batch: Batch) -> ConnectorResult<Answers> {
        batch.send(&self.client, context).await
    }

    /// Returns the arguments of a call with the account of the credential.
    fn arguments(&self, arguments: Value) -> Value {
        of_account(&self.session.account, arguments)
    }

    /// Returns the objects that a filter matches, all pages of them.
    ///
    /// Pages count from the first id on: in Stalwart's own order a page is cut out before it is sorted, so that pages
    /// overlap. The total shows that the list has changed in between; then it is read again.
    async fn list<T: Object>(&self, context: &RequestContext, filter: Value) -> ConnectorResult<Vec<T>> {
        for _ in 0..MAXIMUM_READS {
            if let Some(found) = self.read_list(context, &filter).await? {
                return Ok(found);
            }
        }
        let why = format!("a list of Stalwart (`{}`) changes faster than it is read", T::QUERY);
        Err(ConnectorError::Retryable { after: None, why })
    }

    /// Reads a list once; `None` if it changed meanwhile.
    async fn read_list<T: Object>(&self, context: &RequestContext, filter: &Value) -> ConnectorResult<Option<Vec<T>>> {
        let (mut found, mut position, mut first_total) = (Vec::new(), 0, None);
        loop {
            let batch = self.with_page::<T>(Batch::new(), filter, position);
            let mut page = Page::take(&mut self.send(context, batch).await?, 0)?;
            if page.total > MAXIMUM_ENTRIES {
                let why = format!(
                    "a list of Stalwart (`{}`) has {} entries, and 10,000 are read at most",
                    T::QUERY,
                    page.total
                );
                return Err(ConnectorError::Rejected { why });
            }
            if *first_total.get_or_insert(page.total) != page.total {
                return Ok(None);
            }
            found.append(&mut page.objects);
            position += page.length;
            if position >= page.total {
                return Ok(Some(found));
            }
            if page.length == 0 {
                return Ok(None);
            }
        }
    }

    /// Appends the two calls for a page of a list.
    fn with_page<T: Object>(&self, batch: Batch, filter: &Value, position: u64) -> Batch {
        let query = json!({
            "filter": filter,
            "sort": [{ "property": "id", "isAscending": true }],
            "position": position,
            "limit": self.session.page,
            "calculateTotal": true,
        });
        let ids = json!({ "resultOf": batch.len().to_string(), "name": T::QUERY, "path": "/ids" });
        let get = json!({ "#ids": ids, "properties": T::PROPERTIES });
        batch.call(T::QUERY, self.arguments(query)).call(T::GET, self.arguments(get))
    }

    /// Returns the object with an id of the registry.
    async fn get<T: Object>(&self, context: &RequestContext, id: &str) -> ConnectorResult<Option<T>> {
        let arguments = self.arguments(json!({ "ids": [id], "properties": T::PROPERTIES }));
        let mut answers = self.send(context, Batch::new().call(T::GET, arguments)).await?;
        let answer: call::GetAnswer = answers.take(0)?;
        answer.list.into_iter().next().map(|object| read(T::GET, object)).transpose()
    }

    /// Returns the id of a domain in the registry; `None` if it is gone.
    ///
    /// Ids from before an upgrade are names, by which the domain is looked for.
    async fn domain_id(&self, context: &RequestContext, id: &str, name: &str) -> ConnectorResult<Option<String>> {
        if is_own(id) {
            return Ok(Some(id.to_owned()));
        }
        let name = names::from_id(id).unwrap_or(name);
        Ok(self.find_domain(context, name).await?.map(|domain| domain.id))
    }

    /// Returns the id of a mailbox in the registry, likewise.
    async fn mailbox_id(&self, context: &RequestContext, mailbox: &Mailbox) -> ConnectorResult<Option<String>> {
        if is_own(&mailbox.id) {
            return Ok(Some(mailbox.id.clone()));
        }
        let Some(domain) = self.domain_id(context, &mailbox.domain, "").await? else { return Ok(None) };
        let found = self.account(context, &domain, &mailbox.local_part).await?;
        Ok(found.map(|mailbox| mailbox.id))
    }

    /// Returns the rights that the credential lacks, and the edition.
    async fn rights(&self, context: &RequestContext) -> ConnectorResult<(Option<String>, Vec<String>)> {
        let response = self.client.send(context, &Request::get("/api/account")).await?;
        if response.status() == http::StatusCode::NOT_FOUND {
            return Ok((None, Vec::new()));
        }
        let account: Account = read("/api/account", response.error_for_status()?.json()?)?;
        let plain = |name: &str| name.replace('-', "").to_ascii_lowercase();
        let rights: Vec<String> = account.permissions.iter().map(|name| plain(name)).collect();
        let has = |name: &str| rights.contains(&plain(name));
        // The recovery administrator may do everything, but some rights are left out of its list.
        let recovery = has("sysSystemSettingsUpdate") && !has("sysAccountSettingsGet");
        let needed = RIGHTS.iter().filter(|(name, _)| !(recovery && name.starts_with("sysAppPassword")));
        let missing = needed.filter(|(name, _)| !has(name));
        let missing = missing.map(|(name, purpose)| format!("`{name}`, to {purpose}")).collect();
        Ok((account.edition.map(|edition| quote(&edition)), missing))
    }
}

/// Returns arguments with an `accountId`.
pub(super) fn of_account(account: &str, mut arguments: Value) -> Value {
    if let Some(map) = arguments.as_object_mut() {
        map.insert("accountId".to_owned(), json!(account));
    }
    arguments
}

/// Returns `true` for an id of the registry. Stalwart passes over an id of another form in silence.
fn is_own(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.chars().all(|character| character.is_ascii_alphanumeric())
}

/// Creates the error of a change to an object that is not there any more.
fn gone(what: &str) -> ConnectorError {
    ConnectorError::Rejected { why: format!("Stalwart does not have {what} any more; look for it again") }
}

#[derive(Deserialize)]
struct Account {
    permissions: Vec<String>,
    edition: Option<String>,
}

/// Rights that the credential needs, and for what.
const RIGHTS: [(&str, &str); 18] = [
    ("sysDomainGet", "read domains"),
    ("sysDomainQuery", "find domains"),
    ("sysDomainCreate", "create domains"),
    ("sysDomainUpdate", "disable domains"),
    ("sysDomainDestroy", "delete domains"),
    ("sysDkimSignatureGet", "read DKIM keys"),
    ("sysDkimSignatureQuery", "find DKIM keys"),
    ("sysDkimSignatureDestroy", "delete the DKIM keys of a domain"),
    ("sysAccountGet", "read mailboxes"),
    ("sysAccountQuery", "find mailboxes"),
    ("sysAccountCreate", "create mailboxes"),
    ("sysAccountUpdate", "change mailboxes"),
    ("sysAccountDestroy", "delete mailboxes"),
    ("sysAppPasswordGet", "find app passwords"),
    ("sysAppPasswordCreate", "create app passwords"),
    ("sysAppPasswordDestroy", "delete app passwords"),
    ("authenticate", "sign in"),
    ("impersonate", "manage the app passwords of others"),
];

#[async_trait]
impl Mail for Jmap {
    fn traffic(&self) -> Traffic {
        self.client.traffic()
    }

    async fn check(&self, context: &RequestContext) -> ConnectorResult<SystemReport> {
        let (edition, missing_rights) = self.rights(context).await?;
        let edition = edition.map(|edition| format!(" ({edition} edition)")).unwrap_or_default();
        Ok(SystemReport { version: Some(format!("Stalwart 0.16 or later{edition}")), missing_rights })
    }

    async fn domain(&self, context: &RequestContext, name: &str) -> ConnectorResult<Option<MailDomain>> {
        self.find_domain(context, name).await
    }

    async fn domain_in_full(
        &self,
        context: &RequestContext,
        name: &str,
        id: Option<&str>,
    ) -> ConnectorResult<Option<DomainInFull>> {
        self.find_domain_in_full(context, name, id).await
    }

    async fn create_domain(&self, context: &RequestContext, name: &str) -> ConnectorResult<MailDomain> {
        self.add_domain(context, name).await
    }

    async fn set_domain_enabled(
        &self,
        context: &RequestContext,
        domain: &MailDomain,
        enabled: bool,
    ) -> ConnectorResult<()> {
        self.enable_domain(context, domain, enabled).await
    }

    async fn delete_domain(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<()> {
        self.destroy_domain(context, domain).await
    }

    async fn dkim_keys(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<Vec<DkimKey>> {
        self.keys(context, domain).await
    }

    async fn dns_records(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<Vec<DnsRecord>> {
        self.zone(context, domain).await
    }

    async fn mailboxes(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<Vec<Mailbox>> {
        self.find_mailboxes(context, domain).await
    }

    async fn mailbox(
        &self,
        context: &RequestContext,
        domain: &MailDomain,
        local_part: &str,
    ) -> ConnectorResult<Option<Mailbox>> {
        self.find_mailbox(context, domain, local_part).await
    }

    async fn create_mailbox(&self, context: &RequestContext, mailbox: &NewMailbox) -> ConnectorResult<Mailbox> {
        self.add_mailbox(context, mailbox).await
    }

    async fn update_mailbox(
        &self,
        context: &RequestContext,
        mailbox: &Mailbox,
        change: &MailboxChange,
    ) -> ConnectorResult<()> {
        self.change_mailbox(context, mailbox, change).await
    }

    async fn delete_mailbox(&self, context: &RequestContext, mailbox: &Mailbox) -> ConnectorResult<()> {
        self.destroy_mailbox(context, mailbox).await
    }

    async fn create_app_password(
        &self,
        context: &RequestContext,
        mailbox: &Mailbox,
        mark: &str,
        name: &str,
    ) -> ConnectorResult<AppPassword> {
        self.add_password(context, mailbox, mark, name).await
    }

    async fn app_passwords(&self, context: &RequestContext, mailbox: &Mailbox) -> ConnectorResult<Vec<String>> {
        self.own_passwords(context, mailbox).await
    }

    async fn delete_app_password(&self, context: &RequestContext, mailbox: &Mailbox, id: &str) -> ConnectorResult<()> {
        self.destroy_password(context, mailbox, id).await
    }
}
