//! Attempts of a hostile component to make its host hold resources.
//!
//! Each takes as much as it gets, holds it for a while, and then answers how much it was.

use std::{
    future::{Future, poll_fn},
    hint::black_box,
    pin::Pin,
    task::Poll,
};

use http::Uri;
use spin_sdk::wasip3::{clocks::monotonic_clock, http::types::Fields, random, wit_stream};

use crate::{behaviour::parameter, platform::store};

/// Time for which resources are held, in nanoseconds, so long that concurrent requests hold them together.
const HOLD: u64 = 1_500_000_000;

/// More than anything legitimate needs.
const MANY: usize = 100_000;

/// Size of a large text in bytes.
const LARGE: usize = 512 * 1024;

/// Takes the resources that the parameter `what` names.
pub(crate) async fn hoard(uri: &Uri) -> String {
    match parameter(uri, "what").unwrap_or_default().as_str() {
        "fields" => hold(fields()).await,
        "waits" => hold(begun((0..MANY).map(|_| monotonic_clock::wait_for(3_600_000_000_000))).await).await,
        "streams" => hold((0..MANY).map(|_| wit_stream::new::<u8>()).collect()).await,
        // One call with more arguments than the host accepts.
        "argument" => store::get("x".repeat(32 * LARGE), String::new()).await.is_ok().to_string(),
        "randomness" => random::random::get_random_bytes(u64::from(u32::MAX)).len().to_string(),
        "memory" => hold(memory()).await,
        "answer" => "x".repeat(8 * LARGE - 1024),
        "endless-answer" => "x".repeat(32 * LARGE),
        _ => String::new(),
    }
}

/// Holds a list for a while, and returns its length.
async fn hold<T>(taken: Vec<T>) -> String {
    monotonic_clock::wait_for(HOLD).await;
    black_box(&taken).len().to_string()
}

/// Starts all of these calls without finishing them.
async fn begun<T, F: Future<Output = T>>(calls: impl Iterator<Item = F>) -> Vec<Pin<Box<F>>> {
    let mut all = Vec::new();
    for call in calls {
        let mut call = Box::pin(call);
        poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready())).await;
        all.push(call);
    }
    all
}

fn fields() -> Vec<Fields> {
    let mut all = Vec::new();
    for _ in 0..MANY {
        let fields = Fields::new();
        for number in 0..64 {
            if fields.append(&format!("x-{number}"), &vec![b'x'; 4_096]).is_err() {
                break;
            }
        }
        all.push(fields);
    }
    all
}

fn memory() -> Vec<Vec<u8>> {
    (0..56).map(|_| black_box(vec![1_u8; 1024 * 1024])).collect()
}
