//! `dezky serve`.

use crate::{
    command_line::SettingFlags,
    configuration::{self, Configuration, sources_of_process},
    failure::Failure,
    logging,
    running::Running,
};

/// Serves until stopped.
pub(super) async fn run(flags: SettingFlags) -> Result<(), Failure> {
    let sources = sources_of_process(flags.config.clone(), flags.settings())?;
    let configuration = Configuration::read(&sources)?;
    logging::start(&configuration::log(&sources)?)?;
    Running::start(&configuration).await?.until_stopped().await
}
