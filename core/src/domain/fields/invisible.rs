//! Invisible characters in visible texts.
//!
//! Two different texts that look alike allow spoofing (Unicode Technical Standard 39). So an invisible character is
//! refused where it has no effect, and allowed where a script or an emoji needs it. By the Unicode properties of ICU:
//!
//! | character | allowed |
//! |---|---|
//! | zero width non-joiner | between letters that it separates, and after a virama before a letter (UAX 31, RFC 5892 A.1) |
//! | zero width joiner | next to a virama, where it changes the form of an Arabic letter, and between emoji |
//! | variation selectors 15 and 16 | after an emoji; after a digit, `#` or `*` before a keycap |
//! | other variation selectors | after ideographs, and those of Mongolian after its letters |
//! | Mongolian vowel separator | between Mongolian letters |
//! | tags | in the flag of a subdivision of a country |
//!
//! All other `Default_Ignorable_Code_Point`, direction marks, controls and line separators are refused everywhere.

use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use icu_properties::{
    CodePointMapData, CodePointMapDataBorrowed, CodePointSetData, CodePointSetDataBorrowed,
    props::{DefaultIgnorableCodePoint, Emoji, ExtendedPictographic, JoiningType, UnifiedIdeograph},
};

use crate::plain::acts;

const NON_JOINER: char = '\u{200C}';
const JOINER: char = '\u{200D}';
const KEYCAP: char = '\u{20E3}';
const BLACK_FLAG: char = '\u{1F3F4}';
const TAG_END: char = '\u{E007F}';
/// The combining class of a virama, which joins consonants.
const VIRAMA: u8 = 9;

const IGNORABLE: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<DefaultIgnorableCodePoint>();
const EMOJI: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<Emoji>();
const PICTOGRAPHIC: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<ExtendedPictographic>();
const IDEOGRAPH: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<UnifiedIdeograph>();
const JOINING: CodePointMapDataBorrowed<'static, JoiningType> = CodePointMapData::<JoiningType>::new();

/// Returns the first invisible character that has no effect at its place.
#[must_use]
pub fn misplaced(text: &str) -> Option<char> {
    if text.is_ascii() {
        return text.chars().find(|character| acts(*character));
    }
    text.char_indices().find(|(position, character)| !is_in_place(text, *position, *character)).map(|(_, found)| found)
}

/// Returns the text without the invisible characters that have no effect at their place.
#[must_use]
pub fn without_misplaced(text: &str) -> String {
    let mut kept = text.to_owned();
    // Removing a character may leave another one without effect.
    for _ in 0..4 {
        let once: String = kept
            .char_indices()
            .filter(|(position, character)| is_in_place(&kept, *position, *character))
            .map(|(_, character)| character)
            .collect();
        if once == kept {
            return kept;
        }
        kept = once;
    }
    kept.retain(|character| !is_hidden(character));
    kept
}

/// Returns `true` if the character is invisible by itself.
fn is_hidden(character: char) -> bool {
    acts(character) || IGNORABLE.contains(character) || matches!(character, '\u{FFF9}'..='\u{FFFB}')
}

fn is_in_place(text: &str, position: usize, character: char) -> bool {
    if character.is_ascii() || !is_hidden(character) {
        return !acts(character);
    }
    let (before, rest) = text.split_at(position);
    let after = rest.get(character.len_utf8()..).unwrap_or_default();
    match character {
        NON_JOINER => keeps_apart(before, after),
        JOINER => joins(before, after),
        '\u{FE0E}' | '\u{FE0F}' => selects_emoji(before, after),
        '\u{FE00}'..='\u{FE02}' | '\u{E0100}'..='\u{E01EF}' => {
            before.chars().next_back().is_some_and(|ideograph| IDEOGRAPH.contains(ideograph))
        }
        '\u{180B}'..='\u{180D}' | '\u{180F}' => before.chars().next_back().is_some_and(is_mongolian),
        '\u{180E}' => {
            before.chars().next_back().is_some_and(is_mongolian) && after.chars().next().is_some_and(is_mongolian)
        }
        '\u{E0020}'..='\u{E007F}' => is_flag(before, rest),
        _ => false,
    }
}

/// Returns `true` between letters that would join otherwise, or after a virama and before a letter.
fn keeps_apart(before: &str, after: &str) -> bool {
    let letter_follows = after.chars().next().is_some_and(char::is_alphabetic);
    (ends_with_virama(before) && letter_follows) || (joins_on(before) && joins_back(after))
}

/// Returns `true` next to a virama, where it changes an Arabic letter's form, or between emoji.
fn joins(before: &str, after: &str) -> bool {
    let letter_before = before.chars().next_back().is_some_and(char::is_alphabetic);
    let virama_after = after.chars().next().is_some_and(is_virama);
    ends_with_virama(before)
        || (letter_before && virama_after)
        // Where both sides join anyway, and where neither can, it has no effect.
        || (joins_on(before) != joins_back(after))
        || (ends_with_emoji(before) && after.chars().next().is_some_and(|next| PICTOGRAPHIC.contains(next)))
}

fn is_virama(character: char) -> bool {
    CanonicalCombiningClassMapBorrowed::new().get_u8(character) == VIRAMA
}

/// Returns `true` if the text ends with a virama, which other marks may follow.
fn ends_with_virama(before: &str) -> bool {
    let classes = CanonicalCombiningClassMapBorrowed::new();
    let marks = before.chars().rev().map(|character| classes.get_u8(character));
    marks.take_while(|class| *class != 0).any(|class| class == VIRAMA)
}

/// Returns `true` if the last letter joins what follows it, ignoring marks.
fn joins_on(before: &str) -> bool {
    let last = before.chars().rev().map(|character| (character, JOINING.get(character)));
    let letter =
        last.skip_while(|(character, joining)| is_transparent(*character, *joining)).map(|(_, joining)| joining).next();
    matches!(letter, Some(JoiningType::DualJoining | JoiningType::LeftJoining))
}

/// Returns `true` if the next letter joins what precedes it, ignoring marks.
fn joins_back(after: &str) -> bool {
    let next = after.chars().map(|character| (character, JOINING.get(character)));
    let letter =
        next.skip_while(|(character, joining)| is_transparent(*character, *joining)).map(|(_, joining)| joining).next();
    matches!(letter, Some(JoiningType::DualJoining | JoiningType::RightJoining))
}

/// Returns `true` for a mark that is not an invisible character.
fn is_transparent(character: char, joining: JoiningType) -> bool {
    joining == JoiningType::Transparent && !is_hidden(character)
}

/// Returns `true` if the text ends with an emoji, with its modifier, selector or tags.
fn ends_with_emoji(before: &str) -> bool {
    let belongs =
        |character: &char| matches!(character, '\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0020}'..='\u{E007F}');
    before.chars().rev().find(|character| !belongs(character)).is_some_and(|emoji| PICTOGRAPHIC.contains(emoji))
}

fn selects_emoji(before: &str, after: &str) -> bool {
    match before.chars().next_back() {
        Some('0'..='9' | '#' | '*') => after.starts_with(KEYCAP),
        Some(emoji) => EMOJI.contains(emoji),
        None => false,
    }
}

fn is_mongolian(character: char) -> bool {
    matches!(character, '\u{1820}'..='\u{18AA}')
}

/// Returns `true` inside a flag of tags.
///
/// It is a black flag, three to six letters and digits as tags, and the end of tags (Unicode Technical Standard 51,
/// annex C).
fn is_flag(before: &str, rest: &str) -> bool {
    let is_tag = |character: &char| matches!(character, '\u{E0030}'..='\u{E0039}' | '\u{E0061}'..='\u{E007A}');
    let ahead = before.chars().rev().take_while(is_tag).count();
    let behind = rest.chars().take_while(is_tag).count();
    let begins = before.chars().rev().nth(ahead) == Some(BLACK_FLAG);
    begins && rest.chars().nth(behind) == Some(TAG_END) && (3..=6).contains(&ahead.saturating_add(behind))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    /// Removing the invisible character from any of these changes the text for its readers.
    const IN_PLACE: [&str; 30] = [
        "Acme GmbH",
        "Ångström & Söhne",
        "می\u{200C}خواهم",
        "نرم\u{200C}افزار",
        "خانه\u{200C}ای",
        "ه\u{200D}.ش",
        "क्\u{200D}ष",
        "क्\u{200C}ष",
        "ශ්\u{200D}රී ලංකා",
        "র\u{200D}\u{9CD}যাব",
        "മലയാളം ന്\u{200D}",
        "👩\u{200D}💻",
        "👩🏽\u{200D}💻 Ops",
        "👨\u{200D}👩\u{200D}👧\u{200D}👦",
        "🏳\u{FE0F}\u{200D}🌈",
        "🏴\u{200D}☠\u{FE0F}",
        "🤷🏿\u{200D}♂\u{FE0F}",
        "❤\u{FE0F}",
        "☺\u{FE0E}",
        "1\u{FE0F}\u{20E3}",
        "#\u{FE0F}\u{20E3}",
        "葛\u{E0100}城市",
        "辻\u{E0101}",
        "🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
        "ᠮᠣᠩᠭᠣᠯ\u{180B}",
        "ᠨᠠᠷ\u{180E}ᠠ",
        "שלום עולם",
        "مرحبا بالعالم",
        "한국어 회사",
        "東京都",
    ];

    #[test]
    fn joiners_and_selectors_stay_where_they_do_something() {
        for text in IN_PLACE {
            assert_eq!(misplaced(text), None, "{text} {}", text.escape_unicode());
            assert_eq!(without_misplaced(text), text);
        }
    }

    #[test]
    fn what_nobody_sees_is_found_wherever_it_does_nothing() {
        let hidden: Vec<char> = (0..=0x10_FFFF).filter_map(char::from_u32).filter(|c| is_hidden(*c)).collect();
        assert!(hidden.len() > 4_000, "all of Unicode's: {}", hidden.len());
        for hidden in hidden {
            for (before, after) in
                [("ab", "cd"), ("", "ab"), ("ab", ""), ("Жу", "к"), ("회", "사"), ("שלום ", "ם"), ("1", "2")]
            {
                let text = format!("{before}{hidden}{after}");
                assert_eq!(misplaced(&text), Some(hidden), "{}", text.escape_unicode());
                assert_eq!(without_misplaced(&text), format!("{before}{after}"), "{}", text.escape_unicode());
            }
        }
    }

    #[test]
    fn what_stays_in_one_place_does_not_in_another() {
        for text in [
            "کار\u{200C}ها",
            "می\u{200C}\u{200C}خواهم",
            "می\u{200C} خواهم",
            "می\u{200D}خواهم",
            "क\u{200D}ष",
            "क्\u{200C}",
            "👩\u{200D}a",
            "a\u{200D}💻",
            "👩\u{200D}\u{200D}💻",
            "👩\u{200D}",
            "a\u{FE0F}",
            "1\u{FE0F}",
            "❤\u{FE0F}\u{FE0F}",
            "あ\u{E0100}",
            "葛\u{E0100}\u{E0100}",
            "🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}",
            "🏴\u{E007F}",
            "🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E0068}\u{E0065}\u{E007F}",
            "a\u{E0067}\u{E0062}\u{E0073}\u{E007F}",
            "a\u{180B}",
            "ᠮ\u{180E}a",
        ] {
            assert!(misplaced(text).is_some(), "{}", text.escape_unicode());
            let rest = without_misplaced(text);
            assert_eq!(misplaced(&rest), None, "{}", rest.escape_unicode());
        }
    }

    #[test]
    fn what_is_left_of_any_text_is_in_place_and_looks_as_before() {
        // Fixed, so that failures are reproducible.
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = |bound: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % u64::try_from(bound).unwrap()).unwrap()
        };
        let alphabet: Vec<char> =
            IN_PLACE.iter().flat_map(|text| text.chars()).chain("\u{AD}\u{3164}\u{202E}\u{61C}".chars()).collect();
        for _ in 0..20_000 {
            let text: String = (0..next(12)).map(|_| alphabet[next(alphabet.len())]).collect();
            let kept = without_misplaced(&text);
            assert_eq!(misplaced(&kept), None, "{}", text.escape_unicode());
            let seen = |text: &str| text.chars().filter(|c| !is_hidden(*c)).collect::<String>();
            assert_eq!(seen(&kept), seen(&text), "{}", text.escape_unicode());
            assert_eq!(misplaced(&text).is_none(), kept == text, "{}", text.escape_unicode());
        }
    }
}
