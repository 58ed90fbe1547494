//! Fast path for the stored form of instants, `2026-01-31T09:30:00.000Z`, without a library.
//!
//! A request parses and formats about twenty instants, nearly all in this form. Civil dates follow
//! <https://howardhinnant.github.io/date_algorithms.html>, with years that begin in March.

/// Length of the form in characters.
pub(super) const LENGTH: usize = 24;

const DAY: i64 = 86_400_000;

/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;

/// Days in 400 years.
const ERA: i64 = 146_097;

/// Parses milliseconds since 1970; `None` for any other form and for invalid instants.
pub(super) fn read(text: &[u8]) -> Option<i64> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1, b'.', f0, f1, f2, b'Z'] =
        text
    else {
        return None;
    };
    let (year, month, day) = (number(&[*y0, *y1, *y2, *y3])?, number(&[*m0, *m1])?, number(&[*d0, *d1])?);
    let (hour, minute, second) = (number(&[*h0, *h1])?, number(&[*n0, *n1])?, number(&[*s0, *s1])?);
    let valid = (1..=12).contains(&month) && (1..=length_of_month(year, month)).contains(&day);
    if !valid || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let time = ((hour * 60 + minute) * 60 + second) * 1_000 + number(&[*f0, *f1, *f2])?;
    Some(days(year, month, day) * DAY + time)
}

/// Formats an instant in the years 0000 to 9999.
pub(super) fn write(milliseconds: i64) -> [u8; LENGTH] {
    let (year, month, day) = date(milliseconds.div_euclid(DAY));
    let time = milliseconds.rem_euclid(DAY);
    let (hour, minute, second) = (time / 3_600_000, time / 60_000 % 60, time / 1_000 % 60);
    let [y2, y3] = digits(year % 100);
    let ([y0, y1], [m0, m1], [d0, d1]) = (digits(year / 100), digits(month), digits(day));
    let ([h0, h1], [n0, n1], [s0, s1]) = (digits(hour), digits(minute), digits(second));
    let ([_, f0], [f1, f2]) = (digits(time % 1_000 / 100), digits(time % 100));
    [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1, b'.', f0, f1, f2, b'Z']
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

/// Returns the two digits of a number below 100.
fn digits(number: i64) -> [u8; 2] {
    let digit = |value: i64| b'0' + u8::try_from(value.rem_euclid(10)).unwrap_or_default();
    [digit(number / 10), digit(number)]
}

fn length_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days from 1970-01-01 to a date.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year.div_euclid(400) * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH
}

/// Returns year, month and day of a number of days since 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH;
    let of_era = days.rem_euclid(ERA);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year + days.div_euclid(ERA) * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use proptest::prelude::*;

    use super::{read, write};
    use crate::clock::{MAXIMUM, MINIMUM};

    fn text(milliseconds: i64) -> String {
        String::from_utf8(write(milliseconds).to_vec()).unwrap()
    }

    /// Reference result of the library.
    fn by_library(milliseconds: i64) -> String {
        format!("{:.3}", jiff::Timestamp::from_millisecond(milliseconds).unwrap())
    }

    fn agrees(milliseconds: i64) {
        let text = text(milliseconds);
        assert_eq!(text, by_library(milliseconds));
        assert_eq!(read(text.as_bytes()), Some(milliseconds), "{text}");
    }

    #[test]
    fn every_day_of_the_years_1_to_9999_agrees_with_the_library() {
        let mut instant = MINIMUM;
        while instant <= MAXIMUM {
            agrees(instant);
            agrees((instant + 86_399_999).min(MAXIMUM));
            instant += 86_400_000;
        }
        agrees(MAXIMUM);
    }

    proptest! {
        #[test]
        fn instants_agree_with_the_library(milliseconds in MINIMUM..=MAXIMUM) {
            agrees(milliseconds);
        }

        #[test]
        fn texts_of_the_form_are_read_as_the_library_reads_them(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\\.[0-9]{3}Z",
        ) {
            // The library may accept more (a leap second), but both must agree on what is parsed here.
            if let Some(milliseconds) = read(text.as_bytes()) {
                let instant = text.parse::<jiff::Timestamp>();
                prop_assert!(instant.is_ok_and(|i| i.as_millisecond() == milliseconds) || milliseconds > MAXIMUM);
            }
        }

        #[test]
        fn other_texts_are_left_to_the_library(text in ".{0,30}") {
            prop_assert!(read(text.as_bytes()).is_none_or(|milliseconds| super::write(milliseconds) == text.as_bytes()));
        }
    }
}
