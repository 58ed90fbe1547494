//! SCIM 2.0 resources (RFC 7643) and the semantics of filters and patches (RFC 7644), without any input or output.
//!
//! The grammar of filters and paths is that of the crate `scim_v2`. What a directory holds and what follows from it is in
//! `service/directories`.

pub mod filter;
pub mod members;
pub mod patch;
pub mod projection;
pub mod resource;
pub mod schema;

pub use filter::Condition;
pub use members::MemberChange;
pub use projection::Projection;
pub use schema::{GROUP, Schema, USER};

use serde_json::{Map, Value};

use crate::error::{Code, Error};

/// A resource as JSON, with the names of its attributes as the schema writes them.
pub type Resource = Map<String, Value>;

/// Media type of requests and answers (RFC 7644 §8.1).
pub const MEDIA_TYPE: &str = "application/scim+json";

/// Schema of error messages (RFC 7644 §3.12).
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Schema of lists of resources (RFC 7644 §3.4.2).
pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// Schema of patches (RFC 7644 §3.5.2).
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Schema of searches by `POST` (RFC 7644 §3.4.3).
pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// Number of resources of a page at most, and without `count` (RFC 7644 §3.4.2.4).
pub const MOST_RESULTS: u32 = 200;

/// The codes that have a `scimType` of their own (RFC 7644 §3.12).
pub const SCIM_TYPES: &[(Code, &str)] = &[
    (Code::SCIM_INVALID_FILTER, "invalidFilter"),
    (Code::SCIM_TOO_MANY, "tooMany"),
    (Code::SCIM_NOT_UNIQUE, "uniqueness"),
    (Code::SCIM_MUTABILITY, "mutability"),
    (Code::SCIM_INVALID_SYNTAX, "invalidSyntax"),
    (Code::SCIM_INVALID_PATH, "invalidPath"),
    (Code::SCIM_NO_TARGET, "noTarget"),
    (Code::SCIM_INVALID_VALUE, "invalidValue"),
];

/// Returns the text of an error: advice, the code by which programs tell it from others, and the id of the request.
#[must_use]
pub fn detail(advice: &str, code: &str, request_id: &str) -> String {
    format!("{advice} (`{code}`, request `{request_id}`)")
}

/// Returns the code in the text of an error, which SCIM has no member for.
#[must_use]
pub fn code_of(error: &Value) -> Option<&str> {
    error.get("detail")?.as_str()?.rsplit_once(" (`")?.1.split('`').next()
}

fn invalid_value(message: impl Into<String>) -> Error {
    Error::new(Code::SCIM_INVALID_VALUE, message.into())
}

fn invalid_syntax(message: impl Into<String>) -> Error {
    Error::new(Code::SCIM_INVALID_SYNTAX, message.into())
}

/// Shortens what a client sent for a message about it.
fn quoted(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(80).collect()
}
