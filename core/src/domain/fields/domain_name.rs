//! Domain names in their DNS form.

use idna::{AsciiDenyList, uts46};
use serde_json::Value;

use crate::{domain::input::Problem, error::FieldCode};

/// Reads a registrable host name, in lower-case ASCII (A-labels for names in other scripts).
///
/// It is processed by UTS 46, non-transitionally and with the STD3 rules, has at most 253 characters and at least two
/// labels (RFC 1035 §2.3.4). A top-level label of digits only would be an address (RFC 3696 §2).
///
/// # Errors
/// A [`Problem`] that tells what to change.
pub fn domain_name(value: &Value) -> Result<String, Problem> {
    let given = value.as_str().ok_or_else(|| Problem::new(FieldCode::WRONG_TYPE, "must be a text"))?;
    normalise(given).ok_or_else(|| {
        Problem::new(
            FieldCode::INVALID_DOMAIN,
            "must be a domain name such as `example.eu`, without scheme, path or port",
        )
    })
}

/// Returns the ASCII form of a valid domain name, without the root dot.
#[must_use]
pub fn normalise(given: &str) -> Option<String> {
    let given = without_root(given);
    if given.is_empty() || given.len() > 1_000 {
        return None;
    }
    let ascii = uts46::Uts46::new()
        .to_ascii(given.as_bytes(), AsciiDenyList::STD3, uts46::Hyphens::CheckFirstLast, uts46::DnsLength::Verify)
        .ok()?
        .into_owned();
    let (_, top) = ascii.rsplit_once('.')?;
    (!top.is_empty() && !top.bytes().all(|byte| byte.is_ascii_digit())).then_some(ascii)
}

/// Removes the dot of the DNS root (RFC 1034 §3.1), in any form of UTS 46.
pub(super) fn without_root(given: &str) -> &str {
    given.strip_suffix(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']).unwrap_or(given)
}

/// Returns the stored form of an incomplete domain name, with whole labels in ASCII as far as possible.
pub(super) fn beginning(given: &str) -> String {
    normalise(given).unwrap_or_else(|| {
        // Without its last labels it may be invalid as a name: one label, or the beginning of one.
        let lenient = uts46::Uts46::new().to_ascii(
            without_root(given).as_bytes(),
            AsciiDenyList::EMPTY,
            uts46::Hyphens::Allow,
            uts46::DnsLength::Ignore,
        );
        lenient.map_or_else(|_| given.to_owned(), std::borrow::Cow::into_owned)
    })
}

/// Returns the name with its labels in their own script, if that differs.
#[must_use]
pub fn readable(name: &str) -> Option<String> {
    if !name.split('.').any(is_encoded) {
        return None;
    }
    let (shown, valid) =
        uts46::Uts46::new().to_unicode(name.as_bytes(), AsciiDenyList::STD3, uts46::Hyphens::CheckFirstLast);
    (valid.is_ok() && shown != name).then(|| shown.into_owned())
}

/// Returns a text with the labels of its domain names in their own script. Most texts have none.
pub(crate) fn readable_labels(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.as_bytes().windows(PREFIX.len()).any(|part| part.eq_ignore_ascii_case(PREFIX.as_bytes())) {
        return text.into();
    }
    let ends = |character: char| !(character.is_ascii_alphanumeric() || character == '-');
    let labels = text.split_inclusive(ends).map(|part| {
        let label = part.trim_end_matches(ends);
        let rest = part.get(label.len()..).unwrap_or_default();
        format!("{}{rest}", readable(label).unwrap_or_else(|| label.to_owned()))
    });
    labels.collect::<String>().into()
}

/// Prefix of A-labels (RFC 5890 §2.3.2.1).
const PREFIX: &str = "xn--";

fn is_encoded(label: &str) -> bool {
    label.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}
