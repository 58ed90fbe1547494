//! What tests need and nobody else: a clock that stands still, and a call that panics.

use std::sync::{Arc, Mutex, PoisonError};

use dezky::{clock::Timestamp, test_kit::ManualClock};
use dezky_embedded::{Names, Options};
use napi_derive::napi;

use crate::{
    failure::{contained, guarded},
    platform::Platform,
};

/// The clock of every platform that [`open_at`] opens, in the order of their opening.
static CLOCKS: Mutex<Vec<Arc<ManualClock>>> = Mutex::new(Vec::new());

/// Opens what these options (JSON) name, with a clock that stands at this instant, in milliseconds since 1970.
#[napi]
pub async fn open_at(options: String, milliseconds: i64) -> napi::Result<Platform> {
    guarded(async {
        let clock = Arc::new(ManualClock::at(Timestamp::from_milliseconds(milliseconds)));
        CLOCKS.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&clock));
        Ok(Platform::new(Options::parse(&options)?.open(Names::Camel, clock)?))
    })
    .await
}

/// Sets the clock of every platform that [`open_at`] has opened.
#[napi]
pub fn set_time(milliseconds: i64) {
    for clock in CLOCKS.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        clock.set(Timestamp::from_milliseconds(milliseconds));
    }
}

/// Panics, as a defect would.
#[napi]
#[allow(clippy::panic, reason = "what this is for")]
pub async fn panic() -> napi::Result<()> {
    guarded(async { panic!("a test asked for it") }).await
}

/// Panics on the thread of JavaScript, as a defect would.
#[napi]
#[allow(clippy::panic, reason = "what this is for")]
pub fn panic_now() -> napi::Result<()> {
    contained(|| panic!("a test asked for it"))
}
