//! Comma-separated values (RFC 4180), as spreadsheets write them.

/// Reads rows of fields. Commas and semicolons separate, whichever the first line has more of.
///
/// # Errors
/// The number of the line on which a quoted field begins that never ends.
pub(super) fn rows(text: &str) -> Result<Vec<Vec<String>>, usize> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let separator = if first.matches(';').count() > first.matches(',').count() { ';' } else { ',' };
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut line, mut quoted_since) = (1_usize, None);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\n' {
            line = line.saturating_add(1);
        }
        match (quoted_since, character) {
            (Some(_), '"') if characters.peek() == Some(&'"') => {
                field.push('"');
                characters.next();
            }
            (Some(_), '"') => quoted_since = None,
            (Some(_), other) => field.push(other),
            (None, '"') if field.is_empty() => quoted_since = Some(line),
            (None, '\r') if characters.peek() == Some(&'\n') => {}
            (None, '\n') => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            (None, other) if other == separator => row.push(std::mem::take(&mut field)),
            (None, other) => field.push(other),
        }
    }
    if let Some(line) = quoted_since {
        return Err(line);
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows.retain(|row: &Vec<String>| row.iter().any(|field| !field.trim().is_empty()));
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn fields_are_read_as_spreadsheets_write_them() {
        let cases: [(&str, &[&[&str]]); 5] = [
            ("a,b\r\nc,d\r\n", &[&["a", "b"], &["c", "d"]]),
            ("\u{feff}a;\"b;\"\"x\"\"\"\n\n;\nc", &[&["a", "b;\"x\""], &["c"]]),
            ("a,\"two\nlines\",\nb,,", &[&["a", "two\nlines", ""], &["b", "", ""]]),
            ("a b\"c,d", &[&["a b\"c", "d"]]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            let expected: Vec<Vec<String>> =
                expected.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect();
            assert_eq!(rows(text), Ok(expected), "{text:?}");
        }
        assert_eq!(rows("a\n\"b\nc"), Err(2));
    }
}
