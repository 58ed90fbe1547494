//! A store that records its calls.

use std::sync::Mutex;

use async_trait::async_trait;
use dezky::{
    context::RequestContext,
    domain::ObjectId,
    store::{Change, ChangeNotice, Collection, Commit, Document, Expectation, Query, SharedStore, Store, StoreResult},
};
use futures_util::stream::BoxStream;

#[derive(Debug)]
pub(crate) struct Recording {
    store: SharedStore,
    calls: Mutex<Vec<String>>,
}

impl Recording {
    pub(crate) fn new(store: SharedStore) -> Self {
        Self { store, calls: Mutex::default() }
    }

    /// Takes the calls since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    fn record(&self, call: String) {
        self.calls.lock().unwrap().push(call);
    }
}

/// Describes a query completely.
fn description(query: &Query) -> String {
    let sort = query.sort.map(|index| index.name);
    let Query { collection, filters, descending, after, limit, .. } = query;
    format!("{} {filters:?} by {sort:?} descending {descending} after {after:?} limit {limit}", collection.name)
}

/// Describes the changes and guards of a commit.
fn contents(commit: &Commit) -> String {
    let changes = commit.changes.iter().map(|change| {
        let kind = match change {
            Change::Insert { .. } => "insert",
            Change::Update { .. } => "update",
            Change::Delete { .. } => "delete",
        };
        format!("{kind} {}", change.collection().name)
    });
    let guards = commit.guards.iter().map(|guard| {
        let present = matches!(guard.expect, Expectation::Version(_));
        format!("guard {} present {present}", guard.collection.name)
    });
    changes.chain(guards).collect::<Vec<_>>().join(", ")
}

/// Returns the call with all ids and hashes replaced, since those of hidden and absent documents differ.
///
/// The names given by the caller are replaced too.
pub(crate) fn anonymous(call: &str, names: &[&str]) -> String {
    let unnamed = names.iter().fold(call.to_owned(), |text, name| text.replace(name, "NAME"));
    let mut alike = String::new();
    let mut digits = String::new();
    for character in unnamed.chars().chain([' ']) {
        if matches!(character, '0'..='9' | 'a'..='f') {
            digits.push(character);
            continue;
        }
        alike.push_str(match digits.len() {
            24 => "NAME",
            64 => "HASH",
            _ => &digits,
        });
        digits.clear();
        alike.push(character);
    }
    alike
}

#[async_trait]
impl Store for Recording {
    async fn get(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        id: ObjectId,
    ) -> StoreResult<Option<Document>> {
        self.record(format!("get {} {id}", collection.name));
        self.store.get(context, collection, id).await
    }

    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
        self.record(format!("find {}", description(query)));
        self.store.find(context, query).await
    }

    async fn commit(&self, context: &RequestContext, commit: &Commit) -> StoreResult<()> {
        self.record(format!("commit {}", contents(commit)));
        self.store.commit(context, commit).await
    }

    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>> {
        self.store.changes()
    }

    async fn health(&self, context: &RequestContext) -> StoreResult<()> {
        self.store.health(context).await
    }
}
