//! Plain-text tables.

use dezky::plain::acts;

/// Space between two columns.
const GAP: &str = "  ";

/// Minimum width to which a column is cut, even on a narrow terminal.
const NARROWEST: usize = 8;

/// Rows of cells to align.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    width: Option<usize>,
}

impl Table {
    /// Creates a table with headings, or continues one without; lines are cut to `width` if given.
    pub(crate) fn new(headings: Option<Vec<String>>, rows: Vec<Vec<String>>, width: Option<usize>) -> Self {
        let rows =
            headings.into_iter().chain(rows).map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
        Self { rows, width }
    }

    /// Creates rows without headings.
    pub(crate) fn plain(rows: Vec<Vec<String>>, width: Option<usize>) -> Self {
        Self::new(None, rows, width)
    }

    /// Renders the text, one line per row.
    pub(crate) fn text(&self) -> String {
        let widths = self.widths();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| pad(&cut(cell, *width), *width));
            format!("{}\n", cells.collect::<Vec<_>>().join(GAP).trim_end())
        };
        self.rows.iter().map(line).collect()
    }

    /// Computes the width of each column. Excess width is taken from the widest columns, so that ids stay whole.
    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..columns).map(widest).collect();
        let Some(room) = self.width else { return widths };
        let gaps = GAP.len() * columns.saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > room {
            let Some(widest) = widths.iter_mut().filter(|width| **width > NARROWEST).max_by_key(|width| **width) else {
                break;
            };
            *widest -= 1;
        }
        widths
    }
}

/// Removes what could move the cursor or colour the terminal, since names may come from anywhere.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' | '\t' => ' ',
            acting if acts(acting) => '\u{FFFD}',
            other => other,
        })
        .collect()
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[&[&str]], width: Option<usize>) -> String {
        let owned = rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        Table::plain(owned, width).text()
    }

    #[test]
    fn columns_are_aligned_and_lines_do_not_end_in_blanks() {
        assert_eq!(table(&[&["SLUG", "NAME"], &["acme", "Ä"], &["b", ""]], None), "SLUG  NAME\nacme  Ä\nb\n");
    }

    #[test]
    fn what_does_not_fit_is_cut_from_the_widest_column() {
        let long = "x".repeat(40);
        let text = table(&[&["0123456789", &long]], Some(30));
        assert_eq!(text, format!("0123456789  {}…\n", "x".repeat(17)));
        assert!(table(&[&["0123456789", &long]], None).contains(&long));
    }

    #[test]
    fn stored_text_cannot_steer_the_terminal() {
        assert_eq!(
            table(&[&["a\u{1b}[31mb\n\u{202e}c\u{9b}\u{200f}d"]], None),
            "a\u{fffd}[31mb \u{fffd}c\u{fffd}\u{fffd}d\n"
        );
    }
}
