//! Identifiers of documents: BSON ObjectIds, 24 hexadecimal characters in JSON.

use std::{
    fmt,
    str::FromStr,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::clock::{Clock, SystemClock};

/// A BSON ObjectId: 4 bytes of time, 5 random bytes per process, a 3-byte counter
/// (<https://www.mongodb.com/docs/manual/reference/bson-types/#objectid>).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; 12]);

struct Process {
    random: [u8; 5],
    counter: AtomicU32,
}

fn process() -> &'static Process {
    static PROCESS: OnceLock<Process> = OnceLock::new();
    PROCESS.get_or_init(|| {
        let mut seed = [0_u8; 8];
        if getrandom::fill(&mut seed).is_err() {
            // Without randomness: the clock still tells processes apart, and the store checks that ids are unique
            // anyway.
            seed = SystemClock.now().milliseconds().to_be_bytes();
        }
        let [a, b, c, d, e, f, g, h] = seed;
        Process { random: [a, b, c, d, e], counter: AtomicU32::new(u32::from_be_bytes([0, f, g, h])) }
    })
}

impl ObjectId {
    /// Generates an identifier that is larger than those this process generated in earlier seconds.
    #[must_use]
    pub fn generate() -> Self {
        Self::generate_at(SystemClock.now().seconds())
    }

    fn generate_at(seconds: i64) -> Self {
        let process = process();
        let [_, _, _, _, t0, t1, t2, t3] = seconds.to_be_bytes();
        let [r0, r1, r2, r3, r4] = process.random;
        let [_, c0, c1, c2] = process.counter.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        Self([t0, t1, t2, t3, r0, r1, r2, r3, r4, c0, c1, c2])
    }

    /// Creates an identifier from its twelve bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// Returns the smallest identifier that can be generated at this time or later.
    #[must_use]
    pub const fn least_of(seconds: u32) -> Self {
        let [t0, t1, t2, t3] = seconds.to_be_bytes();
        Self([t0, t1, t2, t3, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    /// Returns the next larger identifier, if there is one.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        let mut bytes = self.0;
        for byte in bytes.iter_mut().rev() {
            let (next, overflows) = byte.overflowing_add(1);
            *byte = next;
            if !overflows {
                return Some(Self(bytes));
            }
        }
        None
    }

    /// Returns its twelve bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 12] {
        self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; 24];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
                *digit = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
            }
        }
        formatter.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

/// The error for a text that is not an ObjectId.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 24 hexadecimal characters")]
pub struct ParseIdError;

impl FromStr for ObjectId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text: &[u8; 24] = text.as_bytes().try_into().map_err(|_| ParseIdError)?;
        let mut bytes = [0_u8; 12];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            for digit in pair {
                *byte = (*byte << 4) | nibble(*digit).ok_or(ParseIdError)?;
            }
        }
        Ok(Self(bytes))
    }
}

/// Returns the value of a hexadecimal digit.
const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = ObjectId;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("24 hexadecimal characters")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<ObjectId, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}
