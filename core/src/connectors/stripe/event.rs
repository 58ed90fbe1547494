//! Events of Stripe, as far as they tell what has changed (<https://docs.stripe.com/api/events/object>).

use serde::Deserialize;
use serde_json::Value;

use crate::{
    domain::billing::{Announcement, LONGEST_PROVIDER_ID},
    error::{Code, Error, Result},
};

/// Envelope of a snapshot event.
#[derive(Deserialize)]
struct Envelope {
    id: String,
    object: String,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

/// Reads what an event announces.
///
/// Its object is only asked for ids: the state is read from Stripe, since events arrive in any order.
///
/// # Errors
/// `webhook_unreadable`.
pub fn read(body: &[u8]) -> Result<Announcement> {
    let unreadable = |message: String| Error::new(Code::WEBHOOK_UNREADABLE, message);
    let event: Envelope = serde_json::from_slice(body)
        .map_err(|error| unreadable(format!("the body is not a snapshot event of Stripe: {error}")))?;
    if event.object != "event" || !is_id(&event.id) || !is_id(&event.kind) {
        return Err(unreadable(
            "the body is not a snapshot event of Stripe: it has no usable `id` and `type`".to_owned(),
        ));
    }
    let object = &event.data.object;
    let of_kind = object.get("object").and_then(Value::as_str).unwrap_or_default();
    let subscription = match of_kind {
        "subscription" => id_at(object, "/id"),
        // Of API versions since 2025-03-31, and those before.
        "invoice" => {
            id_at(object, "/parent/subscription_details/subscription").or_else(|| id_at(object, "/subscription"))
        }
        _ => id_at(object, "/subscription"),
    };
    let customer = if of_kind == "customer" { id_at(object, "/id") } else { id_at(object, "/customer") };
    Ok(Announcement { id: event.id, kind: event.kind, subscription, customer })
}

/// Returns the id at a place, which may hold the whole object.
fn id_at(object: &Value, place: &str) -> Option<String> {
    let found = object.pointer(place)?;
    let id = found.as_str().or_else(|| found.get("id").and_then(Value::as_str))?;
    is_id(id).then(|| id.to_owned())
}

fn is_id(text: &str) -> bool {
    (1..=LONGEST_PROVIDER_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn announced(object: &Value) -> (Option<String>, Option<String>) {
        let event = json!({"id": "evt_1", "object": "event", "type": "x.y", "data": {"object": object}});
        let read = read(event.to_string().as_bytes()).unwrap();
        (read.subscription, read.customer)
    }

    #[test]
    fn ids_are_found_wherever_an_object_has_them() {
        let both = (Some("sub_1".to_owned()), Some("cus_1".to_owned()));
        for object in [
            json!({"object": "subscription", "id": "sub_1", "customer": "cus_1"}),
            json!({"object": "subscription", "id": "sub_1", "customer": {"id": "cus_1", "object": "customer"}}),
            json!({"object": "invoice", "id": "in_1", "customer": "cus_1", "subscription": "sub_1"}),
            json!({"object": "invoice", "id": "in_1", "customer": "cus_1", "parent": {"subscription_details": {"subscription": "sub_1"}}}),
            json!({"object": "checkout.session", "id": "cs_1", "customer": "cus_1", "subscription": "sub_1"}),
        ] {
            assert_eq!(announced(&object), both, "{object}");
        }
        assert_eq!(announced(&json!({"object": "customer", "id": "cus_1"})), (None, Some("cus_1".to_owned())));
        assert_eq!(announced(&json!({"object": "invoice", "customer": null, "subscription": null})), (None, None));
        assert_eq!(announced(&json!([])), (None, None));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"id": "evt_1"}"#,
            r#"{"id": "", "object": "event", "type": "x", "data": {"object": {}}}"#,
            r#"{"id": "evt_1", "object": "v2.core.event", "type": "x", "data": {"object": {}}}"#,
            "{\"id\": \"evt\\n1\", \"object\": \"event\", \"type\": \"x\", \"data\": {\"object\": {}}}",
        ] {
            let code = read(body.as_bytes()).map_err(|error| error.declared_code());
            assert_eq!(code, Err(Code::WEBHOOK_UNREADABLE), "{body}");
        }
    }
}
