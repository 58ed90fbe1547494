//! The part of OData that the real system understands: filters of lists, searches, orders.

use http::StatusCode;

use super::answer::Refusal;

/// A filter of the list of spaces.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SpaceFilter {
    /// None, or one that is ignored.
    All,
    /// `driveType eq '…'`.
    Type(String),
    /// `id eq '…'`.
    Id(String),
}

/// Reads a filter of the list of spaces. One by another property than type and id is ignored.
pub(super) fn space_filter(text: Option<&str>) -> Result<SpaceFilter, Refusal> {
    let Some(text) = text else { return Ok(SpaceFilter::All) };
    let unsupported = |operand: &str| {
        let message = format!("unsupported filter operand: {operand}");
        Refusal::new(StatusCode::NOT_IMPLEMENTED, "notSupported", message)
    };
    if let Some((function, _)) = function(text) {
        return Err(unsupported(function));
    }
    let words = words(text);
    if let Some(operand) = words.iter().find(|word| matches!(word.as_str(), "and" | "or")) {
        return Err(unsupported(operand));
    }
    let [property, operator, value] = words.as_slice() else {
        return Err(Refusal::invalid(format!("invalid token sequence: {text}")));
    };
    let value = value.trim_matches('\'').to_owned();
    match (operator.as_str(), property.as_str()) {
        ("eq", "driveType") => Ok(SpaceFilter::Type(value)),
        ("eq", "id") => Ok(SpaceFilter::Id(value)),
        ("eq", _) => Ok(SpaceFilter::All),
        ("ne" | "gt" | "ge" | "lt" | "le", _) => Err(unsupported(operator)),
        _ => Err(Refusal::invalid(format!("invalid token sequence: {text}"))),
    }
}

/// A filter of the list of accounts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AccountFilter {
    /// None.
    All,
    /// Members of the group with this id.
    MemberOf(String),
    /// Names that begin so.
    Prefix(String),
}

/// Reads a filter of the list of accounts.
pub(super) fn account_filter(text: Option<&str>) -> Result<AccountFilter, Refusal> {
    let Some(text) = text else { return Ok(AccountFilter::All) };
    let quoted = text.split('\'').nth(1).unwrap_or_default().to_owned();
    if text.starts_with("userType eq ") {
        Ok(AccountFilter::All)
    } else if text.starts_with("memberOf/any(") {
        Ok(AccountFilter::MemberOf(quoted))
    } else if text.starts_with("startswith(displayName,") {
        Ok(AccountFilter::Prefix(quoted))
    } else {
        Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, "generalException", "unsupported filter"))
    }
}

/// Reads a search: a word, or any text in double quotes.
pub(super) fn search(text: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    if let Some(quoted) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return Ok(Some(quoted.to_lowercase()));
    }
    match text.find(|character: char| !character.is_alphanumeric() && character != '_') {
        None => Ok(Some(text.to_lowercase())),
        Some(at) => {
            let rest = text.get(at..).unwrap_or_default();
            Err(Refusal::invalid(format!("Token '{rest}' is invalid")))
        }
    }
}

/// Reads an order: the property, and `true` for descending.
pub(super) fn order(text: Option<&str>) -> Option<(&str, bool)> {
    let (property, direction) = text?.split_once(' ').unwrap_or((text?, "asc"));
    Some((property, direction == "desc"))
}

/// Returns the name of the function that a filter begins with.
fn function(text: &str) -> Option<(&str, &str)> {
    text.split_once('(').filter(|(name, _)| !name.is_empty() && name.chars().all(char::is_alphanumeric))
}

/// Splits a filter at spaces outside of quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in text.chars() {
        quoted ^= character == '\'';
        match words.last_mut() {
            Some(word) if quoted || character != ' ' => word.push(character),
            _ => words.push(String::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
