//! Endpoints as they are managed: addresses, limits, secrets that are shown once.

use dezky::{
    domain::{
        CreateEventEndpoint, UpdateEventEndpoint,
        event_endpoint::{MOST_ENDPOINTS, selects},
    },
    service::IdempotencyRequest,
    store::SharedStore,
};
use serde_json::json;

use super::{
    support::{on_every_store, system},
    world::World,
};

on_every_store! {
    there_is_a_limit_and_a_removed_one_makes_room,
    a_secret_is_shown_once,
    a_type_without_events_is_refused,
}

#[test]
fn addresses_and_types_are_checked() {
    let read = |url: &str| CreateEventEndpoint::read(json!({"url": url}));
    for url in ["https://hooks.acme.eu/a?b=c", "http://localhost:8080/hook", "http://127.0.0.1:1/", "http://[::1]/"] {
        assert!(read(url).is_ok(), "{url}");
    }
    for url in [
        "http://hooks.acme.eu/",
        "http://10.0.0.1/",
        "ftp://hooks.acme.eu/",
        "https://user@hooks.acme.eu/",
        "http://user:word@localhost/",
        "https://hooks.acme.eu/#part",
        "hooks.acme.eu",
        "",
    ] {
        assert!(read(url).is_err(), "{url}");
    }
    let types = |types: serde_json::Value| UpdateEventEndpoint::read(json!({"types": types}));
    assert!(types(json!(["tenant.update", "app_password.*"])).is_ok());
    for wrong in ["tenant", "*", "tenant.", ".update", "tenant.update.more", "Tenant.update", "tenant.up*"] {
        assert!(types(json!([wrong])).is_err(), "{wrong}");
    }
}

#[test]
fn a_filter_selects_a_type_or_a_kind() {
    let types = |types: &[&str]| types.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    for (filter, action, selected) in [
        (&[][..], "tenant.update", true),
        (&["tenant.update"], "tenant.update", true),
        (&["tenant.update"], "tenant.updated", false),
        (&["tenant.*"], "tenant.update", true),
        (&["tenant.*"], "tenants.update", false),
        (&["user.*", "tenant.create"], "tenant.update", false),
        (&["user.*", "tenant.create"], "user.delete", true),
    ] {
        assert_eq!(selects(&types(filter), action), selected, "{filter:?} {action}");
    }
}

async fn there_is_a_limit_and_a_removed_one_makes_room(store: SharedStore) {
    let world = World::on(store).await;
    let input = || CreateEventEndpoint::read(json!({"tenantId": world.tenant, "url": "https://a.example/"})).unwrap();
    let create = async || world.service.create_event_endpoint(&system(), input()).await.map(|answer| answer.value.id);
    let mut made = Vec::new();
    for _ in 0..MOST_ENDPOINTS {
        made.push(create().await.unwrap());
    }
    assert_eq!(create().await.unwrap_err().code(), "event_endpoint_limit_reached");
    world.service.delete_event_endpoint(&system(), made[4]).await.unwrap();
    create().await.unwrap();
    assert_eq!(create().await.unwrap_err().code(), "event_endpoint_limit_reached");
}

async fn a_type_without_events_is_refused(store: SharedStore) {
    let world = World::on(store).await;
    let types = json!(["tenant.update", "tenant.updated", "invitation.*", "nothing.*", "notice.send"]);
    let body = json!({"tenantId": world.tenant, "url": "https://a.example/", "types": types});
    let input = CreateEventEndpoint::read(body).unwrap();
    let refused = world.service.create_event_endpoint(&system(), input).await.unwrap_err();
    let fields: Vec<&str> = refused.fields().iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["types[1]", "types[3]"]);
}

async fn a_secret_is_shown_once(store: SharedStore) {
    let world = World::on(store).await;
    let mut call = system();
    call.idempotency =
        Some(IdempotencyRequest { key: "k".to_owned(), target: "POST /event-endpoints".to_owned(), body: vec![] });
    let input = || CreateEventEndpoint::read(json!({"tenantId": world.tenant, "url": "https://a.example/"})).unwrap();
    let made = world.service.create_event_endpoint(&call, input()).await.unwrap().value;
    let secret = made.secret.unwrap();
    assert!(secret.0.starts_with("whsec_"));
    assert_eq!(format!("{secret:?}"), "OneTimeSecret(…)");
    let again = world.service.create_event_endpoint(&call, input()).await.unwrap_err();
    assert_eq!(again.code(), "secret_shown_once");
    let read = world.service.read_event_endpoint(&system(), made.id).await.unwrap();
    assert!(read.secret.is_none());
    call.idempotency.as_mut().unwrap().target = "POST /rotate".to_owned();
    let rotated = world.service.rotate_event_endpoint(&call, made.id).await.unwrap().value;
    assert_ne!(rotated.secret.unwrap(), secret);
    assert_eq!(world.service.rotate_event_endpoint(&call, made.id).await.unwrap_err().code(), "secret_shown_once");
    // What is stored has no secret, the answer to the repeated request neither.
    let page = dezky::service::ListRequest::default();
    let exported = world.service.export_tenant(&system(), &world.tenant.into(), &page).await.unwrap();
    assert!(!serde_json::to_string(&exported).unwrap().contains("whsec_"));
}
