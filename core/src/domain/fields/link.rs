//! Links and colours.

use serde_json::Value;
use url::Url;

use crate::{domain::input::Problem, error::FieldCode};

/// Reads an absolute `https` URL of at most 2,000 characters, without user name or password.
///
/// # Errors
/// A [`Problem`] that tells what to change.
pub fn https_url(value: &Value) -> Result<String, Problem> {
    let given = value.as_str().ok_or_else(|| Problem::new(FieldCode::WRONG_TYPE, "must be a text"))?;
    let problem = || Problem::new(FieldCode::INVALID_URL, "must be an absolute URL that begins with `https://`");
    if given.len() > 2_000 {
        return Err(Problem::new(FieldCode::TOO_LONG, "must have at most 2000 characters"));
    }
    let url = Url::parse(given).map_err(|_| problem())?;
    let plain =
        url.scheme() == "https" && url.host().is_some() && url.username().is_empty() && url.password().is_none();
    if plain { Ok(url.into()) } else { Err(problem()) }
}

/// Reads a colour as `#rrggbb`, in lower case.
///
/// # Errors
/// A [`Problem`] that tells the format.
pub fn colour(value: &Value) -> Result<String, Problem> {
    let given = value.as_str().ok_or_else(|| Problem::new(FieldCode::WRONG_TYPE, "must be a text"))?;
    let digits = given.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(given.to_ascii_lowercase())
    } else {
        Err(Problem::new(FieldCode::INVALID_COLOUR, "must be a colour such as `#1a2b3c`"))
    }
}
