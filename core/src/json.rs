//! Strict parsing of JSON: duplicate members are noticed at any depth, and nesting is bounded.
//!
//! RFC 8259, section 4 leaves open which of two duplicate members applies. Two parsers that choose differently, such as
//! those of a checking proxy and the server behind it, see different documents.

use std::{cell::Cell, fmt, ops::ControlFlow};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Maximum displayed length of a member's name, and of a whole path.
const NAME: usize = 80;
const PATH: usize = 400;

/// The reason why a text is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JsonError {
    /// It is not JSON.
    #[error("{0}")]
    Syntax(#[from] serde_json::Error),
    /// A member is duplicated, and the caller refused that.
    #[error("a member stands twice")]
    Duplicate,
    /// Objects and arrays are nested deeper than the caller allows.
    #[error("nested too deeply")]
    Depth,
}

/// The place of a value within a document.
pub(crate) enum Path<'a> {
    /// The whole document.
    Root,
    /// A member of an object.
    Member(&'a Path<'a>, &'a str),
    /// An item of an array.
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    /// Returns the path in the form that errors use, cut to 400 characters: `billingInfo.email`, `domains[2]`.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        if text.chars().count() > PATH { text.chars().take(PATH).chain(['…']).collect() } else { text }
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Root => {}
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

/// Parses a JSON document, nested at most `depth` deep, with nothing after it.
///
/// `repeated` is called for every member whose name the same object already has, however it is escaped. It refuses the
/// text by breaking, or lets the last value apply.
pub(crate) fn read(
    bytes: &[u8],
    depth: u8,
    repeated: &mut dyn FnMut(&Path<'_>) -> ControlFlow<()>,
) -> Result<Value, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    // An error of serde is only a text, so the underlying fault is recorded beside it.
    let fault = Cell::new(None);
    let seed = Strict { path: Path::Root, depth, fault: &fault, repeated };
    let value = seed.deserialize(&mut deserializer).map_err(|error| match fault.get() {
        Some(Fault::Duplicate) => JsonError::Duplicate,
        Some(Fault::Depth) => JsonError::Depth,
        None => JsonError::Syntax(error),
    })?;
    deserializer.end()?;
    Ok(value)
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    Duplicate,
    Depth,
}

/// Parses a value and everything in it.
struct Strict<'a> {
    path: Path<'a>,
    depth: u8,
    fault: &'a Cell<Option<Fault>>,
    repeated: &'a mut dyn FnMut(&Path<'_>) -> ControlFlow<()>,
}

impl Strict<'_> {
    fn inside<E: de::Error>(&self) -> Result<u8, E> {
        self.depth.checked_sub(1).ok_or_else(|| refuse(self.fault, Fault::Depth))
    }
}

fn refuse<E: de::Error>(noted: &Cell<Option<Fault>>, fault: Fault) -> E {
    noted.set(Some(fault));
    E::custom("refused")
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
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let depth = self.inside()?;
        let Self { path, fault, repeated, .. } = self;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(Strict {
            path: Path::Item(&path, values.len()),
            depth,
            fault,
            repeated: &mut *repeated,
        })? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let depth = self.inside()?;
        let Self { path, fault, repeated, .. } = self;
        let mut values = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let path = Path::Member(&path, &name);
            if values.contains_key(&name) && repeated(&path) == ControlFlow::Break(()) {
                return Err(refuse(fault, Fault::Duplicate));
            }
            let value = members.next_value_seed(Strict { path, depth, fault, repeated: &mut *repeated })?;
            values.insert(name, value);
        }
        Ok(Value::Object(values))
    }
}
