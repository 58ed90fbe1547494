//! Swapping the component that is served for another one, while requests are answered.

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

use super::{Compiled, Component, Room, Writers};

/// Pause between two looks at the file. Looking works where notifications do not: on mounted volumes and where a folder
/// above is exchanged, as Kubernetes does with what it mounts.
const INTERVAL: Duration = Duration::from_secs(1);

/// When to swap: the file and what was last seen of it, and the signal to do it now.
#[derive(Debug)]
pub(crate) struct Occasions {
    file: PathBuf,
    seen: Look,
    hangup: Signal,
}

/// What tells one state of a file from another without reading it.
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
    /// Of a file, from its state now. Made before the file is read for the first time, so that no change is missed.
    ///
    /// # Errors
    /// When signals cannot be received.
    pub(crate) fn of(file: PathBuf) -> io::Result<Self> {
        let seen = Look::at(&file);
        Ok(Self { seen, file, hangup: signal(SignalKind::hangup())? })
    }

    /// Waits until the file has changed and changes no more, or until SIGHUP.
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
            // A file that is away may be about to be replaced; one that changes still is being written.
            if now != self.seen && now == before && matches!(now, Look::Present { .. }) {
                self.seen = now;
                return;
            }
            before = now;
        }
    }
}

/// Swaps the component at every occasion, for as long as it is polled. What cannot be served is refused, and the one
/// before goes on.
pub(crate) async fn swap(component: Arc<Component>, mut occasions: Occasions, writers: Writers, room: Room) {
    loop {
        occasions.next().await;
        let file = occasions.file.clone();
        match replace(&component, file.clone(), writers, room).await {
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

async fn replace(component: &Component, file: PathBuf, writers: Writers, room: Room) -> Result<()> {
    // Compiling takes a while and is no work for a thread that answers requests.
    let compiled = task::spawn_blocking(move || Compiled::load(&file, writers, room))
        .await
        .map_err(|error| Error::internal("compiling the component ended by a defect").with_source(error))??;
    component.replace(&compiled).await
}
