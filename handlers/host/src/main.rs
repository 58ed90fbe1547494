//! The binary `dezky`: server, development server and operators' command line.

mod background;
mod command_line;
mod commands;
#[cfg(feature = "component")]
mod component;
mod failure;
mod heads;
mod logging;
mod running;
mod server;
mod store;

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

use command_line::CommandLine;
use dezky_configuration as configuration;
use failure::Failure;

/// A request makes about a hundred small allocations, which took a tenth of its time with the C library's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `SIGXFSZ`, which ends a process that exceeds the file size limit (`ulimit -f`, `LimitFSIZE`).
///
/// It has this number on all systems that this is built for (signal(7)).
const FILE_TOO_LARGE: i32 = 25;

fn main() -> ExitCode {
    let arguments = CommandLine::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_silent() {
                // Standard error may be closed; the exit code remains.
                let _told = writeln!(std::io::stderr(), "{failure}");
            }
            ExitCode::from(failure.exit_code)
        }
    }
}

fn run(arguments: CommandLine) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // While the signal has a handler, a write beyond the limit fails with an error that can be reported.
        let _handled = signal(SignalKind::from_raw(FILE_TOO_LARGE))?;
        commands::run(arguments.command).await
    })
}
