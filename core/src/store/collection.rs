//! Declarations of stored entities.

use super::terms::{Form, Source};
use crate::{callers::Callers, clock::Timestamp, object_id::ObjectId};

/// A collection: the declared fields of its documents, its indexes and its scope.
///
/// Every document has `id`, `version`, `createdAt` and `updatedAt` beside the declared fields, unless the collection
/// leaves them undeclared; `id` is `_id` in MongoDB. Undeclared fields of stored documents are preserved.
#[derive(Debug)]
pub struct Collection {
    /// Name of the collection, in the plural.
    pub name: &'static str,
    /// Declared fields, without `id`. A write sets those that the document has and unsets the others.
    pub fields: &'static [Field],
    /// Indexes. Each implicitly ends with the id, so that its order is total.
    pub indexes: &'static [Index],
    /// Owner of the documents, which the host of a sandboxed component enforces.
    pub scope: Scope,
    /// The part that a sandboxed component may read, which its host enforces too.
    pub guest: Guest,
}

impl Collection {
    /// Returns the declared field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns the declared index of this name.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<&'static Index> {
        self.indexes.iter().find(|index| index.name == name)
    }

    /// Returns `true` if this is a field of terms.
    #[must_use]
    pub fn is_terms(&self, name: &str) -> bool {
        self.field(name).is_some_and(|field| matches!(field.field_type, FieldType::Terms(_)))
    }

    /// Returns the field of terms of an index, if it has one.
    #[must_use]
    pub fn terms_of(&self, index: &Index) -> Option<&'static str> {
        index.fields.iter().copied().find(|field| self.is_terms(field))
    }

    /// Returns `true` if some index has this field, so that queries may filter by it.
    #[must_use]
    pub fn is_indexed(&self, field: &str) -> bool {
        field == "id" || self.indexes.iter().any(|index| index.fields.contains(&field))
    }
}

impl Collection {
    /// Returns the shortest index that finds the documents with a value of this field, if there is one.
    #[must_use]
    pub fn index_of(&self, field: &str) -> Option<&'static Index> {
        let of =
            self.indexes.iter().filter(|index| index.fields.first() == Some(&field) && self.terms_of(index).is_none());
        of.min_by_key(|index| index.fields.len())
    }
}

impl Scope {
    /// Returns the field with the id of the tenant that owns a document.
    #[must_use]
    pub const fn tenant(self) -> Option<&'static str> {
        match self {
            Self::Tenant(field) | Self::TenantAndPerson { tenant: field, .. } => Some(field),
            Self::Person(_) | Self::Platform => None,
        }
    }

    /// Returns the field with the id of the person that owns a document.
    #[must_use]
    pub const fn person(self) -> Option<&'static str> {
        match self {
            Self::Person(field) | Self::TenantAndPerson { person: field, .. } => Some(field),
            Self::Tenant(_) | Self::Platform => None,
        }
    }
}

impl PartialEq for Collection {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Collection {}

/// A declared field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Name in JSON and in the database.
    pub name: &'static str,
    /// Type in the database.
    pub field_type: FieldType,
    /// The source field, if this is a field in the form that is searched and sorted. Only Dezky writes such fields.
    pub derived: Option<Derived>,
    /// The callers to which the host of a sandboxed component shows it. For others it is absent.
    pub readers: Callers,
    /// Personal data is stored apart from audit events.
    pub personal: Personal,
    /// Determines when it is named among the changed fields.
    pub news: News,
}

/// Marks values that are personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personal {
    /// They are personal data.
    Yes,
    /// They are not.
    No,
    /// The declaration of a free text does not tell; treated as [`Personal::Yes`].
    Undeclared,
}

impl Personal {
    /// Returns the value for declarations that do not tell, which matters for free text only.
    #[must_use]
    pub const fn undeclared<T: Stored>() -> Self {
        if T::IS_FREE { Self::Undeclared } else { Self::No }
    }
}

/// Determines when a field is named among the changed fields of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// On creation and whenever it changes.
    Always,
    /// Whenever it changes.
    Change,
    /// Never, because it is derived from other fields.
    Never,
}

/// A type of document fields.
pub trait Stored {
    /// Its stored type.
    const TYPE: FieldType;
    /// `true` if it holds free text.
    const IS_FREE: bool = false;
}

macro_rules! stored {
    ($($stored:ty: $field_type:ident;)+) => {$(
        impl Stored for $stored {
            const TYPE: FieldType = FieldType::$field_type;
        }
    )+};
}

stored! {
    bool: Boolean;
    u16: Integer;
    u32: Integer;
    u64: Integer;
    Timestamp: Time;
    ObjectId: Id;
}

impl Stored for String {
    const TYPE: FieldType = FieldType::Text;
    const IS_FREE: bool = true;
}

impl<T: Stored> Stored for Option<T> {
    const TYPE: FieldType = T::TYPE;
    const IS_FREE: bool = T::IS_FREE;
}

impl<T: Stored> Stored for Vec<T> {
    const TYPE: FieldType = FieldType::List(&T::TYPE);
    const IS_FREE: bool = T::IS_FREE;
}

/// The source and form of a derived field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derived {
    /// The source field.
    pub from: &'static str,
    /// The form that its text is converted to.
    pub form: Form,
}

impl Field {
    /// Creates a field with defaults: visible only to the platform, and personal if it holds text.
    #[must_use]
    pub const fn new(name: &'static str, field_type: FieldType) -> Self {
        let personal = match field_type {
            FieldType::Text | FieldType::List(_) | FieldType::Object(_) => Personal::Undeclared,
            _ => Personal::No,
        };
        Self { name, field_type, derived: None, readers: Callers::NOBODY, personal, news: News::Always }
    }

    /// Creates a field with the text of another field in the form that is searched and sorted.
    #[must_use]
    pub const fn derived(name: &'static str, from: &'static str, form: Form) -> Self {
        Self { derived: Some(Derived { from, form }), ..Self::new(name, FieldType::Text) }
    }

    /// Returns `true` if its values are personal data.
    #[must_use]
    pub const fn is_personal(&self) -> bool {
        !matches!(self.personal, Personal::No)
    }

    /// Converts a text to the form that is compared with this field.
    #[must_use]
    pub fn compared(&self, text: &str) -> String {
        self.derived.map_or_else(|| text.to_owned(), |derived| derived.form.of(text))
    }
}

/// Types of declared fields. Documents are passed as JSON; a backend with richer types converts by these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// Text.
    Text,
    /// A whole number that fits 64 signed bits.
    Integer,
    /// A boolean.
    Boolean,
    /// An ObjectId; 24 hexadecimal characters in JSON.
    Id,
    /// An instant; RFC 3339 in JSON, a BSON date in MongoDB.
    Time,
    /// A list of one type.
    List(&'static FieldType),
    /// An object of declared fields; undeclared ones are preserved.
    Object(&'static [Field]),
    /// The prefixes of the words of other fields.
    ///
    /// The store computes them at each write and keeps them beside the document, not in it. An index with such a field
    /// has an entry per term of a document.
    Terms(&'static [Source]),
}

/// An index over declared fields, in this order and then by id.
///
/// A document must have every field of an index that some query sorts by.
#[derive(Debug, PartialEq, Eq)]
pub struct Index {
    /// Name, unique within the collection.
    pub name: &'static str,
    /// Names of the fields; top-level fields only.
    pub fields: &'static [&'static str],
}

/// The owner of a collection's documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The tenant whose id is in this field.
    Tenant(&'static str),
    /// The user whose id is in this field.
    Person(&'static str),
    /// A tenant and also a person: each may see the document.
    TenantAndPerson {
        /// Field with the tenant's id.
        tenant: &'static str,
        /// Field with the user's id.
        person: &'static str,
    },
    /// The platform.
    Platform,
}

/// The part of a collection that a sandboxed component may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guest {
    /// Nothing.
    Closed,
    /// Records with unique keys that belong to the caller of the request.
    OwnKeys,
    /// Documents of a scope.
    Scoped {
        /// The callers within a tenant that may read them.
        readers: Callers,
        /// Prefixes of unique keys that may be queried without knowing the scope, because they disclose nothing hidden.
        keys: &'static [&'static str],
    },
}
