//! Notices of commits, from a change stream.

use std::{sync::Arc, time::Duration};

use ::mongodb::{
    bson::{Document as BsonDocument, doc},
    change_stream::{ChangeStream, event::ChangeStreamEvent},
    error::Error,
};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};

use super::{Shared, failure::translate};
use crate::store::{ChangeNotice, Collection, StoreResult};

type Events = ChangeStream<ChangeStreamEvent<BsonDocument>>;

/// The collection that every audited commit writes to; if it exists, watching it is enough.
const OUTBOX: &str = "outbox";

/// Wait before a broken stream is reopened.
const REOPENED_AFTER: Duration = Duration::from_secs(1);

/// Watches while the stream is polled. Each opening gives a notice, since changes may have been missed.
pub(super) fn watch(shared: Arc<Shared>) -> BoxStream<'static, ChangeNotice> {
    stream::unfold((shared, None), |(shared, events)| async move {
        let mut open: Option<Events> = events;
        loop {
            match open.take() {
                Some(mut events) => match events.next().await {
                    Some(Ok(event)) => {
                        if let Some(notice) = notice(shared.collections, &event) {
                            return Some((notice, (shared, Some(events))));
                        }
                        open = Some(events);
                    }
                    ended => wait(ended.and_then(Result::err)).await,
                },
                None => match opened(&shared).await {
                    Ok(events) => return Some((ChangeNotice::default(), (shared, Some(events)))),
                    Err(error) => {
                        tracing::warn!(%error, "changes cannot be watched now");
                        tokio::time::sleep(REOPENED_AFTER).await;
                    }
                },
            }
        }
    })
    .boxed()
}

async fn wait(error: Option<Error>) {
    if let Some(error) = error {
        tracing::warn!(%error, "the stream of changes broke and is opened again");
    }
    tokio::time::sleep(REOPENED_AFTER).await;
}

async fn opened(shared: &Shared) -> StoreResult<Events> {
    let connection = shared.connected().await?;
    // Only the place of a change is requested, not its content.
    let shown = doc! { "$project": { "_id": 1, "operationType": 1, "ns": 1 } };
    let outbox = shared.collections.iter().find(|collection| collection.name == OUTBOX);
    let events = match outbox {
        Some(outbox) => connection.database.collection::<BsonDocument>(outbox.name).watch().pipeline([shown]).await,
        None => connection.database.watch().pipeline([shown]).await,
    };
    events.map_err(|error| translate(&error))
}

fn notice(
    collections: &'static [&'static Collection],
    event: &ChangeStreamEvent<BsonDocument>,
) -> Option<ChangeNotice> {
    let name = event.ns.as_ref()?.coll.as_deref()?;
    let collection = collections.iter().find(|collection| collection.name == name)?;
    Some(ChangeNotice { collections: vec![collection.name] })
}
