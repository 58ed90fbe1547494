//! Changes of accounts.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Changes, not_found, reference, refused, taken, unknown_property};
use crate::{
    clock::Timestamp,
    emulators::stalwart::{
        ids,
        state::{Account, Alias, Credential, CredentialKind, Holder, MAXIMUM_OBJECTS, Permissions, State},
    },
};

/// Shortest password.
const SHORTEST: usize = 8;

pub(super) struct Accounts;

/// Properties that may be set, besides those that the emulator acts on.
const OTHERS: [&str; 6] = ["memberGroupIds", "memberTenantId", "roles", "locale", "timeZone", "encryptionAtRest"];

impl Changes for Accounts {
    fn create(&self, state: &mut State, object: &Map<String, Value>, now: Timestamp) -> Result<Value, Value> {
        let group = match object.get("@type").and_then(Value::as_str) {
            Some("User") => false,
            Some("Group") => true,
            _ => return Err(refused("invalidPatch", "@type", "Missing or invalid '@type' property in object")),
        };
        let (mut name, mut domain) = (None, None);
        let mut account = Account {
            group,
            principal: String::new(),
            local_part: String::new(),
            domain: 0,
            aliases: Vec::new(),
            description: None,
            quota: None,
            permissions: Permissions::default(),
            credentials: Vec::new(),
            created: now,
        };
        for (property, value) in object {
            match property.as_str() {
                "@type" => {}
                "name" => name = Some(local_part("name", value)?),
                "domainId" => domain = Some(id("domainId", value)?),
                "credentials" => account.credentials = credentials(state, value, now)?,
                property => patch(&mut account, property, value)?.ok_or_else(unknown_property)?,
            }
        }
        let (Some(name), Some(domain)) = (name, domain) else {
            let missing = json!([{ "type": "Required", "property": "name" }]);
            return Err(json!({ "type": "validationFailed", "validationErrors": missing }));
        };
        account.principal = state.address(&name, domain);
        account.local_part = name;
        account.domain = domain;
        check(state, &account, None)?;
        if state.accounts.len() >= MAXIMUM_OBJECTS {
            return Err(json!({ "type": "overQuota", "description": "The emulator is full." }));
        }
        Ok(json!({ "id": ids::write(state.add_account(account)) }))
    }

    fn update(&self, state: &mut State, id: u32, changes: &Map<String, Value>) -> Result<(), Value> {
        let mut account = state.accounts.get(&id).cloned().ok_or_else(not_found)?;
        for (property, value) in changes {
            let known = patch(&mut account, property, value)?;
            known.ok_or_else(|| refused("invalidPatch", property, "Invalid JSON Pointer path"))?;
        }
        check(state, &account, Some(id))?;
        state.accounts.insert(id, account);
        Ok(())
    }

    fn destroy(&self, state: &mut State, id: u32) -> Result<(), Value> {
        state.accounts.remove(&id).map(|_| ()).ok_or_else(not_found)
    }
}

/// Checks that domains are there and addresses are not taken.
fn check(state: &State, account: &Account, own: Option<u32>) -> Result<(), Value> {
    let aliases = account.aliases.iter().map(|alias| (&alias.local_part, alias.domain));
    let addresses: Vec<_> = [(&account.local_part, account.domain)].into_iter().chain(aliases).collect();
    for (local_part, domain) in addresses {
        if !state.domains.contains_key(&domain) {
            return Err(json!({ "type": "invalidForeignKey", "objectId": reference("Domain", domain) }));
        }
        match state.holder(local_part, domain) {
            Some(Holder::Account(other)) if Some(other) != own => return Err(taken("email", "Account", other)),
            Some(Holder::MailingList(other)) => return Err(taken("email", "MailingList", other)),
            _ => {}
        }
    }
    Ok(())
}

/// Sets a property by its name or the pointer to a part of it; `None` for one that accounts do not have.
fn patch(account: &mut Account, property: &str, value: &Value) -> Result<Option<()>, Value> {
    match property.split_once('/') {
        None => match property {
            "description" => account.description = value.as_str().map(str::to_owned),
            "quotas" => account.quota = quota(property, value.get("maxDiskQuota").unwrap_or(&Value::Null))?,
            "aliases" => account.aliases = aliases(value)?,
            "permissions" => account.permissions = permissions(value)?,
            other if OTHERS.contains(&other) => {}
            _ => return Ok(None),
        },
        Some(("quotas", "maxDiskQuota")) => account.quota = quota(property, value)?,
        Some(_) => return Ok(None),
    }
    Ok(Some(()))
}

fn quota(property: &str, value: &Value) -> Result<Option<u64>, Value> {
    if value.is_null() {
        return Ok(None);
    }
    let text = "Invalid value for unsigned integer property (expected non-negative integer)";
    value.as_u64().map(Some).ok_or_else(|| refused("invalidPatch", property, text))
}

fn aliases(value: &Value) -> Result<Vec<Alias>, Value> {
    let mut aliases: Vec<Alias> = Vec::new();
    for alias in numbered("aliases", value)? {
        let domain = id("aliases", alias.get("domainId").unwrap_or(&Value::Null))?;
        let local_part = local_part("aliases", alias.get("name").unwrap_or(&Value::Null))?;
        let enabled = alias.get("enabled").is_none_or(|enabled| enabled == &json!(true));
        aliases.push(Alias { local_part, domain, enabled });
    }
    Ok(aliases)
}

fn permissions(value: &Value) -> Result<Permissions, Value> {
    let set = |name: &str| -> BTreeSet<String> {
        let set = value.get(name).and_then(Value::as_object);
        set.map(|set| set.iter().filter(|(_, on)| *on == &json!(true)).map(|(name, _)| name.clone()).collect())
            .unwrap_or_default()
    };
    let (enabled, disabled) = (set("enabledPermissions"), set("disabledPermissions"));
    match value.get("@type").and_then(Value::as_str) {
        Some("Inherit") => Ok(Permissions::default()),
        Some("Merge") => Ok(Permissions { replace: false, enabled, disabled }),
        Some("Replace") => Ok(Permissions { replace: true, enabled, disabled }),
        _ => Err(refused("invalidPatch", "permissions", "Missing or invalid '@type' property in object")),
    }
}

fn credentials(state: &State, value: &Value, now: Timestamp) -> Result<Vec<Credential>, Value> {
    let mut credentials = Vec::new();
    for (number, credential) in (0_u32..).zip(numbered("credentials", value)?) {
        if state.external_directory {
            let text = "Cannot set credentials for accounts in an external directory.";
            return Err(json!({ "type": "forbidden", "description": text }));
        }
        if credential.get("@type") != Some(&json!("Password")) {
            return Err(refused("invalidProperties", "credentials", "Secondary credentials cannot be set directly."));
        }
        if number > 0 {
            return Err(refused("invalidProperties", "credentials", "Only one password credential is allowed."));
        }
        let secret = credential.get("secret").and_then(Value::as_str).unwrap_or_default();
        if secret.chars().count() < SHORTEST {
            let text = format!("Password must be at least {SHORTEST} characters long.");
            return Err(refused("invalidProperties", "secret", &text));
        }
        credentials.push(Credential {
            id: number,
            kind: CredentialKind::Password,
            description: String::new(),
            secret: secret.to_owned(),
            created: now,
        });
    }
    Ok(credentials)
}

/// Reads a list. An array is no list.
fn numbered<'a>(property: &str, value: &'a Value) -> Result<Vec<&'a Value>, Value> {
    let invalid = || refused("invalidPatch", property, "Invalid value for object property");
    let items = value.as_object().ok_or_else(invalid)?;
    let mut numbered: Vec<(u32, &Value)> = Vec::new();
    for (key, item) in items {
        let key = key.parse().map_err(|_| refused("invalidPatch", property, "Invalid key for object property"))?;
        numbered.push((key, item));
    }
    numbered.sort_by_key(|(key, _)| *key);
    Ok(numbered.into_iter().map(|(_, item)| item).collect())
}

fn id(property: &str, value: &Value) -> Result<u32, Value> {
    let invalid = || refused("invalidPatch", property, "Invalid value for id property");
    value.as_str().and_then(ids::read).ok_or_else(invalid)
}

fn local_part(property: &str, value: &Value) -> Result<String, Value> {
    let invalid = || refused("invalidPatch", property, "Invalid email local part");
    let name = value.as_str().ok_or_else(invalid)?.trim().to_lowercase();
    let broken =
        name.is_empty() || name.len() > 64 || name.chars().any(|c| c == '@' || c.is_whitespace() || c.is_control());
    if broken { Err(invalid()) } else { Ok(name) }
}
