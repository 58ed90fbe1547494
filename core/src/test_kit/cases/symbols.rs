//! Symbols: names in braces that stand for ids, and for values saved from earlier answers.

use std::collections::BTreeMap;

use serde_json::Value;

/// The values of symbols.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    values: BTreeMap<String, String>,
}

impl Symbols {
    /// Defines a symbol.
    pub(super) fn define(&mut self, name: &str, value: String) -> Result<(), String> {
        match self.values.insert(name.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(format!("two things are called `{name}`: give one of them another name")),
        }
    }

    /// Redefines a symbol.
    pub(super) fn save(&mut self, name: &str, value: String) {
        self.values.insert(name.to_owned(), value);
    }

    /// Returns the value of a symbol.
    pub(super) fn get(&self, name: &str) -> Result<&str, String> {
        self.values.get(name).map(String::as_str).ok_or_else(|| format!("nothing is called `{name}`"))
    }

    /// Replaces the symbols in a text. Braces around anything but a name are left unchanged.
    pub(super) fn fill(&self, text: &str) -> Result<String, String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            match after.split_once('}') {
                Some((name, behind)) if is_name(name) => {
                    filled.push_str(self.get(name)?);
                    rest = behind;
                }
                _ => {
                    filled.push('{');
                    rest = after;
                }
            }
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// Replaces the symbols in the texts of a value.
    pub(super) fn fill_json(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => Value::String(self.fill(text)?),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.fill_json(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let filled = members.iter().map(|(name, member)| Ok((name.clone(), self.fill_json(member)?)));
                Value::Object(filled.collect::<Result<_, String>>()?)
            }
            other => other.clone(),
        })
    }
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    !text.is_empty() && text.bytes().all(fits)
}
