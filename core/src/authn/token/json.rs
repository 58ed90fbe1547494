//! Strict JSON: no member twice, bounded nesting.
//!
//! RFC 7515, section 4 and RFC 7519, section 4 let a reader refuse duplicate members or take the last one. Two readers
//! that choose differently see two different tokens, so they are refused at any depth.

use std::{cell::Cell, fmt};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::authn::refusal::TokenRefusal;

/// The deepest nesting of objects and arrays, the outermost included.
const MAXIMUM_DEPTH: u8 = 16;

/// Why something is no JSON object as it must be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JsonError {
    /// It is not JSON, or not an object.
    #[error("{0}")]
    Syntax(#[from] serde_json::Error),
    /// A member stands twice.
    #[error("a member stands twice")]
    Duplicate,
    /// It is nested more than 16 deep.
    #[error("nested too deeply")]
    Depth,
}

impl JsonError {
    /// Why a token of which this is a part is refused.
    pub(crate) fn refusal(self, part: &'static str) -> TokenRefusal {
        match self {
            Self::Syntax(error) => TokenRefusal::Json(format!("its {part} are not acceptable JSON: {error}").into()),
            Self::Duplicate => TokenRefusal::DuplicateMember(part),
            Self::Depth => TokenRefusal::Depth(part),
        }
    }
}

/// What is refused beyond the syntax.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Duplicate,
    Depth,
}

/// Reads a JSON object and nothing after it.
pub(crate) fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    // An error of serde is a text; which fault it was is noted beside it.
    let fault = Cell::new(None);
    let read = Strict { depth: MAXIMUM_DEPTH, fault: &fault }.deserialize(&mut deserializer);
    let value = read.map_err(|error| match fault.get() {
        Some(Fault::Duplicate) => JsonError::Duplicate,
        Some(Fault::Depth) => JsonError::Depth,
        None => JsonError::Syntax(error),
    })?;
    deserializer.end()?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(JsonError::Syntax(de::Error::custom("not an object"))),
    }
}

#[derive(Clone, Copy)]
struct Strict<'fault> {
    depth: u8,
    fault: &'fault Cell<Option<Fault>>,
}

impl Strict<'_> {
    fn inside<E: de::Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(self.refuse(Fault::Depth)),
        }
    }

    fn refuse<E: de::Error>(self, fault: Fault) -> E {
        self.fault.set(Some(fault));
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is none"))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(inside)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut values = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inside)?;
            if values.insert(name, value).is_some() {
                return Err(self.refuse(Fault::Duplicate));
            }
        }
        Ok(Value::Object(values))
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
