//! Retries: exponential pauses with full jitter, and what the server asks for by `Retry-After`.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use http::{HeaderMap, header};

use crate::clock::Timestamp;

/// Longest wait that is read from `Retry-After`.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// Number of retries, and the pauses before them.
///
/// Only requests that may be repeated are: those of idempotent methods, and those with an idempotency key. They are
/// repeated when no connection came about, and upon 429, 502, 503 and 504.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Maximum number of retries. Default: 2.
    pub maximum: u32,
    /// Longest pause before the first retry; it doubles with each. Default: 200 ms.
    pub base: Duration,
    /// Longest pause, also for `Retry-After`: a response that asks for more is final. Default: 10 s.
    pub longest: Duration,
}

impl RetryPolicy {
    /// No retries.
    pub const NONE: Self = Self { maximum: 0, base: Duration::ZERO, longest: Duration::ZERO };

    /// Returns the pause before the retry with this number, counted from 0; `None` if there is none.
    ///
    /// `fraction` is random, from 0 to 1.
    pub(super) fn pause(&self, retry: u32, retry_after: Option<Duration>, fraction: f64) -> Option<Duration> {
        if retry >= self.maximum {
            return None;
        }
        let ceiling = self.base.saturating_mul(2_u32.saturating_pow(retry)).min(self.longest);
        let jitter = ceiling.mul_f64(fraction.clamp(0.0, 1.0));
        match retry_after {
            // Not all at the very same moment.
            Some(wait) if wait <= self.longest => Some(wait.saturating_add(jitter)),
            Some(_) => None,
            None => Some(jitter),
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { maximum: 2, base: Duration::from_millis(200), longest: Duration::from_secs(10) }
    }
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds or a date, bounded to one hour. Anything else counts as absent.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a long time, too.
        text.parse().map_or(LONGEST_RETRY_AFTER, Duration::from_secs)
    } else {
        let date = httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let now = Duration::from_millis(u64::try_from(now.milliseconds()).unwrap_or(0));
        date.saturating_sub(now)
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

/// Randomness of pauses, and the pauses themselves. Tests decide both.
#[async_trait]
pub trait Pause: Send + Sync + fmt::Debug {
    /// Returns a random number from 0 to 1.
    fn fraction(&self) -> f64;

    /// Waits.
    async fn wait(&self, duration: Duration);
}

/// Pauses of the system's timer and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemPause;

#[async_trait]
impl Pause for SystemPause {
    fn fraction(&self) -> f64 {
        let mut bytes = [0; 4];
        match getrandom::fill(&mut bytes) {
            Ok(()) => f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX),
            // The longest pause spares the server most.
            Err(_) => 1.0,
        }
    }

    async fn wait(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use http::HeaderValue;

    use super::*;

    fn read(text: &[u8]) -> Option<u64> {
        let now: Timestamp = "1994-11-06T08:49:37.500Z".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_bytes(text).ok()?);
        retry_after(&headers, now).map(|wait| u64::try_from(wait.as_millis()).unwrap())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        for (text, milliseconds) in [
            ("0", Some(0)),
            (" 12 ", Some(12_000)),
            ("3601", Some(3_600_000)),
            ("99999999999999999999999", Some(3_600_000)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(9_500)),
            ("Sunday, 06-Nov-94 08:49:47 GMT", Some(9_500)),
            ("Sun Nov  6 08:49:47 1994", Some(9_500)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("Sat, 06 Nov 2094 08:49:07 GMT", Some(3_600_000)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("1 s", None),
        ] {
            assert_eq!(read(text.as_bytes()), milliseconds, "{text}");
        }
        assert_eq!(RetryPolicy::NONE.pause(0, None, 0.5), None);
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_are_any_part_of_that() {
        let policy = RetryPolicy { maximum: 4, base: Duration::from_millis(100), longest: Duration::from_millis(300) };
        let milliseconds = |retry, after: Option<u64>, fraction| {
            let pause = policy.pause(retry, after.map(Duration::from_millis), fraction);
            pause.map(|pause| pause.as_millis())
        };
        let all: Vec<_> = (0..5).map(|retry| milliseconds(retry, None, 1.0)).collect();
        assert_eq!(all, [Some(100), Some(200), Some(300), Some(300), None]);
        assert_eq!(milliseconds(1, None, 0.25), Some(50));
        assert_eq!(milliseconds(0, None, 0.0), Some(0));
        assert_eq!(milliseconds(0, Some(300), 0.5), Some(350));
        assert_eq!(milliseconds(0, Some(301), 0.5), None, "longer than anyone waits");
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_server_asks_for_is_bounded(text in proptest::collection::vec(0x20_u8..=0xff, 0..40)) {
            proptest::prop_assert!(read(&text).is_none_or(|wait| wait <= 3_600_000));
        }

        #[test]
        fn pauses_are_bounded(maximum: u32, base: u32, longest: u32, retry: u32, fraction: f64, after: Option<u32>) {
            let (base, longest) = (Duration::from_millis(base.into()), Duration::from_millis(longest.into()));
            let after = after.map(|after| Duration::from_millis(after.into()));
            let fraction = if fraction.is_nan() { 0.0 } else { fraction };
            let pause = RetryPolicy { maximum, base, longest }.pause(retry, after, fraction);
            proptest::prop_assert!(pause.is_none_or(|pause| pause <= longest * 2 && retry < maximum));
        }
    }
}
