//! The store of the host, behind the port of the core.

use async_trait::async_trait;
use dezky::{
    context::RequestContext,
    domain::ObjectId,
    store::{ChangeNotice, Collection, Commit, Document, Filter, Query, Store, StoreError, StoreResult, Value},
};
use futures_util::stream::BoxStream;

use crate::platform::store;

/// Forwards to the host.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostStore;

#[async_trait]
impl Store for HostStore {
    async fn get(
        &self,
        _: &RequestContext,
        collection: &'static Collection,
        id: ObjectId,
    ) -> StoreResult<Option<Document>> {
        let found = store::get(collection.name.to_owned(), id.to_string()).await.map_err(failure)?;
        found.map(|found| document(collection, found)).transpose()
    }

    async fn find(&self, _: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
        let found = store::find(question(query)).await.map_err(failure)?;
        found.into_iter().map(|found| document(query.collection, found)).collect()
    }

    async fn commit(&self, _: &RequestContext, _: &Commit) -> StoreResult<()> {
        Err(StoreError::Unsupported { detail: "a component writes nothing: the host performs its effects".to_owned() })
    }

    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>> {
        None
    }

    async fn health(&self, _: &RequestContext) -> StoreResult<()> {
        // The host reports readiness.
        Ok(())
    }
}

fn document(collection: &'static Collection, found: store::Document) -> StoreResult<Document> {
    let id = found.id.parse().map_err(|_| StoreError::Corrupt {
        collection: collection.name,
        id: None,
        detail: format!("`{}` is no id", found.id),
    })?;
    Ok(Document { id, version: found.version, json: found.json })
}

fn value(value: &Value) -> store::Value {
    match value {
        Value::Text(text) => store::Value::Text(text.clone()),
        Value::Integer(number) => store::Value::Integer(*number),
        Value::Boolean(truth) => store::Value::Boolean(*truth),
        Value::Id(id) => store::Value::Id(id.to_string()),
        Value::Time(time) => store::Value::Time(time.milliseconds()),
    }
}

fn filter(filter: &Filter) -> store::Filter {
    match filter {
        Filter::Equal(field, compared) => {
            store::Filter::Equal(store::Comparison { field: (*field).to_owned(), value: value(compared) })
        }
        Filter::NotEqual(field, compared) => {
            store::Filter::NotEqual(store::Comparison { field: (*field).to_owned(), value: value(compared) })
        }
        Filter::In(field, values) => store::Filter::OneOf(store::Choice {
            field: (*field).to_owned(),
            values: values.iter().map(value).collect(),
        }),
        Filter::Range { field, from, until } => store::Filter::Range(store::Span {
            field: (*field).to_owned(),
            lower: from.as_ref().map(value),
            upper: until.as_ref().map(value),
        }),
        Filter::Prefix(field, text) => {
            store::Filter::Prefix(store::Beginning { field: (*field).to_owned(), text: text.clone() })
        }
        Filter::UniqueKeyIn(keys) => store::Filter::UniqueKey(keys.clone()),
    }
}

fn question(query: &Query) -> store::Query {
    store::Query {
        collection: query.collection.name.to_owned(),
        filters: query.filters.iter().map(filter).collect(),
        sort: query.sort.map(|index| index.name.to_owned()),
        descending: query.descending,
        after: query.after.as_ref().map(|position| store::Position {
            values: position.values.iter().map(value).collect(),
            id: position.id.to_string(),
        }),
        limit: query.limit,
    }
}

/// Returns the static name of a collection.
fn collection(name: &str) -> &'static str {
    dezky::COLLECTIONS.iter().find(|collection| collection.name == name).map_or("unknown", |collection| collection.name)
}

fn failure(failure: store::Failure) -> StoreError {
    match failure {
        store::Failure::Unavailable => StoreError::Unavailable { detail: "the host has told its log why".to_owned() },
        store::Failure::Timeout => StoreError::Timeout,
        store::Failure::Corrupt(place) => StoreError::Corrupt {
            collection: collection(&place.collection),
            id: place.id.as_deref().and_then(|id| id.parse().ok()),
            detail: "the host has told its log why".to_owned(),
        },
        store::Failure::Refused(detail) => StoreError::Unsupported { detail },
    }
}
