//! Functions for tests only: a clock that stands still, and a call that panics.

use std::sync::{Arc, Mutex, PoisonError};

use dezky::{clock::Timestamp, test_kit::ManualClock};
use dezky_embedded::{Names, Options};
use napi_derive::napi;

use crate::{
    failure::{contained, guarded},
    platform::Platform,
};

/// The clocks of all platforms opened by [`open_at`], in that order.
static CLOCKS: Mutex<Vec<Arc<ManualClock>>> = Mutex::new(Vec::new());

/// Opens a platform with these options (JSON) and a clock that stands at this instant, in milliseconds since 1970.
#[napi]
pub async fn open_at(options: String, milliseconds: i64) -> napi::Result<Platform> {
    guarded(async {
        let clock = Arc::new(ManualClock::at(Timestamp::from_milliseconds(milliseconds)));
        CLOCKS.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&clock));
        Ok(Platform::new(Options::parse(&options)?.open(Names::Camel, clock)?))
    })
    .await
}

/// Sets the clocks of all platforms opened by [`open_at`].
#[napi]
pub fn set_time(milliseconds: i64) {
    for clock in CLOCKS.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        clock.set(Timestamp::from_milliseconds(milliseconds));
    }
}

/// Panics, as a bug would.
#[napi]
#[allow(clippy::panic, reason = "what this is for")]
pub async fn panic() -> napi::Result<()> {
    guarded(async { panic!("a test asked for it") }).await
}

/// Panics on the JavaScript thread, as a bug would.
#[napi]
#[allow(clippy::panic, reason = "what this is for")]
pub fn panic_now() -> napi::Result<()> {
    contained(|| panic!("a test asked for it"))
}
