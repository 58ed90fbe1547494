//! The commands, one file each.

#[cfg(feature = "development-issuer")]
mod dev;
pub(crate) mod doctor;
#[cfg(feature = "development-issuer")]
mod emulated;
pub(crate) mod manual;
#[cfg(feature = "mongodb")]
pub(crate) mod migrate;
mod openapi;
pub(crate) mod operators;
mod seed;
mod serve;
mod token_verify;
mod worker;

use crate::{
    command_line::{Command, TokenCommand},
    failure::Failure,
};

/// Runs a command.
///
/// # Errors
/// Its failure.
pub(crate) async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(flags) => serve::run(flags).await,
        Command::Worker(flags) => worker::run(flags).await,
        #[cfg(feature = "development-issuer")]
        Command::Dev(flags) => dev::run(flags).await,
        #[cfg(feature = "mongodb")]
        Command::Migrate(flags) => migrate::run(flags).await,
        Command::Seed(flags) => seed::run(flags).await,
        Command::Openapi => openapi::run(),
        Command::Tenant(command) => operators::tenant::run(command).await,
        Command::User(command) => operators::user::run(command).await,
        Command::Member(command) => operators::member::run(command).await,
        Command::Billing(command) => operators::billing::run(command).await,
        Command::ApiKey(command) => operators::api_key::run(command).await,
        Command::Domain(command) => operators::domain::run(command).await,
        Command::Workspace(command) => operators::workspace::run(command).await,
        Command::Events(flags) => operators::events::run(flags).await,
        Command::Endpoint(command) => operators::endpoint::run(command).await,
        Command::Invitation(command) => operators::invitation::run(command).await,
        Command::Mailbox(command) => operators::mailbox::run(command).await,
        Command::Subscription(command) => operators::subscription::run(command).await,
        Command::Audit(flags) => operators::audit::run(*flags).await,
        Command::Doctor(flags) => doctor::run(flags).await,
        Command::Completions(flags) => manual::completions(&flags),
        Command::Man(flags) => manual::pages(&flags),
        Command::Token(TokenCommand::Verify(flags)) => token_verify::run(flags).await,
    }
}
