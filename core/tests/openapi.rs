//! Tests that the OpenAPI document describes the router.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{collections::BTreeSet, env, fs, sync::Arc};

use bytes::Bytes;
use dezky::{
    Error,
    authz::{Action, policy_data},
    clock::SystemClock,
    domain::{
        AddDomain, CreateApiKey, CreateAppPassword, CreateEventEndpoint, CreateInvitation, CreateMailbox,
        CreateSubscription, CreateTenant, CreateUser, GrantMembership, UpdateApiKey, UpdateEventEndpoint,
        UpdateMailbox, UpdateMembership, UpdateSubscription, UpdateTenant, UpdateUser,
    },
    http::{
        Access, DOCUMENT,
        operations::{self, OPERATIONS, RESOURCES},
    },
    scim,
    service::{
        ServiceSettings,
        api_keys::RotateSecret,
        billing,
        evaluations::{Question, Search},
        event_endpoints::Replay,
        invitations,
    },
    test_kit::{
        DevelopmentIssuer, ManualClock,
        cases::{Edge, NativeStage, Setup, Stage as _},
    },
};
use http::{Method, Request};
use serde_json::{Map, Value, json};

/// Answers of operations without a token to an empty request.
const PUBLIC: [(&str, &str); 6] = [
    ("readAuthzenConfiguration", "invalid_host"),
    ("readLauncher", "not_found"),
    ("allowCertificate", "not_found"),
    ("endSessions", "logout_token_missing"),
    ("previewInvitation", "body_missing"),
    ("receiveStripeEvent", "billing_not_configured"),
];

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

fn document() -> Value {
    serde_json::from_str(&operations::document().unwrap()).unwrap()
}

#[test]
fn what_is_served_is_what_the_code_says() {
    let current = operations::document().unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    if env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        // The served document is built from it and is compared with the code after compilation.
        return fs::write(path, format!("{current}\n")).unwrap();
    }
    assert!(
        fs::read_to_string(path).unwrap().trim_end() == current,
        "the API has changed: run `UPDATE_DOCS=1 cargo test --package dezky --test openapi`"
    );
    let served: Value = serde_json::from_str(DOCUMENT).unwrap();
    assert_eq!(served, document());
    assert!(!DOCUMENT.contains('\n'), "nobody reads what is served");
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
    let id = |path: String, name: &str| path.replace(name, "0123456789abcdef01234567");
    let path = ["{id}", "{user}", "{password}", "{group}"].into_iter().fold(path.to_owned(), id);
    let path = path.replace("{tenant}", "acme").replace("{system}", "chat").replace("{domain}", "acme.eu");
    let path = path.replace("{directory}", "acme").replace("{type}", "User").replace("{schema}", scim::USER.urn);
    assert!(!path.contains('{'), "{path}: give its parameter a value here");
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
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
        for method in METHODS.iter().filter_map(|method| item.get(method.to_lowercase())) {
            assert!(method["summary"].is_string(), "{path} says what it does");
            assert!(method["responses"].get("4XX").is_some(), "{path} may refuse");
        }
    }
}

#[test]
fn every_type_of_events_is_a_webhook_with_its_schema() {
    let document = document();
    let webhooks = document["webhooks"].as_object().unwrap();
    let schema = |name: &str| &webhooks[name]["post"]["requestBody"]["content"]["application/json"]["schema"];
    for operation in OPERATIONS.iter().filter(|operation| operation.method != Method::GET) {
        let Access::May(actions) = operation.access else { continue };
        let asks = |action: &Action| action.name() == "access.evaluate" || action.name().contains("read");
        for action in actions.iter().filter(|action| !asks(action)) {
            assert_eq!(schema(action.name())["properties"]["type"]["const"], action.name());
        }
    }
    assert!(!webhooks.contains_key("access.evaluate"), "what changes nothing is no event");
    for (name, _) in dezky::domain::system_action::SYSTEM_ACTIONS {
        assert_eq!(schema(name)["properties"]["type"]["const"], *name);
    }
    let fields =
        |name: &str| schema(name)["properties"]["data"]["properties"]["changedFields"]["items"]["enum"].clone();
    assert!(fields("tenant.update").as_array().unwrap().contains(&json!("name")));
    assert!(!fields("tenant.update").as_array().unwrap().contains(&json!("nameKey")));
    assert!(fields("mailbox.create").as_array().unwrap().contains(&json!("localPart")));
    assert_eq!(fields("workspace.reconcile"), Value::Null);
    let message = &document["components"]["schemas"]["EventMessage"];
    assert_eq!(message["required"], json!(["id", "type", "timestamp", "data"]));
}

#[test]
fn operations_have_names_of_their_own() {
    let mut names = BTreeSet::new();
    for operation in OPERATIONS.iter() {
        let (id, commands) = (Some(operation.id), operation.commands.iter().copied());
        for name in id.into_iter().chain(operation.sdk).chain(commands) {
            assert!(names.insert(name), "{}: `{name}` names another operation already", operation.id);
        }
    }
}

#[test]
fn every_operation_is_documented_as_it_is_declared() {
    let document = document();
    let mut tags = BTreeSet::new();
    for operation in OPERATIONS.iter() {
        let told = &document["paths"][operation.path][operation.method.as_str().to_lowercase()];
        assert_eq!(told["operationId"], operation.id);
        assert_eq!(told["summary"], operation.summary);
        assert_eq!(told["tags"], json!([operation.tag]), "{}", operation.id);
        assert_eq!(told.get("x-dezky-method").and_then(Value::as_str), operation.sdk, "{}", operation.id);
        let needs_token = operation.access != Access::Public;
        assert_eq!(told["security"] == json!([{"bearer": []}]), needs_token, "{}", operation.id);
        tags.insert(operation.tag);
    }
    assert_eq!(tags, RESOURCES.iter().map(|(name, ..)| *name).collect(), "each resource has operations");
    assert_eq!(document["x-dezky-policy"], policy_data());
}

#[tokio::test(flavor = "multi_thread")]
async fn declared_routes_are_there_and_other_methods_are_not() {
    let (_stage, _issuer, edge) = edge().await;
    for path in operations::paths().into_iter().filter(|path| *path != "/openapi.json") {
        for method in METHODS {
            let (status, problem) = ask(&*edge, method, path).await;
            let declared = OPERATIONS.iter().find(|one| one.path == path && one.method.as_str() == method);
            let code = match declared {
                Some(operation) if operation.access == Access::Public => {
                    PUBLIC.iter().find(|(id, _)| *id == operation.id).map(|(_, code)| *code)
                }
                Some(_) => Some("token_missing"),
                None => Some("method_not_allowed"),
            };
            assert_eq!(problem["code"].as_str().or_else(|| scim::code_of(&problem)), code, "{method} {path}: {status}");
        }
    }
}

/// Returns the operations as a table in Markdown.
fn table_of_operations() -> String {
    let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let mut table = "| request | does | of the policy | SDK | `dezky` |\n|---|---|---|---|---|\n".to_owned();
    for operation in OPERATIONS.iter() {
        let needs = match operation.access {
            Access::Public => "public".to_owned(),
            Access::Own => "one's own".to_owned(),
            Access::May(actions) => quoted(&actions.iter().map(|action| action.name()).collect::<Vec<_>>()),
        };
        let sdk = operation.sdk.as_slice();
        let row = [
            &format!("`{} {}`", operation.method, operation.path),
            operation.summary,
            &needs,
            &quoted(sdk),
            &quoted(operation.commands),
        ];
        table.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    table
}

#[test]
fn the_readme_has_the_operations() {
    const MARKS: [&str; 2] = ["<!-- operations -->\n", "<!-- end of operations -->\n"];
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once(MARKS[0]).unwrap();
    let (printed, after) = rest.split_once(MARKS[1]).unwrap();
    let table = table_of_operations();
    if env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        return fs::write(path, [before, MARKS[0], &table, MARKS[1], after].concat()).unwrap();
    }
    assert_eq!(printed, table, "run `UPDATE_DOCS=1 cargo test --package dezky --test openapi` to write it anew");
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

const BODIES: [(&str, ReadBody); 23] = [
    ("AddDomainBody", |body| AddDomain::read(body).map(drop)),
    ("CreateTenantBody", |body| CreateTenant::read(body).map(drop)),
    ("UpdateTenantBody", |body| UpdateTenant::read(body).map(drop)),
    ("CreateUserBody", |body| CreateUser::read(body).map(drop)),
    ("UpdateUserBody", |body| UpdateUser::read(body).map(drop)),
    ("GrantMembershipBody", |body| GrantMembership::read(body).map(drop)),
    ("UpdateMembershipBody", |body| UpdateMembership::read(body).map(drop)),
    ("CreateSubscriptionBody", |body| CreateSubscription::read(body).map(drop)),
    ("UpdateSubscriptionBody", |body| UpdateSubscription::read(body).map(drop)),
    ("CreateApiKeyBody", |body| CreateApiKey::read(body).map(drop)),
    ("UpdateApiKeyBody", |body| UpdateApiKey::read(body).map(drop)),
    ("RotateApiKeyBody", |body| RotateSecret::read(body).map(drop)),
    ("CreateAppPasswordBody", |body| CreateAppPassword::read(body).map(drop)),
    ("CreateEventEndpointBody", |body| CreateEventEndpoint::read(body).map(drop)),
    ("UpdateEventEndpointBody", |body| UpdateEventEndpoint::read(body).map(drop)),
    ("ReplayBody", |body| Replay::read(body).map(drop)),
    ("CreateInvitationBody", |body| CreateInvitation::read(body).map(drop)),
    ("CreateInvitationsBody", |body| invitations::read_lines(body).map(drop)),
    ("CheckoutBody", |body| billing::Checkout::read(body).map(drop)),
    ("BillBody", |body| billing::read_price(body).map(drop)),
    ("InvitationSecretBody", |body| invitations::read_secret(body).map(drop)),
    ("CreateMailboxBody", |body| CreateMailbox::read(body).map(drop)),
    ("UpdateMailboxBody", |body| UpdateMailbox::read(body).map(drop)),
];

/// Bodies in which unknown members are ignored, as their specification wants.
const OPEN_BODIES: [(&str, ReadBody); 4] = [
    ("EvaluationRequest", |body| Question::read(&body).map(drop)),
    ("SearchActionsRequest", |body| Search::of_actions(&body).map(drop)),
    ("SearchResourcesRequest", |body| Search::of_resources(&body).map(drop)),
    ("SearchSubjectsRequest", |body| Search::of_subjects(&body).map(drop)),
];

/// Returns all fields of all bodies, to find fields that a reader accepts without declaring them.
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
                .any(|problem| problem.field == field && problem.code.name() == "unknown_field");
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
    for (name, read) in BODIES.into_iter().chain(OPEN_BODIES) {
        let schema = &document["components"]["schemas"][name];
        let mut documented: Vec<String> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|field| field.as_str().unwrap().to_owned())
            .collect();
        // What nobody knows is refused in closed bodies alone.
        let open = OPEN_BODIES.iter().any(|(open, _)| *open == name);
        let refused = read(if open { json!({ "nonsense": 1 }) } else { json!({}) }).err();
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
