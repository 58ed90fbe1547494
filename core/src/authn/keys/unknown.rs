//! Handling of an unknown `kid`: one fetch, then a cooldown with one fetch at its end.

use std::{sync::Arc, time::Duration};

use tokio::runtime::Handle;

use super::{
    cache::{IssuerKeys, Snapshot, whole_seconds},
    key::Key,
};
use crate::authn::{TokenRefusal, token::Header};

impl IssuerKeys {
    /// Returns the keys that may verify a token, fetching if none matches and a fetch is allowed. `fetched` says that
    /// the snapshot was already fetched for this token.
    pub(crate) async fn find(
        self: &Arc<Self>,
        header: &Header,
        snapshot: &Arc<Snapshot>,
        fetched: bool,
    ) -> Result<(Vec<Arc<Key>>, Arc<Snapshot>), TokenRefusal> {
        match select(snapshot, header) {
            Err(TokenRefusal::KeyUnknown { .. }) if !self.is_fixed() => {}
            selected => return selected.map(|keys| (keys, snapshot.clone())),
        }
        let now = self.clock.now();
        if fetched {
            let mut flight = self.flight();
            if flight.cooldown(now, self.limits.cooldown).is_none() {
                flight.cool_down(now);
            }
        } else if let Some(newer) = self.look_again(snapshot.generation).await {
            match select(&newer, header) {
                Err(TokenRefusal::KeyUnknown { .. }) => {}
                selected => return selected.map(|keys| (keys, newer)),
            }
        }
        Err(TokenRefusal::KeyUnknown { retry_after: Some(self.schedule()) })
    }

    /// Returns a snapshot newer than this generation, fetched now unless the cooldown forbids it.
    async fn look_again(self: &Arc<Self>, generation: u64) -> Option<Arc<Snapshot>> {
        let now = self.clock.now();
        let newer = || self.serving(self.clock.now()).filter(|serving| serving.generation != generation);
        if let Some(newer) = newer() {
            return Some(newer);
        }
        {
            let mut flight = self.flight();
            if flight.running().is_none() {
                if flight.cooldown(now, self.limits.cooldown).is_some() {
                    return None;
                }
                flight.cool_down(now);
            }
        }
        self.refresh().await;
        newer()
    }

    /// Schedules a fetch at the end of the cooldown and returns the remaining time.
    fn schedule(self: &Arc<Self>) -> Duration {
        let mut flight = self.flight();
        let Some(wait) = flight.cooldown(self.clock.now(), self.limits.cooldown) else {
            return Duration::from_secs(1);
        };
        if let Ok(runtime) = Handle::try_current()
            && flight.schedule()
        {
            let keys = Arc::downgrade(self);
            runtime.spawn(async move {
                tokio::time::sleep(wait).await;
                if let Some(keys) = keys.upgrade() {
                    {
                        let mut flight = keys.flight();
                        flight.scheduled_came();
                        flight.cool_down(keys.clock.now());
                    }
                    keys.refresh().await;
                }
            });
        }
        whole_seconds(wait)
    }
}

fn select(snapshot: &Snapshot, header: &Header) -> Result<Vec<Arc<Key>>, TokenRefusal> {
    snapshot.set.select(header.key_id.as_deref(), header.algorithm)
}
