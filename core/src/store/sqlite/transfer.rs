//! Copies of whole documents from and to SQLite.

use std::collections::HashMap;

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};

use super::{SqliteStore, batch::Instruction, statements};
use crate::{
    context::RequestContext,
    object_id::ObjectId,
    store::{Change, Collection, Commit, Position, Query, Store, StoreError, StoreResult, Transfer, TransferDocument},
};

#[async_trait]
impl Transfer for SqliteStore {
    async fn export(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        after: Option<ObjectId>,
        limit: u32,
    ) -> StoreResult<Vec<TransferDocument>> {
        let after = after.map(|id| Position { values: Vec::new(), id });
        let documents = self.find(context, &Query::new(collection).after(after).limit(limit)).await?;
        let (Some(first), Some(last)) = (documents.first(), documents.last()) else { return Ok(Vec::new()) };
        let bounds = (first.id.to_string(), last.id.to_string());
        let rows: Vec<(String, String)> = self
            .read_with(context, collection, |connection| {
                let mut statement = connection.prepare_cached(statements::KEYS_BETWEEN)?;
                let rows = statement
                    .query_map(params![collection.name, bounds.0, bounds.1], |row| Ok((row.get(0)?, row.get(1)?)))?;
                rows.collect()
            })
            .await?;
        let mut keys: HashMap<String, Vec<String>> = HashMap::new();
        for (id, key) in rows {
            keys.entry(id).or_default().push(key);
        }
        let exported = documents.into_iter().map(|document| {
            let mut unique_keys = keys.remove(&document.id.to_string()).unwrap_or_default();
            unique_keys.sort_unstable();
            TransferDocument { id: document.id, json: document.json, unique_keys }
        });
        Ok(exported.collect())
    }

    async fn import(
        &self,
        context: &RequestContext,
        collection: &'static Collection,
        documents: &[TransferDocument],
    ) -> StoreResult<()> {
        // An insertion stores its text unchanged, version included.
        let mut commit = Commit::new();
        commit.changes = documents
            .iter()
            .map(|document| Change::Insert {
                collection,
                id: document.id,
                json: document.json.clone(),
                unique_keys: document.unique_keys.clone(),
            })
            .collect();
        match self.commit(context, &commit).await {
            // An attempt that timed out may have been performed all the same, and a batch is atomic.
            Err(StoreError::DuplicateKey { key, .. })
                if documents.first().is_some_and(|first| key == format!("id:{}", first.id)) =>
            {
                Ok(())
            }
            outcome => outcome,
        }
    }

    async fn copy_mark(&self, context: &RequestContext) -> StoreResult<Option<i64>> {
        let Some(collection) = self.inner.shared.collections.first() else { return Ok(None) };
        self.read_with(context, collection, |connection| {
            connection.prepare_cached(statements::READ_COPY_MARK)?.query_row([], |row| row.get(0)).optional()
        })
        .await
    }

    async fn set_copy_mark(&self, context: &RequestContext, mark: Option<i64>) -> StoreResult<()> {
        self.submit(context, Instruction::CopyMark(mark)).await
    }
}
