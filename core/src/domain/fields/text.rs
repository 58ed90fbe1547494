//! Plain text, numbers, identifiers and times, and the form in which text is searched and sorted.

use std::{cell::LazyCell, str::FromStr};

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use serde_json::Value;

use super::invisible::{misplaced, without_misplaced};
use crate::{
    clock::Timestamp,
    domain::{Choice, input::Problem},
    error::FieldCode,
};

fn string(value: &Value) -> Result<&str, Problem> {
    value.as_str().ok_or_else(|| Problem::new(FieldCode::WRONG_TYPE, "must be a text"))
}

/// Reads a text of 1 to `maximum` characters after trimming, on one line, in composed form (NFC).
///
/// Control characters and misplaced invisible ones are refused.
///
/// # Errors
/// A [`Problem`] that tells what to change.
pub fn text(value: &Value, maximum: usize) -> Result<String, Problem> {
    let trimmed = string(value)?.trim();
    if trimmed.is_empty() {
        return Err(Problem::new(FieldCode::EMPTY, "must not be empty"));
    }
    if trimmed.len() > maximum.saturating_mul(4) || trimmed.chars().count() > maximum {
        return Err(Problem::new(FieldCode::TOO_LONG, format!("must have at most {maximum} characters")));
    }
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(trimmed);
    // Check the composed text: composing moves marks.
    if let Some(found) = misplaced(&composed) {
        return Err(Problem::new(
            FieldCode::INVALID_CHARACTERS,
            format!(
                "must not contain control, text-direction or invisible characters: take U+{:04X} out",
                u32::from(found)
            ),
        ));
    }
    if composed.chars().all(is_blank) {
        return Err(Problem::new(FieldCode::EMPTY, "must not be empty"));
    }
    Ok(composed.into_owned())
}

/// Returns `true` if a character is displayed as blank.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || character == '\u{2800}'
}

/// Makes a valid label of a foreign text by removing invisible characters, if that is enough.
#[must_use]
pub fn sanitised_label(text: &str) -> Option<String> {
    label(&without_misplaced(text).into()).ok()
}

/// Reads a text of at most 200 characters: a name or a title.
///
/// # Errors
/// As [`text`].
pub fn label(value: &Value) -> Result<String, Problem> {
    text(value, 200)
}

/// Reads an identifier, such as a plan or an issuer: 1 to 64 letters, digits, `-`, `_` and `.`.
///
/// # Errors
/// A [`Problem`] that tells what to change.
pub fn identifier(value: &Value) -> Result<String, Problem> {
    let given = string(value)?;
    let fits = !given.is_empty()
        && given.len() <= 64
        && given.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if fits {
        Ok(given.to_owned())
    } else {
        Err(Problem::new(FieldCode::INVALID_IDENTIFIER, "must be 1 to 64 letters, digits, `-`, `_` or `.`"))
    }
}

/// Reads a boolean.
///
/// # Errors
/// A [`Problem`] for any other type.
pub fn boolean(value: &Value) -> Result<bool, Problem> {
    value.as_bool().ok_or_else(|| Problem::new(FieldCode::WRONG_TYPE, "must be `true` or `false`"))
}

/// Reads a whole number within inclusive bounds.
///
/// # Errors
/// A [`Problem`] that tells the bounds.
pub fn whole_number(value: &Value, minimum: u32, maximum: u32) -> Result<u32, Problem> {
    if !value.is_number() {
        return Err(Problem::new(FieldCode::WRONG_TYPE, "must be a number"));
    }
    value
        .as_u64()
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| (minimum..=maximum).contains(number))
        .ok_or_else(|| {
            Problem::new(FieldCode::OUT_OF_RANGE, format!("must be a whole number from {minimum} to {maximum}"))
        })
}

/// Reads one of a list of names.
///
/// # Errors
/// A [`Problem`] that tells the list.
pub fn choice<T: Choice>(value: &Value) -> Result<T, Problem> {
    T::of(string(value)?).ok_or_else(|| no_choice::<T>())
}

/// Returns the problem of a value that is not in a list of names.
#[must_use]
pub fn no_choice<T: Choice>() -> Problem {
    let names: Vec<String> = T::ALL.iter().map(|one| format!("`{}`", one.name())).collect();
    Problem::new(FieldCode::INVALID_CHOICE, format!("must be one of {}", names.join(", ")))
}

/// Reads an id of 24 hexadecimal characters.
///
/// # Errors
/// A [`Problem`] that tells the format.
pub fn object_id<T: FromStr>(value: &Value) -> Result<T, Problem> {
    string(value)?
        .parse()
        .map_err(|_| Problem::new(FieldCode::INVALID_ID, "must be an id of 24 hexadecimal characters"))
}

/// Reads an RFC 3339 time.
///
/// # Errors
/// A [`Problem`] that tells the format.
pub fn time(value: &Value) -> Result<Timestamp, Problem> {
    string(value)?.parse().map_err(|_| {
        Problem::new(FieldCode::INVALID_TIME, "must be an RFC 3339 time such as `2026-01-31T09:30:00.000Z`")
    })
}

thread_local! {
    static CASE_MAPPER: LazyCell<icu_casemap::CaseMapperBorrowed<'static>> = const { LazyCell::new(CaseMapper::new) };
}

/// Returns the form in which a text is searched and sorted.
///
/// It is trimmed, compatibility-composed (NFKC), case-folded, and at most 200 characters long. Databases fold case
/// differently or in ASCII only, so this form is computed here and stored.
#[must_use]
pub fn search_key(text: &str) -> String {
    let short: String = text.trim().chars().take(200).collect();
    let folded = CASE_MAPPER.with(|mapper| mapper.fold_string(&short).into_owned());
    // Compatibility composition can turn one character into many, so the result is bounded again.
    ComposingNormalizerBorrowed::new_nfkc().normalize(&folded).chars().take(200).collect()
}
