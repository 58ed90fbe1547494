//! `dezky openapi`.

use std::io::Write as _;

use crate::failure::Failure;

/// Prints the document.
pub(super) fn run() -> Result<(), Failure> {
    let document = dezky::http::operations::document()?;
    writeln!(std::io::stdout(), "{document}")?;
    Ok(())
}
