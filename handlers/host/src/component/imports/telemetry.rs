//! The component's lines in the log of the host.

use wasmtime::component::Access;

use super::Host;
use crate::component::{
    bindings::telemetry::{self, Level},
    instance::InstanceState,
};

/// Most bytes of a line.
const LINE: usize = 8 * 1024;

impl telemetry::Host for InstanceState {}

impl telemetry::HostWithStore<InstanceState> for Host {
    fn log(mut access: Access<'_, InstanceState, Self>, level: Level, message: String) {
        // What belongs to no request is not written: nothing would bound it.
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
