//! App passwords: objects of the account that a call names.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{Changes, MethodError, enforce, ids, not_found, objects::found, unknown_property};
use crate::{
    clock::Timestamp,
    emulators::stalwart::state::{Account, Credential, CredentialKind, State},
};

pub(super) fn get(
    state: &State,
    account: &str,
    arguments: &Map<String, Value>,
) -> Result<Map<String, Value>, MethodError> {
    enforce(state, "AppPassword", "Get", "You are not authorized to perform this action")?;
    let owner = ids::read(account).and_then(|id| state.accounts.get(&id));
    let of_owner = || owner.map(|owner| owner.credentials.as_slice()).unwrap_or_default().iter();
    let show = |id: u32| {
        let is_it = |credential: &&Credential| credential.id == id && credential.kind == CredentialKind::AppPassword;
        let credential = of_owner().find(is_it)?;
        Some(json!({
            "description": credential.description, "secret": "****", "createdAt": credential.created, "expiresAt": null,
            "permissions": { "@type": "Inherit" }, "allowedIps": {},
        }))
    };
    // The password has an id too, and is none of these.
    found(state, arguments, show, || of_owner().map(|credential| credential.id).collect())
}

pub(super) struct Passwords<'a> {
    pub(super) account: &'a str,
}

impl Passwords<'_> {
    fn owner<'a>(&self, state: &'a mut State) -> Result<&'a mut Account, Value> {
        let id = ids::read(self.account).ok_or_else(not_found)?;
        state.accounts.get_mut(&id).filter(|account| !account.group).ok_or_else(not_found)
    }
}

impl Changes for Passwords<'_> {
    fn create(&self, state: &mut State, object: &Map<String, Value>, now: Timestamp) -> Result<Value, Value> {
        let maximum = state.maximum_app_passwords;
        let owner = self.owner(state)?;
        let known = ["description", "expiresAt", "permissions", "allowedIps"];
        if object.keys().any(|property| !known.contains(&property.as_str())) {
            return Err(unknown_property());
        }
        let description = object.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        let number =
            owner.credentials.iter().filter(|credential| credential.kind == CredentialKind::AppPassword).count();
        if number >= maximum {
            let text = format!("You have exceeded your quota of {maximum} app passwords.");
            return Err(json!({ "type": "overQuota", "description": text }));
        }
        // The highest id that is in use, and not that was: one that was deleted is given away again.
        let id = owner.credentials.iter().map(|credential| credential.id).max().unwrap_or(0) + 1;
        let secret = secret(&owner.principal, &description, now);
        let kind = CredentialKind::AppPassword;
        owner.credentials.push(Credential { id, kind, description, secret: secret.clone(), created: now });
        Ok(json!({ "id": ids::write(id), "secret": secret }))
    }

    fn update(&self, state: &mut State, id: u32, _: &Map<String, Value>) -> Result<(), Value> {
        let owner = self.owner(state)?;
        owner.credentials.iter().find(|credential| credential.id == id).map(|_| ()).ok_or_else(not_found)
    }

    fn destroy(&self, state: &mut State, id: u32) -> Result<(), Value> {
        let owner = self.owner(state)?;
        let place = owner.credentials.iter().position(|credential| credential.id == id).ok_or_else(not_found)?;
        if owner.credentials.get(place).is_some_and(|credential| credential.kind == CredentialKind::Password) {
            let text = "Users are not allowed to destroy their own credentials.";
            return Err(json!({ "type": "forbidden", "description": text }));
        }
        owner.credentials.remove(place);
        Ok(())
    }
}

/// Returns a secret of the form of Stalwart's. It is no secret, and differs for each label.
fn secret(principal: &str, description: &str, now: Timestamp) -> String {
    let digest = Sha256::digest(format!("{principal} {description} {now}"));
    let characters = b"abcdefghijklmnopqrstuvwxyz792013";
    let digits = digest.iter().chain(digest.iter().rev()).take(36);
    let digits = digits.filter_map(|byte| characters.get(usize::from(byte % 32))).map(|digit| char::from(*digit));
    format!("app_{}", digits.collect::<String>())
}
