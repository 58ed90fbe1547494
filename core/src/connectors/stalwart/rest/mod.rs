//! Client of the REST interface of Stalwart 0.15 and before.

mod answer;
mod domains;
mod mailboxes;
mod principal;

use async_trait::async_trait;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use self::{
    answer::{Failure, ask},
    principal::Principal,
};
use super::{names, reading::incompatible};
use crate::{
    connectors::{
        AppPassword, ConnectorError, ConnectorResult, DkimKey, DnsRecord, Mail, MailDomain, Mailbox, MailboxChange,
        NewMailbox, SystemReport,
    },
    context::RequestContext,
    outbound::{OriginClient, Request, Traffic},
};

/// Number of principals that are read.
const MAXIMUM_ENTRIES: u64 = 10_000;

/// Number of principals in one answer.
const PAGE: u64 = 500;

/// Client of the REST interface.
#[derive(Debug)]
pub(super) struct Rest {
    client: OriginClient,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Value>,
    total: u64,
}

impl Rest {
    pub(super) fn new(client: OriginClient) -> Self {
        Self { client }
    }

    /// Checks that the interface answers.
    pub(super) async fn is_there(&self, context: &RequestContext) -> ConnectorResult<()> {
        self.page(context, "domain", 1, 1).await.map(|_| ())
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        context: &RequestContext,
        of: &'static str,
        request: Request,
    ) -> ConnectorResult<Result<T, Failure>> {
        ask(&self.client, context, of, &request).await
    }

    /// Returns the principal of a name. An absent one is a failure with status 200.
    async fn principal(&self, context: &RequestContext, name: &str) -> ConnectorResult<Option<Principal>> {
        let request = Request::get("/api/principal").segment(name.to_owned());
        match self.ask(context, "/api/principal", request).await? {
            Ok(principal) => Ok(Some(principal)),
            Err(failure) if failure.is("notFound") => Ok(None),
            Err(failure) => Err(failure.into_error(&format!("the principal `{name}`"))),
        }
    }

    async fn page(
        &self,
        context: &RequestContext,
        kinds: &'static str,
        page: u64,
        limit: u64,
    ) -> ConnectorResult<Page> {
        let request = Request::get("/api/principal")
            .query("types", kinds)
            .query("fields", principal::FIELDS)
            .query("page", page.to_string())
            .query("limit", limit.to_string());
        let page: Result<Page, Failure> = self.ask(context, "/api/principal", request).await?;
        page.map_err(|failure| failure.into_error("a list of principals"))
    }

    /// Returns all principals of some kinds. Searches by text find words, so that what is looked for is compared here.
    async fn principals(&self, context: &RequestContext, kinds: &'static str) -> ConnectorResult<Vec<Value>> {
        let (mut found, mut number) = (Vec::new(), 1);
        loop {
            let page = self.page(context, kinds, number, PAGE).await?;
            if page.total > MAXIMUM_ENTRIES {
                let why =
                    format!("Stalwart has {} mailboxes, and 10,000 are read at most; upgrade it to 0.16", page.total);
                return Err(ConnectorError::Rejected { why });
            }
            let last = page.items.is_empty() || number * PAGE >= page.total;
            found.extend(page.items);
            if last {
                return Ok(found);
            }
            number += 1;
        }
    }

    /// Changes a principal.
    async fn patch(
        &self,
        context: &RequestContext,
        name: &str,
        changes: Vec<Value>,
    ) -> ConnectorResult<Result<(), Failure>> {
        let request = Request::patch("/api/principal").segment(name.to_owned()).json(&changes);
        Ok(self.ask::<Value>(context, "/api/principal", request).await?.map(|_| ()))
    }

    /// Deletes a principal. An absent one is deleted.
    async fn delete(&self, context: &RequestContext, name: &str, what: &str) -> ConnectorResult<()> {
        let request = Request::delete("/api/principal").segment(name.to_owned());
        match self.ask::<Value>(context, "/api/principal", request).await? {
            Err(failure) if !failure.is("notFound") => Err(failure.into_error(what)),
            _ => Ok(()),
        }
    }

    /// Returns the rights to read that the credential lacks; those to change cannot be tried without a change.
    async fn rights(&self, context: &RequestContext) -> ConnectorResult<Vec<String>> {
        let mut missing = Vec::new();
        for (kinds, purpose) in [
            ("domain", "list domains"),
            ("individual", "list mailboxes"),
            ("individual,group,list", "find who has an address"),
        ] {
            match self.page(context, kinds, 1, 1).await {
                Ok(_) => {}
                Err(ConnectorError::Unauthorized { .. }) => missing.push(format!("to {purpose}")),
                Err(error) => return Err(error),
            }
        }
        Ok(missing)
    }
}

/// Creates the error of a change to an object that is not there any more.
fn gone(what: &str) -> ConnectorError {
    ConnectorError::Rejected { why: format!("Stalwart does not have {what} any more; look for it again") }
}

/// Returns the name within an id.
fn name_of(id: &str) -> ConnectorResult<&str> {
    // An older Stalwart than before, which its data does not survive.
    names::from_id(id).ok_or_else(|| incompatible("an id is of its registry, which only a newer one has"))
}

#[async_trait]
impl Mail for Rest {
    fn traffic(&self) -> Traffic {
        self.client.traffic()
    }

    async fn check(&self, context: &RequestContext) -> ConnectorResult<SystemReport> {
        let missing_rights = self.rights(context).await?;
        Ok(SystemReport { version: Some("Stalwart 0.15 or earlier".to_owned()), missing_rights })
    }

    async fn domain(&self, context: &RequestContext, name: &str) -> ConnectorResult<Option<MailDomain>> {
        self.find_domain(context, name).await
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
        self.remove_domain(context, domain).await
    }

    async fn dkim_keys(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<Vec<DkimKey>> {
        self.keys(context, domain).await
    }

    async fn dns_records(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<Vec<DnsRecord>> {
        self.records(context, domain).await
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
        self.delete(context, name_of(&mailbox.id)?, &format!("the mailbox `{}`", mailbox.local_part)).await
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
        self.remove_password(context, mailbox, id).await
    }
}
