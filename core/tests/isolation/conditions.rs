//! Conditional and idempotent requests.

use proptest::prelude::*;

/// The condition or idempotency key of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Nothing,
    /// Any version.
    IfMatchAny,
    /// The version that the caller knows, or may have learned elsewhere.
    IfMatchKnown,
    /// A version that does not exist.
    IfMatchOther,
    IfNoneMatchAny,
    IfNoneMatchKnown,
    /// One of a few keys, so that they are reused with the same and with other requests.
    Key(u8),
}

/// Generates each of them, mostly plain requests.
pub(crate) fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        5 => Just(Condition::Nothing),
        1 => Just(Condition::IfMatchAny),
        1 => Just(Condition::IfMatchKnown),
        1 => Just(Condition::IfMatchOther),
        1 => Just(Condition::IfNoneMatchAny),
        1 => Just(Condition::IfNoneMatchKnown),
        3 => (0..2u8).prop_map(Condition::Key),
    ]
}

impl Condition {
    /// Returns the headers; `known` is the entity tag that the caller knows.
    pub(crate) fn headers(self, known: Option<&str>) -> Vec<(&'static str, String)> {
        let known = known.unwrap_or("\"unknown\"").to_owned();
        match self {
            Self::Nothing => vec![],
            Self::IfMatchAny => vec![("if-match", "*".to_owned())],
            Self::IfMatchKnown => vec![("if-match", known)],
            Self::IfMatchOther => vec![("if-match", "\"another\"".to_owned())],
            Self::IfNoneMatchAny => vec![("if-none-match", "*".to_owned())],
            Self::IfNoneMatchKnown => vec![("if-none-match", known)],
            Self::Key(number) => vec![("idempotency-key", format!("key-{number}"))],
        }
    }
}
