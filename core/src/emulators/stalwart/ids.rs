//! Ids of the registry: numbers in a base of 32, without leading zeros.

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz792013";

/// Returns the id of a number.
pub(super) fn write(mut number: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.extend(ALPHABET.get((number % 32) as usize).map(|digit| char::from(*digit)));
        number /= 32;
        if number == 0 {
            break;
        }
    }
    digits.into_iter().rev().collect()
}

/// Returns the number of an id; `None` for what is no id.
pub(super) fn read(id: &str) -> Option<u32> {
    if id.is_empty() || id.len() > 7 {
        return None;
    }
    let digit = |byte: u8| ALPHABET.iter().position(|digit| *digit == byte).and_then(|place| u32::try_from(place).ok());
    id.bytes().try_fold(0_u32, |number, byte| number.checked_mul(32)?.checked_add(digit(byte)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn ids_are_those_of_stalwart() {
        for (number, id) in [(0, "a"), (1, "b"), (2, "c"), (31, "3"), (32, "ba"), (u32::MAX, "d333333")] {
            assert_eq!(write(number), id);
            assert_eq!(read(id), Some(number));
        }
        for broken in ["", "A", "a.b", "e333333", "aaaaaaaa"] {
            assert_eq!(read(broken), None, "{broken}");
        }
    }
}
