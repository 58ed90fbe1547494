//! Parses JSON bodies, refusing duplicate members at any depth.

use std::ops::ControlFlow;

use serde_json::Value;

use crate::{
    error::{Code, Error, FieldCode, FieldError, Result},
    json,
};

/// Maximum number of duplicate members that are named.
const NAMED: usize = 20;
/// Maximum nesting depth of a body, larger than that of `serde_json`.
const DEPTH: u8 = 128;

/// Parses JSON, with nothing after it.
///
/// # Errors
/// [`crate::ErrorKind::BadRequest`] when it is not JSON; [`crate::ErrorKind::Invalid`] naming each duplicate member,
/// however its name is escaped.
pub fn read_json(bytes: &[u8]) -> Result<Value> {
    let mut twice: Vec<FieldError> = Vec::new();
    let value = json::read(bytes, DEPTH, &mut |path| {
        let path = path.text();
        if twice.len() < NAMED && twice.iter().all(|named| named.field != path) {
            twice.push(FieldError::new(path, FieldCode::DUPLICATE_FIELD, "this field stands twice: send it once"));
        }
        ControlFlow::Continue(())
    })
    .map_err(|error| {
        let message = format!("the body is not JSON that can be read: {error}");
        Error::new(Code::INVALID_JSON, message)
    })?;
    if twice.is_empty() { Ok(value) } else { Err(Error::invalid(twice)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    fn twice(text: &str) -> Vec<String> {
        let error = read_json(text.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Invalid, "{text}");
        assert!(error.fields().iter().all(|field| field.code == FieldCode::DUPLICATE_FIELD));
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
        assert_eq!(twice(&deep)[0].chars().count(), 401);
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
