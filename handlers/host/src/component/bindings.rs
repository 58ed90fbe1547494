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
    imports: { "dezky:platform/telemetry.log": store },
});

pub(super) use self::{
    dezky::platform::{identity, launcher, problems, settings, store, telemetry},
    exports::dezky::platform::requests,
};
