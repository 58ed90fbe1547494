//! Enumerated values that may also be unknown texts from a database of the replaced service.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    ToSchema,
    openapi::{
        RefOr,
        schema::{AnyOfBuilder, ObjectBuilder, Schema, Type},
    },
};

use crate::store::{FieldType, Stored};

/// An enumeration whose values have names.
pub trait Choice: Copy + PartialEq + fmt::Debug + 'static {
    /// All values, in the order in which they are listed.
    const ALL: &'static [Self];

    /// The value that an unknown text is treated as, which grants the least.
    const UNKNOWN: Self;

    /// Returns the name in JSON.
    fn name(self) -> &'static str;

    /// Returns the value with this name.
    #[must_use]
    fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.name() == name)
    }
}

/// A value of an enumeration, or an unknown text that another program has stored.
///
/// Such a text is kept and shown unchanged. Decisions treat it as [`Choice::UNKNOWN`]; only input must be a known name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Open<T> {
    /// A known value.
    Known(T),
    /// An unknown text.
    Foreign(Box<str>),
}

impl<T: Choice> Open<T> {
    /// Returns the stored text.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Known(known) => known.name(),
            Self::Foreign(text) => text,
        }
    }

    /// Returns the value that it is treated as in decisions.
    #[must_use]
    pub fn counts_as(&self) -> T {
        match self {
            Self::Known(known) => *known,
            Self::Foreign(_) => T::UNKNOWN,
        }
    }

    /// Returns `true` if it is an unknown text.
    #[must_use]
    pub const fn is_foreign(&self) -> bool {
        matches!(self, Self::Foreign(_))
    }
}

impl<T: Choice> Stored for Open<T> {
    const TYPE: FieldType = FieldType::Text;
}

impl<T: Choice> From<&str> for Open<T> {
    fn from(text: &str) -> Self {
        T::of(text).map_or_else(|| Self::Foreign(text.into()), Self::Known)
    }
}

impl<T: Choice> From<T> for Open<T> {
    fn from(known: T) -> Self {
        Self::Known(known)
    }
}

impl<T: Default> Default for Open<T> {
    fn default() -> Self {
        Self::Known(T::default())
    }
}

impl<T: Choice> PartialEq<T> for Open<T> {
    fn eq(&self, other: &T) -> bool {
        matches!(self, Self::Known(known) if known == other)
    }
}

impl<T: Choice> Serialize for Open<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de, T: Choice> Deserialize<'de> for Open<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<T>(std::marker::PhantomData<T>);
        impl<T: Choice> de::Visitor<'_> for Text<T> {
            type Value = Open<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Open<T>, E> {
                Ok(text.into())
            }
        }
        deserializer.deserialize_str(Text(std::marker::PhantomData))
    }
}

/// Returns the schema of such a value: one of the names, or another text.
pub(crate) fn schema<T: ToSchema>() -> RefOr<Schema> {
    let named = RefOr::Ref(utoipa::openapi::Ref::from_schema_name(T::name()));
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("One of the names, or another text that the replaced service left, which grants nothing."));
    AnyOfBuilder::new().item(named).item(text).into()
}
