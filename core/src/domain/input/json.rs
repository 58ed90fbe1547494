//! Reading the JSON of a body: no member twice, at any depth.
//!
//! RFC 8259, section 4 leaves open which of two equal members counts. Two readers that choose differently, such as a proxy that checks
//! and the API, see two different bodies.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::error::{Error, ErrorKind, FieldError, Result};

/// Most members that are named.
const NAMED: usize = 20;
/// Most characters of a member's name, and of its whole path, that are shown.
const NAME: usize = 80;
const PATH: usize = 400;

/// Reads JSON and nothing after it.
///
/// # Errors
/// [`ErrorKind::BadRequest`] when it is no JSON; [`ErrorKind::Invalid`] naming each member that stands twice, however its name is
/// written.
pub fn read_json(bytes: &[u8]) -> Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let mut twice = Twice::default();
    let read = Members { path: Path::Body, twice: &mut twice }.deserialize(&mut deserializer);
    let value = read.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| {
        let message = format!("the body is not JSON that can be read: {error}");
        Error::new(ErrorKind::BadRequest, "invalid_json", message)
    })?;
    if twice.0.is_empty() { Ok(value) } else { Err(Error::invalid(twice.0)) }
}

/// Members that stand twice.
#[derive(Default)]
struct Twice(Vec<FieldError>);

impl Twice {
    fn add(&mut self, path: &Path<'_>) {
        let path = path.text();
        if self.0.len() < NAMED && self.0.iter().all(|named| named.field != path) {
            self.0.push(FieldError::new(path, "duplicate_field", "this field stands twice: send it once"));
        }
    }
}

/// Where a value stands.
enum Path<'a> {
    Body,
    Member(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    /// As errors name fields: `billingInfo.email`, `domains[2]`.
    fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        if text.chars().count() > PATH { text.chars().take(PATH).chain(['…']).collect() } else { text }
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Body => {}
            Self::Member(parent, name) => {
                parent.write(text);
                if !text.is_empty() {
                    text.push('.');
                }
                text.extend(name.chars().take(NAME));
            }
            Self::Item(parent, position) => {
                parent.write(text);
                text.push_str(&format!("[{position}]"));
            }
        }
    }
}

/// Reads a value and whatever is in it.
struct Members<'a> {
    path: Path<'a>,
    twice: &'a mut Twice,
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
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
        let Self { path, twice } = self;
        let mut read = Vec::new();
        while let Some(item) =
            items.next_element_seed(Members { path: Path::Item(&path, read.len()), twice: &mut *twice })?
        {
            read.push(item);
        }
        Ok(Value::Array(read))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let Self { path, twice } = self;
        let mut read = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let path = Path::Member(&path, &name);
            if read.contains_key(&name) {
                twice.add(&path);
            }
            let value = members.next_value_seed(Members { path, twice: &mut *twice })?;
            read.insert(name, value);
        }
        Ok(Value::Object(read))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    fn twice(text: &str) -> Vec<String> {
        let error = read_json(text.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
        assert!(error.fields().iter().all(|field| field.code == "duplicate_field"));
        error.fields().iter().map(|field| field.field.clone()).collect()
    }

    #[test]
    fn a_member_that_stands_twice_is_named_where_it_stands() {
        assert_eq!(twice(r#"{"name": "a", "slug": "b", "name": "a"}"#), ["name"]);
        assert_eq!(twice(r#"{"a": 1, "a": 2, "a": 3, "b": null, "b": null}"#), ["a", "b"]);
        assert_eq!(twice(r#"{"billingInfo": {"email": null, "email": "x"}}"#), ["billingInfo.email"]);
        assert_eq!(twice(r#"{"links": [{}, {"url": 1, "url": 1}]}"#), ["links[1].url"]);
        assert_eq!(twice(r#"[[{"x": {"y": 1, "y": {"z": 1, "z": 2}}}]]"#), ["[0][0].x.y", "[0][0].x.y.z"]);
    }

    #[test]
    fn the_spelling_of_a_name_makes_no_other_member_of_it() {
        assert_eq!(twice(r#"{"name": 1, "n\u0061me": 2}"#), ["name"]);
        assert_eq!(twice(r#"{"\u00e4": 1, "ä": 2}"#), ["ä"]);
        assert_eq!(twice(r#"{"😀": 1, "\ud83d\ude00": 2}"#), ["😀"]);
        assert_eq!(twice(r#"{"a/b": 1, "a\/b": 2}"#), ["a/b"]);
        assert_eq!(read_json(br#"{"name": 1, "Name": 2, "name ": 3}"#).unwrap().as_object().unwrap().len(), 3);
    }

    #[test]
    fn what_is_named_is_bounded() {
        let many: String = (0..100).map(|number| format!(r#""m{number}":0,"m{number}":0,"#)).collect();
        assert_eq!(twice(&format!("{{{many}\"end\":0}}")).len(), 20);
        let deep = (0..100)
            .rev()
            .fold(r#"{"x":1,"x":1}"#.to_owned(), |inner, _| format!(r#"{{"{}":{inner}}}"#, "long".repeat(100)));
        assert_eq!(twice(&deep)[0].chars().count(), PATH + 1);
    }

    #[test]
    fn everything_else_is_read_as_ever() {
        for text in [
            r#"{"a":[1,-2,3.5,1e3,true,false,null,"ä\n"],"b":{"a":{"a":{}}},"":[]}"#,
            "[]",
            "\"text\"",
            " 7 ",
            "18446744073709551615",
            "null",
        ] {
            assert_eq!(read_json(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
        for text in ["", "{", "{} {}", "{'a':1}", "[1,]", "nul", r#"{"a":1,"a":1"#, "1e999"] {
            assert_eq!(read_json(text.as_bytes()).unwrap_err().code(), "invalid_json", "{text}");
        }
    }
}
