//! Typed access to the claims of a token.

use serde_json::{Map, Value};

use super::json;
use crate::{
    authn::{
        groups::{self, Found},
        refusal::TokenRefusal,
    },
    clock::Timestamp,
};

/// Maximum length of an identifier in a claim, in bytes (OpenID Connect Core 1.0, section 2, on `sub`).
const MAXIMUM_IDENTIFIER: usize = 255;

/// Claims of a token.
#[derive(Debug)]
pub(crate) struct ClaimSet(Map<String, Value>);

impl ClaimSet {
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, TokenRefusal> {
        json::parse_object(payload).map(Self).map_err(|error| error.refusal("claims"))
    }

    /// Returns whether a claim is present. `null` counts as absent, since some libraries write absent members so.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Returns `iss`.
    pub(crate) fn issuer(&self) -> Result<&str, TokenRefusal> {
        match self.0.get("iss") {
            None => Err(TokenRefusal::ClaimMissing("iss")),
            Some(Value::String(issuer)) => Ok(issuer),
            Some(_) => Err(TokenRefusal::ClaimInvalid("iss", "a string")),
        }
    }

    /// Returns an optional identifier.
    pub(crate) fn identifier(&self, name: &'static str) -> Result<Option<&str>, TokenRefusal> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if is_identifier(text) => Ok(Some(text)),
            Some(_) => Err(TokenRefusal::ClaimInvalid(name, "a string of 1 to 255 bytes without control characters")),
        }
    }

    /// Returns a required identifier.
    pub(crate) fn required_identifier(&self, name: &'static str) -> Result<&str, TokenRefusal> {
        self.identifier(name)?.ok_or(TokenRefusal::ClaimMissing(name))
    }

    /// Returns an optional NumericDate (RFC 7519, section 2): seconds since 1970, possibly fractional.
    ///
    /// Times outside the years 0001 to 9999 are clamped.
    pub(crate) fn time(&self, name: &'static str) -> Result<Option<Timestamp>, TokenRefusal> {
        let number = match self.0.get(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => number,
            Some(_) => return Err(TokenRefusal::ClaimInvalid(name, "a number of seconds since 1970")),
        };
        if let Some(seconds) = number.as_i64() {
            return Ok(Some(Timestamp::from_seconds(seconds)));
        }
        let seconds = number.as_f64().unwrap_or(f64::MAX);
        #[allow(clippy::cast_possible_truncation, reason = "`as` saturates, which is wanted")]
        let milliseconds = (seconds * 1_000.0).floor() as i64;
        Ok(Some(Timestamp::from_milliseconds(milliseconds)))
    }

    /// Returns a required NumericDate.
    pub(crate) fn required_time(&self, name: &'static str) -> Result<Timestamp, TokenRefusal> {
        self.time(name)?.ok_or(TokenRefusal::ClaimMissing(name))
    }

    /// Checks that `aud`, a string or an array of strings (RFC 7519, section 4.1.3), contains one of these values.
    pub(crate) fn check_audience(&self, accepted: &[String]) -> Result<(), TokenRefusal> {
        let invalid = || TokenRefusal::ClaimInvalid("aud", "a string or an array of strings");
        let is_accepted = |audience: &str| accepted.iter().any(|accepted| accepted == audience);
        let found = match self.0.get("aud") {
            None => return Err(TokenRefusal::ClaimMissing("aud")),
            Some(Value::String(audience)) => is_accepted(audience),
            Some(Value::Array(audiences)) => {
                let mut found = false;
                for audience in audiences {
                    found |= is_accepted(audience.as_str().ok_or_else(invalid)?);
                }
                found
            }
            Some(_) => return Err(invalid()),
        };
        if found { Ok(()) } else { Err(TokenRefusal::Audience) }
    }

    /// Returns a trimmed display text; `None` when missing, empty, of another type or with control characters.
    ///
    /// Such a claim must never prevent a sign-in.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let text = self.0.get(name)?.as_str()?.trim();
        (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
    }

    /// Looks up a claim by name or JSON pointer.
    pub(crate) fn find(&self, name: &str) -> Found<'_> {
        groups::find(&self.0, name)
    }

    /// Returns `auth_time`, the time of sign-in (OpenID Connect Core 1.0, section 2).
    ///
    /// Invalid values count as missing: some providers write `0` or a text, which must not prevent a sign-in.
    pub(crate) fn signed_in_at(&self) -> Option<Timestamp> {
        let seconds = self.0.get("auth_time")?.as_f64().filter(|seconds| *seconds > 0.0)?;
        #[allow(clippy::cast_possible_truncation, reason = "`as` saturates, which is wanted")]
        Some(Timestamp::from_milliseconds((seconds * 1_000.0).floor() as i64))
    }
}

fn is_identifier(text: &str) -> bool {
    (1..=MAXIMUM_IDENTIFIER).contains(&text.len()) && !text.chars().any(char::is_control)
}
