//! Escaping of foreign text in output for people, so that it cannot control a terminal or add lines.

use std::fmt::{self, Write as _};

/// Displays a text on one line of a log, a table or an error.
///
/// Control characters (ESC and the C1 set included), line ends and bidirectional controls are escaped, as in `
/// ` and
/// `\u{1b}`. All else is kept, including the joiners in names and emoji.
///
/// ```
/// assert_eq!(dezky::plain::Plain("Eve\u{1b}[2J\nroot").to_string(), r"Eve\u{1b}[2J\nroot");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Plain<T>(pub T);

impl<T: fmt::Display> fmt::Display for Plain<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(formatter), "{}", self.0)
    }
}

/// Writes a text with escapes.
#[derive(Debug)]
pub struct Escaping<W>(pub W);

impl<W: fmt::Write> fmt::Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((position, acting)) = rest.char_indices().find(|(_, character)| acts(*character)) {
            let (before, after) = rest.split_at(position);
            self.0.write_str(before)?;
            write!(self.0, "{}", acting.escape_default())?;
            rest = after.get(acting.len_utf8()..).unwrap_or_default();
        }
        self.0.write_str(rest)
    }
}

/// Returns whether a character acts on its surroundings.
#[must_use]
pub fn acts(character: char) -> bool {
    character.is_control() || is_directional(character) || matches!(character, '\u{2028}' | '\u{2029}')
}

/// Characters with the property `Bidi_Control` (Unicode Standard Annex 9), which reorder their neighbours.
#[must_use]
pub fn is_directional(character: char) -> bool {
    matches!(character, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_written_as_an_escape_and_all_else_as_it_is() {
        for (text, shown) in [
            ("", ""),
            ("Ünïcode 日本 ✓", "Ünïcode 日本 ✓"),
            ("a\u{1b}]0;title\u{7}b", r"a\u{1b}]0;title\u{7}b"),
            ("\r\n\t", r"\r\n\t"),
            ("\u{9b}31m\u{85}\u{7f}", r"\u{9b}31m\u{85}\u{7f}"),
            ("gpj\u{202e}exe", r"gpj\u{202e}exe"),
            ("a\u{2066}b\u{2069}\u{200f}\u{61c}", r"a\u{2066}b\u{2069}\u{200f}\u{61c}"),
            ("one\u{2028}two\u{2029}", r"one\u{2028}two\u{2029}"),
            ("می\u{200c}خواهم 👩\u{200d}💻", "می\u{200c}خواهم 👩\u{200d}💻"),
        ] {
            assert_eq!(Plain(text).to_string(), shown);
        }
    }
}
