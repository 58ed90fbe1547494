//! Names: domains and local parts as Stalwart stores them, and names of app passwords.

use crate::connectors::{ConnectorError, ConnectorResult};

/// Length limit of names that people chose, in characters.
const MAXIMUM_NAME: usize = 100;

/// Returns a domain name as it is stored: searches compare exactly.
pub(super) fn domain(name: &str) -> String {
    name.trim().trim_end_matches('.').to_ascii_lowercase()
}

/// Returns the part before the `@` as it is stored.
pub(super) fn local_part(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Splits an address.
pub(super) fn split(address: &str) -> Option<(&str, &str)> {
    address.rsplit_once('@').filter(|(local_part, domain)| !local_part.is_empty() && !domain.is_empty())
}

/// Beginning of ids that are names, as 0.15 has them. No id of the registry has a slash.
const PRINCIPAL: &str = "principal/";

/// Returns the id of an object that has none but its name.
pub(super) fn id_of(name: &str) -> String {
    format!("{PRINCIPAL}{name}")
}

/// Returns the name within such an id.
pub(super) fn from_id(id: &str) -> Option<&str> {
    id.strip_prefix(PRINCIPAL)
}

/// Returns a name that people chose without control characters, bounded; `None` if nothing is left.
pub(super) fn shown(name: &str) -> Option<String> {
    let name: String = name.chars().filter(|character| !character.is_control()).take(MAXIMUM_NAME).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Beginning of the mark in a label.
const MARK: &str = " [dezky ";

/// Returns the label of an app password in Stalwart: its name, and a mark that no other has.
///
/// It is our id of it. Stalwart gives its own id of a deleted one to the next, and cannot tell which ones are ours.
pub(super) fn label(name: &str, mark: &str) -> ConnectorResult<String> {
    if !is_mark(mark) {
        let why = "the mark of an app password must have 1 to 64 letters and digits".to_owned();
        return Err(ConnectorError::Rejected { why });
    }
    // `$` separates the parts of an app password in 0.15, and a bracket would begin another mark.
    let name = shown(&name.replace(['$', '[', ']'], " ")).unwrap_or_else(|| "Mail".to_owned());
    Ok(format!("{name}{MARK}{mark}]"))
}

/// Returns `true` for a label that [`label`] has made.
pub(super) fn is_own(text: &str) -> bool {
    let marked = text.strip_suffix(']').and_then(|text| text.rsplit_once(MARK));
    marked.is_some_and(|(name, mark)| !name.is_empty() && is_mark(mark))
}

fn is_mark(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Returns a password of 119 random bits that people can type: no two of its characters look alike.
pub(super) fn password() -> ConnectorResult<String> {
    const CHARACTERS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
    const LENGTH: usize = 24;
    let mut password = String::with_capacity(LENGTH + LENGTH / 6);
    let mut drawn = 0;
    while drawn < LENGTH {
        let mut random = [0; 64];
        fill(&mut random)?;
        // The largest multiple of 31: others would make some characters more likely.
        for byte in random.into_iter().filter(|byte| *byte < 248).take(LENGTH - drawn) {
            if drawn > 0 && drawn.is_multiple_of(6) {
                password.push('-');
            }
            password.extend(CHARACTERS.get(usize::from(byte) % CHARACTERS.len()).map(|byte| char::from(*byte)));
            drawn += 1;
        }
    }
    Ok(password)
}

fn fill(bytes: &mut [u8]) -> ConnectorResult<()> {
    getrandom::fill(bytes).map_err(|error| ConnectorError::Retryable {
        after: None,
        why: format!("this machine has no randomness: {error}"),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn names_are_those_that_stalwart_stores() {
        assert_eq!(domain(" Acme.EU. "), "acme.eu");
        assert_eq!(local_part("Anna"), "anna");
        assert_eq!(split("anna@acme.eu"), Some(("anna", "acme.eu")));
        for broken in ["anna", "@acme.eu", "anna@"] {
            assert_eq!(split(broken), None);
        }
        assert_eq!(shown("\u{7} \n"), None);
        assert_eq!(shown(&"é".repeat(500)).unwrap().chars().count(), MAXIMUM_NAME);
    }

    #[test]
    fn labels_tell_ours_from_others() {
        let (one, two) = (label("Phone $1", "a1").unwrap(), label("Phone $1", "b2").unwrap());
        assert_eq!(one, "Phone  1 [dezky a1]");
        assert_ne!(one, two);
        assert_eq!(label("A [dezky x]", "1").unwrap(), "A  dezky x [dezky 1]");
        assert_eq!(label("\n", "1").unwrap(), "Mail [dezky 1]");
        for own in [&one, &two, &label("", "z").unwrap(), &label(&"x".repeat(500), &"9".repeat(64)).unwrap()] {
            assert!(is_own(own), "{own}");
        }
        for foreign in
            ["Phone", "", "Phone [dezky ]", " [dezky 1]", "Phone [dezky a-b]", "Phone [dezky 1] ", "[dezky 1]"]
        {
            assert!(!is_own(foreign), "{foreign}");
        }
        for mark in ["", "a b", "a]", "$", &"1".repeat(65)] {
            assert!(label("Phone", mark).is_err(), "{mark}");
        }
    }

    #[test]
    fn passwords_are_long_and_differ() {
        let (one, two) = (password().unwrap(), password().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 27);
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [6, 6, 6, 6]);
    }
}
