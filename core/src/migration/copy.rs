//! Copies of all collections from one store to another, verified by counts and hashes.

use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    context::{RequestContext, SystemActor},
    domain::ObjectId,
    error::{Code, Error, Result},
    store::{
        Collection, Query, StoreError, Transfer, TransferDocument,
        mongodb::canonical::{self, CollectionHash},
    },
};

/// Batch size of documents read and written together.
const BATCH: u32 = 500;

/// Time limit for one batch.
const BATCH_TIME: Duration = Duration::from_secs(120);

/// Result of copying a collection, with its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Copied {
    /// Name of the collection.
    pub collection: &'static str,
    /// Number of documents in both stores.
    pub documents: u64,
    /// Number of documents written by this run; fewer when it resumed an earlier one.
    pub written: u64,
    /// SHA-256 over the canonical form of every document in the order of ids, equal in both stores.
    pub sha256: String,
}

/// Count and hash of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Fingerprint {
    /// Name of the collection.
    pub collection: &'static str,
    /// Number of its documents.
    pub documents: u64,
    /// SHA-256 over the canonical form of every document in the order of ids, equal in every kind of store.
    pub sha256: String,
}

/// Progress of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyProgress {
    /// Number of documents of the collection copied so far.
    Copied(&'static str, u64),
    /// Number of documents of the collection compared so far.
    Verified(&'static str, u64),
}

fn context() -> RequestContext {
    RequestContext::by_part(SystemActor::Migrate).with_timeout(BATCH_TIME)
}

/// Returns the mark that a copy from this location leaves in its target while in progress.
fn mark_of(location: &str) -> i64 {
    let hash = Sha256::digest(location.as_bytes());
    let bytes: [u8; 8] = hash.first_chunk().copied().unwrap_or_default();
    // SQLite and MongoDB have signed numbers; zero would mean no mark.
    (i64::from_be_bytes(bytes) & i64::MAX).max(1)
}

/// Copies every document of `collections` completely, then reads both stores again and compares them.
///
/// Ids, versions, times, unique keys and undeclared fields are included. `location` names the source without a
/// password: an interrupted copy is only resumed from the same source. Nobody else may write to either store meanwhile.
///
/// # Errors
/// Kind `Conflict` when the target holds documents of another origin, or when the stores differ in the end; otherwise
/// the errors of the stores.
pub async fn copy(
    source: &dyn Transfer,
    target: &dyn Transfer,
    location: &str,
    collections: &'static [&'static Collection],
    progress: &(dyn Fn(CopyProgress) + Sync),
) -> Result<Vec<Copied>> {
    begin(target, mark_of(location), collections).await?;
    let mut written = Vec::new();
    for collection in collections {
        written.push(copy_collection(source, target, collection, progress).await?);
    }
    let mut copied = Vec::new();
    for (collection, written) in collections.iter().zip(written) {
        copied.push(compare(source, target, collection, written, progress).await?);
    }
    target.set_copy_mark(&context(), None).await?;
    Ok(copied)
}

/// Counts and hashes all collections, as [`copy`] compares them. Concurrent writes may or may not be included.
///
/// # Errors
/// The errors of the store.
pub async fn fingerprint(
    store: &dyn Transfer,
    collections: &'static [&'static Collection],
    progress: &(dyn Fn(CopyProgress) + Sync),
) -> Result<Vec<Fingerprint>> {
    let mut fingerprints = Vec::new();
    for collection in collections {
        let (documents, sha256) = hash(store, collection, progress).await?;
        fingerprints.push(Fingerprint { collection: collection.name, documents, sha256 });
    }
    Ok(fingerprints)
}

async fn begin(target: &dyn Transfer, mark: i64, collections: &'static [&'static Collection]) -> Result<()> {
    let found = target.copy_mark(&context()).await?;
    if found == Some(mark) {
        return Ok(());
    }
    if found.is_some() {
        return Err(Error::new(
            Code::COPY_OF_ANOTHER_SOURCE,
            "the target holds a copy from another source that has not ended: end that one, or use an empty target",
        ));
    }
    for collection in collections {
        if !target.find(&context(), &Query::new(collection).limit(1)).await?.is_empty() {
            let message =
                format!("the target is not empty: it has documents in `{}`: use an empty one", collection.name);
            return Err(Error::new(Code::TARGET_NOT_EMPTY, message));
        }
    }
    Ok(target.set_copy_mark(&context(), Some(mark)).await?)
}

async fn copy_collection(
    source: &dyn Transfer,
    target: &dyn Transfer,
    collection: &'static Collection,
    progress: &(dyn Fn(CopyProgress) + Sync),
) -> Result<u64> {
    // Documents are ordered by id, so the last one in the target shows where an interrupted copy stopped.
    let last = Query { descending: true, ..Query::new(collection).limit(1) };
    let mut after = target.find(&context(), &last).await?.first().map(|document| document.id);
    let mut written = 0;
    loop {
        let batch = source.export(&context(), collection, after, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(written) };
        after = Some(last.id);
        let batch: Vec<TransferDocument> = batch
            .into_iter()
            .map(|document| Ok(TransferDocument { json: normalised(collection, &document)?, ..document }))
            .collect::<Result<_>>()?;
        target.import(&context(), collection, &batch).await?;
        written = u64::try_from(batch.len()).unwrap_or(u64::MAX).saturating_add(written);
        progress(CopyProgress::Copied(collection.name, written));
    }
}

fn normalised(collection: &'static Collection, document: &TransferDocument) -> Result<String> {
    canonical::normalise(collection, document.id, &document.json)
        .map_err(|detail| StoreError::Corrupt { collection: collection.name, id: Some(document.id), detail }.into())
}

async fn hash(
    store: &dyn Transfer,
    collection: &'static Collection,
    progress: &(dyn Fn(CopyProgress) + Sync),
) -> Result<(u64, String)> {
    let mut hash = CollectionHash::default();
    let mut after: Option<ObjectId> = None;
    let mut documents = 0_u64;
    loop {
        let batch = store.export(&context(), collection, after, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(hash.finish()) };
        after = Some(last.id);
        for document in &batch {
            hash.add(&normalised(collection, document)?, &document.unique_keys);
            documents = documents.saturating_add(1);
        }
        progress(CopyProgress::Verified(collection.name, documents));
    }
}

async fn compare(
    source: &dyn Transfer,
    target: &dyn Transfer,
    collection: &'static Collection,
    written: u64,
    progress: &(dyn Fn(CopyProgress) + Sync),
) -> Result<Copied> {
    let (documents, sha256) = hash(source, collection, progress).await?;
    let (found, found_hash) = hash(target, collection, progress).await?;
    if found != documents || found_hash != sha256 {
        return Err(Error::new(
            Code::COPY_DIFFERS,
            format!(
                "`{}` differs: the source has {documents} documents ({sha256}), the target {found} ({found_hash}): was \
                 one of them written meanwhile? empty the target and copy again",
                collection.name
            ),
        ));
    }
    Ok(Copied { collection: collection.name, documents, written, sha256 })
}
