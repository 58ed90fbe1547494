//! Answers that are held open while the store tells of changes.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use futures_util::{StreamExt as _, stream, stream::BoxStream};
use tokio::{
    sync::{broadcast, watch},
    time::{Instant, sleep, timeout_at},
};

use crate::{
    service::live::{Live, Tick},
    store::{ChangeNotice, Collection, SharedStore},
};

/// Time after which a stream tells that it is alive; below the usual 30 to 60 s of proxies.
const IDLE: Duration = Duration::from_secs(15);

/// Time after which a stream ends and its client connects again, maybe to another process.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// Time between looks at a store that does not tell of changes.
const POLL: Duration = Duration::from_secs(2);

/// Number of notices that a follower may lag behind before single ones are lost to it; it then looks once for all.
const BACKLOG: usize = 64;

/// Follows the changes of a store for any number of answers, with one subscription as long as there are any.
pub struct StoreChanges {
    store: SharedStore,
    feed: Mutex<Weak<Feed>>,
    closed: watch::Sender<bool>,
}

impl fmt::Debug for StoreChanges {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StoreChanges").finish_non_exhaustive()
    }
}

/// One subscription, shared by followers; it ends with the last of them.
struct Feed {
    notices: broadcast::Sender<ChangeNotice>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl StoreChanges {
    /// Creates the source of a store's changes. Streams need a tokio runtime.
    #[must_use]
    pub fn of(store: SharedStore) -> Arc<Self> {
        Arc::new(Self { store, feed: Mutex::default(), closed: watch::Sender::new(false) })
    }

    /// Ends all streams, so that a process can stop; their clients connect again elsewhere.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    fn feed(&self) -> Arc<Feed> {
        let mut current = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = current.upgrade().filter(|feed| !feed.task.is_finished()) {
            return feed;
        }
        let (notices, _) = broadcast::channel(BACKLOG);
        let task = tokio::spawn(listen(Arc::clone(&self.store), notices.clone()));
        let feed = Arc::new(Feed { notices, task });
        *current = Arc::downgrade(&feed);
        feed
    }
}

/// Passes notices on. Where the store tells nothing, something may have changed every [`POLL`].
async fn listen(store: SharedStore, notices: broadcast::Sender<ChangeNotice>) {
    loop {
        if let Some(mut changes) = store.changes() {
            while let Some(notice) = changes.next().await {
                // The last follower may just have gone.
                _ = notices.send(notice);
            }
        }
        sleep(POLL).await;
        _ = notices.send(ChangeNotice::default());
    }
}

/// A follower of a feed.
struct Follower {
    collections: &'static [&'static Collection],
    between_looks: Duration,
    notices: broadcast::Receiver<ChangeNotice>,
    end: Instant,
    looked: Instant,
    closed: watch::Receiver<bool>,
    _feed: Arc<Feed>,
}

impl Follower {
    async fn next(&mut self) -> Option<Tick> {
        let idle = Instant::now() + IDLE;
        loop {
            let notice = tokio::select! {
                _ = self.closed.wait_for(|closed| *closed) => return None,
                notice = timeout_at(idle.min(self.end), self.notices.recv()) => notice,
            };
            match notice {
                Err(_) if Instant::now() >= self.end => return None,
                Err(_) => return Some(Tick::Idle),
                Ok(Err(broadcast::error::RecvError::Closed)) => return None,
                Ok(Ok(notice)) if !self.concerns(&notice) => {}
                // The follower is too slow for single notices: something has changed somewhere.
                Ok(Ok(_) | Err(broadcast::error::RecvError::Lagged(_))) => {
                    self.gather().await;
                    return Some(Tick::Changed);
                }
            }
        }
    }

    /// Waits until another look is due, and takes the notices until then as one.
    async fn gather(&mut self) {
        let until = self.looked + self.between_looks;
        while timeout_at(until, self.notices.recv()).await.is_ok_and(|notice| notice.is_ok()) {}
        self.looked = Instant::now();
    }

    fn concerns(&self, notice: &ChangeNotice) -> bool {
        notice.collections.is_empty()
            || self.collections.iter().any(|collection| notice.collections.contains(&collection.name))
    }
}

impl Live for StoreChanges {
    fn follow(&self, collections: &'static [&'static Collection], between_looks: Duration) -> BoxStream<'static, Tick> {
        let feed = self.feed();
        let now = Instant::now();
        let follower = Follower {
            collections,
            between_looks,
            notices: feed.notices.subscribe(),
            end: now + LONGEST,
            looked: now,
            closed: self.closed.subscribe(),
            _feed: feed,
        };
        stream::unfold(follower, |mut follower| async move { follower.next().await.map(|tick| (tick, follower)) })
            .boxed()
    }
}
