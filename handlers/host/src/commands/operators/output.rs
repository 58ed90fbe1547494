//! Output of commands: tables for people, JSON for programs.

use std::{
    fmt,
    io::{IsTerminal as _, Write as _, stdout},
};

use dezky::{plain::Plain, service::Page};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use super::table::Table;
use crate::failure::Failure;

/// A column: its heading and the JSON pointer of its value; of several, separated by `|`, the first one present.
pub(crate) type Column = (&'static str, &'static str);

/// Output format of a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    /// Width of the terminal; `None` when standard output is not a terminal, and then nothing is truncated.
    width: Option<usize>,
}

impl Output {
    /// Selects JSON or tables.
    pub(crate) fn new(json: bool) -> Self {
        let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Self { json, width: width.filter(|_| stdout().is_terminal()) }
    }

    /// Prints one document: JSON on one line, or one field per line.
    pub(crate) fn document(&self, view: &impl Serialize) -> Result<(), Failure> {
        let text = text(view)?;
        if self.json {
            return print(&format!("{text}\n"));
        }
        let mut fields = Vec::new();
        let members: Members = serde_json::from_str(&text).map_err(|error| Failure::failed(error.to_string()))?;
        members.0.iter().for_each(|(name, value)| flatten(name, value, &mut fields));
        print(&Table::plain(fields, self.width).text())
    }

    /// Returns `true` if programs read the output.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a line between tables, for people.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        let lines: Vec<String> = text.split('\n').map(|line| Plain(line).to_string()).collect();
        print(&format!("{}\n", lines.join("\n")))
    }

    /// Prints the result of deleting something.
    pub(crate) fn done(&self, sentence: &str, document: &Value) -> Result<(), Failure> {
        if self.json { print(&format!("{document}\n")) } else { print(&format!("{}\n", Plain(sentence))) }
    }

    /// Prints a note for people on standard error; programs get none.
    pub(crate) fn note(&self, text: &str) -> Result<(), Failure> {
        if !self.json {
            writeln!(std::io::stderr(), "{}", Plain(text))?;
        }
        Ok(())
    }

    /// Prints a page: `{"items": …, "nextCursor": …}`, or a table and, on standard error, how to continue.
    pub(crate) fn page<T: Serialize>(&self, columns: &[Column], page: &Page<T>) -> Result<(), Failure> {
        if self.json {
            return print(&format!("{}\n", text(page)?));
        }
        self.rows(columns, &page.items, true)?;
        if let Some(cursor) = &page.next_cursor {
            writeln!(std::io::stderr(), "there is more: --cursor {cursor}, or --all")?;
        }
        Ok(())
    }

    /// Prints a part of a whole list: one JSON document per line, or table rows; `first` adds the headings.
    pub(crate) fn part<T: Serialize>(&self, columns: &[Column], items: &[T], first: bool) -> Result<(), Failure> {
        if !self.json {
            return self.rows(columns, items, first);
        }
        let lines = items.iter().map(|item| Ok(format!("{}\n", text(item)?))).collect::<Result<String, Failure>>()?;
        print(&lines)
    }

    fn rows<T: Serialize>(&self, columns: &[Column], items: &[T], headings: bool) -> Result<(), Failure> {
        let headings = headings.then(|| columns.iter().map(|(heading, _)| (*heading).to_owned()).collect());
        let row = |item: &T| {
            let value = value(item)?;
            Ok(columns.iter().map(|(_, pointers)| shown(&value, pointers)).collect())
        };
        let rows = items.iter().map(row).collect::<Result<Vec<Vec<String>>, Failure>>()?;
        print(&Table::new(headings, rows, self.width).text())
    }
}

/// Serializes to the JSON of the HTTP API, with its field order.
fn text(view: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(view).map_err(|error| Failure::failed(error.to_string()))
}

/// Members of a document in serialization order.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

fn value(view: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(view).map_err(|error| Failure::failed(error.to_string()))
}

/// Returns the value of a document in a column.
fn shown(document: &Value, pointers: &str) -> String {
    pointers.split('|').find_map(|pointer| document.pointer(pointer)).map(cell).unwrap_or_default()
}

/// Formats a value for one cell.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Lists the fields of a document, those of nested objects by path.
fn flatten(prefix: &str, value: &Value, fields: &mut Vec<Vec<String>>) {
    let path = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, inner)| flatten(&path(name), inner, fields)),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            items.iter().enumerate().for_each(|(position, inner)| flatten(&path(&position.to_string()), inner, fields));
        }
        plain => fields.push(vec![prefix.to_owned(), cell(plain)]),
    }
}

fn print(text: &str) -> Result<(), Failure> {
    let mut output = stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()?;
    Ok(())
}
