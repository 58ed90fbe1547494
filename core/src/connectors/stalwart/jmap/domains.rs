//! Domains of the registry, their keys and their DNS records.

use serde::Deserialize;
use serde_json::json;

use super::{
    super::{names, reading::incompatible, zone},
    Batch, Jmap, Object, Page,
    errors::SetError,
    gone, is_own,
    mailboxes::Account,
};
use crate::{
    connectors::{ConnectorError, ConnectorResult, DkimKey, DnsRecord, DomainInFull, MailDomain},
    context::RequestContext,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Domain {
    id: String,
    name: String,
    is_enabled: bool,
}

impl Object for Domain {
    const GET: &'static str = "x:Domain/get";
    const QUERY: &'static str = "x:Domain/query";
    const PROPERTIES: &'static [&'static str] = &["name", "isEnabled"];
}

impl From<Domain> for MailDomain {
    fn from(domain: Domain) -> Self {
        Self { id: domain.id, name: domain.name, enabled: domain.is_enabled }
    }
}

/// A domain together with its zone.
#[derive(Deserialize)]
struct DomainWithZone {
    #[serde(flatten)]
    domain: Domain,
    #[serde(flatten)]
    zone: Zone,
}

impl Object for DomainWithZone {
    const GET: &'static str = Domain::GET;
    const QUERY: &'static str = Domain::QUERY;
    const PROPERTIES: &'static [&'static str] = &["name", "isEnabled", "dnsZoneFile"];
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Zone {
    dns_zone_file: String,
}

impl Object for Zone {
    const GET: &'static str = "x:Domain/get";
    const QUERY: &'static str = "x:Domain/query";
    const PROPERTIES: &'static [&'static str] = &["dnsZoneFile"];
}

#[derive(Deserialize)]
struct Signature {
    id: String,
    #[serde(rename = "@type")]
    kind: String,
    selector: String,
    stage: String,
}

impl Object for Signature {
    const GET: &'static str = "x:DkimSignature/get";
    const QUERY: &'static str = "x:DkimSignature/query";
    const PROPERTIES: &'static [&'static str] = &["@type", "selector", "stage"];
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

impl Jmap {
    pub(super) async fn find_domain(
        &self,
        context: &RequestContext,
        name: &str,
    ) -> ConnectorResult<Option<MailDomain>> {
        let name = names::domain(name);
        let found: Vec<Domain> = self.list(context, json!({ "name": name })).await?;
        Ok(found.into_iter().find(|domain| domain.name == name).map(MailDomain::from))
    }

    /// Returns a domain with its zone and its mailboxes, in one request unless a list is longer than a page.
    pub(super) async fn find_domain_in_full(
        &self,
        context: &RequestContext,
        name: &str,
        id: Option<&str>,
    ) -> ConnectorResult<Option<DomainInFull>> {
        let name = names::domain(name);
        let by_name = json!({ "name": name });
        let id = id.filter(|id| is_own(id));
        let mut batch = self.with_page::<DomainWithZone>(Batch::new(), &by_name, 0);
        let of_mailboxes = batch.len();
        if let Some(id) = id {
            batch = self.with_page::<Account>(batch, &json!({ "domainId": id }), 0);
        }
        let mut answers = self.send(context, batch).await?;
        let domains = Page::<DomainWithZone>::take(&mut answers, 0)?;
        let found = if domains.is_all() { domains.objects } else { self.list(context, by_name).await? };
        let Some(found) = found.into_iter().find(|found| found.domain.name == name) else { return Ok(None) };
        let mailboxes = match id {
            Some(id) if id == found.domain.id => {
                let page = Page::<Account>::take(&mut answers, of_mailboxes)?;
                self.mailboxes_of_page(context, id, page).await?
            }
            _ => None,
        };
        Ok(Some(DomainInFull { domain: found.domain.into(), records: found.zone.records()?, mailboxes }))
    }

    pub(super) async fn add_domain(&self, context: &RequestContext, name: &str) -> ConnectorResult<MailDomain> {
        let name = names::domain(name);
        let domain = json!({
            "name": name,
            "isEnabled": true,
            "dkimManagement": { "@type": "Automatic" },
            "dnsManagement": { "@type": "Manual" },
            "certificateManagement": { "@type": "Manual" },
        });
        let set = self.arguments(json!({ "create": { "d": domain } }));
        let mut answers = self.send(context, Batch::new().call("x:Domain/set", set)).await?;
        let created = answers.take_set(0)?.created::<Created>("d")?;
        let created = created.map_err(|error| error.into_error(&described(&name)))?;
        Ok(MailDomain { id: created.id, name, enabled: true })
    }

    pub(super) async fn enable_domain(
        &self,
        context: &RequestContext,
        domain: &MailDomain,
        enabled: bool,
    ) -> ConnectorResult<()> {
        let Some(id) = self.domain_id(context, &domain.id, &domain.name).await? else {
            return Err(gone(&described(&domain.name)));
        };
        let set = self.arguments(json!({ "update": { &id: { "isEnabled": enabled } } }));
        let mut answers = self.send(context, Batch::new().call("x:Domain/set", set)).await?;
        answers.take_set(0)?.updated(&id)?.map_err(|error| error.into_error(&described(&domain.name)))
    }

    /// Deletes the domain, and its keys if nothing else uses it: a domain that stays must go on signing.
    pub(super) async fn destroy_domain(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<()> {
        let Some(id) = self.domain_id(context, &domain.id, &domain.name).await? else { return Ok(()) };
        let id = id.as_str();
        let linked = match self.destroy_unless_linked(context, id, &[]).await? {
            Ok(()) => return Ok(()),
            Err(linked) => linked,
        };
        let signatures: Vec<Signature> = self.list(context, json!({ "domainId": id })).await?;
        let keys: Vec<String> = signatures.into_iter().map(|signature| signature.id).collect();
        let only_keys =
            linked.linked().is_some_and(|linked| linked.iter().all(|object| object.object == "DkimSignature"));
        if !only_keys || self.has_accounts(context, id).await? {
            return Err(linked.into_error(&described(&domain.name)));
        }
        match self.destroy_unless_linked(context, id, &keys).await? {
            Ok(()) => Ok(()),
            // A key was being made at that moment, or a mailbox.
            Err(_) => {
                let why = format!("Stalwart still makes a key or a mailbox of {}; try again", described(&domain.name));
                Err(ConnectorError::Retryable { after: None, why })
            }
        }
    }

    /// Deletes keys and then the domain, or returns why it is in use. An absent one is deleted.
    async fn destroy_unless_linked(
        &self,
        context: &RequestContext,
        id: &str,
        keys: &[String],
    ) -> ConnectorResult<Result<(), Box<SetError>>> {
        let mut batch = Batch::new();
        if !keys.is_empty() {
            batch = batch.call("x:DkimSignature/set", self.arguments(json!({ "destroy": keys })));
        }
        let place = usize::from(!keys.is_empty());
        let batch = batch.call("x:Domain/set", self.arguments(json!({ "destroy": [id] })));
        let mut answers = self.send(context, batch).await?;
        if !keys.is_empty() {
            let mut set = answers.take_set(0)?;
            for key in keys {
                if let Err(error) = set.destroyed(key)?
                    && !error.is("notFound")
                {
                    return Err(error.into_error("a DKIM key"));
                }
            }
        }
        match answers.take_set(place)?.destroyed(id)? {
            Ok(()) => Ok(Ok(())),
            Err(error) if error.is("notFound") => Ok(Ok(())),
            Err(error) if error.is("objectIsLinked") => Ok(Err(error)),
            Err(error) => Err(error.into_error("a domain")),
        }
    }

    pub(super) async fn keys(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<Vec<DkimKey>> {
        let Some(id) = self.domain_id(context, &domain.id, &domain.name).await? else { return Ok(Vec::new()) };
        let found: Vec<Signature> = self.list(context, json!({ "domainId": id })).await?;
        let key = |signature: Signature| DkimKey {
            algorithm: algorithm(&signature.kind),
            active: signature.stage == "active",
            selector: signature.selector,
        };
        Ok(found.into_iter().map(key).collect())
    }

    pub(super) async fn zone(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<Vec<DnsRecord>> {
        let Some(id) = self.domain_id(context, &domain.id, &domain.name).await? else {
            return Err(gone(&described(&domain.name)));
        };
        let zone: Zone = self.get(context, &id).await?.ok_or_else(|| gone(&described(&domain.name)))?;
        zone.records()
    }
}

impl Zone {
    fn records(&self) -> ConnectorResult<Vec<DnsRecord>> {
        zone::records(&self.dns_zone_file).map_err(|error| incompatible(&error.to_string()))
    }
}

fn described(name: &str) -> String {
    format!("the domain `{name}`")
}

/// Returns the algorithm (RFC 6376 §3.3) of a type of key.
fn algorithm(kind: &str) -> String {
    match kind {
        "Dkim1RsaSha256" | "Dkim2RsaSha256" => "rsa-sha256".to_owned(),
        "Dkim1Ed25519Sha256" | "Dkim2Ed25519Sha256" => "ed25519-sha256".to_owned(),
        other => other.to_ascii_lowercase(),
    }
}
