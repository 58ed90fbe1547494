//! Validation of token headers (RFC 7515, section 4; RFC 8725, section 3).

use serde_json::{Map, Value};

use super::{Algorithm, json};
use crate::authn::refusal::TokenRefusal;

/// Validated header of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// `alg`.
    pub(crate) algorithm: Algorithm,
    /// `kid`.
    pub(crate) key_id: Option<String>,
    /// `typ`, in lower case and without `application/` (RFC 7515, section 4.1.9).
    pub(crate) media_type: Option<String>,
}

/// Parameters that carry a key or its address. A token does not choose its own key.
const KEY_PARAMETERS: [&str; 4] = ["jwk", "jku", "x5c", "x5u"];

impl Header {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, TokenRefusal> {
        let members = json::parse_object(bytes).map_err(|error| error.refusal("header"))?;
        let algorithm = algorithm(&members)?;
        if members.contains_key("crit") {
            return Err(TokenRefusal::CriticalHeader("crit"));
        }
        if members.get("b64").is_some_and(|value| value != &Value::Bool(true)) {
            return Err(TokenRefusal::CriticalHeader("b64"));
        }
        if let Some(name) = KEY_PARAMETERS.into_iter().find(|name| members.contains_key(*name)) {
            return Err(TokenRefusal::EmbeddedKey(name));
        }
        let media_type = text(&members, "typ")?.map(|typ| {
            let typ = typ.to_ascii_lowercase();
            typ.strip_prefix("application/").map(str::to_owned).unwrap_or(typ)
        });
        Ok(Self { algorithm, key_id: text(&members, "kid")?.map(str::to_owned), media_type })
    }
}

fn algorithm(members: &Map<String, Value>) -> Result<Algorithm, TokenRefusal> {
    let Some(name) = members.get("alg") else { return Err(TokenRefusal::Algorithm("is missing".into())) };
    let Some(name) = name.as_str() else { return Err(TokenRefusal::Algorithm("is not a string".into())) };
    Algorithm::from_name(name).ok_or_else(|| {
        let advice = match name {
            name if name.eq_ignore_ascii_case("none") => "is `none`: unsigned tokens prove nothing",
            "HS256" | "HS384" | "HS512" => "is symmetric: whoever can verify it could also forge it",
            _ => "is not accepted",
        };
        TokenRefusal::Algorithm(advice.into())
    })
}

fn text<'members>(
    members: &'members Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'members str>, TokenRefusal> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(TokenRefusal::Header(format!("has a `{name}` that is not a string").into())),
    }
}
