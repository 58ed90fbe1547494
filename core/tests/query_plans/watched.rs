//! A MongoDB store that has the server explain every kind of query it gets.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use dezky::{
    context::{Caller, RequestContext},
    domain::ObjectId,
    store::{
        ChangeNotice, Collection, Commit, Document, Filter, Query, Store, StoreResult,
        mongodb::{MongodbOptions, MongodbStore},
    },
    test_kit::mongodb_server::shared_uri,
};
use futures_util::stream::BoxStream;

/// The plans by the shape of the query.
pub(crate) type Plans = Arc<Mutex<BTreeMap<String, String>>>;

#[derive(Debug)]
pub(crate) struct Watched {
    store: MongodbStore,
    plans: Plans,
}

impl Watched {
    /// Creates a store over an empty database, which adds its plans to `plans`.
    pub(crate) fn new(plans: &Plans) -> Self {
        let store = MongodbStore::open(&shared_uri().unwrap(), MongodbOptions::default(), dezky::COLLECTIONS).unwrap();
        Self { store, plans: Arc::clone(plans) }
    }

    /// Explains the first query of each shape, with its own values, on the current documents.
    async fn explain(&self, context: &RequestContext, query: &Query) {
        // The cases read whole collections to check the stored documents; the service does not.
        if context.caller == Caller::System("cases".to_owned()) {
            return;
        }
        let shape = shape(query);
        if !self.plans.lock().unwrap().contains_key(&shape) {
            let plan = self.store.explain(context, query).await.unwrap();
            self.plans.lock().unwrap().insert(shape, plan);
        }
    }
}

/// Describes what determines the index of a query: collection, fields and kinds of conditions, order, and pagination.
///
/// The number of values counts as one or several.
fn shape(query: &Query) -> String {
    let several = |count: usize| if count == 1 { "one" } else { "several" };
    let mut conditions: Vec<String> = query
        .filters
        .iter()
        .map(|filter| match filter {
            Filter::Equal(field, _) => format!("{field} ="),
            Filter::NotEqual(field, _) => format!("{field} <>"),
            Filter::In(field, values) => format!("{field} in {}", several(values.len())),
            Filter::Range { field, from, until } => {
                let bound = |is_there: bool| if is_there { "bound" } else { "open" };
                format!("{field} from {} until {}", bound(from.is_some()), bound(until.is_some()))
            }
            Filter::Prefix(field, prefix) => {
                format!("{field} begins with {}", if prefix.is_empty() { "nothing" } else { "text" })
            }
            Filter::UniqueKeyIn(keys) => format!("unique key in {}", several(keys.len())),
        })
        .collect();
    conditions.sort();
    let mut shape = format!("{} [{}]", query.collection.name, conditions.join(", "));
    let order = query.sort.map_or("id", |index| index.name);
    let direction = if query.descending { "descending" } else { "ascending" };
    let after = if query.after.is_some() { ", continued" } else { "" };
    write!(shape, " by {order} {direction}{after}").unwrap();
    shape
}

#[async_trait]
impl Store for Watched {
    async fn get(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        id: ObjectId,
    ) -> StoreResult<Option<Document>> {
        self.explain(context, &Query::new(collection).equal("id", id).limit(1)).await;
        self.store.get(context, collection, id).await
    }

    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
        self.explain(context, query).await;
        self.store.find(context, query).await
    }

    async fn commit(&self, context: &RequestContext, commit: &Commit) -> StoreResult<()> {
        self.store.commit(context, commit).await
    }

    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>> {
        self.store.changes()
    }

    async fn health(&self, context: &RequestContext) -> StoreResult<()> {
        self.store.health(context).await
    }
}
