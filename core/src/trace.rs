//! Distributed traces: the context that requests carry from one system to the next (W3C Trace Context).

use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
    str::FromStr,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Header of the trace context (W3C Trace Context, section 3.2).
pub const TRACEPARENT: http::HeaderName = http::HeaderName::from_static("traceparent");

/// Length of a `traceparent` of version 00.
const LENGTH: usize = 55;

/// Trace id, and the id of the span that others are children of.
///
/// ```
/// use dezky::trace::TraceContext;
///
/// let received: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse()?;
/// let own = received.child();
/// assert_eq!(own.trace_id(), received.trace_id());
/// assert!(own.is_sampled() && own.to_string().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
/// # Ok::<_, dezky::trace::ParseTraceContextError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: TraceId,
    span_id: SpanId,
    sampled: bool,
}

/// Id of a trace: 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// Id of a span: 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

/// Error for a text that is no `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a `traceparent` of W3C Trace Context")]
pub struct ParseTraceContextError;

impl TraceContext {
    /// Starts a trace, which is not sampled.
    #[must_use]
    pub fn start() -> Self {
        let mut trace_id = [0; 16];
        let (high, low) = trace_id.split_at_mut(8);
        high.copy_from_slice(&random());
        low.copy_from_slice(&random());
        Self { trace_id: TraceId(trace_id), span_id: SpanId(random()), sampled: false }
    }

    /// Returns the context of a new span within the trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self { span_id: SpanId(random()), ..self }
    }

    /// Reads the `traceparent` of a request; `None` if there is none, more than one, or an invalid one.
    #[must_use]
    pub fn from_headers(headers: &http::HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let value = values.next()?;
        if values.next().is_some() { None } else { value.to_str().ok()?.parse().ok() }
    }

    /// Returns the trace id.
    #[must_use]
    pub const fn trace_id(self) -> TraceId {
        self.trace_id
    }

    /// Returns the id of the span.
    #[must_use]
    pub const fn span_id(self) -> SpanId {
        self.span_id
    }

    /// Marks the trace as recorded.
    #[must_use]
    pub const fn sampled(mut self) -> Self {
        self.sampled = true;
        self
    }

    /// Returns `true` if the caller may record the trace.
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.sampled
    }

    /// Returns the value of the `traceparent` header.
    #[must_use]
    pub fn header(self) -> Option<http::HeaderValue> {
        http::HeaderValue::from_bytes(&self.text()).ok()
    }

    fn text(self) -> [u8; LENGTH] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        write_hex(text.get_mut(3..35), &self.trace_id.0);
        write_hex(text.get_mut(36..52), &self.span_id.0);
        write_hex(text.get_mut(53..), &[u8::from(self.sampled)]);
        text
    }
}

impl FromStr for TraceContext {
    type Err = ParseTraceContextError;

    /// Reads version 00 exactly, and of later versions what they share with it (section 3.2.4).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.as_bytes();
        let part = |range: std::ops::Range<usize>| text.get(range).ok_or(ParseTraceContextError);
        let dashes = [2, 35, 52].iter().all(|place| text.get(*place) == Some(&b'-'));
        let [version] = read_hex(part(0..2)?)?;
        let fits = match version {
            0 => text.len() == LENGTH,
            0xff => false,
            _ => text.get(LENGTH).is_none_or(|next| *next == b'-'),
        };
        let (trace_id, span_id) = (read_hex(part(3..35)?)?, read_hex(part(36..52)?)?);
        let [flags] = read_hex(part(53..55)?)?;
        if !dashes || !fits || trace_id == [0; 16] || span_id == [0; 8] {
            return Err(ParseTraceContextError);
        }
        Ok(Self { trace_id: TraceId(trace_id), span_id: SpanId(span_id), sampled: flags & 1 == 1 })
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::str::from_utf8(&self.text()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 32];
        write_hex(Some(&mut text), &self.0);
        formatter.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 16];
        write_hex(Some(&mut text), &self.0);
        formatter.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

fn write_hex(text: Option<&mut [u8]>, bytes: &[u8]) {
    // The lengths are constants that fit.
    let _fits = hex::encode_to_slice(bytes, text.unwrap_or_default());
}

/// Reads lower-case hexadecimal digits.
fn read_hex<const N: usize>(text: &[u8]) -> Result<[u8; N], ParseTraceContextError> {
    let mut bytes = [0; N];
    if text.iter().any(u8::is_ascii_uppercase) {
        return Err(ParseTraceContextError);
    }
    hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseTraceContextError)?;
    Ok(bytes)
}

/// Returns eight bytes that are not all zero and that nobody can predict: a counter, hashed with a key of the process.
///
/// One call to the system's randomness per request would cost more than all else that a trace does.
fn random() -> [u8; 8] {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    KEY.get_or_init(RandomState::new).hash_one(number).max(1).to_be_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use std::collections::HashSet;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_context_is_read_strictly() {
        for (text, sampled) in [
            (GOOD, true),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", false),
            // Flags that are not known yet.
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe", false),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", true),
            // A later version may have more.
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-will-be", true),
        ] {
            let read: TraceContext = text.parse().unwrap();
            assert_eq!(read.is_sampled(), sampled, "{text}");
            assert_eq!(read.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
            assert_eq!(read.to_string()[..53], GOOD[..53], "written as version 00");
        }
        for text in [
            "",
            "00",
            &GOOD[..54],
            &format!("{GOOD}-extra"),
            &format!("{GOOD} "),
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-é1",
        ] {
            assert_eq!(text.parse::<TraceContext>(), Err(ParseTraceContextError), "{text}");
        }
    }

    #[test]
    fn several_headers_count_as_none() {
        let mut headers = http::HeaderMap::new();
        assert_eq!(TraceContext::from_headers(&headers), None);
        headers.append(TRACEPARENT, http::HeaderValue::from_static(GOOD));
        assert_eq!(TraceContext::from_headers(&headers).unwrap().header().unwrap(), GOOD);
        headers.append(TRACEPARENT, http::HeaderValue::from_static(GOOD));
        assert_eq!(TraceContext::from_headers(&headers), None);
    }

    #[test]
    fn children_stay_in_the_trace_and_no_two_spans_are_the_same() {
        let received: TraceContext = GOOD.parse().unwrap();
        let spans: HashSet<_> = (0..10_000).map(|_| received.child()).collect();
        assert_eq!(spans.len(), 10_000);
        assert!(spans.iter().all(|span| span.trace_id() == received.trace_id() && span.is_sampled()));
        let traces: HashSet<_> = (0..10_000).map(|_| TraceContext::start().trace_id()).collect();
        assert_eq!(traces.len(), 10_000);
        let started = TraceContext::start();
        assert!(!started.is_sampled());
        assert_eq!(started.to_string().parse(), Ok(started));
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_is_written_again(text in "(00|[0-9a-f]{2})-[0-9a-f]{32}-[0-9a-f]{16}-0[01](-[a-z]{0,9})?|\\PC{0,60}") {
            if let Ok(read) = text.parse::<TraceContext>() {
                proptest::prop_assert_eq!(&read.to_string()[2..], &text[2..55]);
            }
        }
    }
}
