//! Exports: everything that the store has about a tenant or a person, as documents in pages.
//!
//! The content of an export follows from the declarations of entities: their scope says whose a document is, and the readers of
//! a field say whether people see it. A new entity joins by being declared.

mod read;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use crate::{
    callers::Callers,
    domain::audit::AUDIT_EVENTS,
    store::{Collection, Document, Field, FieldType, Index, Position, Query, StoreError, StoreResult, Value},
};

/// A document of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExportRecord {
    /// The collection that it is stored in, such as `memberships`.
    pub collection: String,
    /// The fields that people may see, with the names of the API.
    #[schema(value_type = Object)]
    pub document: Map<String, Json>,
}

/// Returns `true` if this is the path of an export, which the host of a component makes.
#[must_use]
pub fn is_export(path: &str) -> bool {
    let mut parts = path.split('/').skip(1);
    matches!(
        (parts.next(), parts.next(), parts.next(), parts.next()),
        (Some("tenants" | "users"), Some(_), Some("export"), None)
    )
}

/// A collection of an export, with the field that names whose a document is.
#[derive(Debug, Clone, Copy)]
struct Part {
    collection: &'static Collection,
    owner: &'static str,
    viewer: Callers,
}

/// Returns the parts of the export of a tenant: what belongs to it, as its owner sees it.
fn parts_of_tenant() -> Vec<Part> {
    let part = |collection: &'static Collection| {
        Some(Part { collection, owner: collection.scope.tenant()?, viewer: Callers::OWNER })
    };
    shown(crate::COLLECTIONS.iter().filter_map(|collection| part(collection)))
}

/// Returns the parts of the export of a person: what belongs to them, and the events about them.
fn parts_of_person() -> Vec<Part> {
    let viewer = Callers::OWNER.and(Callers::ONESELF);
    let part = |collection: &'static Collection| match collection.scope.person() {
        Some(owner) => Some(Part { collection, owner, viewer }),
        None => (collection == &AUDIT_EVENTS).then_some(Part { collection, owner: "userId", viewer }),
    };
    shown(crate::COLLECTIONS.iter().filter_map(|collection| part(collection)))
}

/// Leaves out what people see nothing of.
fn shown(parts: impl Iterator<Item = Part>) -> Vec<Part> {
    parts.filter(|part| part.collection.fields.iter().any(|field| part.shows(field))).collect()
}

impl Part {
    /// Returns `true` if a field is exported: what people see, without forms that repeat another field.
    fn shows(&self, field: &Field) -> bool {
        let repeats = field.derived.is_some() || matches!(field.field_type, FieldType::Terms(_));
        field.readers.includes(self.viewer) && !repeats
    }

    /// Returns the index that finds the documents of an owner in an order; none where the owner is the document itself.
    fn index(&self) -> Option<&'static Index> {
        self.collection.index_of(self.owner)
    }

    fn query(&self, owner: crate::domain::ObjectId, after: Option<Position>, limit: u32) -> Query {
        let mut query = Query::new(self.collection).equal(self.owner, owner).after(after).limit(limit);
        query.sort = self.index();
        query
    }

    /// Returns what is exported of a document.
    fn record(&self, document: &Document) -> StoreResult<ExportRecord> {
        let mut members: Map<String, Json> = document.decode(self.collection)?;
        members.retain(|name, _| name == "id" || self.collection.field(name).is_some_and(|field| self.shows(field)));
        Ok(ExportRecord { collection: self.collection.name.to_owned(), document: members })
    }

    /// Returns the position of a document in the order of the query.
    fn position(&self, document: &Document) -> StoreResult<Position> {
        let members: Map<String, Json> = document.decode(self.collection)?;
        let rest = self.index().map_or(&[][..], |index| index.fields);
        let values =
            rest.iter().filter(|field| **field != self.owner).map(|field| self.value(field, &members, document));
        Ok(Position { values: values.collect::<StoreResult<_>>()?, id: document.id })
    }

    fn value(&self, field: &str, members: &Map<String, Json>, document: &Document) -> StoreResult<Value> {
        let corrupt = || StoreError::Corrupt {
            collection: self.collection.name,
            id: Some(document.id),
            detail: format!("`{field}` has no value to sort by"),
        };
        let kind = self.collection.field(field).map(|field| field.field_type);
        let json = members.get(field).unwrap_or(&Json::Null);
        match (kind, json) {
            (Some(FieldType::Text), Json::String(text)) => Ok(Value::Text(text.clone())),
            (Some(FieldType::Integer), Json::Number(number)) => number.as_i64().map(Value::Integer).ok_or_else(corrupt),
            (Some(FieldType::Boolean), Json::Bool(value)) => Ok(Value::Boolean(*value)),
            (Some(FieldType::Id), Json::String(text)) => text.parse().map(Value::Id).map_err(|_| corrupt()),
            (Some(FieldType::Time), Json::String(text)) => text.parse().map(Value::Time).map_err(|_| corrupt()),
            _ => Err(corrupt()),
        }
    }
}
