//! Paths of the API: who may ask what, and what is done.

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::{
    answer::{Refusal, invalid, json_answer, no_content, redirect},
    input,
    lists::{Query, list, page},
    render::{Shown, permission, rename, render, session, setup_urls, version},
    resource::{Id, Kind, RESOURCES, Resource},
    state::{Access, MAXIMUM_OBJECTS, Object, State},
};
use crate::emulators::Exchange;

/// Answers a request.
pub(super) fn answer(state: &mut State, exchange: &Exchange) -> Response<Bytes> {
    let answered = route(state, exchange).unwrap_or_else(Response::from);
    if state.renamed.is_empty() {
        return answered;
    }
    answered.map(|body| match serde_json::from_slice(&body) {
        Ok(mut value) => {
            state.renamed.iter().for_each(|(from, to)| rename(&mut value, from, to));
            value.to_string().into()
        }
        Err(_) => body,
    })
}

fn route(state: &mut State, exchange: &Exchange) -> Result<Response<Bytes>, Refusal> {
    let path = exchange.uri.path();
    let below = path.strip_prefix("/api/v3/").ok_or(Refusal::NoPath)?;
    let parts: Vec<String> = below.trim_end_matches('/').split('/').map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let found = find(state, &parts)?;
    if !path.ends_with('/') {
        let query = exchange.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        return Ok(redirect(&format!("{path}/{query}")));
    }
    authenticate(state, exchange)?;
    match found {
        Found::Version => only_get(exchange, || Ok(version(state))),
        Found::Session => only_get(exchange, || Ok(session(state))),
        Found::Permissions => only_get(exchange, || permissions(state, exchange)),
        Found::Collection(resource) => collection(state, exchange, resource),
        Found::Object(resource, id) => object(state, exchange, resource, id),
        Found::Membership(id, member) => membership(state, exchange, id, member),
        Found::SetupUrls(resource, id) => only_get(exchange, || addresses(state, exchange, resource, id)),
    }
}

/// Target of a path.
enum Found<'a> {
    Version,
    Session,
    Permissions,
    Collection(&'static Resource),
    Object(&'static Resource, &'a str),
    Membership(&'a str, bool),
    SetupUrls(&'static Resource, &'a str),
}

fn find<'a>(state: &State, parts: &[&'a str]) -> Result<Found<'a>, Refusal> {
    match parts {
        ["admin", "version"] => return Ok(Found::Version),
        ["core", "users", "me"] => return Ok(Found::Session),
        ["rbac", "permissions"] => return Ok(Found::Permissions),
        ["core", "groups", id, "add_user"] => return Ok(Found::Membership(id, true)),
        ["core", "groups", id, "remove_user"] => return Ok(Found::Membership(id, false)),
        _ => {}
    }
    let path = parts.join("/");
    for resource in RESOURCES.iter().filter(|resource| resource.since <= state.release) {
        if path == resource.path {
            return Ok(Found::Collection(resource));
        }
        match (parts, parts.split_last()) {
            (_, Some((id, collection))) if collection.join("/") == resource.path => {
                return Ok(Found::Object(resource, id));
            }
            ([collection @ .., id, "setup_urls"], _)
                if resource.kind == Kind::Provider && collection.join("/") == resource.path =>
            {
                return Ok(Found::SetupUrls(resource, id));
            }
            _ => {}
        }
    }
    Err(Refusal::NoPath)
}

/// Decodes a segment of a path.
fn decoded(segment: &str) -> String {
    let query = format!("s={}", segment.replace('+', "%2B"));
    form_urlencoded::parse(query.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

fn authenticate(state: &State, exchange: &Exchange) -> Result<(), Refusal> {
    let given = exchange.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some((scheme, token)) = given.trim().split_once(' ') else {
        return Err(Refusal::Unauthenticated("Authentication credentials were not provided."));
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::Unauthenticated("Unsupported authentication type"));
    }
    if token != state.token || matches!(state.access, Access::Expired) {
        return Err(Refusal::Unauthenticated("Token invalid/expired"));
    }
    Ok(())
}

fn only_get(exchange: &Exchange, answer: impl FnOnce() -> Result<Value, Refusal>) -> Result<Response<Bytes>, Refusal> {
    match exchange.method {
        Method::GET | Method::HEAD => answer().map(|body| json_answer(StatusCode::OK, &body)),
        _ => Err(Refusal::MethodNotAllowed(exchange.method.to_string())),
    }
}

/// Checks a right to a kind of objects. Without the right to see them, lists are refused and not empty.
fn may(state: &State, resource: &Resource, action: &str) -> Result<(), Refusal> {
    let allowed = state.has_right(&format!("{}.{action}_{}", resource.application, resource.model));
    if allowed || (action == "view" && resource.open) { Ok(()) } else { Err(Refusal::Forbidden) }
}

fn collection(state: &mut State, exchange: &Exchange, resource: &'static Resource) -> Result<Response<Bytes>, Refusal> {
    match exchange.method {
        Method::GET => {
            may(state, resource, "view")?;
            list(state, resource, exchange).map(|body| json_answer(StatusCode::OK, &body))
        }
        Method::POST if !resource.read_only => {
            may(state, resource, "add")?;
            let fields = input::fields(state, resource, input::body(exchange)?, None)?;
            if state.objects(resource.kind).len() >= MAXIMUM_OBJECTS {
                return Err(Refusal::Full);
            }
            let id = state.create(resource.kind, Value::Object(fields), exchange.now);
            shown(state, resource, &id, StatusCode::CREATED, &Query::of(exchange))
        }
        _ => Err(Refusal::MethodNotAllowed(exchange.method.to_string())),
    }
}

fn object(
    state: &mut State,
    exchange: &Exchange,
    resource: &'static Resource,
    id: &str,
) -> Result<Response<Bytes>, Refusal> {
    let known = matches!(exchange.method, Method::GET)
        || (matches!(exchange.method, Method::PATCH | Method::DELETE) && !resource.read_only);
    // `PUT` exists, but nothing here sends it: it would empty a group.
    if !known {
        return Err(Refusal::MethodNotAllowed(exchange.method.to_string()));
    }
    may(state, resource, "view")?;
    if !state.objects(resource.kind).contains_key(id) {
        return Err(Refusal::NotFound(resource.label));
    }
    match exchange.method {
        Method::PATCH => {
            may(state, resource, "change")?;
            let fields = input::fields(state, resource, input::body(exchange)?, Some(id))?;
            let id = change(state, resource, id, fields);
            shown(state, resource, &id, StatusCode::OK, &Query::of(exchange))
        }
        Method::DELETE => {
            may(state, resource, "delete")?;
            let used = |provider: &Object| provider.text("secret") == Some(id);
            if resource.kind == Kind::Secret && state.objects(Kind::Provider).values().any(used) {
                let text = "Secret is in use. Remove it from the objects referencing it first.";
                return Err(Refusal::Refused(text.to_owned()));
            }
            state.remove(resource.kind, id);
            Ok(no_content())
        }
        _ => shown(state, resource, id, StatusCode::OK, &Query::of(exchange)),
    }
}

/// Changes fields, and returns the id, which is another one after a change of the slug.
fn change(state: &mut State, resource: &Resource, id: &str, fields: Map<String, Value>) -> String {
    let objects = state.objects_mut(resource.kind);
    let Some(mut object) = objects.remove(id) else { return id.to_owned() };
    object.fields.extend(fields);
    let id = match resource.id {
        Id::Field(name) => object.text(name).unwrap_or(id).to_owned(),
        _ => id.to_owned(),
    };
    objects.insert(id.clone(), object);
    id
}

fn shown(
    state: &State,
    resource: &Resource,
    id: &str,
    status: StatusCode,
    query: &Query,
) -> Result<Response<Bytes>, Refusal> {
    let object = state.objects(resource.kind).get(id).ok_or(Refusal::NotFound(resource.label))?;
    Ok(json_answer(status, &render(state, resource.kind, id, object, &Shown::of(query))))
}

/// Adds a person to a group or removes them. Both may be repeated; an unknown person is absent.
fn membership(state: &mut State, exchange: &Exchange, group: &str, member: bool) -> Result<Response<Bytes>, Refusal> {
    if exchange.method != Method::POST {
        return Err(Refusal::MethodNotAllowed(exchange.method.to_string()));
    }
    let right = if member { "authentik_core.add_user_to_group" } else { "authentik_core.remove_user_from_group" };
    if !state.has_right(right) {
        return Err(Refusal::Forbidden);
    }
    if !state.objects(Kind::Group).contains_key(group) {
        return Err(Refusal::NotFound("Group"));
    }
    let pk = input::body(exchange)?.remove("pk").unwrap_or_default();
    let seen = state.has_right("authentik_core.view_user") && state.by_pk(Kind::Person, &pk).is_some();
    match pk.as_i64().filter(|_| seen) {
        Some(pk) => {
            state.set_member(group, pk, member);
            Ok(no_content())
        }
        None => Err(Refusal::NotFound("User")),
    }
}

fn addresses(state: &State, exchange: &Exchange, resource: &Resource, id: &str) -> Result<Value, Refusal> {
    may(state, resource, "view")?;
    let provider = state.objects(Kind::Provider).get(id).ok_or(Refusal::NotFound(resource.label))?;
    let mut applications = state.objects(Kind::Application).values();
    let application = applications.find(|application| application.fields.get("provider") == Some(&provider.pk));
    let slug = application.and_then(|application| application.text("slug")).ok_or(Refusal::NotFound(resource.label))?;
    let host = exchange.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    Ok(setup_urls(state, host, slug, provider.text("issuer_mode")))
}

/// Answers the permissions of a role, which every account may read.
fn permissions(state: &State, exchange: &Exchange) -> Result<Value, Refusal> {
    let query = Query::of(exchange);
    let rights: Vec<String> = match (&state.access, query.get("role")) {
        (Access::Role(rights), Some(role)) if role == state.role => rights.iter().cloned().collect(),
        (_, Some(_)) => {
            let text = "Select a valid choice. That choice is not one of the available choices.";
            return Err(invalid("role", text));
        }
        (_, None) => Vec::new(),
    };
    let entries = rights.iter().enumerate();
    page(state, &query, entries, |(number, right)| permission(number, right))
}
