//! Changes of domains and their keys.

use serde_json::{Map, Value, json};

use super::{Changes, not_found, reference, refused, taken, unknown_property};
use crate::{
    clock::Timestamp,
    emulators::stalwart::{
        ids,
        state::{MAXIMUM_OBJECTS, State},
    },
};

pub(super) struct Domains;

/// Properties that may be set, besides those that the emulator acts on.
const OTHERS: [&str; 10] = [
    "aliases",
    "description",
    "logo",
    "certificateManagement",
    "dnsManagement",
    "directoryId",
    "catchAllAddress",
    "subAddressing",
    "allowRelaying",
    "reportAddressUri",
];

impl Changes for Domains {
    fn create(&self, state: &mut State, object: &Map<String, Value>, now: Timestamp) -> Result<Value, Value> {
        let (mut name, mut enabled, mut keys) = (None, true, true);
        for (property, value) in object {
            match property.as_str() {
                "name" => name = Some(domain_name(value)?),
                "isEnabled" => enabled = flag(property, value)?,
                "dkimManagement" => keys = value.get("@type") == Some(&json!("Automatic")),
                other if OTHERS.contains(&other) => {}
                _ => return Err(unknown_property()),
            }
        }
        let Some(name) = name else {
            let missing = json!([{ "type": "Required", "property": "name" }]);
            return Err(json!({ "type": "validationFailed", "validationErrors": missing }));
        };
        if let Some(existing) = state.domain_named(&name) {
            return Err(taken("name", "Domain", existing));
        }
        if state.domains.len() >= MAXIMUM_OBJECTS {
            return Err(json!({ "type": "overQuota", "description": "The emulator is full." }));
        }
        let id = state.add_domain(&name, enabled, keys, now);
        Ok(json!({ "id": ids::write(id) }))
    }

    fn update(&self, state: &mut State, id: u32, patch: &Map<String, Value>) -> Result<(), Value> {
        let domain = state.domains.get_mut(&id).ok_or_else(not_found)?;
        for (property, value) in patch {
            match property.as_str() {
                "isEnabled" => domain.enabled = flag(property, value)?,
                other if OTHERS.contains(&other) => {}
                other => return Err(refused("invalidPatch", other, "Invalid JSON Pointer path")),
            }
        }
        Ok(())
    }

    fn destroy(&self, state: &mut State, id: u32) -> Result<(), Value> {
        if !state.domains.contains_key(&id) {
            return Err(not_found());
        }
        let users = state.users_of(id);
        if !users.is_empty() {
            let linked: Vec<Value> = users.into_iter().map(|(object, id)| reference(object, id)).collect();
            return Err(
                json!({ "type": "objectIsLinked", "objectId": reference("Domain", id), "linkedObjects": linked }),
            );
        }
        state.domains.remove(&id);
        Ok(())
    }
}

/// Reads a name. Those of top-level domains that do not exist are refused, but for a few.
fn domain_name(value: &Value) -> Result<String, Value> {
    let invalid = || refused("invalidPatch", "name", "Invalid domain name");
    let name = value.as_str().ok_or_else(invalid)?.trim().to_lowercase();
    let is_label = |label: &str| {
        let inner = label.chars().all(|character| character.is_alphanumeric() || character == '-');
        inner && !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
    };
    let reserved = ["example", "invalid"].iter().any(|last| name.rsplit('.').next() == Some(*last));
    if !name.contains('.') || name.len() > 253 || !name.split('.').all(is_label) || reserved {
        return Err(invalid());
    }
    Ok(name)
}

fn flag(property: &str, value: &Value) -> Result<bool, Value> {
    let text = "Invalid value for boolean property (expected true or false)";
    value.as_bool().ok_or_else(|| refused("invalidPatch", property, text))
}

pub(super) struct Signatures;

impl Changes for Signatures {
    fn create(&self, _: &mut State, _: &Map<String, Value>, _: Timestamp) -> Result<Value, Value> {
        let text = "Failed to validate DKIM signature: no key was given";
        Err(refused("invalidProperties", "privateKey", text))
    }

    fn update(&self, state: &mut State, id: u32, _: &Map<String, Value>) -> Result<(), Value> {
        state.signatures.get(&id).map(|_| ()).ok_or_else(not_found)
    }

    fn destroy(&self, state: &mut State, id: u32) -> Result<(), Value> {
        state.signatures.remove(&id).map(|_| ()).ok_or_else(not_found)
    }
}
