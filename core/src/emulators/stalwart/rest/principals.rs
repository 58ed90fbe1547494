//! Principals: read, listed, created and deleted by their names.

use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{Failure, bad_parameters, changes, data, missing, not_found, other, result, taken};
use crate::{
    clock::Timestamp,
    emulators::{
        Exchange,
        stalwart::{
            answers::forbidden,
            state::{Account, Alias, Credential, CredentialKind, MAXIMUM_OBJECTS, Permissions, State},
        },
    },
};

/// Object that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Principal {
    Domain(u32),
    Account(u32),
    MailingList(u32),
}

/// Fields that a principal may be created with.
const FIELDS: [&str; 17] = [
    "id",
    "type",
    "name",
    "description",
    "quota",
    "secrets",
    "emails",
    "memberOf",
    "members",
    "tenant",
    "roles",
    "lists",
    "enabledPermissions",
    "disabledPermissions",
    "urls",
    "externalMembers",
    "locale",
];

pub(super) fn find(state: &State, name: &str) -> Option<Principal> {
    let domain = state.domain_named(name).map(Principal::Domain);
    let account = || {
        let mut accounts = state.accounts.iter();
        accounts.find(|(_, account)| account.principal == name).map(|(id, _)| Principal::Account(*id))
    };
    let list = || {
        let mut lists = state.lists.iter();
        let is_it = |list: &super::super::state::MailingList| state.address(&list.local_part, list.domain) == name;
        lists.find(|(_, list)| is_it(list)).map(|(id, _)| Principal::MailingList(*id))
    };
    domain.or_else(account).or_else(list)
}

fn kind(state: &State, principal: Principal) -> &'static str {
    match principal {
        Principal::Domain(_) => "domain",
        Principal::MailingList(_) => "list",
        Principal::Account(id) if state.accounts.get(&id).is_some_and(|account| account.group) => "group",
        Principal::Account(_) => "individual",
    }
}

/// Returns the addresses of an account: its own first, and the others in order.
pub(super) fn emails(state: &State, account: &Account) -> Vec<String> {
    let mut aliases: Vec<String> =
        account.aliases.iter().map(|alias| state.address(&alias.local_part, alias.domain)).collect();
    aliases.sort();
    let own = (account.domain != 0).then(|| state.address(&account.local_part, account.domain));
    own.into_iter().chain(aliases).collect()
}

/// Returns a principal with some of its fields. Lists that would be empty are left out, and secrets are not.
fn show(state: &State, principal: Principal, fields: &[String]) -> Value {
    let mut shown = Map::new();
    match principal {
        Principal::Domain(id) => {
            let name = state.domain_name(id);
            let accounts = state.accounts.values().flat_map(|account| emails(state, account));
            let lists = state.lists.values().map(|list| state.address(&list.local_part, list.domain));
            let in_domain = |email: &String| email.rsplit_once('@').is_some_and(|(_, domain)| domain == name);
            shown.insert("name".to_owned(), json!(name));
            shown.insert("members".to_owned(), json!(accounts.chain(lists).filter(in_domain).count()));
        }
        Principal::MailingList(id) => {
            if let Some(list) = state.lists.get(&id) {
                let address = state.address(&list.local_part, list.domain);
                shown.insert("name".to_owned(), json!(address));
                shown.insert("emails".to_owned(), json!([address]));
            }
        }
        Principal::Account(id) => {
            if let Some(account) = state.accounts.get(&id) {
                show_account(state, account, &mut shown);
            }
        }
    }
    let wanted = |name: &String| fields.is_empty() || fields.contains(name);
    let mut shown: Map<String, Value> = shown.into_iter().filter(|(name, _)| wanted(name)).collect();
    let (Principal::Domain(id) | Principal::Account(id) | Principal::MailingList(id)) = principal;
    shown.insert("id".to_owned(), json!(id));
    shown.insert("type".to_owned(), json!(kind(state, principal)));
    shown.into()
}

fn show_account(state: &State, account: &Account, shown: &mut Map<String, Value>) {
    shown.insert("name".to_owned(), json!(account.principal));
    let secrets: Vec<String> = account
        .credentials
        .iter()
        .map(|credential| match credential.kind {
            CredentialKind::Password => credential.secret.clone(),
            CredentialKind::AppPassword => format!("$app${}${}", credential.description, credential.secret),
        })
        .collect();
    let lists = [
        ("emails", emails(state, account)),
        ("secrets", secrets),
        ("roles", vec!["user".to_owned()]),
        ("enabledPermissions", account.permissions.enabled.iter().cloned().collect()),
        ("disabledPermissions", account.permissions.disabled.iter().cloned().collect()),
    ];
    for (name, values) in lists {
        if !values.is_empty() {
            shown.insert(name.to_owned(), json!(values));
        }
    }
    if let Some(description) = &account.description {
        shown.insert("description".to_owned(), json!(description));
    }
    if let Some(quota) = account.quota {
        shown.insert("quota".to_owned(), json!(quota));
    }
}

pub(super) fn list(state: &State, exchange: &Exchange) -> Response<Bytes> {
    let query = exchange.uri.query().unwrap_or_default();
    let parameters: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let parameter = |name: &str| parameters.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let words = |text: &str| text.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let kinds = words(if parameter("types").is_empty() { parameter("type") } else { parameter("types") });
    if kinds.iter().any(|kind| !state.allows(&format!("{kind}-list"))) {
        return forbidden();
    }
    let number = |name: &str| parameter(name).parse::<usize>().unwrap_or(0);
    let (page, limit) = (number("page"), number("limit"));
    let listed = |created: Timestamp| created <= exchange.listed_until;
    let domains = state.domains.iter().filter(|(_, domain)| listed(domain.created));
    let domains = domains.map(|(id, domain)| (domain.name.clone(), Principal::Domain(*id)));
    let accounts = state.accounts.iter().filter(|(_, account)| listed(account.created));
    let accounts = accounts.map(|(id, account)| (account.principal.clone(), Principal::Account(*id)));
    let lists = state
        .lists
        .iter()
        .map(|(id, list)| (state.address(&list.local_part, list.domain), Principal::MailingList(*id)));
    let mut all: Vec<(String, Principal)> = domains.chain(accounts).chain(lists).collect();
    all.retain(|(_, principal)| kinds.is_empty() || kinds.iter().any(|wanted| wanted == kind(state, *principal)));
    all.sort_by(|one, other| one.0.cmp(&other.0));
    let total = all.len();
    let fields = words(parameter("fields"));
    let page = all.into_iter().skip(page.saturating_sub(1) * limit).take(if limit == 0 { usize::MAX } else { limit });
    let items: Vec<Value> = page.map(|(_, principal)| show(state, principal, &fields)).collect();
    data(&json!({ "items": items, "total": total }))
}

/// Answers a request for one principal.
pub(super) fn one(state: &mut State, exchange: &Exchange, name: &str) -> Response<Bytes> {
    let Some(principal) = find(state, name) else {
        return result(Err(missing(name)));
    };
    let right = match exchange.method {
        Method::GET => "get",
        Method::PATCH => "update",
        Method::DELETE => "delete",
        _ => return not_found(),
    };
    if !state.allows(&format!("{}-{right}", kind(state, principal))) {
        return forbidden();
    }
    match exchange.method {
        Method::GET => data(&show(state, principal, &[])),
        Method::DELETE => {
            // A domain goes although it is in use; its addresses stay behind.
            match principal {
                Principal::Domain(id) => drop(state.domains.remove(&id)),
                Principal::Account(id) => drop(state.accounts.remove(&id)),
                Principal::MailingList(id) => drop(state.lists.remove(&id)),
            }
            data(&Value::Null)
        }
        _ => match serde_json::from_slice::<Vec<Value>>(&exchange.body) {
            Ok(wanted) => result(changes::apply(state, principal, &wanted, exchange.now)),
            Err(_) => bad_parameters("invalid type, expected a sequence"),
        },
    }
}

pub(super) fn create(state: &mut State, exchange: &Exchange, deploy: bool) -> Response<Bytes> {
    let Ok(Value::Object(request)) = serde_json::from_slice::<Value>(&exchange.body) else {
        return bad_parameters("expected a valid principal");
    };
    if let Some(unknown) = request.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        return bad_parameters(&format!("invalid principal field: {unknown}"));
    }
    let kind = request.get("type").and_then(Value::as_str).unwrap_or("other").to_owned();
    if !state.allows(&format!("{kind}-create")) {
        return forbidden();
    }
    result(insert(state, &request, &kind, deploy, exchange.now))
}

fn insert(
    state: &mut State,
    request: &Map<String, Value>,
    kind: &str,
    deploy: bool,
    now: Timestamp,
) -> Result<Value, Failure> {
    if kind == "individual" && state.external_directory && !deploy {
        let text = "This feature is not available with an external directory.";
        return Err(json!({ "error": "unsupported", "details": text }));
    }
    let name = request.get("name").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    if name.is_empty() {
        return Err(json!({ "error": "fieldMissing", "field": "name" }));
    }
    if find(state, &name).is_some() {
        return Err(taken("name", &name));
    }
    if state.accounts.len() + state.domains.len() >= MAXIMUM_OBJECTS {
        return Err(other("The emulator is full", "too many principals"));
    }
    match kind {
        "domain" => Ok(json!(state.add_domain(&name, true, false, now))),
        "individual" | "group" => {
            let mut account = Account {
                group: kind == "group",
                principal: name,
                local_part: String::new(),
                domain: 0,
                aliases: Vec::new(),
                description: request.get("description").and_then(Value::as_str).map(str::to_owned),
                quota: request.get("quota").and_then(Value::as_u64).filter(|quota| *quota > 0),
                permissions: Permissions::default(),
                credentials: Vec::new(),
                created: now,
            };
            set_emails(state, &mut account, &texts(request.get("emails")), None)?;
            for secret in texts(request.get("secrets")) {
                add_secret(&mut account, &secret, now);
            }
            Ok(json!(state.add_account(account)))
        }
        _ => Err(other("Invalid type", "the emulator has no such principals")),
    }
}

/// Reads texts, of which one may come without an array.
pub(super) fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Replaces the addresses of an account, and checks those that are new.
pub(super) fn set_emails(
    state: &State,
    account: &mut Account,
    emails: &[String],
    own: Option<u32>,
) -> Result<(), Failure> {
    let mut addresses = Vec::new();
    for email in emails {
        let email = email.to_lowercase();
        let (local_part, domain) =
            email.rsplit_once('@').ok_or_else(|| other("Invalid email", "Email address is invalid"))?;
        let id = state.domain_named(domain);
        let holder = id.and_then(|id| state.holder(local_part, id));
        match holder {
            Some(super::super::state::Holder::Account(other)) if Some(other) == own => {}
            Some(_) => return Err(taken("emails", &email)),
            None => {}
        }
        addresses.push((local_part.to_owned(), id.ok_or_else(|| missing(domain))?));
    }
    let mut addresses = addresses.into_iter();
    let (local_part, domain) = addresses.next().unwrap_or_default();
    account.local_part = local_part;
    account.domain = domain;
    account.aliases = addresses.map(|(local_part, domain)| Alias { local_part, domain, enabled: true }).collect();
    Ok(())
}

/// Adds a secret: an app password by what it begins with, else the password.
pub(super) fn add_secret(account: &mut Account, secret: &str, now: Timestamp) {
    let id = account.credentials.iter().map(|credential| credential.id + 1).max().unwrap_or(0);
    let credential = match secret.strip_prefix("$app$").and_then(|rest| rest.split_once('$')) {
        Some((name, secret)) => Credential {
            id: id.max(1),
            kind: CredentialKind::AppPassword,
            description: name.to_owned(),
            secret: secret.to_owned(),
            created: now,
        },
        None => {
            account.credentials.retain(|credential| credential.kind != CredentialKind::Password);
            let kind = CredentialKind::Password;
            Credential { id: 0, kind, description: String::new(), secret: secret.to_owned(), created: now }
        }
    };
    account.credentials.push(credential);
}
