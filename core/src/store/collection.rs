//! What an entity declares about how it is stored.

use super::terms::{Form, Source};
use crate::{callers::Callers, clock::Timestamp};

/// A collection: its documents' declared fields, its indexes and whose documents they are.
///
/// Every document has `id`, `version`, `createdAt` and `updatedAt` beside the declared fields, unless the collection
/// says otherwise by not declaring them; `id` is `_id` in MongoDB. Fields that are not declared are left as they are.
#[derive(Debug)]
pub struct Collection {
    /// Name of the collection, in the plural.
    pub name: &'static str,
    /// Declared fields, without `id`. A write sets those that the document has and unsets those that it lacks.
    pub fields: &'static [Field],
    /// Indexes. Each ends implicitly in the id, so that its order is total.
    pub indexes: &'static [Index],
    /// Whose documents these are; what the host of a sandboxed component enforces.
    pub scope: Scope,
    /// What a sandboxed component may read of it; its host enforces that too.
    pub guest: Guest,
}

impl Collection {
    /// The declared field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The declared index of this name.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<&'static Index> {
        self.indexes.iter().find(|index| index.name == name)
    }

    /// Whether this is a field of terms.
    #[must_use]
    pub fn is_terms(&self, name: &str) -> bool {
        self.field(name).is_some_and(|field| matches!(field.field_type, FieldType::Terms(_)))
    }

    /// The field of terms of an index, if it has one.
    #[must_use]
    pub fn terms_of(&self, index: &Index) -> Option<&'static str> {
        index.fields.iter().copied().find(|field| self.is_terms(field))
    }

    /// Whether some index has this field, so that queries may filter by it.
    #[must_use]
    pub fn is_indexed(&self, field: &str) -> bool {
        field == "id" || self.indexes.iter().any(|index| index.fields.contains(&field))
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
    /// What it is made of, if it is another field as that is searched and sorted. Only this software writes such fields.
    pub derived: Option<Derived>,
    /// To whom the host of a sandboxed component gives it. To others it is absent.
    pub readers: Callers,
    /// Whether its values say something about a person, and so stand apart from audit events.
    pub personal: Personal,
    /// Whether its change is news.
    pub news: News,
}

/// Whether values say something about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personal {
    /// They do.
    Yes,
    /// They do not.
    No,
    /// The declaration of a free text does not say: counts as [`Personal::Yes`].
    Undeclared,
}

impl Personal {
    /// That the declaration does not say, which matters for free text only.
    #[must_use]
    pub const fn undeclared<T: Stored>() -> Self {
        if T::IS_FREE { Self::Undeclared } else { Self::No }
    }
}

/// When a field is named among those that a change has touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// At creation and whenever it changes.
    Always,
    /// Whenever it changes.
    Change,
    /// Never: it follows from others.
    Never,
}

/// A type that fields of documents have.
pub trait Stored {
    /// How it is stored.
    const TYPE: FieldType;
    /// Whether it holds text that somebody has chosen freely.
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

/// How a field is made of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derived {
    /// The other field.
    pub from: &'static str,
    /// The form into which its text is brought.
    pub form: Form,
}

impl Field {
    /// A field of which nothing more is said: for the platform alone, and personal if it holds text.
    #[must_use]
    pub const fn new(name: &'static str, field_type: FieldType) -> Self {
        let personal = match field_type {
            FieldType::Text | FieldType::List(_) | FieldType::Object(_) => Personal::Undeclared,
            _ => Personal::No,
        };
        Self { name, field_type, derived: None, readers: Callers::NOBODY, personal, news: News::Always }
    }

    /// The text of another field in the form in which it is searched and sorted.
    #[must_use]
    pub const fn derived(name: &'static str, from: &'static str, form: Form) -> Self {
        Self { derived: Some(Derived { from, form }), ..Self::new(name, FieldType::Text) }
    }

    /// Whether its values say something about a person.
    #[must_use]
    pub const fn is_personal(&self) -> bool {
        !matches!(self.personal, Personal::No)
    }

    /// The form into which a text is brought before it is compared with this field.
    #[must_use]
    pub fn compared(&self, text: &str) -> String {
        self.derived.map_or_else(|| text.to_owned(), |derived| derived.form.of(text))
    }
}

/// Types of declared fields. Documents travel as JSON; a backend with richer types converts by these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// Text.
    Text,
    /// A whole number that fits 64 signed bits.
    Integer,
    /// True or false.
    Boolean,
    /// An ObjectId; 24 hexadecimal characters in JSON.
    Id,
    /// An instant; RFC 3339 in JSON, a BSON date in MongoDB.
    Time,
    /// A list of one type.
    List(&'static FieldType),
    /// An object of declared fields; those that it does not declare are left as they are.
    Object(&'static [Field]),
    /// The beginnings of the words of other fields, made by the store at each write and kept beside the document, which does
    /// not have them. An index that has such a field holds a document once for each of them.
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

/// Whose documents a collection holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Of the tenant whose id stands in this field.
    Tenant(&'static str),
    /// Of the user whose id stands in this field.
    Person(&'static str),
    /// Of a tenant, and of a person too: either field makes a document visible to its side.
    TenantAndPerson {
        /// Field with the tenant's id.
        tenant: &'static str,
        /// Field with the user's id.
        person: &'static str,
    },
    /// Of the platform.
    Platform,
}

/// What a sandboxed component may read of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guest {
    /// Nothing.
    Closed,
    /// Records by those unique keys that belong to the caller of the request.
    OwnKeys,
    /// Documents of a scope.
    Scoped {
        /// Who of a tenant may.
        readers: Callers,
        /// Beginnings of the unique keys by which those may ask who do not know the scope: such as tell nothing that is hidden.
        keys: &'static [&'static str],
    },
}
