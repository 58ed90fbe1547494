//! Mailboxes of the REST interface: principals of type `individual`, named as their address.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    super::{
        names,
        reading::{Texts, read},
    },
    Failure, Principal, Rest, gone, name_of,
    principal::{change, sign_in},
};
use crate::{
    connectors::{AppPassword, ConnectorError, ConnectorResult, MailDomain, Mailbox, MailboxChange, NewMailbox},
    context::RequestContext,
    outbound::Request,
};

impl Rest {
    pub(super) async fn find_mailboxes(
        &self,
        context: &RequestContext,
        domain: &MailDomain,
    ) -> ConnectorResult<Vec<Mailbox>> {
        let domain = name_of(&domain.id)?;
        let mut mailboxes = Vec::new();
        for value in self.principals(context, "individual").await? {
            // What is broken and not ours is none of this tenant's business.
            let in_domain = value.to_string().contains(&format!("@{domain}"));
            let principal: Principal = match read("/api/principal", value) {
                Ok(principal) => principal,
                Err(error) if in_domain => return Err(error),
                Err(_) => continue,
            };
            if principal.is_mailbox_of(domain) {
                mailboxes.extend(principal.into_mailbox()?);
            }
        }
        Ok(mailboxes)
    }

    pub(super) async fn find_mailbox(
        &self,
        context: &RequestContext,
        domain: &MailDomain,
        local_part: &str,
    ) -> ConnectorResult<Option<Mailbox>> {
        let domain = name_of(&domain.id)?;
        let address = format!("{}@{domain}", names::local_part(local_part));
        let found = self.principal(context, &address).await?;
        let is_it = |principal: &Principal| principal.emails.0.first() == Some(&address);
        found.filter(is_it).map(Principal::into_mailbox).transpose().map(Option::flatten)
    }

    pub(super) async fn add_mailbox(&self, context: &RequestContext, mailbox: &NewMailbox) -> ConnectorResult<Mailbox> {
        let domain = names::from_id(&mailbox.domain).unwrap_or(&mailbox.domain_name);
        let address = format!("{}@{domain}", names::local_part(&mailbox.local_part));
        let what = format!("the mailbox `{address}`");
        let emails = emails(&address, domain, &mailbox.aliases, &[]);
        // Nobody ever learns it: people sign in with app passwords, or through the identity system.
        let mut principal = json!({
            "type": "individual",
            "name": address,
            "emails": emails,
            "secrets": [hash(&names::password()?)],
            "roles": ["user"],
        });
        if let Some(fields) = principal.as_object_mut() {
            if let Some(display_name) = mailbox.display_name.as_deref().and_then(names::shown) {
                fields.insert("description".to_owned(), json!(display_name));
            }
            if let Some(quota) = mailbox.quota {
                fields.insert("quota".to_owned(), json!(quota));
            }
        }
        let mut created = self.create(context, Request::post("/api/principal").json(&principal)).await?;
        if created.as_ref().is_err_and(|failure| failure.is("unsupported")) {
            // An external directory has the people; this path sets up a mailbox all the same.
            created = self.create(context, Request::post("/api/principal/deploy").json(&principal)).await?;
        }
        match created {
            Ok(()) => {}
            Err(failure) if failure.is("fieldAlreadyExists") => {
                let existing = self.holder(context, &emails).await?;
                let why = format!("Stalwart has the name or an address of {what} already");
                return Err(ConnectorError::Conflict { existing, why });
            }
            Err(failure) if failure.is("notFound") => return Err(gone(&format!("the domain `{domain}`"))),
            Err(failure) => return Err(failure.into_error(&what)),
        }
        let aliases = emails.iter().skip(1).filter_map(|email| names::split(email)).map(|(alias, _)| alias.to_owned());
        Ok(Mailbox {
            id: names::id_of(&address),
            local_part: names::local_part(&mailbox.local_part),
            domain: names::id_of(domain),
            aliases: aliases.collect(),
            quota: mailbox.quota.filter(|quota| *quota > 0),
            enabled: true,
        })
    }

    async fn create(&self, context: &RequestContext, request: Request) -> ConnectorResult<Result<(), Failure>> {
        Ok(self.ask::<u64>(context, "/api/principal", request).await?.map(|_| ()))
    }

    /// Returns the id of what has the name or one of the addresses: the answer does not tell.
    async fn holder(&self, context: &RequestContext, emails: &[String]) -> ConnectorResult<Option<String>> {
        for email in emails {
            if let Some(principal) = self.principal(context, email).await? {
                return Ok(Some(names::id_of(&principal.name)));
            }
        }
        for value in self.principals(context, "individual,group,list").await? {
            let Ok(principal) = read::<Principal>("/api/principal", value) else { continue };
            if principal.emails.0.iter().any(|email| emails.contains(email)) {
                return Ok(Some(names::id_of(&principal.name)));
            }
        }
        Ok(None)
    }

    pub(super) async fn change_mailbox(
        &self,
        context: &RequestContext,
        mailbox: &Mailbox,
        wanted: &MailboxChange,
    ) -> ConnectorResult<()> {
        let name = name_of(&mailbox.id)?;
        let what = format!("the mailbox `{}`", mailbox.local_part);
        let mut changes = Vec::new();
        if let Some(quota) = wanted.quota {
            // An empty text removes the bound.
            changes.push(change("set", "quota", quota.map_or_else(|| json!(""), Value::from)));
        }
        if let Some(aliases) = &wanted.aliases {
            let principal = self.principal(context, name).await?.ok_or_else(|| gone(&what))?;
            let own = principal.emails.0.first().cloned().unwrap_or_else(|| name.to_owned());
            let domain = names::split(&own).map_or("", |(_, domain)| domain).to_owned();
            changes.push(change("set", "emails", emails(&own, &domain, aliases, &principal.emails.0)));
        }
        changes.extend(wanted.enabled.map(sign_in));
        if changes.is_empty() {
            return Ok(());
        }
        match self.patch(context, name, changes).await? {
            Err(failure) if failure.is("fieldAlreadyExists") => {
                let aliases = wanted.aliases.iter().flatten();
                let domain = names::from_id(&mailbox.domain).unwrap_or_default();
                let taken: Vec<String> =
                    aliases.map(|alias| format!("{}@{domain}", names::local_part(alias))).collect();
                let existing = self.holder(context, &taken).await?.filter(|id| *id != mailbox.id);
                Err(ConnectorError::Conflict {
                    existing,
                    why: format!("an alias of {what} is an address of another in Stalwart"),
                })
            }
            outcome => outcome.map_err(|failure| failure.into_error(&what)),
        }
    }

    /// Returns the labels of our app passwords of a mailbox. They are among its secrets, of which nothing else is kept.
    pub(super) async fn own_passwords(
        &self,
        context: &RequestContext,
        mailbox: &Mailbox,
    ) -> ConnectorResult<Vec<String>> {
        #[derive(Deserialize)]
        struct Secrets {
            #[serde(default)]
            secrets: Texts,
        }
        let request = Request::get("/api/principal").segment(name_of(&mailbox.id)?.to_owned());
        let found: Secrets = match self.ask(context, "/api/principal", request).await? {
            Ok(found) => found,
            Err(failure) if failure.is("notFound") => return Ok(Vec::new()),
            Err(failure) => return Err(failure.into_error(&format!("the mailbox `{}`", mailbox.local_part))),
        };
        let label = |secret: &String| secret.strip_prefix("$app$")?.split_once('$').map(|(label, _)| label.to_owned());
        Ok(found.secrets.0.iter().filter_map(label).filter(|label| names::is_own(label)).collect())
    }

    /// Creates an app password in the place of ours of the same mark, in one change.
    ///
    /// This interface lets the client choose it, and stores what it is given: only a hash is sent.
    pub(super) async fn add_password(
        &self,
        context: &RequestContext,
        mailbox: &Mailbox,
        mark: &str,
        name: &str,
    ) -> ConnectorResult<AppPassword> {
        let label = names::label(name, mark)?;
        let secret = names::password()?;
        let changes = vec![
            change("removeItem", "secrets", format!("$app${label}$")),
            change("addItem", "secrets", format!("$app${label}${}", hash(&secret))),
        ];
        let done = self.patch(context, name_of(&mailbox.id)?, changes).await?;
        done.map_err(|failure| failure.into_error(&format!("the mailbox `{}`", mailbox.local_part)))?;
        Ok(AppPassword { id: label, secret })
    }

    pub(super) async fn remove_password(
        &self,
        context: &RequestContext,
        mailbox: &Mailbox,
        label: &str,
    ) -> ConnectorResult<()> {
        if label.is_empty() || label.contains('$') {
            let why = "an app password of Stalwart has an id that this client did not give";
            return Err(ConnectorError::Rejected { why: why.to_owned() });
        }
        // The `$` at the end keeps those whose label begins with this one.
        let changes = vec![change("removeItem", "secrets", format!("$app${label}$"))];
        match self.patch(context, name_of(&mailbox.id)?, changes).await? {
            Err(failure) if !failure.is("notFound") => {
                Err(failure.into_error(&format!("the mailbox `{}`", mailbox.local_part)))
            }
            _ => Ok(()),
        }
    }
}

/// Returns the addresses of a mailbox: its own first, its aliases in order, and those of other domains that it has.
fn emails(own: &str, domain: &str, aliases: &[String], present: &[String]) -> Vec<String> {
    let mut aliases: Vec<String> = aliases
        .iter()
        .map(|alias| format!("{}@{domain}", names::local_part(alias)))
        .filter(|alias| alias != own)
        .collect();
    aliases.sort();
    aliases.dedup();
    let foreign =
        present.iter().skip(1).filter(|email| names::split(email).is_some_and(|(_, its)| its != domain)).cloned();
    [own.to_owned()].into_iter().chain(aliases).chain(foreign).collect()
}

/// Returns the hash of a random password. It is too long to be guessed, so that one round of SHA-256 suffices.
fn hash(password: &str) -> String {
    format!("{{SHA256}}{}", STANDARD.encode(Sha256::digest(password.as_bytes())))
}
