//! What a hostile component may have its host keep for it. Each takes as much as it gets, holds that for a while, and then answers how
//! much it was.

use std::{
    future::{Future, poll_fn},
    hint::black_box,
    pin::Pin,
    task::Poll,
};

use http::Uri;
use spin_sdk::wasip3::{clocks::monotonic_clock, http::types::Fields, random, wit_stream};

use crate::{behaviour::parameter, platform::store};

/// How long what was taken is held, in nanoseconds: so long that all who are told to do so hold it at the same time.
const HOLD: u64 = 1_500_000_000;

/// As many as nobody needs.
const MANY: usize = 100_000;

/// Bytes of a large text.
const LARGE: usize = 512 * 1024;

/// Takes what the parameter `what` says.
pub(crate) async fn hoard(uri: &Uri) -> String {
    match parameter(uri, "what").unwrap_or_default().as_str() {
        "fields" => hold(fields()).await,
        "waits" => hold(begun((0..MANY).map(|_| monotonic_clock::wait_for(3_600_000_000_000))).await).await,
        "streams" => hold((0..MANY).map(|_| wit_stream::new::<u8>()).collect()).await,
        // One call that comes with more than the host takes over.
        "argument" => store::get("x".repeat(32 * LARGE), String::new()).await.is_ok().to_string(),
        "randomness" => random::random::get_random_bytes(u64::from(u32::MAX)).len().to_string(),
        "memory" => hold(memory()).await,
        "answer" => "x".repeat(8 * LARGE - 1024),
        "endless-answer" => "x".repeat(32 * LARGE),
        _ => String::new(),
    }
}

/// Waits with something, and says of how much it consists.
async fn hold<T>(taken: Vec<T>) -> String {
    monotonic_clock::wait_for(HOLD).await;
    black_box(&taken).len().to_string()
}

/// All of these calls, begun and not ended.
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
