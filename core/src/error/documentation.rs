//! The table of codes for people, printed from the code.

use std::fmt::Write as _;

use super::{Code, FieldCode};

/// The codes in Markdown, a section each, in the order of their names: first those of errors, then those of fields.
#[must_use]
pub fn code_pages() -> String {
    let mut text = String::from("## Errors\n");
    for code in in_order(Code::ALL, |code| code.name()) {
        let kind = code.kind();
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "\n### `{code}`\n\n| kind | HTTP status | exit code | retryable |\n|---|---|---|---|\n| `{}` | {} | {} | {} |\n\n",
            kind.name(),
            kind.status(),
            kind.exit_code(),
            if code.retryable() { "yes" } else { "no" },
        );
        let _ = writeln!(text, "{}\n\n**What to do:** {}", code.meaning(), code.advice());
        if FieldCode::ALL.contains(&code.into()) {
            text.push_str("\nIt is also the code of a field.\n");
        }
    }
    text.push_str("\n## Fields\n");
    for code in in_order(FieldCode::ALL, |code| code.name()) {
        if !Code::ALL.iter().any(|whole| FieldCode::from(*whole) == code) {
            let _ = writeln!(text, "\n### `{code}`\n\n{}\n\n**What to do:** {}", code.meaning(), code.advice());
        }
    }
    text
}

fn in_order<T: Copy>(codes: &[T], name: impl Fn(&T) -> &'static str) -> Vec<T> {
    let mut codes = codes.to_vec();
    codes.sort_unstable_by_key(name);
    codes
}
