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

/// Text of 1 to `maximum` characters after trimming, on one line, without control characters or misplaced invisible ones. Composed (NFC).
///
/// # Errors
/// A [`Problem`] telling what to change.
pub fn text(value: &Value, maximum: usize) -> Result<String, Problem> {
    let trimmed = string(value)?.trim();
    if trimmed.is_empty() {
        return Err(Problem::new(FieldCode::EMPTY, "must not be empty"));
    }
    if trimmed.len() > maximum.saturating_mul(4) || trimmed.chars().count() > maximum {
        return Err(Problem::new(FieldCode::TOO_LONG, format!("must have at most {maximum} characters")));
    }
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(trimmed);
    // Of what is kept: composing moves marks.
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

/// Whether a character leaves its place blank.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || character == '\u{2800}'
}

/// The label that a text of elsewhere comes to: without the characters that a label must not have.
#[must_use]
pub fn sanitised_label(text: &str) -> Option<String> {
    label(&without_misplaced(text).into()).ok()
}

/// Text of at most 200 characters: a name or a title.
///
/// # Errors
/// As [`text`].
pub fn label(value: &Value) -> Result<String, Problem> {
    text(value, 200)
}

/// An identifier of 1 to 64 characters out of letters, digits, `-`, `_` and `.`: a plan, an issuer.
///
/// # Errors
/// A [`Problem`] telling what to change.
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

/// True or false.
///
/// # Errors
/// A [`Problem`] for any other type.
pub fn boolean(value: &Value) -> Result<bool, Problem> {
    value.as_bool().ok_or_else(|| Problem::new(FieldCode::WRONG_TYPE, "must be `true` or `false`"))
}

/// A whole number within bounds, both included.
///
/// # Errors
/// A [`Problem`] telling the bounds.
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

/// One of a list of names.
///
/// # Errors
/// A [`Problem`] telling the list.
pub fn choice<T: Choice>(value: &Value) -> Result<T, Problem> {
    T::of(string(value)?).ok_or_else(|| no_choice::<T>())
}

/// That a value is none of a list of names.
#[must_use]
pub fn no_choice<T: Choice>() -> Problem {
    let names: Vec<String> = T::ALL.iter().map(|one| format!("`{}`", one.name())).collect();
    Problem::new(FieldCode::INVALID_CHOICE, format!("must be one of {}", names.join(", ")))
}

/// An id of 24 hexadecimal characters.
///
/// # Errors
/// A [`Problem`] telling the form.
pub fn object_id<T: FromStr>(value: &Value) -> Result<T, Problem> {
    string(value)?
        .parse()
        .map_err(|_| Problem::new(FieldCode::INVALID_ID, "must be an id of 24 hexadecimal characters"))
}

/// An RFC 3339 time.
///
/// # Errors
/// A [`Problem`] telling the form.
pub fn time(value: &Value) -> Result<Timestamp, Problem> {
    string(value)?.parse().map_err(|_| {
        Problem::new(FieldCode::INVALID_TIME, "must be an RFC 3339 time such as `2026-01-31T09:30:00.000Z`")
    })
}

thread_local! {
    static CASE_MAPPER: LazyCell<icu_casemap::CaseMapperBorrowed<'static>> = const { LazyCell::new(CaseMapper::new) };
}

/// The form in which text is searched and sorted: compatibility-composed (NFKC) and case-folded, trimmed, at most 200
/// characters. Databases fold differently or ASCII only, so the form is made here and stored.
#[must_use]
pub fn search_key(text: &str) -> String {
    let short: String = text.trim().chars().take(200).collect();
    let folded = CASE_MAPPER.with(|mapper| mapper.fold_string(&short).into_owned());
    // Compatibility composition can make one character many: the bound holds of what comes out.
    ComposingNormalizerBorrowed::new_nfkc().normalize(&folded).chars().take(200).collect()
}
