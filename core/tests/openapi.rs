//! The OpenAPI document says what the router does.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use bytes::Bytes;
use dezky::{
    Error,
    clock::SystemClock,
    domain::{
        CreateSubscription, CreateTenant, CreateUser, GrantMembership, UpdateMembership, UpdateSubscription,
        UpdateTenant, UpdateUser,
    },
    http::openapi,
    service::ServiceSettings,
    test_kit::{
        DevelopmentIssuer, ManualClock,
        cases::{Edge, NativeStage, Setup, Stage as _},
    },
};
use http::{Method, Request};
use serde_json::{Map, Value, json};

/// Paths that answer without a token, and what they say to an empty request.
const PUBLIC: [(&str, &str); 2] = [("/launcher", "not_found"), ("/oidc/backchannel-logout", "logout_token_missing")];

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn document() -> Value {
    serde_json::from_str(&openapi::document().unwrap()).unwrap()
}

#[test]
fn what_is_served_is_what_the_code_says() {
    let current = openapi::document().unwrap();
    assert!(
        include_str!("../openapi.json").trim_end() == current,
        "the API has changed: run `cargo run --package dezky-host -- openapi >core/openapi.json`"
    );
    let served: Value = serde_json::from_str(openapi::WRITTEN).unwrap();
    assert_eq!(served, document());
    assert!(!openapi::WRITTEN.contains('\n'), "nobody reads what is served");
}

async fn edge() -> (NativeStage, DevelopmentIssuer, Box<dyn Edge>) {
    let stage = NativeStage::on_sqlite().unwrap();
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let setup = Setup {
        store: stage.store().await.unwrap(),
        clock: Arc::new(ManualClock::at(dezky::clock::Clock::now(&SystemClock))),
        issuers: vec![issuer.settings("default")],
        service: ServiceSettings::default(),
    };
    let edge = stage.edge(setup).await.unwrap();
    (stage, issuer, edge)
}

async fn ask(edge: &dyn Edge, method: &str, path: &str) -> (u16, Value) {
    let path = path.replace("{id}", "0123456789abcdef01234567").replace("{user}", "0123456789abcdef01234567");
    let path = path.replace("{tenant}", "acme");
    assert!(!path.contains('{'), "{path}: give its parameter a value here");
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    *request.uri_mut() = path.parse().unwrap();
    let response = edge.send(request).await.unwrap();
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or(Value::Null))
}

#[test]
fn it_is_openapi_3_1() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS.iter().filter_map(|method| item.get(method)) {
            assert!(method["summary"].is_string(), "{path} says what it does");
            assert!(method["responses"].get("4XX").is_some(), "{path} may refuse");
        }
    }
}

#[test]
fn operations_have_names_of_their_own() {
    let document = document();
    let mut names = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in METHODS.iter().filter_map(|method| Some((method, item.get(method)?))) {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name), "{method} {path}: `{name}` names another operation already");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documented_routes_are_there_and_undocumented_methods_are_not() {
    let (_stage, _issuer, edge) = edge().await;
    for (path, item) in document()["paths"].as_object().unwrap() {
        for method in METHODS {
            let (status, problem) = ask(&*edge, method, path).await;
            let public = PUBLIC.iter().find(|(public, _)| public == path);
            match (item.get(method).is_some(), public) {
                (true, Some((_, code))) => assert_eq!(problem["code"], *code, "{method} {path}: {status}"),
                (true, None) => assert_eq!(problem["code"], "token_missing", "{method} {path}: {status}"),
                (false, _) => assert_eq!(problem["code"], "method_not_allowed", "{method} {path}: {status}"),
            }
        }
    }
}

#[test]
fn every_route_of_the_router_is_documented() {
    // The router cannot be asked for its routes; its source can.
    let source = include_str!("../src/http/routes/mod.rs");
    let documented = document();
    let mut routes = 0;
    for path in source.split('"').filter(|text| text.starts_with('/') && !text.contains(char::is_whitespace)) {
        routes += 1;
        let served_as_it_is = path == "/openapi.json";
        assert!(served_as_it_is || documented["paths"].get(path).is_some(), "{path} is not documented");
    }
    assert_eq!(routes, documented["paths"].as_object().unwrap().len() + 1);
}

#[test]
fn references_lead_somewhere() {
    fn walk(value: &Value, root: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(root.pointer(pointer).is_some(), "{reference} leads nowhere");
                }
                members.values().for_each(|member| walk(member, root));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, root)),
            _ => {}
        }
    }
    let document = document();
    walk(&document, &document);
}

type ReadBody = fn(Value) -> Result<(), Error>;

const BODIES: [(&str, ReadBody); 8] = [
    ("CreateTenantBody", |body| CreateTenant::read(body).map(drop)),
    ("UpdateTenantBody", |body| UpdateTenant::read(body).map(drop)),
    ("CreateUserBody", |body| CreateUser::read(body).map(drop)),
    ("UpdateUserBody", |body| UpdateUser::read(body).map(drop)),
    ("GrantMembershipBody", |body| GrantMembership::read(body).map(drop)),
    ("UpdateMembershipBody", |body| UpdateMembership::read(body).map(drop)),
    ("CreateSubscriptionBody", |body| CreateSubscription::read(body).map(drop)),
    ("UpdateSubscriptionBody", |body| UpdateSubscription::read(body).map(drop)),
];

/// Any field that any body has, so that what one reader lacks another's name finds out.
fn all_fields(schemas: &Value) -> Vec<String> {
    let properties = BODIES.iter().flat_map(|(name, _)| schemas[name]["properties"].as_object().unwrap().keys());
    let stored = dezky::COLLECTIONS.iter().flat_map(|collection| collection.fields).map(|field| field.name.to_owned());
    properties.cloned().chain(stored).chain(["id".to_owned(), "nonsense".to_owned()]).collect()
}

#[test]
fn bodies_have_exactly_the_documented_fields() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    for (name, read) in BODIES {
        let schema = &schemas[name];
        assert_eq!(schema["additionalProperties"], json!(false), "{name} takes no unknown field");
        for field in all_fields(schemas) {
            let body: Map<String, Value> =
                [(field.clone(), json!({ "of": "no type that fits" }))].into_iter().collect();
            let refused = read(Value::Object(body)).err();
            let unknown = refused
                .iter()
                .flat_map(Error::fields)
                .any(|problem| problem.field == field && problem.code == "unknown_field");
            let documented = schema["properties"].get(&field).is_some();
            assert_eq!(unknown, !documented, "{name}.{field}: documented: {documented}, refused: {refused:?}");
        }
    }
    let documented = schemas.as_object().unwrap().keys().filter(|name| name.ends_with("Body"));
    assert_eq!(documented.count(), BODIES.len(), "each body is held to its reader here");
}

#[test]
fn required_fields_are_required() {
    let document = document();
    for (name, read) in BODIES {
        let schema = &document["components"]["schemas"][name];
        let mut documented: Vec<String> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|field| field.as_str().unwrap().to_owned())
            .collect();
        let refused = read(json!({})).err();
        let mut required: Vec<String> =
            refused.iter().flat_map(Error::fields).map(|field| field.field.clone()).collect();
        documented.sort();
        required.sort();
        assert_eq!(required, documented, "{name}");
    }
}

#[test]
fn null_is_taken_where_the_document_says_so() {
    let document = document();
    for (name, read) in BODIES {
        for (field, schema) in document["components"]["schemas"][name]["properties"].as_object().unwrap() {
            let body: Map<String, Value> = [(field.clone(), Value::Null)].into_iter().collect();
            let refused = read(Value::Object(body)).err();
            let refused = refused.iter().flat_map(Error::fields).any(|problem| problem.field == *field);
            let documented = schema["type"].as_array().is_some_and(|types| types.contains(&json!("null")))
                || schema["oneOf"].as_array().is_some_and(|choices| choices.contains(&json!({ "type": "null" })));
            assert_eq!(refused, !documented, "{name}.{field}: {schema}");
        }
    }
}
