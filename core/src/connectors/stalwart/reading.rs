//! Reading answers: strict about what is needed, and with texts that say which field is missing.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::connectors::ConnectorError;

/// Length limit of a text of the system within an error, in characters.
const QUOTE: usize = 200;

/// Length limit of a path into a document, in characters.
const PATH: usize = 100;

/// Reads a part of an answer. `of` names it, such as `x:Account/get`.
///
/// # Errors
/// `Incompatible` with the field that is missing or has another form, and without its content.
pub(super) fn read<T: DeserializeOwned>(of: &str, value: Value) -> Result<T, ConnectorError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path: String = error.path().to_string().chars().filter(|c| !c.is_control()).take(PATH).collect();
        // Only the name of a field is taken from the text, which repeats values otherwise.
        let text = error.inner().to_string();
        let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
        match missing {
            Some((field, _)) if path == "." || path == "?" => {
                incompatible(&format!("`{of}` answers without `{field}`"))
            }
            Some((field, _)) => incompatible(&format!("`{of}` answers without `{field}` at `{path}`")),
            None => incompatible(&format!("`{of}` answers with another form of `{path}`")),
        }
    })
}

/// Creates the error of an answer that this client does not know.
pub(super) fn incompatible(what: &str) -> ConnectorError {
    let why = format!(
        "Stalwart is of a release that this client does not know: {what}. Compare its release with those supported"
    );
    ConnectorError::Incompatible { version: None, why }
}

/// Returns a text of the system in one line, bounded, without control characters and backticks.
pub(super) fn quote(text: &str) -> String {
    let words = text.split(|character: char| character.is_whitespace() || character.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().filter(|character| *character != '`').take(QUOTE).collect()
}

/// Texts, of which one may come without an array.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMany")]
pub(super) struct Texts(pub(super) Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Texts {
    fn from(texts: OneOrMany) -> Self {
        match texts {
            OneOrMany::One(text) => Self(vec![text]),
            OneOrMany::Many(texts) => Self(texts),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[allow(dead_code, reason = "only read")]
    struct Inner {
        is_enabled: bool,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Outer {
        list: Vec<Inner>,
    }

    #[test]
    fn the_field_is_named_and_its_content_is_not() {
        for (value, expected) in [
            (json!({}), "`x:A/get` answers without `list`"),
            (json!({"list": [{"enabled": true}]}), "`x:A/get` answers without `isEnabled` at `list[0]`"),
            (json!({"list": [{"isEnabled": "hunter2"}]}), "`x:A/get` answers with another form of `list[0].isEnabled`"),
        ] {
            let error = read::<Outer>("x:A/get", value).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn texts_of_the_system_are_one_bounded_line() {
        assert_eq!(quote("a\n`b`\t\u{1b}[31m c"), "a b [31m c");
        assert_eq!(quote(&"x".repeat(1_000)).len(), QUOTE);
    }

    #[test]
    fn one_text_counts_as_many() {
        assert_eq!(read::<Texts>("a", json!("x")).unwrap().0, ["x"]);
        assert_eq!(read::<Texts>("a", json!(["x", "y"])).unwrap().0, ["x", "y"]);
    }
}
