//! The OpenAPI 3.1 document, generated from the routes.

pub(super) mod schemas;

use axum::{body::Body, response::Response};
use http::{HeaderValue, header};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::routes;
use crate::error::{Error, Result};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Dezky",
        description = "Tenants, people, memberships and subscriptions of a sovereign workspace platform.",
        license(name = "MIT", identifier = "MIT"),
    ),
    paths(
        routes::profile::read,
        routes::profile::tenants,
        routes::users::list,
        routes::users::create,
        routes::users::read,
        routes::users::update,
        routes::users::delete,
        routes::tenants::list,
        routes::tenants::create,
        routes::tenants::read,
        routes::tenants::update,
        routes::tenants::delete,
        routes::tenants::suspend,
        routes::tenants::restore,
        routes::members::list,
        routes::members::grant,
        routes::members::read,
        routes::members::update,
        routes::members::revoke,
        routes::subscriptions::list,
        routes::subscriptions::create,
        routes::subscriptions::read,
        routes::subscriptions::update,
        routes::subscriptions::delete,
        routes::audit::list,
        routes::launcher::read,
        routes::logout::end,
    ),
    modifiers(&Bearer),
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The document as it is served: written by [`document`] and kept beside the code, since writing it takes more code than all the rest
/// of the routes; without the space in `core/openapi.json`. `core/tests/openapi.rs` holds it against the code.
pub const WRITTEN: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

/// The document as JSON text, written from the code.
///
/// # Errors
/// [`crate::ErrorKind::Internal`] when it cannot be written: a defect.
pub fn document() -> Result<String> {
    Document::openapi().to_pretty_json().map_err(|error| Error::internal(error.to_string()))
}

/// The patterns of all paths of the API, for edges that only pass requests on.
#[must_use]
pub fn paths() -> Vec<String> {
    let mut paths: Vec<String> = Document::openapi().paths.paths.into_keys().collect();
    paths.push("/openapi.json".to_owned());
    paths
}

/// Answers `GET /openapi.json`.
pub(super) async fn serve() -> Response {
    let mut response = Response::new(Body::from(WRITTEN));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
