//! Client of Stalwart: JMAP from 0.16 on, REST before.
//!
//! Release 0.16 has replaced the REST interface. There is a client for each, and which one answers is found out on first
//! use, and again when an answer has another form than expected: the system may be upgraded while this runs. See
//! `docs/design/connectors-stalwart.md`.

mod jmap;
mod names;
mod probe;
mod reading;
mod rest;
mod zone;

use async_trait::async_trait;
use tokio::sync::Mutex;

use self::probe::{Interface, probe};
use super::{
    AppPassword, ConnectorError, ConnectorResult, ConnectorSettings, DkimKey, DnsRecord, DomainInFull, Mail,
    MailDomain, Mailbox, MailboxChange, NewMailbox, SystemReport,
};
use crate::{
    context::RequestContext,
    outbound::{OriginClient, Traffic},
};

/// Number of requests in flight that Stalwart allows to one account.
const MAXIMUM_IN_FLIGHT: usize = 4;

/// A Stalwart of any release.
#[derive(Debug)]
pub struct Stalwart {
    client: OriginClient,
    interface: Mutex<Option<Interface>>,
}

/// Calls a method, and once more after the interface has changed. Each change may be done twice.
macro_rules! ask {
    ($stalwart:ident, $context:ident, $method:ident($($argument:expr),*)) => {{
        let interface = $stalwart.interface($context).await?;
        match interface.client(&$stalwart.client).$method($context $(, $argument)*).await {
            Err(error @ ConnectorError::Incompatible { .. }) => match $stalwart.changed($context, &interface).await {
                Some(other) => other.client(&$stalwart.client).$method($context $(, $argument)*).await,
                None => Err(error),
            },
            outcome => outcome,
        }
    }};
}

impl Stalwart {
    /// Creates a client. The interface is found out on first use.
    ///
    /// # Errors
    /// [`ConnectorError::Rejected`] when the URL or the credential cannot be used.
    pub fn new(settings: &ConnectorSettings) -> ConnectorResult<Self> {
        let mut settings = settings.clone();
        settings.maximum_in_flight = settings.maximum_in_flight.min(MAXIMUM_IN_FLIGHT);
        Ok(Self { client: settings.client()?, interface: Mutex::new(None) })
    }

    /// Returns the interface, found out once for all callers that wait.
    async fn interface(&self, context: &RequestContext) -> ConnectorResult<Interface> {
        let waiting = tokio::time::timeout(context.remaining(), self.interface.lock()).await;
        let Ok(mut known) = waiting else {
            let why = "it is not known in time of which release Stalwart is".to_owned();
            return Err(ConnectorError::Retryable { after: None, why });
        };
        if let Some(interface) = known.as_ref() {
            return Ok(interface.clone());
        }
        let interface = probe(&self.client, context).await?;
        *known = Some(interface.clone());
        Ok(interface)
    }

    /// Finds out the interface again, and returns it if it is another one.
    async fn changed(&self, context: &RequestContext, before: &Interface) -> Option<Interface> {
        let found = probe(&self.client, context).await.ok();
        *self.interface.lock().await = found.clone();
        found.filter(|interface| interface != before)
    }
}

#[async_trait]
impl Mail for Stalwart {
    fn traffic(&self) -> Traffic {
        self.client.traffic()
    }

    async fn check(&self, context: &RequestContext) -> ConnectorResult<SystemReport> {
        let interface = probe(&self.client, context).await?;
        *self.interface.lock().await = Some(interface.clone());
        interface.client(&self.client).check(context).await
    }

    async fn domain(&self, context: &RequestContext, name: &str) -> ConnectorResult<Option<MailDomain>> {
        ask!(self, context, domain(name))
    }

    async fn domain_in_full(
        &self,
        context: &RequestContext,
        name: &str,
        id: Option<&str>,
    ) -> ConnectorResult<Option<DomainInFull>> {
        ask!(self, context, domain_in_full(name, id))
    }

    async fn create_domain(&self, context: &RequestContext, name: &str) -> ConnectorResult<MailDomain> {
        ask!(self, context, create_domain(name))
    }

    async fn set_domain_enabled(
        &self,
        context: &RequestContext,
        domain: &MailDomain,
        enabled: bool,
    ) -> ConnectorResult<()> {
        ask!(self, context, set_domain_enabled(domain, enabled))
    }

    async fn delete_domain(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<()> {
        ask!(self, context, delete_domain(domain))
    }

    async fn dkim_keys(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<Vec<DkimKey>> {
        ask!(self, context, dkim_keys(domain))
    }

    async fn dns_records(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<Vec<DnsRecord>> {
        ask!(self, context, dns_records(domain))
    }

    async fn mailboxes(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<Vec<Mailbox>> {
        ask!(self, context, mailboxes(domain))
    }

    async fn mailbox(
        &self,
        context: &RequestContext,
        domain: &MailDomain,
        local_part: &str,
    ) -> ConnectorResult<Option<Mailbox>> {
        ask!(self, context, mailbox(domain, local_part))
    }

    async fn create_mailbox(&self, context: &RequestContext, mailbox: &NewMailbox) -> ConnectorResult<Mailbox> {
        ask!(self, context, create_mailbox(mailbox))
    }

    async fn update_mailbox(
        &self,
        context: &RequestContext,
        mailbox: &Mailbox,
        change: &MailboxChange,
    ) -> ConnectorResult<()> {
        ask!(self, context, update_mailbox(mailbox, change))
    }

    async fn delete_mailbox(&self, context: &RequestContext, mailbox: &Mailbox) -> ConnectorResult<()> {
        ask!(self, context, delete_mailbox(mailbox))
    }

    async fn create_app_password(
        &self,
        context: &RequestContext,
        mailbox: &Mailbox,
        mark: &str,
        name: &str,
    ) -> ConnectorResult<AppPassword> {
        ask!(self, context, create_app_password(mailbox, mark, name))
    }

    async fn app_passwords(&self, context: &RequestContext, mailbox: &Mailbox) -> ConnectorResult<Vec<String>> {
        ask!(self, context, app_passwords(mailbox))
    }

    async fn delete_app_password(&self, context: &RequestContext, mailbox: &Mailbox, id: &str) -> ConnectorResult<()> {
        ask!(self, context, delete_app_password(mailbox, id))
    }
}
