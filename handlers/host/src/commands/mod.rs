//! The commands, one file each.

mod dev;
pub(crate) mod migrate;
mod openapi;
mod seed;
mod serve;
mod token_verify;

use crate::{
    command_line::{Command, TokenCommand},
    failure::Failure,
};

/// Carries a command out.
///
/// # Errors
/// Why it ends without success.
pub(crate) async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(flags) => serve::run(flags).await,
        Command::Dev(flags) => dev::run(flags).await,
        Command::Migrate(flags) => migrate::run(flags).await,
        Command::Seed(flags) => seed::run(flags).await,
        Command::Openapi => openapi::run(),
        Command::Token(TokenCommand::Verify(flags)) => token_verify::run(flags).await,
    }
}
