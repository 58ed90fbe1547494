//! Writes the OpenAPI 3.1 document from the declared operations.

pub(super) mod schemas;
#[cfg(feature = "authn")]
pub(super) mod scim;
pub(super) mod shape;
mod webhooks;

use utoipa::{
    Modify, OpenApi,
    openapi::{
        HttpMethod, PathItem, Paths, SecurityRequirement,
        extensions::Extensions,
        external_docs::ExternalDocsBuilder,
        path::OperationBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
        tag::TagBuilder,
    },
};

use self::shape::Shape;
use super::operation::{Access, Operation};
use crate::{
    authz::policy_data,
    error::{Error, Result},
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Dezky",
        description = "Tenants, people, memberships and subscriptions of a sovereign workspace platform.",
        license(name = "MIT", identifier = "MIT"),
    ),
    modifiers(&Bearer),
)]
struct Document;

/// Name of the security scheme.
const BEARER: &str = "bearer";

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme(BEARER, SecurityScheme::Http(scheme));
    }
}

/// Extension with the SDK method that calls an operation.
const SDK_METHOD: &str = "x-dezky-method";

/// Extension with the policy as data.
const POLICY: &str = "x-dezky-policy";

/// Writes the document of resources (names, descriptions and standards) and operations.
///
/// # Errors
/// [`crate::ErrorKind::Internal`] when it cannot be serialized, which is a bug.
pub(super) fn write<'a>(
    resources: &[(&str, &str, Option<&str>)],
    operations: impl Iterator<Item = (&'a Operation, Shape)>,
) -> Result<String> {
    let mut document = Document::openapi();
    let tag = |(name, about, standard): &(&str, &str, Option<&str>)| {
        let standard =
            standard.map(|url| ExternalDocsBuilder::new().url(url).description(Some("The standard")).build());
        TagBuilder::new().name(*name).description(Some(*about)).external_docs(standard).build()
    };
    document.tags = Some(resources.iter().map(tag).collect());
    let components = document.components.get_or_insert_with(Default::default);
    components.schemas.extend(webhooks::schemas());
    let mut written = Vec::new();
    for (operation, mut shape) in operations {
        written.push(operation);
        components.schemas.append(&mut shape.schemas);
        add(&mut document.paths, operation, shape)?;
    }
    document.extensions = Some(Extensions::from_iter([(POLICY, policy_data())]));
    let webhooks = webhooks::webhooks(&webhooks::types(written.into_iter()));
    let json = |error: serde_json::Error| Error::internal(error.to_string());
    let text = document.to_pretty_json().map_err(json)?;
    let webhooks = serde_json::to_string_pretty(&webhooks).map_err(json)?.replace('\n', "\n  ");
    // utoipa has no place for them.
    let document = text.strip_suffix("\n}").ok_or_else(|| Error::internal("the document is no object"))?;
    Ok(format!("{document},\n  \"webhooks\": {webhooks}\n}}"))
}

fn add(paths: &mut Paths, operation: &Operation, shape: Shape) -> Result<()> {
    let security = match operation.access {
        Access::Public => SecurityRequirement::default(),
        Access::Own | Access::May(_) => SecurityRequirement::new(BEARER, [""; 0]),
    };
    let mut told = OperationBuilder::new()
        .tag(operation.tag)
        .summary(Some(operation.summary))
        .operation_id(Some(operation.id))
        .security(security)
        .extensions(operation.sdk.map(|method| Extensions::from_iter([(SDK_METHOD, method)])));
    told = shape.of_path(operation.path).describe(told);
    let method = method(&operation.method)?;
    let item = PathItem::new(method, told);
    match paths.paths.get_mut(operation.path) {
        Some(present) => present.merge_operations(item),
        None => {
            paths.paths.insert(operation.path.to_owned(), item);
        }
    }
    Ok(())
}

fn method(method: &http::Method) -> Result<HttpMethod> {
    match method.as_str() {
        "GET" => Ok(HttpMethod::Get),
        "POST" => Ok(HttpMethod::Post),
        "PUT" => Ok(HttpMethod::Put),
        "PATCH" => Ok(HttpMethod::Patch),
        "DELETE" => Ok(HttpMethod::Delete),
        other => Err(Error::internal(format!("the document has no operations of {other}"))),
    }
}
