//! Names of spaces, and the marker in their description.

use crate::domain::TenantId;

/// Length limit of a name, in bytes.
const MAXIMUM_NAME: usize = 255;

/// Name in place of one that has no permitted character.
const NAMELESS: &str = "Space";

/// Beginning of the description of our spaces.
const MARKER: &str = "dezky:tenant:";

/// Returns the form of a name that the system accepts and keeps as it is.
///
/// The system refuses some characters, trims blanks silently, and takes control characters that nobody could type again.
pub(super) fn clean_name(name: &str) -> String {
    let refused = |character: char| {
        character.is_whitespace()
            || character.is_control()
            || matches!(character, '/' | '\\' | '.' | ':' | '?' | '*' | '"' | '>' | '<' | '|')
    };
    let words: Vec<&str> = name.split(refused).filter(|word| !word.is_empty()).collect();
    let mut clean = words.join(" ");
    while clean.len() > MAXIMUM_NAME {
        clean.pop();
    }
    clean.truncate(clean.trim_end().len());
    if clean.is_empty() { NAMELESS.to_owned() } else { clean }
}

/// Returns the marker of a tenant's space.
pub(super) fn marker(tenant: TenantId) -> String {
    format!("{MARKER}{tenant}")
}

/// Returns the tenant that a description names, which must be a marker and nothing else.
pub(super) fn marked_tenant(description: &str) -> Option<TenantId> {
    let tenant: TenantId = description.strip_prefix(MARKER)?.parse().ok()?;
    // Other spellings of the id are not ours.
    (marker(tenant) == description).then_some(tenant)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn names_are_cleaned() {
        for (name, clean) in [
            ("Acme GmbH", "Acme GmbH"),
            ("Acme & Co. KG", "Acme & Co KG"),
            ("acme.example", "acme example"),
            (" lead and trail \u{a0}", "lead and trail"),
            ("a/b\\c:d?e*f\"g>h<i|j", "a b c d e f g h i j"),
            ("a\nb\tc\0d\u{7f}e\u{85}f", "a b c d e f"),
            ("O'Neil 100% #1 (EU)", "O'Neil 100% #1 (EU)"),
            ("Ümläut 株式会社 🚀", "Ümläut 株式会社 🚀"),
            ("..", "Space"),
            ("", "Space"),
        ] {
            assert_eq!(clean_name(name), clean, "{name:?}");
        }
        assert_eq!(clean_name(&"ü".repeat(128)), "ü".repeat(127));
        assert_eq!(clean_name(&format!("{} b", "a".repeat(254))), "a".repeat(254));
    }

    #[test]
    fn only_the_exact_marker_names_a_tenant() {
        let id = "65f0c0ffee0000000000cafe";
        let tenant: TenantId = id.parse().unwrap();
        assert_eq!(marked_tenant(&marker(tenant)), Some(tenant));
        for description in [
            "dezky:tenant:65f0cafe".to_owned(),
            format!("dezky:tenant:{id} v2"),
            format!(" dezky:tenant:{id}"),
            format!("dezky:tenant:{}", id.to_uppercase()),
            format!("Dezky:tenant:{id}"),
            id.to_owned(),
            String::new(),
        ] {
            assert_eq!(marked_tenant(&description), None, "{description:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_clean_name_is_accepted_and_stays(name in ".{0,300}") {
            let clean = clean_name(&name);
            proptest::prop_assert_eq!(&clean_name(&clean), &clean);
            proptest::prop_assert_eq!(clean.trim(), clean.as_str());
            proptest::prop_assert!((1..=MAXIMUM_NAME).contains(&clean.len()));
            proptest::prop_assert!(!clean.contains(['/', '\\', '.', ':', '?', '*', '"', '>', '<', '|']));
            proptest::prop_assert!(!clean.chars().any(char::is_control));
        }
    }
}
