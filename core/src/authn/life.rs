//! Maximum lifetimes of access tokens, written as `24h`, `90m`, `7d` or a number of seconds.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Maximum time from `iat` to `exp` of an issuer's access tokens, from 1 minute to 7 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenLife(Duration);

/// Error for a text that is no token lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write how long tokens may live as `90m`, `24h` or `7d`: at least 1 minute and at most 7 days")]
pub struct ParseTokenLifeError;

/// Units and their seconds, in descending order.
const UNITS: [(char, u64); 4] = [('d', 24 * 3_600), ('h', 3_600), ('m', 60), ('s', 1)];

impl TokenLife {
    /// Largest lifetime that can be set.
    pub const MAXIMUM: Self = Self(Duration::from_secs(7 * 24 * 3_600));

    /// Default lifetime.
    pub const DEFAULT: Self = Self(Duration::from_secs(24 * 3_600));

    /// Creates a lifetime, unless it is under a minute or over 7 days.
    #[must_use]
    pub fn from_seconds(seconds: u64) -> Option<Self> {
        let life = Self(Duration::from_secs(seconds));
        (seconds >= 60 && life <= Self::MAXIMUM).then_some(life)
    }

    /// Converts to a [`Duration`].
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl Default for TokenLife {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl FromStr for TokenLife {
    type Err = ParseTokenLifeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unit = UNITS.into_iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
        let (number, seconds) = unit.ok_or(ParseTokenLifeError)?;
        // `parse` would accept a sign.
        let number = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse::<u64>().ok()).flatten();
        number.and_then(|number| Self::from_seconds(number.checked_mul(seconds)?)).ok_or(ParseTokenLifeError)
    }
}

/// Formats in words, such as `24 hours`.
impl fmt::Display for TokenLife {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..=7_199 if seconds.is_multiple_of(60) => write!(formatter, "{} minutes", seconds / 60),
            172_800.. if seconds.is_multiple_of(24 * 3_600) => write!(formatter, "{} days", seconds / (24 * 3_600)),
            _ if seconds.is_multiple_of(3_600) => write!(formatter, "{} hours", seconds / 3_600),
            _ if seconds.is_multiple_of(60) => write!(formatter, "{} minutes", seconds / 60),
            _ => write!(formatter, "{seconds} seconds"),
        }
    }
}

impl Serialize for TokenLife {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let seconds = self.0.as_secs();
        let unit = UNITS.into_iter().find(|(_, unit)| seconds.is_multiple_of(*unit));
        let (unit, length) = unit.unwrap_or(('s', 1));
        serializer.collect_str(&format_args!("{}{unit}", seconds / length))
    }
}

impl<'de> Deserialize<'de> for TokenLife {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = TokenLife;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a time such as `24h`, or a number of seconds")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<TokenLife, E> {
                text.parse().map_err(|error| E::custom(format_args!("`max_token_life`: {error}")))
            }
            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<TokenLife, E> {
                let life = TokenLife::from_seconds(seconds).ok_or(ParseTokenLifeError);
                life.map_err(|error| E::custom(format_args!("`max_token_life`: {error}")))
            }
            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<TokenLife, E> {
                self.visit_u64(u64::try_from(seconds).unwrap_or(0))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn is_written_with_a_unit_and_read_as_it_was_written() {
        for (text, written, shown) in [
            ("7d", "7d", "7 days"),
            ("168h", "7d", "7 days"),
            ("24h", "1d", "24 hours"),
            ("36h", "36h", "36 hours"),
            ("90m", "90m", "90 minutes"),
            ("60s", "1m", "1 minutes"),
            ("3601s", "3601s", "3601 seconds"),
        ] {
            let life: TokenLife = text.parse().unwrap();
            assert_eq!((serde_json::to_value(life).unwrap(), life.to_string().as_str()), (written.into(), shown));
            assert_eq!(serde_json::from_value::<TokenLife>(written.into()).unwrap(), life);
            assert_eq!(serde_json::from_value::<TokenLife>(life.duration().as_secs().into()).unwrap(), life);
        }
    }

    #[test]
    fn is_a_minute_at_least_and_seven_days_at_most() {
        for text in [
            "",
            "d",
            "0d",
            "59s",
            "8d",
            "169h",
            "604801s",
            "+1d",
            "-1d",
            "1 d",
            "1.5h",
            "1w",
            "1D",
            "24",
            "99999999999999999999d",
        ] {
            assert_eq!(text.parse::<TokenLife>(), Err(ParseTokenLifeError), "{text}");
        }
        for number in [serde_json::json!(59), 604_801.into(), (-1).into(), 1.5.into(), true.into()] {
            assert!(serde_json::from_value::<TokenLife>(number).is_err());
        }
    }
}
