//! `dezky completions` and `dezky man`, generated from the command-line definitions.

use std::{
    io::{Write as _, stdout},
    path::PathBuf,
};

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::{command_line::CommandLine, failure::Failure};

/// Flags of `dezky completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionFlags {
    /// The shell
    shell: Shell,
}

/// Flags of `dezky man`.
#[derive(Debug, Args)]
pub(crate) struct ManFlags {
    /// The folder; created if missing
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Prints the completions for a shell.
pub(super) fn completions(flags: &CompletionFlags) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(flags.shell, &mut CommandLine::command(), "dezky", &mut text);
    let mut output = stdout().lock();
    output.write_all(&text)?;
    output.flush()?;
    Ok(())
}

/// Writes the manual pages.
pub(super) fn pages(flags: &ManFlags) -> Result<(), Failure> {
    let refused = |error: std::io::Error| {
        Failure::failed(format!("`{}`: the manual pages cannot be written ({error})", flags.folder.display()))
    };
    std::fs::create_dir_all(&flags.folder).map_err(refused)?;
    clap_mangen::generate_to(CommandLine::command(), &flags.folder).map_err(refused)?;
    writeln!(stdout(), "the manual pages are in {}", flags.folder.display())?;
    Ok(())
}
