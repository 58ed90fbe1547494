//! Mailboxes: accounts of the registry of type `User`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::{
        names,
        reading::{incompatible, read},
    },
    Batch, Jmap, MAXIMUM_ENTRIES, Object, Page, QueryAnswer,
    errors::SetError,
    gone,
};
use crate::{
    connectors::{ConnectorResult, MailDomain, Mailbox, MailboxChange, NewMailbox},
    context::RequestContext,
};

/// An account: a mailbox or a group.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    id: String,
    #[serde(rename = "@type")]
    kind: String,
    name: String,
    domain_id: String,
    aliases: BTreeMap<String, Value>,
    quotas: BTreeMap<String, Value>,
    permissions: Value,
}

impl Object for Account {
    const GET: &'static str = "x:Account/get";
    const QUERY: &'static str = "x:Account/query";
    const PROPERTIES: &'static [&'static str] = &["@type", "name", "domainId", "aliases", "quotas", "permissions"];
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alias {
    name: String,
    domain_id: String,
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

/// Permissions of an account besides those of its roles.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Permissions {
    #[serde(rename = "@type")]
    kind: String,
    #[serde(default)]
    enabled_permissions: BTreeMap<String, Value>,
    #[serde(default)]
    disabled_permissions: BTreeMap<String, Value>,
}

/// Permission without which nobody signs in. There is no other state of an account.
const AUTHENTICATE: &str = "authenticate";

impl Permissions {
    fn read(value: &Value) -> ConnectorResult<Self> {
        read("x:Account/get", value.clone())
    }

    fn may_sign_in(&self) -> bool {
        let in_list = |list: &BTreeMap<String, Value>| list.get(AUTHENTICATE) == Some(&Value::Bool(true));
        !in_list(&self.disabled_permissions) && (self.kind != "Replace" || in_list(&self.enabled_permissions))
    }

    /// Returns the permissions with or without the one to sign in. Others stay as they are.
    fn with_sign_in(mut self, enabled: bool) -> Value {
        if enabled {
            self.disabled_permissions.remove(AUTHENTICATE);
            if self.kind == "Replace" {
                self.enabled_permissions.insert(AUTHENTICATE.to_owned(), Value::Bool(true));
            }
        } else {
            self.disabled_permissions.insert(AUTHENTICATE.to_owned(), Value::Bool(true));
        }
        let plain = self.enabled_permissions.is_empty() && self.disabled_permissions.is_empty();
        match self.kind.as_str() {
            "Inherit" | "Merge" if plain => json!({ "@type": "Inherit" }),
            kind => json!({
                "@type": if kind == "Replace" { "Replace" } else { "Merge" },
                "enabledPermissions": self.enabled_permissions,
                "disabledPermissions": self.disabled_permissions,
            }),
        }
    }
}

impl Account {
    fn into_mailbox(self) -> ConnectorResult<Mailbox> {
        let mut aliases = Vec::new();
        for alias in self.aliases.into_values() {
            let alias: Alias = read("x:Account/get", alias)?;
            if alias.enabled && alias.domain_id == self.domain_id {
                aliases.push(alias.name);
            }
        }
        aliases.sort();
        aliases.dedup();
        let quota = match self.quotas.get("maxDiskQuota") {
            None | Some(Value::Null) => None,
            Some(quota) => Some(quota.as_u64().ok_or_else(|| incompatible("`maxDiskQuota` is no number of bytes"))?),
        };
        Ok(Mailbox {
            enabled: Permissions::read(&self.permissions)?.may_sign_in(),
            id: self.id,
            local_part: self.name,
            domain: self.domain_id,
            aliases,
            quota,
        })
    }

    fn is_mailbox(&self) -> bool {
        self.kind == "User"
    }
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

impl Jmap {
    pub(super) async fn has_accounts(&self, context: &RequestContext, domain: &str) -> ConnectorResult<bool> {
        let query = self.arguments(json!({ "filter": { "domainId": domain }, "limit": 1, "calculateTotal": true }));
        let mut answers = self.send(context, Batch::new().call("x:Account/query", query)).await?;
        Ok(!answers.take::<QueryAnswer>(0)?.ids.is_empty())
    }

    pub(super) async fn find_mailboxes(
        &self,
        context: &RequestContext,
        domain: &MailDomain,
    ) -> ConnectorResult<Vec<Mailbox>> {
        let Some(id) = self.domain_id(context, &domain.id, &domain.name).await? else { return Ok(Vec::new()) };
        let accounts: Vec<Account> = self.list(context, json!({ "domainId": id })).await?;
        mailboxes(accounts)
    }

    /// Returns the mailboxes of a domain, of which the first page is read; `None` if they are too many to be listed.
    pub(super) async fn mailboxes_of_page(
        &self,
        context: &RequestContext,
        domain: &str,
        page: Page<Account>,
    ) -> ConnectorResult<Option<Vec<Mailbox>>> {
        if page.is_all() {
            return mailboxes(page.objects).map(Some);
        }
        if page.total > MAXIMUM_ENTRIES {
            return Ok(None);
        }
        mailboxes(self.list(context, json!({ "domainId": domain })).await?).map(Some)
    }

    pub(super) async fn find_mailbox(
        &self,
        context: &RequestContext,
        domain: &MailDomain,
        local_part: &str,
    ) -> ConnectorResult<Option<Mailbox>> {
        let Some(id) = self.domain_id(context, &domain.id, &domain.name).await? else { return Ok(None) };
        self.account(context, &id, local_part).await
    }

    pub(super) async fn account(
        &self,
        context: &RequestContext,
        domain: &str,
        local_part: &str,
    ) -> ConnectorResult<Option<Mailbox>> {
        let name = names::local_part(local_part);
        let accounts: Vec<Account> = self.list(context, json!({ "name": name, "domainId": domain })).await?;
        let is_it = |account: &Account| account.is_mailbox() && account.name == name && account.domain_id == domain;
        accounts.into_iter().find(is_it).map(Account::into_mailbox).transpose()
    }

    pub(super) async fn add_mailbox(&self, context: &RequestContext, mailbox: &NewMailbox) -> ConnectorResult<Mailbox> {
        let Some(domain) = self.domain_id(context, &mailbox.domain, &mailbox.domain_name).await? else {
            return Err(gone(&format!("the domain `{}`", mailbox.domain_name)));
        };
        let name = names::local_part(&mailbox.local_part);
        let aliases = cleaned(&mailbox.aliases, &name);
        let mut account = Map::new();
        account.insert("@type".to_owned(), json!("User"));
        account.insert("name".to_owned(), json!(name));
        account.insert("domainId".to_owned(), json!(domain));
        account.insert("aliases".to_owned(), list(aliases.iter().map(|alias| new_alias(alias, &domain))));
        account.insert("roles".to_owned(), json!({ "@type": "User" }));
        account.insert("permissions".to_owned(), json!({ "@type": "Inherit" }));
        if let Some(display_name) = mailbox.display_name.as_deref().and_then(names::shown) {
            account.insert("description".to_owned(), json!(display_name));
        }
        if let Some(quota) = mailbox.quota {
            account.insert("quotas".to_owned(), json!({ "maxDiskQuota": quota }));
        }
        // Nobody ever learns it: people sign in with app passwords, or through the identity system.
        let password = json!({ "@type": "Password", "secret": names::password()? });
        let mut with_password = account.clone();
        with_password.insert("credentials".to_owned(), list([password].into_iter()));
        let what = format!("the mailbox `{name}@{}`", mailbox.domain_name);
        let created = match self.create_account(context, with_password).await? {
            // Passwords are refused where an external directory has them.
            Err(error) if error.is("forbidden") => self.create_account(context, account).await?,
            other => other,
        };
        let created = created.map_err(|error| error.into_error(&what))?;
        Ok(Mailbox { id: created.id, local_part: name, domain, aliases, quota: mailbox.quota, enabled: true })
    }

    async fn create_account(
        &self,
        context: &RequestContext,
        account: Map<String, Value>,
    ) -> ConnectorResult<Result<Created, Box<SetError>>> {
        let set = self.arguments(json!({ "create": { "m": account } }));
        let mut answers = self.send(context, Batch::new().call("x:Account/set", set)).await?;
        answers.take_set(0)?.created("m")
    }

    pub(super) async fn change_mailbox(
        &self,
        context: &RequestContext,
        mailbox: &Mailbox,
        change: &MailboxChange,
    ) -> ConnectorResult<()> {
        let what = format!("the mailbox `{}`", mailbox.local_part);
        let id = self.mailbox_id(context, mailbox).await?.ok_or_else(|| gone(&what))?;
        let mut patch = Map::new();
        if let Some(quota) = change.quota {
            patch.insert("quotas/maxDiskQuota".to_owned(), json!(quota));
        }
        if change.aliases.is_some() || change.enabled.is_some() {
            let account: Option<Account> = self.get(context, &id).await?;
            let account = account.filter(Account::is_mailbox).ok_or_else(|| gone(&what))?;
            if let Some(wanted) = &change.aliases {
                patch.insert("aliases".to_owned(), aliases(&account, wanted)?);
            }
            let permissions = Permissions::read(&account.permissions)?;
            if let Some(enabled) = change.enabled
                && permissions.may_sign_in() != enabled
            {
                patch.insert("permissions".to_owned(), permissions.with_sign_in(enabled));
            }
        }
        if patch.is_empty() {
            return Ok(());
        }
        let set = self.arguments(json!({ "update": { &id: patch } }));
        let mut answers = self.send(context, Batch::new().call("x:Account/set", set)).await?;
        answers.take_set(0)?.updated(&id)?.map_err(|error| error.into_error(&what))
    }

    pub(super) async fn destroy_mailbox(&self, context: &RequestContext, mailbox: &Mailbox) -> ConnectorResult<()> {
        let Some(id) = self.mailbox_id(context, mailbox).await? else { return Ok(()) };
        let set = self.arguments(json!({ "destroy": [id] }));
        let mut answers = self.send(context, Batch::new().call("x:Account/set", set)).await?;
        match answers.take_set(0)?.destroyed(&id)? {
            Err(error) if !error.is("notFound") => {
                Err(error.into_error(&format!("the mailbox `{}`", mailbox.local_part)))
            }
            _ => Ok(()),
        }
    }
}

fn mailboxes(accounts: Vec<Account>) -> ConnectorResult<Vec<Mailbox>> {
    accounts.into_iter().filter(Account::is_mailbox).map(Account::into_mailbox).collect()
}

/// Returns local parts as they are stored, without doubles and without the mailbox's own.
fn cleaned(aliases: &[String], name: &str) -> Vec<String> {
    let mut aliases: Vec<String> = aliases.iter().map(|alias| names::local_part(alias)).collect();
    aliases.sort();
    aliases.dedup();
    aliases.retain(|alias| alias != name);
    aliases
}

/// Returns a list as the registry encodes it: an object with numbers for keys.
fn list(items: impl Iterator<Item = Value>) -> Value {
    items.enumerate().map(|(place, item)| (place.to_string(), item)).collect::<Map<_, _>>().into()
}

fn new_alias(name: &str, domain: &str) -> Value {
    json!({ "name": name, "domainId": domain, "enabled": true })
}

/// Returns the aliases of an account with those of its own domain replaced. Others are not ours.
fn aliases(account: &Account, wanted: &[String]) -> ConnectorResult<Value> {
    let mut kept = Vec::new();
    for value in account.aliases.values() {
        let alias: Alias = read("x:Account/get", value.clone())?;
        if alias.domain_id != account.domain_id {
            kept.push(value.clone());
        }
    }
    let wanted = cleaned(wanted, &account.name);
    let ours = wanted.iter().map(|alias| new_alias(alias, &account.domain_id));
    Ok(list(kept.into_iter().chain(ours)))
}
