//! Comparison of an answer with a recorded one, in which symbols stand for what differs from run to run.

use std::collections::HashMap;

use dezky::clock::Timestamp;
use serde_json::Value;

/// Values of symbols. One without a value takes that of the answer it is first seen in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Symbols(HashMap<String, String>);

impl Symbols {
    pub(crate) fn set(&mut self, symbol: &str, value: &str) {
        self.0.insert(symbol.to_owned(), value.to_owned());
    }

    /// Replaces the symbols of a text that have a value.
    pub(crate) fn filled(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (symbol, value)| text.replace(&format!("{{{symbol}}}"), value))
    }

    /// Replaces the symbols in all texts of a value.
    pub(crate) fn filled_in(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.filled(text)),
            Value::Array(list) => list.iter().map(|value| self.filled_in(value)).collect(),
            Value::Object(object) => object.iter().map(|(name, value)| (name.clone(), self.filled_in(value))).collect(),
            other => other.clone(),
        }
    }
}

/// How exactly an answer has to be the recorded one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Exactness {
    /// Objects may have more members.
    pub(crate) partial: bool,
    /// Lists have the recorded order. Otherwise the order of the real system changes from run to run.
    pub(crate) ordered: bool,
}

/// Compares an answer with a recorded one: the same members, types and values. `place` is where, for the error.
pub(crate) fn compare(
    symbols: &mut Symbols,
    exactness: Exactness,
    place: &str,
    recorded: &Value,
    answer: &Value,
) -> Result<(), String> {
    match (recorded, answer) {
        (Value::String(recorded), Value::String(answer)) => text(symbols, place, recorded, answer),
        (Value::Array(recorded), Value::Array(answer)) => list(symbols, exactness, place, recorded, answer),
        (Value::Object(recorded), Value::Object(answer)) => {
            if let Some(name) = answer.keys().find(|name| !exactness.partial && !recorded.contains_key(*name)) {
                return Err(format!("{place}.{name} was not recorded"));
            }
            for (name, value) in recorded {
                let place = format!("{place}.{name}");
                let other = answer.get(name).ok_or_else(|| format!("{place} is missing"))?;
                compare(symbols, exactness, &place, value, other)?;
            }
            Ok(())
        }
        _ if recorded == answer => Ok(()),
        _ => Err(format!("{place}: recorded {recorded}, answered {answer}")),
    }
}

/// Compares lists. `{3 more}` at the end stands for three entries that the recording left out, `{more}` for any number.
fn list(
    symbols: &mut Symbols,
    exactness: Exactness,
    place: &str,
    recorded: &[Value],
    answer: &[Value],
) -> Result<(), String> {
    let left_out =
        recorded.last().and_then(Value::as_str).and_then(|last| last.strip_prefix('{')?.strip_suffix("more}"));
    let recorded = if left_out.is_some() { &recorded[..recorded.len() - 1] } else { recorded };
    let expected = match left_out.map(str::trim) {
        None => Some(recorded.len()),
        Some("") => None,
        Some(number) => Some(recorded.len() + number.parse::<usize>().unwrap()),
    };
    if expected.is_some_and(|expected| expected != answer.len()) || answer.len() < recorded.len() {
        return Err(format!("{place}: {} entries recorded, {} answered", recorded.len(), answer.len()));
    }
    let mut used = vec![false; answer.len()];
    let mut first = 0;
    for (index, entry) in recorded.iter().enumerate() {
        let mut why = format!("{place}[{index}]: no such entry");
        let found = (first..answer.len()).filter(|candidate| !used[*candidate]).find(|candidate| {
            let mut attempt = symbols.clone();
            match compare(&mut attempt, exactness, &format!("{place}[{index}]"), entry, &answer[*candidate]) {
                Ok(()) => {
                    *symbols = attempt;
                    true
                }
                Err(error) => {
                    why = error;
                    false
                }
            }
        });
        let found = found.ok_or(why)?;
        used[found] = true;
        if exactness.ordered {
            first = found;
        }
    }
    Ok(())
}

/// Compares texts with symbols in them.
fn text(symbols: &mut Symbols, place: &str, recorded: &str, answer: &str) -> Result<(), String> {
    let differs = || format!("{place}: recorded `{recorded}`, answered `{answer}`");
    let (mut pattern, mut rest) = (recorded, answer);
    while let Some((before, symbol, after)) = next_symbol(pattern) {
        rest = rest.strip_prefix(before).ok_or_else(differs)?;
        // A symbol reaches to the text that follows it.
        let following = next_symbol(after).map_or(after, |(before, ..)| before);
        let end = if symbol.starts_with('u') {
            // An id of the system.
            36
        } else if following.is_empty() {
            rest.len()
        } else {
            rest.find(following).ok_or_else(differs)?
        };
        let value = rest.get(..end).ok_or_else(differs)?;
        match (symbol, symbols.0.get(symbol)) {
            ("text", _) => {}
            ("time", _) => {
                value.parse::<Timestamp>().map_err(|_| differs())?;
            }
            (_, Some(bound)) if bound == value => {}
            (_, Some(bound)) => return Err(format!("{} ({symbol} is {bound})", differs())),
            (_, None) => symbols.set(symbol, value),
        }
        rest = &rest[end..];
        pattern = after;
    }
    if pattern == rest { Ok(()) } else { Err(differs()) }
}

/// Splits at the first symbol, which is letters and digits in braces.
fn next_symbol(pattern: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + pattern.get(from..)?.find('{')?;
        let end = start + pattern.get(start..)?.find('}')?;
        let symbol = &pattern[start + 1..end];
        if !symbol.is_empty() && symbol.chars().all(|character| character.is_ascii_alphanumeric()) {
            return Some((&pattern[..start], symbol, &pattern[end + 1..]));
        }
        from = start + 1;
    }
}

#[test]
fn comparison_sees_differences() {
    use serde_json::json;
    let exact = Exactness::default();
    let differs = |recorded: Value, answer: Value| {
        let mut symbols = Symbols::default();
        symbols.set("a", "1");
        compare(&mut symbols, exact, "", &recorded, &answer).is_err()
    };
    assert!(!differs(json!({"a": [1, "x{a}y{b}z"]}), json!({"a": [1, "x1y2z"]})));
    assert!(differs(json!({"a": 1}), json!({"a": 1, "b": 2})));
    assert!(differs(json!({"a": 1, "b": 2}), json!({"a": 1})));
    assert!(differs(json!({"a": 1}), json!({"a": "1"})));
    assert!(differs(json!({"a": null}), json!({"a": 1})));
    assert!(differs(json!([1, 2]), json!([1])));
    assert!(differs(json!([1, "{2 more}"]), json!([1, 2])));
    assert!(!differs(json!([1, "{2 more}"]), json!([3, 2, 1])));
    assert!(!differs(json!([1, "{more}"]), json!([3, 2, 1])));
    assert!(differs(json!([4, "{more}"]), json!([3, 2, 1])));
    assert!(differs(json!("x{a}"), json!("x2")));
    assert!(differs(json!("{time}"), json!("soon")));
    assert!(differs(json!(["{b}", "{b}"]), json!(["1", "2"])));
}
