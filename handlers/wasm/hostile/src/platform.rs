//! The bindings of `dezky:platform`.
#![allow(
    unsafe_code,
    clippy::all,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_debug_implementations,
    unreachable_pub,
    reason = "generated"
)]

spin_sdk::wit_bindgen::generate!({
    path: "../wit",
    world: "dezky:platform/handler",
    runtime_path: "::spin_sdk::wit_bindgen::rt",
    generate_all,
});

pub(crate) use self::{
    dezky::platform::{effect, identity, launcher, messages, problems, settings, store, telemetry},
    exports::dezky::platform::requests,
};

use crate::Component;
export!(Component);
