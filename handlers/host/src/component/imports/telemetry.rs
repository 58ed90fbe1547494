//! Log lines of the component.

use wasmtime::component::Access;

use super::Host;
use crate::component::{
    bindings::telemetry::{self, Level},
    instance::InstanceState,
};

/// Maximum length of a line in bytes.
const LINE: usize = 8 * 1024;

impl telemetry::Host for InstanceState {}

impl telemetry::HostWithStore<InstanceState> for Host {
    fn log(mut access: Access<'_, InstanceState, Self>, level: Level, message: String) {
        // Lines without a request are dropped, because nothing would limit them.
        let Some(facts) = access.get().request().cloned().filter(|facts| facts.may_log()) else { return };
        let id = facts.request_id();
        let end = message.floor_char_boundary(LINE);
        let line = message.get(..end).unwrap_or_default();
        match level {
            Level::Error => tracing::error!(id, line, "said by the component"),
            Level::Warning => tracing::warn!(id, line, "said by the component"),
            Level::Information => tracing::info!(id, line, "said by the component"),
            Level::Detail => tracing::debug!(id, line, "said by the component"),
        }
    }
}
