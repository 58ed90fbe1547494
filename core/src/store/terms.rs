//! Terms: the index for searching texts by words.
//!
//! A derived field has a whole text in its searched form. A field of terms has all prefixes of the words of some texts,
//! so that searching for a prefix of any word is an equality, which an index serves in any order.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Collection, FieldType};
use crate::domain::fields;

/// Prefix of the names of all fields of terms, which tells them from a document's own fields.
pub const TERMS: &str = "_words";

/// Number of significant letters of a word.
const LONGEST: usize = 32;

/// Number of significant words of a search, the longest first.
const MOST: usize = 8;

/// The conversion of a text to the form that is searched and sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A name: case and Unicode composition are ignored.
    Name,
    /// An e-mail address: its domain in ASCII, as it is stored.
    Address,
}

impl Form {
    /// Converts the text to this form. An address may be incomplete, such as a prefix of one.
    #[must_use]
    pub fn of(self, text: &str) -> String {
        match self {
            Self::Name => fields::search_key(text),
            Self::Address => fields::search_key(&fields::email::beginning(text)),
        }
    }
}

/// A field whose words are among the terms of another field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The field.
    pub field: &'static str,
    /// Prefix of each of its terms, to tell them from those of other sources. Terms that an earlier source already has
    /// are not repeated.
    pub mark: &'static str,
}

/// Returns the distinct words of a text in the form in which names are searched. Domain labels are in their own script.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let key = fields::search_key(&fields::domain_name::readable_labels(text));
    let mut words: Vec<String> = key
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(LONGEST).collect())
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// Returns the significant words of a search, the longest first, since it matches the fewest documents.
///
/// Returns none if the search has no letter or digit.
#[must_use]
pub fn searched(text: &str) -> Vec<String> {
    let mut words = words(text);
    words.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
    words.truncate(MOST);
    words
}

/// Returns `true` if each word of a search is a prefix of a word of the texts.
#[must_use]
pub fn matches<'a>(search: &str, texts: impl Iterator<Item = &'a str>) -> bool {
    let held: Vec<String> = texts.flat_map(words).collect();
    searched(search).iter().all(|wanted| held.iter().any(|word| word.starts_with(wanted.as_str())))
}

/// Returns the terms of a document by the fields that have them.
///
/// # Errors
/// When the text is not a JSON object.
pub fn of(collection: &Collection, json: &str) -> Result<Vec<(&'static str, Vec<String>)>, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Members<'a>(#[serde(borrow)] BTreeMap<Cow<'a, str>, &'a RawValue>);

    let declared = collection.fields.iter().filter_map(|field| match field.field_type {
        FieldType::Terms(sources) => Some((field.name, sources)),
        _ => None,
    });
    let mut members = None;
    let mut found = Vec::new();
    for (name, sources) in declared {
        if members.is_none() {
            members = Some(serde_json::from_str::<Members<'_>>(json)?.0);
        }
        let text = |field: &str| -> Option<String> {
            // A value that is not text has no words.
            serde_json::from_str(members.as_ref()?.get(field)?.get()).ok()
        };
        let mut terms: Vec<String> = Vec::new();
        for source in sources {
            let begun: Vec<String> = text(source.field).iter().flat_map(|text| beginnings(text)).collect();
            let taken: Vec<String> = sources
                .iter()
                .take_while(|earlier| earlier.field != source.field)
                .filter_map(|earlier| text(earlier.field))
                .flat_map(|text| beginnings(&text))
                .collect();
            let fresh = begun.into_iter().filter(|term| !taken.contains(term));
            terms.extend(fresh.map(|term| format!("{}{term}", source.mark)));
        }
        terms.sort_unstable();
        terms.dedup();
        found.push((name, terms));
    }
    Ok(found)
}

/// Returns the prefixes of all words of a text.
fn beginnings(text: &str) -> Vec<String> {
    let mut all: Vec<String> = words(text)
        .iter()
        .flat_map(|word| {
            let ends = word.char_indices().map(|(start, character)| start.saturating_add(character.len_utf8()));
            ends.filter_map(|end| word.get(..end).map(str::to_owned)).collect::<Vec<_>>()
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::domain::{membership::MEMBERSHIPS, user::USERS};

    #[test]
    fn words_are_runs_of_letters_and_digits_whatever_their_case_and_script() {
        assert_eq!(words("  Anna-Marie O'Hara "), ["anna", "hara", "marie", "o"]);
        assert_eq!(words("ÅSA straße ﬁn"), ["fin", "strasse", "åsa"]);
        assert_eq!(words("anna.müller+x@xn--bcher-kva.example"), ["anna", "bücher", "example", "müller", "x"]);
        assert_eq!(words("山田 太郎"), ["太郎", "山田"]);
        assert_eq!(words("& — 🚀"), Vec::<String>::new());
        assert_eq!(words(&"a".repeat(40)), ["a".repeat(32)]);
    }

    #[test]
    fn terms_are_all_beginnings_and_those_of_an_address_stand_apart() {
        let json = r#"{"userName":"Bo Li","userEmail":"bo@ax.eu","tenantName":null}"#;
        let found = of(&MEMBERSHIPS, json).unwrap();
        let terms = |name: &str| found.iter().find(|(field, _)| *field == name).unwrap().1.clone();
        assert_eq!(terms("_words"), ["aa", "aax", "ae", "aeu", "nb", "nbo", "nl", "nli"]);
        assert!(terms("_wordsOfTenant").is_empty());
        let found = of(&USERS, r#"{"name":"Bo","email":"bo@ax.eu"}"#).unwrap();
        assert_eq!(found, [("_words", ["a", "ax", "b", "bo", "e", "eu"].map(str::to_owned).to_vec())]);
    }

    #[test]
    fn the_longest_word_of_a_search_leads() {
        assert_eq!(searched("an Example b"), ["example", "an", "b"]);
        assert!(matches("exa ann", ["Anna Example"].into_iter()));
        assert!(!matches("exa x", ["Anna Example"].into_iter()));
    }
}
