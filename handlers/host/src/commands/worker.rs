//! `dezky worker`.

use std::sync::Arc;

use dezky::Platform;

use crate::{
    background,
    command_line::SettingFlags,
    configuration::{self, Configuration, sources_of_process},
    failure::Failure,
    logging,
    running::Signals,
    server::Metrics,
    store,
};

/// Runs the background tasks until stopped.
pub(super) async fn run(flags: SettingFlags) -> Result<(), Failure> {
    let sources = sources_of_process(flags.config.clone(), flags.settings())?;
    let configuration = Configuration::read(&sources)?;
    logging::start(&configuration::log(&sources)?)?;
    let mut signals = Signals::listen()?;
    let store = store::open(&configuration, &Arc::new(Metrics::new()))?;
    let platform = Platform::open(configuration.platform_options(store))?;
    let worker = configuration.worker()?;
    let reaches = configuration.systems.kinds();
    let driver = background::start(platform.service(), &configuration.tasks, &configuration.seed, worker);
    tracing::info!(systems = ?reaches, version = env!("CARGO_PKG_VERSION"), "working");
    signals.received().await;
    driver.stop().await;
    platform.close();
    tracing::info!("stopped");
    Ok(())
}
