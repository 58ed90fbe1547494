//! The binary `dezky`: server, development server and operators' command line.

mod background;
mod command_line;
mod commands;
mod configuration;
mod failure;
mod logging;
mod running;
mod server;
mod store;

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;

use command_line::CommandLine;
use failure::Failure;

/// A request makes some hundred small allocations; with the allocator of the C library they cost a tenth of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = CommandLine::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_silent() {
                // Standard error may be closed; the exit code says it then.
                let _told = writeln!(std::io::stderr(), "{failure}");
            }
            ExitCode::from(failure.exit_code)
        }
    }
}

fn run(arguments: CommandLine) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(commands::run(arguments.command))
}
