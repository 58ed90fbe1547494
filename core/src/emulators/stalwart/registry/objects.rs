//! Objects as the registry shows them: lists as objects with numbers for keys, sets as objects of `true`.

use serde_json::{Map, Value, json};

use super::{MethodError, enforce, ids};
use crate::emulators::stalwart::{
    state::{Account, CredentialKind, Permissions, Signature, State},
    zone,
};

/// Text in the place of a secret.
const MASKED: &str = "****";

pub(super) fn get(
    state: &State,
    object: &str,
    arguments: &Map<String, Value>,
) -> Result<Map<String, Value>, MethodError> {
    enforce(state, object, "Get", "You are not authorized to perform this action")?;
    let show = |id: u32| show(state, object, id);
    let all = || match object {
        "Domain" => state.domains.keys().copied().collect::<Vec<_>>(),
        "Account" => state.accounts.keys().copied().collect(),
        _ => state.signatures.keys().copied().collect(),
    };
    found(state, arguments, show, all)
}

/// Returns what is there of the ids that are asked for, and what is not.
pub(super) fn found(
    state: &State,
    arguments: &Map<String, Value>,
    show: impl Fn(u32) -> Option<Value>,
    all: impl Fn() -> Vec<u32>,
) -> Result<Map<String, Value>, MethodError> {
    let asked: Vec<String> = match arguments.get("ids") {
        None | Some(Value::Null) => all().into_iter().map(ids::write).collect(),
        Some(ids) => ids
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    };
    if asked.len() as u64 > state.page {
        return Err(("requestTooLarge", "The number of ids requested by the client exceeds the maximum.".to_owned()));
    }
    // Properties that nothing has are passed over in silence.
    let properties: Option<Vec<&str>> = arguments
        .get("properties")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect());
    let (mut list, mut missing) = (Vec::new(), Vec::new());
    for id in asked {
        match ids::read(&id).and_then(&show) {
            Some(object) => list.push(projected(object, &id, properties.as_deref())),
            None => missing.push(id),
        }
    }
    let mut answer = Map::new();
    answer.insert("list".to_owned(), json!(list));
    answer.insert("notFound".to_owned(), json!(missing));
    Ok(answer)
}

fn projected(object: Value, id: &str, properties: Option<&[&str]>) -> Value {
    let Value::Object(fields) = object else { return object };
    let wanted = |name: &String| properties.is_none_or(|names| names.is_empty() || names.contains(&name.as_str()));
    let mut fields: Map<String, Value> = fields.into_iter().filter(|(name, _)| wanted(name)).collect();
    fields.insert("id".to_owned(), json!(id));
    fields.into()
}

fn show(state: &State, object: &str, id: u32) -> Option<Value> {
    match object {
        "Domain" => {
            let domain = state.domains.get(&id)?;
            Some(json!({
                "name": domain.name, "aliases": {}, "isEnabled": domain.enabled, "createdAt": domain.created,
                "description": null, "logo": null, "certificateManagement": { "@type": "Manual" },
                "dkimManagement": {
                    "@type": "Automatic", "algorithms": { "Dkim1Ed25519Sha256": true, "Dkim1RsaSha256": true },
                    "selectorTemplate": "v{version}-{algorithm}-{date-%Y%m%d}",
                    "rotateAfter": 7_776_000_000_u64, "retireAfter": 604_800_000, "deleteAfter": 2_592_000_000_u64,
                },
                "dnsManagement": { "@type": "Manual" }, "memberTenantId": null, "directoryId": null,
                "catchAllAddress": null, "subAddressing": { "@type": "Enabled" }, "allowRelaying": false,
                "reportAddressUri": "mailto:postmaster",
                "dnsZoneFile": zone::text(&zone::records(state, &domain.name)),
            }))
        }
        "Account" => state.accounts.get(&id).map(|account| show_account(state, account)),
        _ => state.signatures.get(&id).map(|signature| show_signature(state, signature)),
    }
}

fn show_account(state: &State, account: &Account) -> Value {
    let aliases = account.aliases.iter().map(|alias| {
        json!({ "enabled": alias.enabled, "name": alias.local_part, "domainId": ids::write(alias.domain), "description": null })
    });
    let mut shown = json!({
        "@type": if account.group { "Group" } else { "User" },
        "name": account.local_part, "domainId": ids::write(account.domain), "createdAt": account.created,
        "memberTenantId": null, "roles": { "@type": if account.group { "Default" } else { "User" } },
        "permissions": show_permissions(&account.permissions),
        "quotas": account.quota.map_or_else(|| json!({}), |quota| json!({ "maxDiskQuota": quota })),
        "aliases": list(aliases), "description": account.description, "locale": "en-US", "timeZone": null,
        "usedDiskQuota": 0, "emailAddress": state.address(&account.local_part, account.domain),
    });
    if let Some(fields) = shown.as_object_mut().filter(|_| !account.group) {
        let credentials = account.credentials.iter().map(|credential| match credential.kind {
            CredentialKind::Password => json!({
                "@type": "Password", "credentialId": ids::write(credential.id), "secret": MASKED, "otpAuth": null,
                "expiresAt": null, "allowedIps": {},
            }),
            CredentialKind::AppPassword => json!({
                "@type": "AppPassword", "credentialId": ids::write(credential.id), "description": credential.description,
                "secret": MASKED, "createdAt": credential.created, "expiresAt": null,
                "permissions": { "@type": "Inherit" }, "allowedIps": {},
            }),
        });
        fields.insert("credentials".to_owned(), list(credentials));
        fields.insert("memberGroupIds".to_owned(), json!({}));
        fields.insert("encryptionAtRest".to_owned(), json!({ "@type": "Disabled" }));
    }
    shown
}

fn show_permissions(permissions: &Permissions) -> Value {
    if !permissions.replace && permissions.enabled.is_empty() && permissions.disabled.is_empty() {
        return json!({ "@type": "Inherit" });
    }
    let set = |names: &std::collections::BTreeSet<String>| -> Value {
        names.iter().map(|name| (name.clone(), Value::Bool(true))).collect::<Map<_, _>>().into()
    };
    json!({
        "@type": if permissions.replace { "Replace" } else { "Merge" },
        "enabledPermissions": set(&permissions.enabled), "disabledPermissions": set(&permissions.disabled),
    })
}

fn show_signature(state: &State, signature: &Signature) -> Value {
    json!({
        "@type": if signature.algorithm == "rsa" { "Dkim1RsaSha256" } else { "Dkim1Ed25519Sha256" },
        "domainId": state.domain_named(&signature.domain).map(ids::write), "selector": signature.selector,
        "stage": signature.stage, "publicKey": signature.public_key(), "createdAt": signature.created,
        "privateKey": { "@type": "Text", "secret": MASKED }, "memberTenantId": null, "nextTransitionAt": null,
    })
}

/// Returns a list as the registry encodes it.
fn list(items: impl Iterator<Item = Value>) -> Value {
    items.enumerate().map(|(place, item)| (place.to_string(), item)).collect::<Map<_, _>>().into()
}
