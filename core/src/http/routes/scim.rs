//! Routes of SCIM 2.0 (RFC 7644).

use std::{str::FromStr, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, FromRequestParts, OriginalUri, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use serde_json::{Value, json};

use crate::{
    error::{Code, Error, Result},
    http::{
        HttpState, MAXIMUM_BODY,
        body::JsonBody,
        extract::{Caller, PathParameters, none_match},
        host,
        problem::{self, Problem},
        respond,
    },
    scim::{
        self, Condition, GROUP, LIST_RESPONSE, Projection, Resource, Schema, USER,
        patch::Patch,
        resource,
        schema::{self, SCHEMAS},
    },
    service::directories::{Found, Listed, Listing},
};

/// The address of a directory, as the client has called it.
pub(crate) struct Base(String);

impl<S: Send + Sync> FromRequestParts<S> for Base {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
        let directory = uri.path().split('/').nth(3).unwrap_or_default();
        // Neither an id nor a slug has anything else.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if directory.len() > 255 || !directory.bytes().all(plain) {
            return Err(Error::not_found());
        }
        // A program that embeds the API names no host: then addresses are relative (RFC 7643 §2.3.7).
        let server = host::base(uri, &parts.headers).unwrap_or_default();
        Ok(Self(format!("{server}/scim/v2/{directory}")))
    }
}

/// The parameters of a query. Unknown ones, such as those of sorting, are ignored (RFC 7644 §3.4.2.3).
#[derive(Default)]
pub(crate) struct Query {
    attributes: Option<String>,
    excluded: Option<String>,
    filter: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let mut query = Self::default();
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            match &*name {
                "attributes" => query.attributes = Some(value.into_owned()),
                "excludedAttributes" => query.excluded = Some(value.into_owned()),
                "filter" => query.filter = Some(value.into_owned()),
                "startIndex" => query.start_index = Some(number("startIndex", &value)?),
                "count" => query.count = Some(number("count", &value)?),
                _ => {}
            }
        }
        Ok(query)
    }
}

/// The query of a list: in the address, or in the body of a search by `POST` (RFC 7644 §3.4.3).
pub(crate) struct Asked(Query);

impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        if request.method() == Method::POST {
            let body = JsonBody::from_request(request, state).await?;
            return Query::of_body(&body.of_nobody()?).map(Self);
        }
        Query::from_request_parts(&mut request.into_parts().0, state).await.map(Self)
    }
}

fn number(name: &str, text: &str) -> Result<i64> {
    text.parse().map_err(|_| Error::new(Code::SCIM_INVALID_VALUE, format!("`{name}` must be a whole number")))
}

impl Query {
    /// Reads the body of a search.
    fn of_body(body: &Value) -> Result<Self> {
        let wrong = |name: &str| Error::new(Code::SCIM_INVALID_VALUE, format!("`{name}` is not of its type"));
        let member = |name: &str| body.get(name).filter(|value| !value.is_null());
        let list = |name: &str| match member(name) {
            None => Ok(None),
            Some(Value::Array(names)) => {
                let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
                names.map(|names| Some(names.join(","))).ok_or_else(|| wrong(name))
            }
            Some(_) => Err(wrong(name)),
        };
        let whole = |name: &str| match member(name) {
            None => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| wrong(name)),
        };
        if !body.is_object() {
            return Err(Error::new(Code::SCIM_INVALID_SYNTAX, "the body must be an object: a search"));
        }
        Ok(Self {
            attributes: list("attributes")?,
            excluded: list("excludedAttributes")?,
            filter: match member("filter") {
                None => None,
                Some(filter) => Some(filter.as_str().ok_or_else(|| wrong("filter"))?.to_owned()),
            },
            start_index: whole("startIndex")?,
            count: whole("count")?,
        })
    }

    fn projection(&self) -> Projection {
        Projection::read(self.attributes.as_deref(), self.excluded.as_deref())
    }

    fn start(&self) -> u64 {
        self.start_index.and_then(|start| u64::try_from(start).ok()).unwrap_or(1).max(1)
    }

    fn listing(&self, schema: &'static Schema) -> Result<Listing> {
        // Less than the least is the least (RFC 7644 §3.4.2.4).
        Ok(Listing {
            filter: self.filter.as_deref().map(|filter| Condition::read(schema, filter)).transpose()?,
            start_index: self.start(),
            count: self.count.map(|count| u64::try_from(count).unwrap_or(0)),
            projection: self.projection(),
        })
    }
}

/// Turns a refusal into an error of SCIM (RFC 7644 §3.12).
pub(crate) async fn as_scim(mut response: Response) -> Response {
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == problem::MEDIA_TYPE);
    if !is_problem {
        return response;
    }
    let body = std::mem::take(response.body_mut());
    let bytes = to_bytes(body, MAXIMUM_BODY).await.unwrap_or_default();
    let Ok(problem) = serde_json::from_slice::<Problem>(&bytes) else {
        *response.body_mut() = Body::from(bytes);
        return response;
    };
    // SCIM has no status for what is well-formed and invalid.
    if response.status() == StatusCode::UNPROCESSABLE_ENTITY {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    let kind = scim::SCIM_TYPES.iter().find(|(code, _)| code.name() == problem.code).map(|(_, kind)| *kind);
    let kind = kind.or((problem.code == Code::INVALID_JSON.name()).then_some("invalidSyntax"));
    let detail = scim::detail(&problem.detail, &problem.code, &problem.request_id);
    let error = error(response.status(), kind, &detail);
    *response.body_mut() = Body::from(error.to_string());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(scim::MEDIA_TYPE));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response
}

fn error(status: StatusCode, kind: Option<&str>, detail: &str) -> Value {
    let mut error = json!({ "schemas": [scim::ERROR], "status": status.as_u16().to_string(), "detail": detail });
    if let (Value::Object(members), Some(kind)) = (&mut error, kind) {
        members.insert("scimType".to_owned(), kind.into());
    }
    error
}

fn answer(status: StatusCode, body: &Value) -> Result<Response> {
    let mut response = respond::list(body)?;
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(scim::MEDIA_TYPE));
    Ok(response)
}

/// Adds its address to a resource.
fn located(base: &Base, schema: &Schema, found: &mut Found) -> String {
    let id = found.resource.get("id").and_then(Value::as_str).unwrap_or_default();
    let location = format!("{}{}/{id}", base.0, schema.endpoint);
    if let Some(Value::Object(meta)) = found.resource.get_mut("meta") {
        meta.insert("location".to_owned(), location.clone().into());
    }
    for (name, of) in [("members", &USER), ("groups", &GROUP)] {
        let Some(Value::Array(values)) = found.resource.get_mut(name) else { continue };
        for value in values.iter_mut().filter_map(Value::as_object_mut) {
            if let Some(address) =
                value.get("value").and_then(Value::as_str).map(|id| format!("{}{}/{id}", base.0, of.endpoint))
            {
                value.insert("$ref".to_owned(), address.into());
            }
        }
    }
    location
}

fn one(status: StatusCode, base: &Base, schema: &Schema, mut found: Found) -> Result<Response> {
    let location = located(base, schema, &mut found);
    let mut response = answer(status, &Value::Object(found.resource))?;
    tag(&mut response, &found.version);
    if status == StatusCode::CREATED
        && let Ok(location) = HeaderValue::from_str(&location)
    {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

fn tag(response: &mut Response, version: &str) {
    if let Ok(version) = HeaderValue::from_str(version) {
        response.headers_mut().insert(header::ETAG, version);
    }
}

fn conditional(headers: &HeaderMap, base: &Base, schema: &Schema, found: Found) -> Result<Response> {
    if headers.contains_key(header::IF_NONE_MATCH) && none_match(headers, found.version.trim_start_matches("W/")) {
        let mut response = respond::nothing();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        tag(&mut response, &found.version);
        return Ok(response);
    }
    one(StatusCode::OK, base, schema, found)
}

fn page(base: &Base, schema: &Schema, mut listed: Listed) -> Result<Response> {
    listed.resources.iter_mut().for_each(|found| drop(located(base, schema, found)));
    page_of(listed)
}

fn page_of(listed: Listed) -> Result<Response> {
    let resources: Vec<Resource> = listed.resources.into_iter().map(|found| found.resource).collect();
    answer(
        StatusCode::OK,
        &json!({
            "schemas": [LIST_RESPONSE],
            "totalResults": listed.total,
            "startIndex": listed.start_index,
            "itemsPerPage": resources.len(),
            "Resources": resources,
        }),
    )
}

fn described(all: Vec<Value>) -> Result<Response> {
    let listed = json!({
        "schemas": [LIST_RESPONSE], "totalResults": all.len(), "startIndex": 1, "itemsPerPage": all.len(), "Resources": all,
    });
    answer(StatusCode::OK, &listed)
}

pub(crate) async fn service_provider_config(base: Base) -> Result<Response> {
    answer(StatusCode::OK, &schema::service_provider_config(&base.0))
}

pub(crate) async fn resource_types(base: Base) -> Result<Response> {
    described(SCHEMAS.iter().map(|schema| schema.resource_type(&base.0)).collect())
}

pub(crate) async fn resource_type(base: Base, path: PathParameters) -> Result<Response> {
    let named = SCHEMAS.iter().find(|schema| schema.name == path.text(1)).ok_or_else(Error::not_found)?;
    answer(StatusCode::OK, &named.resource_type(&base.0))
}

pub(crate) async fn schemas(base: Base) -> Result<Response> {
    described(SCHEMAS.iter().map(|schema| schema.described(&base.0)).collect())
}

pub(crate) async fn schema(base: Base, path: PathParameters) -> Result<Response> {
    let named = SCHEMAS.iter().find(|schema| schema.urn == path.text(1)).ok_or_else(Error::not_found)?;
    answer(StatusCode::OK, &named.described(&base.0))
}

/// Answers for a path or method without a route. What the RFC has and this service has not is not implemented (RFC 7644 §3.12).
pub(crate) async fn absent(path: &str, refused: Response) -> Response {
    if !path.ends_with("/Bulk") && !path.ends_with("/Me") {
        return as_scim(refused).await;
    }
    let detail =
        "this is not supported, as `/ServiceProviderConfig` says: send operations one by one, and name resources by id";
    let error = error(StatusCode::NOT_IMPLEMENTED, None, detail);
    answer(StatusCode::NOT_IMPLEMENTED, &error).unwrap_or_else(IntoResponse::into_response)
}

/// Returns an id of the path. One that is malformed is that of nothing.
fn id<T: FromStr>(path: &PathParameters) -> Result<T> {
    path.text(1).parse().map_err(|_| Error::not_found())
}

pub(crate) async fn list_users(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    base: Base,
    Asked(query): Asked,
) -> Result<Response> {
    let listed = state.service.list_provisioned_users(&call, path.text(0), &query.listing(&USER)?).await?;
    page(&base, &USER, listed)
}

pub(crate) async fn create_user(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    base: Base,
    query: Query,
    body: JsonBody,
) -> Result<Response> {
    let pushed = resource::read(&USER, body.value(&mut call)?)?;
    let found = state.service.create_provisioned_user(&call, path.text(0), pushed, &query.projection()).await?;
    one(StatusCode::CREATED, &base, &USER, found)
}

pub(crate) async fn read_user(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    base: Base,
    query: Query,
    headers: HeaderMap,
) -> Result<Response> {
    let found = state.service.read_provisioned_user(&call, path.text(0), id(&path)?, &query.projection()).await?;
    conditional(&headers, &base, &USER, found)
}

pub(crate) async fn replace_user(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    base: Base,
    query: Query,
    body: JsonBody,
) -> Result<Response> {
    let pushed = resource::read(&USER, body.value(&mut call)?)?;
    let service = &state.service;
    let found = service.replace_provisioned_user(&call, path.text(0), id(&path)?, pushed, &query.projection()).await?;
    one(StatusCode::OK, &base, &USER, found)
}

pub(crate) async fn patch_user(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    base: Base,
    query: Query,
    body: JsonBody,
) -> Result<Response> {
    let patch = Patch::read(&USER, body.value(&mut call)?)?;
    let service = &state.service;
    let found = service.patch_provisioned_user(&call, path.text(0), id(&path)?, &patch, &query.projection()).await?;
    one(StatusCode::OK, &base, &USER, found)
}

pub(crate) async fn delete_user(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    state.service.delete_provisioned_user(&call, path.text(0), id(&path)?).await?;
    Ok(respond::nothing())
}

pub(crate) async fn list_groups(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    base: Base,
    Asked(query): Asked,
) -> Result<Response> {
    let listed = state.service.list_provisioned_groups(&call, path.text(0), &query.listing(&GROUP)?).await?;
    page(&base, &GROUP, listed)
}

pub(crate) async fn search_all(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    base: Base,
    Asked(query): Asked,
) -> Result<Response> {
    // A filter may be on attributes that only one of the types has.
    let (people, groups) = match (query.listing(&USER), query.listing(&GROUP)) {
        (Err(error), Err(_)) => return Err(error),
        (people, groups) => (people.ok(), groups.ok()),
    };
    let mut listed = Listed { total: 0, start_index: query.start(), resources: Vec::new() };
    if let Some(people) = &people {
        listed = state.service.list_provisioned_users(&call, path.text(0), people).await?;
        listed.resources.iter_mut().for_each(|found| drop(located(&base, &USER, found)));
    }
    if let Some(groups) = groups {
        let groups = groups.after(&listed);
        let mut more = state.service.list_provisioned_groups(&call, path.text(0), &groups).await?;
        more.resources.iter_mut().for_each(|found| drop(located(&base, &GROUP, found)));
        listed.total += more.total;
        listed.resources.append(&mut more.resources);
    }
    page_of(listed)
}

pub(crate) async fn create_group(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    base: Base,
    query: Query,
    body: JsonBody,
) -> Result<Response> {
    let (pushed, members) = resource::read_group(&GROUP, body.value(&mut call)?)?;
    let service = &state.service;
    let found = service.create_provisioned_group(&call, path.text(0), &pushed, members, &query.projection()).await?;
    one(StatusCode::CREATED, &base, &GROUP, found)
}

pub(crate) async fn read_group(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
    base: Base,
    query: Query,
    headers: HeaderMap,
) -> Result<Response> {
    let found = state.service.read_provisioned_group(&call, path.text(0), id(&path)?, &query.projection()).await?;
    conditional(&headers, &base, &GROUP, found)
}

pub(crate) async fn replace_group(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    base: Base,
    query: Query,
    body: JsonBody,
) -> Result<Response> {
    let (pushed, members) = resource::read_group(&GROUP, body.value(&mut call)?)?;
    let service = &state.service;
    let projection = query.projection();
    let found =
        service.replace_provisioned_group(&call, path.text(0), id(&path)?, pushed, members, &projection).await?;
    one(StatusCode::OK, &base, &GROUP, found)
}

pub(crate) async fn patch_group(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    let patch = Patch::read(&GROUP, body.value(&mut call)?)?;
    let version = state.service.patch_provisioned_group(&call, path.text(0), id(&path)?, &patch).await?;
    let mut response = respond::nothing();
    tag(&mut response, &version);
    Ok(response)
}

pub(crate) async fn delete_group(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    path: PathParameters,
) -> Result<Response> {
    state.service.delete_provisioned_group(&call, path.text(0), id(&path)?).await?;
    Ok(respond::nothing())
}
