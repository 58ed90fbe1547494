//! One writer for each space: parallel changes of its members are answered with success and lost.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::{
    connectors::{ConnectorError, ConnectorResult},
    context::RequestContext,
};

/// Number of spaces above which those without a writer are dropped.
const SWEEP_ABOVE: usize = 64;

/// Turns by space.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<String, Weak<Turn<()>>>>);

impl Turns {
    /// Waits for the turn to change a space's members, up to the deadline.
    pub(super) async fn of(&self, context: &RequestContext, space: &str) -> ConnectorResult<OwnedMutexGuard<()>> {
        let waiting = tokio::time::timeout(context.remaining(), self.turn(space).lock_owned()).await;
        waiting.map_err(|_| ConnectorError::Retryable {
            after: None,
            why: format!("the members of space `{space}` are being changed by another task; it is tried again"),
        })
    }

    fn turn(&self, space: &str) -> Arc<Turn<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(space).and_then(Weak::upgrade) {
            return turn;
        }
        if turns.len() >= SWEEP_ABOVE {
            turns.retain(|_, turn| turn.strong_count() > 0);
        }
        let turn = Arc::new(Turn::new(()));
        turns.insert(space.to_owned(), Arc::downgrade(&turn));
        turn
    }
}
