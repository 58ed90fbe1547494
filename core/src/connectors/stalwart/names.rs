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

/// Label of an app password in Stalwart: its name, and a mark that no other has.
///
/// It is our id of it. Stalwart gives its own id of a deleted one to the next, and cannot tell which ones are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    name: String,
    mark: String,
}

impl Label {
    /// Creates a label with a new mark.
    pub(super) fn new(name: &str) -> ConnectorResult<Self> {
        let mut random = [0; 8];
        fill(&mut random)?;
        // `$` separates the parts of an app password in 0.15, and a bracket would begin another mark.
        let name = shown(&name.replace(['$', '[', ']'], " ")).unwrap_or_else(|| "Mail".to_owned());
        Ok(Self { name, mark: hex::encode(random) })
    }

    /// Returns what the labels of all app passwords of this name of ours begin with.
    pub(super) fn beginning(&self) -> String {
        format!("{} [dezky ", self.name)
    }

    pub(super) fn text(&self) -> String {
        format!("{}{}]", self.beginning(), self.mark)
    }
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
        let (one, two) = (Label::new("Phone $1").unwrap(), Label::new("Phone $1").unwrap());
        assert_ne!(one, two);
        assert_eq!(one.beginning(), two.beginning());
        assert!(!one.text().contains('$'));
        assert!(one.text().starts_with(&two.beginning()) && one.text().ends_with(']'));
        assert!(!one.text().starts_with(&Label::new("Phon").unwrap().beginning()));
        assert_eq!(Label::new("A [dezky x]").unwrap().beginning(), "A  dezky x [dezky ");
        assert_eq!(Label::new("\n").unwrap().beginning(), "Mail [dezky ");
    }

    #[test]
    fn passwords_are_long_and_differ() {
        let (one, two) = (password().unwrap(), password().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 27);
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [6, 6, 6, 6]);
    }
}
