//! Causes to look again at something that is shown as it changes.

use std::{fmt, time::Duration};

use futures_util::stream::BoxStream;

use crate::store::Collection;

/// Cause for another look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    /// One of the followed collections may have changed.
    Changed,
    /// Nothing has changed for a while; tells proxies and clients that the stream is alive.
    Idle,
}

/// An edge's ability to hold answers open.
pub trait Live: Send + Sync + fmt::Debug {
    /// Returns the causes to look again at these collections. The end of the stream ends the answer; the client then
    /// connects again.
    /// There are at least `between_looks` between two of them.
    fn follow(&self, collections: &'static [&'static Collection], between_looks: Duration) -> BoxStream<'static, Tick>;
}
