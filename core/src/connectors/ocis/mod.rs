//! Client of ownCloud Infinite Scale 7 (libre-graph).
//!
//! Its knowledge of the system was seen on a running one. See `docs/design/connectors-ocis.md`.

mod check;
mod drive;
mod exchange;
mod gathered;
mod grants;
mod groups;
mod names;
mod spaces;
mod turns;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::OnceCell;

use self::{
    exchange::{Exchanges, incompatible},
    gathered::Gathered,
    spaces::MarkedSpaces,
    turns::Turns,
};
use super::{ConnectorResult, ConnectorSettings, Files, Grant, NewSpace, Space, SpaceChange, SystemReport};
use crate::{context::RequestContext, domain::TenantId, outbound::Traffic};

/// Shortest time limit of a request. A busy system takes 8 s to create a space.
const LEAST_TIMEOUT: Duration = Duration::from_secs(11);

/// Largest number of requests in flight. 30 creations at once took 8 s each.
const MAXIMUM_IN_FLIGHT: usize = 10;

/// Files in ownCloud Infinite Scale 7.
#[derive(Debug)]
pub struct OcisFiles {
    exchanges: Exchanges,
    turns: Turns,
    /// Entries of the list of spaces with a marker, by tenant.
    marked: Gathered<Arc<MarkedSpaces>>,
    /// Evidence that an absence is to be believed.
    evidence: Gathered<()>,
    /// Id of a space that was created without its marker.
    unmarked: Mutex<Option<String>>,
    /// Id of the account, once it is known.
    account: OnceCell<String>,
}

impl OcisFiles {
    /// Creates the client. Its URL is that of the whole system, without `/graph`.
    ///
    /// Time limits are raised to 11 s, and at most 10 requests are in flight.
    ///
    /// # Errors
    /// [`ConnectorError::Rejected`](super::ConnectorError::Rejected) when the URL or the credential cannot be used.
    pub fn new(settings: &ConnectorSettings) -> ConnectorResult<Self> {
        let client = within_limits(settings).client()?;
        Ok(Self {
            exchanges: Exchanges::new(client),
            turns: Turns::default(),
            marked: Gathered::default(),
            evidence: Gathered::default(),
            unmarked: Mutex::default(),
            account: OnceCell::new(),
        })
    }

    fn note_lost_marker(&self, id: &str) {
        *self.unmarked.lock().unwrap_or_else(PoisonError::into_inner) = Some(id.to_owned());
    }

    /// Refuses to create spaces that would not be found again.
    fn refuse_if_markers_are_lost(&self) -> ConnectorResult<()> {
        match &*self.unmarked.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(id) => Err(incompatible(format!(
                "the file system has created space `{id}` without its marker in `description`, so that no more are created: \
                 remove it, use a version that this client knows, and restart the worker"
            ))),
            None => Ok(()),
        }
    }
}

/// Returns settings that the system can keep up with.
fn within_limits(settings: &ConnectorSettings) -> ConnectorSettings {
    ConnectorSettings {
        timeout: settings.timeout.max(LEAST_TIMEOUT),
        maximum_in_flight: settings.maximum_in_flight.clamp(1, MAXIMUM_IN_FLIGHT),
        ..settings.clone()
    }
}

#[async_trait]
impl Files for OcisFiles {
    fn traffic(&self) -> Traffic {
        self.exchanges.traffic()
    }

    async fn check(&self, context: &RequestContext) -> ConnectorResult<SystemReport> {
        self.diagnose(context).await
    }

    fn clean_name(&self, name: &str) -> String {
        names::clean_name(name)
    }

    async fn space(&self, context: &RequestContext, id: &str) -> ConnectorResult<Option<Space>> {
        self.space_with(context, id).await
    }

    async fn space_with_grants(
        &self,
        context: &RequestContext,
        id: &str,
    ) -> ConnectorResult<Option<(Space, Vec<Grant>)>> {
        self.space_and_members(context, id).await
    }

    async fn spaces_of(&self, context: &RequestContext, tenant: TenantId) -> ConnectorResult<Vec<Space>> {
        self.spaces_marked(context, tenant).await
    }

    async fn create_space(&self, context: &RequestContext, space: &NewSpace) -> ConnectorResult<Space> {
        self.create(context, space).await
    }

    async fn update_space(&self, context: &RequestContext, id: &str, change: &SpaceChange) -> ConnectorResult<()> {
        self.update(context, id, change).await
    }

    async fn disable_space(&self, context: &RequestContext, id: &str) -> ConnectorResult<()> {
        self.disable(context, id).await
    }

    async fn restore_space(&self, context: &RequestContext, id: &str) -> ConnectorResult<()> {
        self.restore(context, id).await
    }

    async fn purge_space(&self, context: &RequestContext, id: &str) -> ConnectorResult<()> {
        self.purge(context, id).await
    }

    async fn group_named(&self, context: &RequestContext, name: &str) -> ConnectorResult<Option<String>> {
        self.group_called(context, name).await
    }

    async fn create_group(&self, context: &RequestContext, name: &str) -> ConnectorResult<String> {
        self.make_group(context, name).await
    }

    async fn grants(&self, context: &RequestContext, space: &str) -> ConnectorResult<Vec<Grant>> {
        Ok(self.held(context, space).await?.into_grants())
    }

    async fn grant(&self, context: &RequestContext, space: &str, group: &str) -> ConnectorResult<()> {
        self.give(context, space, group).await
    }

    async fn revoke(&self, context: &RequestContext, space: &str, grant: &str) -> ConnectorResult<()> {
        self.take(context, space, grant).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::connectors::Secret;

    #[test]
    fn settings_are_kept_within_limits() {
        let url = "https://files.example.eu".parse().unwrap();
        let mut settings = ConnectorSettings::new(url, Secret::Bearer("token".to_owned()));
        for (timeout, in_flight, expected) in [(1, 0, (11, 1)), (15, 8, (15, 8)), (60, 100, (60, 10))] {
            (settings.timeout, settings.maximum_in_flight) = (Duration::from_secs(timeout), in_flight);
            let kept = within_limits(&settings);
            assert_eq!((kept.timeout.as_secs(), kept.maximum_in_flight), expected);
        }
    }
}
