//! Changes of a principal.

use serde_json::{Value, json};

use super::{
    Failure, other,
    principals::{Principal, add_secret, emails, set_emails, texts},
};
use crate::{
    clock::Timestamp,
    emulators::stalwart::state::{Account, CredentialKind, State},
};

/// Applies all changes or none.
pub(super) fn apply(
    state: &mut State,
    principal: Principal,
    changes: &[Value],
    now: Timestamp,
) -> Result<Value, Failure> {
    let Principal::Account(id) = principal else {
        return Err(other("Invalid parameter", "the emulator changes mailboxes and groups only"));
    };
    let Some(mut account) = state.accounts.get(&id).cloned() else { return Err(super::missing("")) };
    for change in changes {
        let text = |name: &str| change.get(name).and_then(Value::as_str).unwrap_or_default();
        let value = change.get("value").unwrap_or(&Value::Null);
        apply_one(state, &mut account, id, (text("action"), text("field"), value), now)?;
    }
    state.accounts.insert(id, account);
    Ok(Value::Null)
}

fn apply_one(
    state: &State,
    account: &mut Account,
    id: u32,
    change: (&str, &str, &Value),
    now: Timestamp,
) -> Result<(), Failure> {
    match change {
        ("set", "quota", Value::Number(quota)) => account.quota = quota.as_u64(),
        ("set", "quota", Value::String(quota)) if quota.is_empty() => account.quota = None,
        ("set", "description", Value::String(text)) => {
            account.description = Some(text.clone()).filter(|text| !text.is_empty())
        }
        ("set", "emails", Value::Array(_)) => set_emails(state, account, &texts(Some(change.2)), Some(id))?,
        ("addItem", "emails", Value::String(email)) => {
            let mut all = emails(state, account);
            all.push(email.clone());
            set_emails(state, account, &all, Some(id))?;
        }
        ("removeItem", "emails", Value::String(email)) => {
            let all: Vec<String> = emails(state, account).into_iter().filter(|one| one != email).collect();
            set_emails(state, account, &all, Some(id))?;
        }
        ("addItem", "secrets", Value::String(secret)) => add_secret(account, secret, now),
        ("removeItem", "secrets", Value::String(secret)) => remove_secret(account, secret),
        ("addItem", "disabledPermissions", Value::String(permission)) => {
            account.permissions.enabled.remove(permission);
            account.permissions.disabled.insert(permission.clone());
        }
        ("removeItem", "disabledPermissions", Value::String(permission)) => {
            account.permissions.disabled.remove(permission);
        }
        (_, field, value) => {
            return Err(json!({
                "error": "other", "details": "Invalid parameter", "reason": format!("Invalid value {value} for {field}"),
            }));
        }
    }
    Ok(())
}

/// Removes secrets: all app passwords that begin so, and for an empty text all of them.
fn remove_secret(account: &mut Account, secret: &str) {
    account.credentials.retain(|credential| match credential.kind {
        CredentialKind::AppPassword => {
            let stored = format!("$app${}${}", credential.description, credential.secret);
            let hit = secret.is_empty() || (secret.starts_with("$app$") && stored.starts_with(secret));
            !hit
        }
        CredentialKind::Password => secret.is_empty() || credential.secret != secret,
    });
}
