//! Domain names in their DNS form.

use serde_json::Value;

pub(crate) use crate::text::domain_name::without_root;
pub use crate::text::domain_name::{normalise, readable};
use crate::{domain::input::Problem, error::FieldCode};

/// Reads a registrable host name, in lower-case ASCII (A-labels for names in other scripts).
///
/// It is processed by UTS 46, non-transitionally and with the STD3 rules, has at most 253 characters and at least two
/// labels (RFC 1035 §2.3.4). A top-level label of digits only would be an address (RFC 3696 §2).
///
/// # Errors
/// A [`Problem`] that tells what to change.
pub fn domain_name(value: &Value) -> Result<String, Problem> {
    let given = value.as_str().ok_or_else(|| Problem::new(FieldCode::WRONG_TYPE, "must be a text"))?;
    normalise(given).ok_or_else(|| {
        Problem::new(
            FieldCode::INVALID_DOMAIN,
            "must be a domain name such as `example.eu`, without scheme, path or port",
        )
    })
}
