//! `dezky worker`.

use std::sync::Arc;

use dezky::Platform;
use tokio::sync::watch;

use crate::{
    background,
    command_line::SettingFlags,
    configuration::{self, Configuration, sources_of_process},
    failure::Failure,
    logging,
    running::Signals,
    server::{Limits, Metrics, Operations, Readiness},
    store,
};

/// Runs the background tasks until stopped, with probes and metrics at the operations address if there is one.
pub(super) async fn run(flags: SettingFlags) -> Result<(), Failure> {
    let sources = sources_of_process(flags.config.clone(), flags.settings())?;
    let configuration = Configuration::read(&sources)?;
    logging::start(&configuration::log(&sources)?)?;
    let mut signals = Signals::listen()?;
    let metrics = Arc::new(Metrics::new());
    let operations = match &configuration.operations {
        Some(listen) => Some(Operations::bind(listen).await?),
        None => None,
    };
    let store = store::open(&configuration, &metrics)?;
    let platform = Platform::open(configuration.platform_options(Arc::clone(&store))?)?;
    let worker = configuration.worker()?;
    if let Some(worker) = &worker {
        metrics.follow(worker);
    }
    let reaches = configuration.systems.kinds();
    let driver = background::start(platform.service(), &configuration, configuration.reached(worker)?);
    let readiness = Readiness::new(store, None, driver.statuses());
    let limits = Limits::new(&configuration.limits, Arc::clone(&metrics));
    let (stop, stopped) = watch::channel(false);
    let serving = operations.map(|operations| {
        tokio::spawn(operations.serve(Arc::clone(&readiness), metrics, Arc::clone(&limits), stopped))
    });
    tracing::info!(systems = ?reaches, version = env!("CARGO_PKG_VERSION"), "working");
    signals.received().await;
    readiness.stop();
    stop.send_replace(true);
    driver.stop().await;
    if let Some(Err(error)) = match serving {
        Some(serving) => Some(serving.await),
        None => None,
    } {
        tracing::error!(%error, "the operations address ended by a defect");
    }
    platform.close();
    tracing::info!("stopped");
    Ok(())
}
