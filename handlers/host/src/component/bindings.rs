//! The host's side of `dezky:platform`, generated from the component's WIT.
#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "generated"
)]

wasmtime::component::bindgen!({
    path: "../wasm/wit",
    world: "dezky:platform/handler",
    imports: {
        "dezky:platform/telemetry.log": store,
        // Calls with arguments: an instance that makes the host hold too much data is ended.
        "dezky:platform/launcher.lookup": trappable,
        "dezky:platform/store.get": trappable,
        "dezky:platform/store.find": trappable,
    },
});

pub(super) use self::{
    dezky::platform::{effect, identity, launcher, messages, problems, settings, store, telemetry},
    exports::dezky::platform::requests,
};
