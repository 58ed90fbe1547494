//! Strict JSON parsing: no duplicate members, bounded nesting.
//!
//! RFC 7515, section 4 and RFC 7519, section 4 let a parser reject duplicate members or take the last one. Two parsers
//! that differ see two different tokens, so duplicates are rejected at any depth.

use std::ops::ControlFlow;

use serde::de;
use serde_json::{Map, Value};

use crate::{
    authn::refusal::TokenRefusal,
    json::{self, JsonError},
};

/// Maximum nesting of objects and arrays, the outermost included.
const MAXIMUM_DEPTH: u8 = 16;

impl JsonError {
    /// Converts to the refusal of a token that contains this document.
    pub(crate) fn refusal(self, part: &'static str) -> TokenRefusal {
        match self {
            Self::Syntax(error) => TokenRefusal::Json(format!("its {part} are not acceptable JSON: {error}").into()),
            Self::Duplicate => TokenRefusal::DuplicateMember(part),
            Self::Depth => TokenRefusal::Depth(part),
        }
    }
}

/// Parses a JSON object with nothing after it.
pub(crate) fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    match json::read(bytes, MAXIMUM_DEPTH, &mut |_| ControlFlow::Break(()))? {
        Value::Object(members) => Ok(members),
        _ => Err(JsonError::Syntax(de::Error::custom("not an object"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn refuses_duplicates_at_any_depth() {
        assert!(parse_object(br#"{"a":1,"b":{"a":1}}"#).is_ok());
        assert!(parse_object(br#"{"a":1,"a":1}"#).is_err());
        assert!(parse_object(br#"{"a":1,"\u0061":1}"#).is_err());
        assert!(parse_object(br#"{"b":[{"a":1,"a":2}]}"#).is_err());
    }

    #[test]
    fn bounds_nesting() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse_object(nested(15).as_bytes()).is_ok());
        assert!(parse_object(nested(16).as_bytes()).is_err());
        assert!(parse_object(nested(100_000).as_bytes()).is_err());
    }

    #[test]
    fn refuses_what_is_not_one_json_object() {
        for text in
            ["", "[]", "1", "null", "{} {}", "{}x", "\u{feff}{}", "{'a':1}", r#"{"a":"\ud800"}"#, "{\"a\":\"\u{1}\"}"]
        {
            assert!(parse_object(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse_object(b"{\"a\":\"\xff\"}").is_err());
        assert!(parse_object(br#"{"a":1e999}"#).is_err());
    }
}
