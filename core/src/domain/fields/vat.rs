//! VAT identification numbers, by format.

use serde_json::Value;

use crate::{domain::input::Problem, error::FieldCode};

/// Formats by country: `9` a digit, `a` a letter, `x` either, all else literal; alternatives separated by spaces.
///
/// From the European Commission's VIES questions and answers, "What is the format of the VAT identification numbers"
/// (<https://ec.europa.eu/taxation_customs/vies/>), with Switzerland and Norway from their tax administrations.
const SHAPES: &[(&str, &str)] = &[
    ("AT", "U99999999"),
    ("BE", "0999999999 1999999999"),
    ("BG", "999999999 9999999999"),
    ("CH", "E999999999 E999999999MWST E999999999TVA E999999999IVA"),
    ("CY", "99999999a"),
    ("CZ", "99999999 999999999 9999999999"),
    ("DE", "999999999"),
    ("DK", "99999999"),
    ("EE", "999999999"),
    ("EL", "999999999"),
    ("ES", "x9999999x"),
    ("FI", "99999999"),
    ("FR", "xx999999999"),
    ("GB", "999999999 999999999999 GD999 HA999"),
    ("HR", "99999999999"),
    ("HU", "99999999"),
    ("IE", "9x99999a 9999999aa"),
    ("IT", "99999999999"),
    ("LT", "999999999 999999999999"),
    ("LU", "99999999"),
    ("LV", "99999999999"),
    ("MT", "99999999"),
    ("NL", "xxxxxxxxxxxx"),
    ("NO", "999999999 999999999MVA"),
    ("PL", "9999999999"),
    ("PT", "999999999"),
    ("RO", "99 999 9999 99999 999999 9999999 99999999 999999999 9999999999"),
    ("SE", "999999999999"),
    ("SI", "99999999"),
    ("SK", "9999999999"),
    ("XI", "999999999 999999999999 GD999 HA999"),
];

/// Reads a VAT identification number of a European country, by its format.
///
/// Spaces, dots and hyphens are removed and letters converted to upper case. Only the tax administration knows if the
/// number is in use.
///
/// # Errors
/// A [`Problem`] that tells what to change.
pub fn vat_id(value: &Value) -> Result<String, Problem> {
    let given = value.as_str().ok_or_else(|| Problem::new(FieldCode::WRONG_TYPE, "must be a text"))?;
    let compact: String = given
        .chars()
        .filter(|character| !matches!(character, ' ' | '.' | '-'))
        .take(20)
        .map(|character| character.to_ascii_uppercase())
        .collect();
    let problem = |message: &str| Problem::new(FieldCode::INVALID_VAT_ID, message);
    let country = compact.get(..2).unwrap_or_default();
    let Some((_, shapes)) = SHAPES.iter().find(|(code, _)| *code == country) else {
        return Err(problem("must begin with the two letters of a European country, such as `DE` (Greece is `EL`)"));
    };
    let number = compact.get(2..).unwrap_or_default();
    if shapes.split(' ').any(|shape| fits(number, shape)) {
        Ok(compact)
    } else {
        Err(problem(&format!("is not formed like a VAT number of `{country}`")))
    }
}

fn fits(number: &str, shape: &str) -> bool {
    number.len() == shape.len()
        && number.bytes().zip(shape.bytes()).all(|(given, wanted)| match wanted {
            b'9' => given.is_ascii_digit(),
            b'a' => given.is_ascii_uppercase(),
            b'x' => given.is_ascii_uppercase() || given.is_ascii_digit(),
            literal => given == literal,
        })
}
