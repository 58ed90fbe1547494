//! Confirmation of irreversible commands.

use std::io::{BufRead as _, IsTerminal as _, Write as _, stderr, stdin};

use clap::Args;
use dezky::plain::Plain;

use crate::failure::Failure;

/// Flag of irreversible commands.
#[derive(Debug, Args)]
pub(crate) struct ConfirmationFlags {
    /// Skip the question; required when standard input is not a terminal
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// Asks for confirmation. `what` describes the effect; `word` must be typed.
///
/// # Errors
/// When it was not confirmed, or standard input is not a terminal.
pub(crate) fn confirm(flags: &ConfirmationFlags, what: &str, word: &str) -> Result<(), Failure> {
    if flags.yes {
        return Ok(());
    }
    if !stdin().is_terminal() || !stderr().is_terminal() {
        let message = format!("{what}, which cannot be undone: add --yes to do so without being asked");
        return Err(Failure::not_confirmed(&message));
    }
    // Stored text is displayed and must not control the terminal.
    let (what, word) = (Plain(what), Plain(word));
    write!(stderr(), "{what}.\nThis cannot be undone. Type `{word}` to go on: ")?;
    stderr().flush()?;
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer)?;
    if answer.trim() == word.0 { Ok(()) } else { Err(Failure::not_confirmed("nothing was done")) }
}
