//! Compares JSON with an expectation.

use serde_json::{Map, Value};

/// Determines if unexpected members are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Exact,
    Subset,
}

/// Returns the differences, one line each, beginning with the place.
pub(super) fn differences(expected: &Value, actual: Option<&Value>, mode: Mode) -> Vec<String> {
    let mut found = Vec::new();
    compare("", expected, actual, mode, &mut found);
    found
}

fn compare(path: &str, expected: &Value, actual: Option<&Value>, mode: Mode, found: &mut Vec<String>) {
    if let Some((matcher, argument)) = matcher(expected) {
        return check_matcher(path, matcher, argument, actual, mode, found);
    }
    let Some(actual) = actual else {
        found.push(format!("{}: expected {expected}, and it is absent", shown(path)));
        return;
    };
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => compare_objects(path, expected, actual, mode, found),
        (Value::Array(expected), Value::Array(actual)) => {
            if expected.len() != actual.len() {
                let list = Value::Array(actual.clone());
                found.push(format!("{}: expected {} items, got {}: {list}", shown(path), expected.len(), actual.len()));
            }
            for (position, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                compare(&format!("{path}/{position}"), expected, Some(actual), mode, found);
            }
        }
        (expected, actual) if expected == actual => {}
        (expected, actual) => found.push(format!("{}: expected {expected}, got {actual}", shown(path))),
    }
}

fn compare_objects(
    path: &str,
    expected: &Map<String, Value>,
    actual: &Map<String, Value>,
    mode: Mode,
    found: &mut Vec<String>,
) {
    for (name, wanted) in expected {
        compare(&format!("{path}/{name}"), wanted, actual.get(name), mode, found);
    }
    if mode == Mode::Exact {
        for (name, value) in actual.iter().filter(|(name, _)| !expected.contains_key(*name)) {
            found.push(format!("{path}/{name}: is not expected, and it is {value}"));
        }
    }
}

fn shown(path: &str) -> &str {
    if path.is_empty() { "the whole" } else { path }
}

/// Returns the matcher of an object whose only member has a name that begins with `$`.
fn matcher(expected: &Value) -> Option<(&str, &Value)> {
    let members = expected.as_object()?;
    let (name, argument) = members.iter().next()?;
    (members.len() == 1 && name.starts_with('$')).then_some((name.as_str(), argument))
}

fn check_matcher(
    path: &str,
    matcher: &str,
    argument: &Value,
    actual: Option<&Value>,
    mode: Mode,
    found: &mut Vec<String>,
) {
    let mut fail = |expected: String| {
        let got = actual.map_or_else(|| "nothing".to_owned(), Value::to_string);
        found.push(format!("{}: expected {expected}, got {got}", shown(path)));
    };
    match (matcher, argument) {
        ("$any", Value::String(kind)) => match actual.map(|actual| is_kind(kind, actual)) {
            Some(Some(true)) => {}
            Some(None) => fail(format!("a kind that the runner knows, not `{kind}`")),
            None | Some(Some(false)) => fail(format!("any {kind}")),
        },
        ("$absent", Value::Bool(true)) => {
            if actual.is_some() {
                fail("nothing".to_owned());
            }
        }
        ("$length", Value::Number(wanted)) => {
            let length = match actual {
                Some(Value::Array(items)) => Some(items.len()),
                Some(Value::String(text)) => Some(text.chars().count()),
                _ => None,
            };
            if length.map(|length| length as u64) != wanted.as_u64() {
                fail(format!("{wanted} items"));
            }
        }
        ("$not", unwanted) => {
            if actual.is_none_or(|actual| differences(unwanted, Some(actual), mode).is_empty()) {
                fail(format!("something other than {unwanted}"));
            }
        }
        ("$startsWith", Value::String(start)) => {
            if !actual.and_then(Value::as_str).is_some_and(|text| text.starts_with(start.as_str())) {
                fail(format!("a text that begins with `{start}`"));
            }
        }
        ("$contains", Value::Array(wanted)) => {
            let items = actual.and_then(Value::as_array).cloned().unwrap_or_default();
            if let Err(missing) = pair(wanted, &items, Mode::Subset) {
                fail(format!("an item like {missing}"));
            }
        }
        ("$unordered", Value::Array(wanted)) => {
            let items = actual.and_then(Value::as_array).cloned().unwrap_or_default();
            match pair(wanted, &items, mode) {
                Err(missing) => fail(format!("an item like {missing}")),
                Ok(()) if items.len() != wanted.len() => fail(format!("{} items", wanted.len())),
                Ok(()) => {}
            }
        }
        ("$exactly", wanted) => compare(path, wanted, actual, Mode::Exact, found),
        ("$subset", wanted) => compare(path, wanted, actual, Mode::Subset, found),
        _ => fail(format!("a matcher that the runner knows, not `{matcher}` with {argument}")),
    }
}

/// Pairs each wanted value with a different item. The error is the first one without an item.
fn pair<'a>(wanted: &'a [Value], items: &[Value], mode: Mode) -> Result<(), &'a Value> {
    let mut left: Vec<&Value> = items.iter().collect();
    for pattern in wanted {
        let found = left.iter().position(|item| differences(pattern, Some(item), mode).is_empty()).ok_or(pattern)?;
        left.remove(found);
    }
    Ok(())
}

/// Returns `Some(true)` if a value is of a kind; `None` if there is no such kind.
fn is_kind(kind: &str, actual: &Value) -> Option<bool> {
    let text = actual.as_str();
    Some(match kind {
        "id" => text.is_some_and(|text| {
            text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
        }),
        // The canonical format: UTC with three fractional digits.
        "time" => {
            text.is_some_and(|text| text.parse::<crate::clock::Timestamp>().is_ok_and(|time| time.to_string() == text))
        }
        "text" => text.is_some_and(|text| !text.is_empty()),
        "number" => actual.is_number(),
        "boolean" => actual.is_boolean(),
        "list" => actual.is_array(),
        "object" => actual.is_object(),
        _ => return None,
    })
}
