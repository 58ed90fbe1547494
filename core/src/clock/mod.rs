//! Time: the instant type that is stored and shown, and the clock port.

mod rfc3339;

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant in UTC with millisecond precision.
///
/// JSON uses RFC 3339 in UTC with exactly three fractional digits, so that texts sort by time. The years 0001 to 9999
/// are representable, up to 9999-12-30T22:00:00.000Z, the maximum of `jiff`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const MINIMUM: i64 = -62_135_596_800_000;
const MAXIMUM: i64 = 253_402_207_200_000;

impl Timestamp {
    /// Creates an instant from milliseconds since 1970-01-01T00:00:00Z, clamped to the representable range.
    #[must_use]
    pub const fn from_milliseconds(milliseconds: i64) -> Self {
        if milliseconds < MINIMUM {
            Self(MINIMUM)
        } else if milliseconds > MAXIMUM {
            Self(MAXIMUM)
        } else {
            Self(milliseconds)
        }
    }

    /// Creates an instant from seconds since 1970-01-01T00:00:00Z, clamped likewise.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self::from_milliseconds(seconds.saturating_mul(1_000))
    }

    /// Returns milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn milliseconds(self) -> i64 {
        self.0
    }

    /// Returns whole seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Adds a duration.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_milliseconds(self.0.saturating_add(milliseconds))
    }

    /// Subtracts a duration.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_milliseconds(self.0.saturating_sub(milliseconds))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::str::from_utf8(&rfc3339::write(self.0)).map_err(|_| fmt::Error)?)
    }
}

/// Error for a text that is no RFC 3339 instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time such as `2026-01-31T09:30:00.000Z`")]
pub struct ParseTimestampError;

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The usual form first; the library parses all other forms of RFC 3339.
        if let Some(milliseconds @ MINIMUM..=MAXIMUM) = rfc3339::read(text.as_bytes()) {
            return Ok(Self(milliseconds));
        }
        text.parse::<jiff::Timestamp>()
            .map(|instant| Self::from_milliseconds(instant.as_millisecond()))
            .map_err(|_| ParseTimestampError)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Timestamp;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an RFC 3339 time")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// Source of the current time. Tests hold it still and set it by hand.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Returns the current instant.
    fn now(&self) -> Timestamp;
}

/// System clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = std::time::SystemTime::now();
        match now.duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => Timestamp::from_milliseconds(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            Err(before) => Timestamp::from_milliseconds(0).minus(before.duration()),
        }
    }
}
