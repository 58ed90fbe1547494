//! Swaps the served component for another one without interrupting requests.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use dezky::{Error, Result};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task, time,
};

use super::{Compiled, Component, PoolLimits, Writers};

/// Interval of checks of the file.
///
/// Polling works where notifications do not: on mounted volumes, and when a parent folder is replaced, as Kubernetes
/// does with mounts.
const INTERVAL: Duration = Duration::from_secs(1);

/// The triggers of a swap: changes of the file, and a signal.
#[derive(Debug)]
pub(crate) struct Occasions {
    file: PathBuf,
    seen: Look,
    hangup: Signal,
}

/// The state of a file, which shows changes without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Look {
    Absent(io::ErrorKind),
    Present { device: u64, node: u64, length: u64, modified: (i64, i64), changed: (i64, i64) },
}

impl Look {
    fn at(file: &Path) -> Self {
        match fs::metadata(file) {
            Err(error) => Self::Absent(error.kind()),
            Ok(metadata) => Self::Present {
                device: metadata.dev(),
                node: metadata.ino(),
                length: metadata.len(),
                modified: (metadata.mtime(), metadata.mtime_nsec()),
                changed: (metadata.ctime(), metadata.ctime_nsec()),
            },
        }
    }
}

impl Occasions {
    /// Watches a file from now on. To be called before the file is first read, so that no change is missed.
    ///
    /// # Errors
    /// When signals cannot be received.
    pub(crate) fn of(file: PathBuf) -> io::Result<Self> {
        let seen = Look::at(&file);
        Ok(Self { seen, file, hangup: signal(SignalKind::hangup())? })
    }

    /// Waits until the file has changed and is stable again, or until SIGHUP.
    async fn next(&mut self) {
        let mut ticks = time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        let mut before = self.seen.clone();
        loop {
            tokio::select! {
                _ = self.hangup.recv() => {
                    self.seen = Look::at(&self.file);
                    return;
                }
                _ = ticks.tick() => {}
            }
            let now = Look::at(&self.file);
            // A missing file may be about to be replaced, and one that is still changing is being written.
            if now != self.seen && now == before && matches!(now, Look::Present { .. }) {
                self.seen = now;
                return;
            }
            before = now;
        }
    }
}

/// Swaps the component at every trigger, for as long as it is polled.
///
/// A component that cannot be served is refused, and the previous one stays.
pub(crate) async fn swap(
    component: Arc<Component>,
    mut occasions: Occasions,
    writers: Writers,
    pool_limits: PoolLimits,
) {
    loop {
        occasions.next().await;
        let file = occasions.file.clone();
        match replace(&component, file.clone(), writers, pool_limits).await {
            Ok(()) => {
                component.platform().metrics.component_swapped();
                tracing::info!(file = %file.display(), "the component was swapped");
            }
            Err(error) => {
                component.platform().metrics.component_refused();
                tracing::error!(
                    file = %file.display(), error = error.message(),
                    "the new component is refused, and the one before goes on"
                );
            }
        }
    }
}

async fn replace(component: &Component, file: PathBuf, writers: Writers, pool_limits: PoolLimits) -> Result<()> {
    // Compiling takes long, so it does not run on a thread that answers requests.
    let compiled = task::spawn_blocking(move || Compiled::load(&file, writers, pool_limits))
        .await
        .map_err(|error| Error::internal("compiling the component ended by a defect").with_source(error))??;
    component.replace(&compiled).await
}
