//! Domains of the REST interface, their keys and their DNS records.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{names, reading::incompatible, zone::without_dot},
    Failure, Principal, Rest, name_of,
};
use crate::{
    connectors::{ConnectorError, ConnectorResult, DkimKey, DnsRecord, MailDomain},
    context::RequestContext,
    outbound::Request,
};

/// Algorithms of the keys of a domain, and what their settings begin with.
const ALGORITHMS: [(&str, &str); 2] = [("Rsa", "rsa"), ("Ed25519", "ed25519")];

/// Settings of a key, as its creation writes them.
const SETTINGS: [&str; 11] = [
    "private-key",
    "domain",
    "selector",
    "algorithm",
    "canonicalization",
    "headers.0",
    "headers.1",
    "headers.2",
    "headers.3",
    "headers.4",
    "report",
];

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    content: String,
}

impl Rest {
    pub(super) async fn find_domain(
        &self,
        context: &RequestContext,
        name: &str,
    ) -> ConnectorResult<Option<MailDomain>> {
        let name = names::domain(name);
        let principal = self.principal(context, &name).await?;
        Ok(principal.filter(|principal| principal.kind == "domain").map(|_| as_domain(name)))
    }

    /// Creates the keys, and then the domain: when it is there, its keys are.
    pub(super) async fn add_domain(&self, context: &RequestContext, name: &str) -> ConnectorResult<MailDomain> {
        let name = names::domain(name);
        let conflict = || {
            let why = format!("Stalwart has a principal named `{name}` already");
            ConnectorError::Conflict { existing: Some(names::id_of(&name)), why }
        };
        if self.principal(context, &name).await?.is_some() {
            return Err(conflict());
        }
        for (algorithm, _) in ALGORITHMS {
            let key = json!({ "id": null, "algorithm": algorithm, "domain": name, "selector": null });
            let made: Result<Value, Failure> =
                self.ask(context, "/api/dkim", Request::post("/api/dkim").json(&key)).await?;
            match made {
                Err(failure) if !failure.is("fieldAlreadyExists") => {
                    return Err(failure.into_error(&format!("a key of the domain `{name}`")));
                }
                _ => {}
            }
        }
        let domain = json!({ "type": "domain", "name": name });
        let request = Request::post("/api/principal").json(&domain);
        match self.ask::<u64>(context, "/api/principal", request).await? {
            Ok(_) => Ok(as_domain(name)),
            Err(failure) if failure.is("fieldAlreadyExists") => Err(conflict()),
            Err(failure) => Err(failure.into_error(&described(&name))),
        }
    }

    /// Refuses to disable a domain, which this interface cannot.
    pub(super) async fn enable_domain(
        &self,
        context: &RequestContext,
        domain: &MailDomain,
        enabled: bool,
    ) -> ConnectorResult<()> {
        let name = name_of(&domain.id)?;
        if !enabled {
            let why = format!(
                "Stalwart before 0.16 cannot disable {}; disable its mailboxes one by one, or upgrade it",
                described(name)
            );
            return Err(ConnectorError::Rejected { why });
        }
        let found = self.find_domain(context, name).await?;
        found.map(|_| ()).ok_or_else(|| super::gone(&described(name)))
    }

    /// Deletes the domain and its keys. The interface itself would delete a domain in use and leave dead addresses.
    pub(super) async fn remove_domain(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<()> {
        let name = name_of(&domain.id)?;
        let found = self.principal(context, name).await?;
        if let Some(principal) = &found {
            if principal.kind != "domain" {
                let why = format!("Stalwart has a principal named `{name}` that is no domain");
                return Err(ConnectorError::Conflict { existing: Some(names::id_of(name)), why });
            }
            let members = addresses(principal)?;
            if members > 0 {
                let why = format!("Stalwart keeps {}: {members} addresses use it", described(name));
                return Err(ConnectorError::Conflict { existing: None, why });
            }
        }
        self.remove_keys(context, name).await?;
        match found {
            Some(_) => self.delete(context, name, &described(name)).await,
            None => Ok(()),
        }
    }

    /// Deletes the settings of the keys, each by its full name: the beginning of those of `acme.co` is that of `acme.co.uk`.
    async fn remove_keys(&self, context: &RequestContext, name: &str) -> ConnectorResult<()> {
        let setting = |id: &str| SETTINGS.iter().map(|setting| format!("signature.{id}-{name}.{setting}")).collect();
        let keys: Vec<Vec<String>> = ALGORITHMS.iter().map(|(_, id)| setting(id)).collect();
        let changes = json!([{ "type": "delete", "keys": keys.concat() }]);
        let request = Request::post("/api/settings").json(&changes);
        let done: Result<Value, Failure> = self.ask(context, "/api/settings", request).await?;
        done.map(|_| ())
            .map_err(|failure| failure.into_error(&format!("the deletion of the keys of {}", described(name))))
    }

    /// Returns the keys as the DNS records show them. The settings that list them have the private keys too.
    pub(super) async fn keys(&self, context: &RequestContext, domain: &MailDomain) -> ConnectorResult<Vec<DkimKey>> {
        let suffix = format!("._domainkey.{}", name_of(&domain.id)?);
        let records = self.records(context, domain).await?;
        let key = |record: &DnsRecord| {
            let selector = record.name.strip_suffix(&suffix)?.to_owned();
            let tag = record.value.split(';').find_map(|tag| tag.trim().strip_prefix("k="))?;
            Some(DkimKey { selector, algorithm: format!("{}-sha256", tag.trim()), active: true })
        };
        Ok(records.iter().filter(|record| record.kind == "TXT").filter_map(key).collect())
    }

    pub(super) async fn records(
        &self,
        context: &RequestContext,
        domain: &MailDomain,
    ) -> ConnectorResult<Vec<DnsRecord>> {
        let name = name_of(&domain.id)?;
        let request = Request::get("/api/dns/records").segment(name.to_owned());
        let records: Result<Vec<Record>, Failure> = self.ask(context, "/api/dns/records", request).await?;
        let records = records.map_err(|failure| failure.into_error(&described(name)))?;
        let record = |record: Record| DnsRecord {
            kind: record.kind.to_ascii_uppercase(),
            name: without_dot(&record.name),
            value: record.content,
        };
        Ok(records.into_iter().map(record).collect())
    }
}

fn as_domain(name: String) -> MailDomain {
    MailDomain { id: names::id_of(&name), name, enabled: true }
}

fn described(name: &str) -> String {
    format!("the domain `{name}`")
}

/// Returns the number of addresses in a domain.
fn addresses(principal: &Principal) -> ConnectorResult<u64> {
    let members = principal.members.as_ref().and_then(Value::as_u64);
    members.ok_or_else(|| incompatible("`/api/principal` answers without `members` of a domain"))
}
