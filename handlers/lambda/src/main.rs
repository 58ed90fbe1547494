//! Entry point: settings, store and keys are loaded once per environment and reused by all invocations.

use std::{process::ExitCode, sync::Arc, time::Duration};

use dezky::{
    Error, ErrorKind,
    clock::SystemClock,
    http::{HttpState, TokenIdentity, router},
    service::Service,
};
use dezky_configuration::{Configuration, LogSettings, log, settings::BASE_PATH, sources_of_process};

/// As in the server: a request makes some hundred small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Maximum wait for the issuers' keys before the first invocation. Later invocations retry.
const KEYS: Duration = Duration::from_secs(2);

/// Maximum time of a request. Gateways wait for 29 s.
const TIMEOUT: Duration = Duration::from_secs(28);

// A function serves one invocation at a time, mostly on a share of one processor, so a second thread has no use.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The function's log is standard error; logging may not be set up yet.
            use std::io::Write as _;
            let _told = writeln!(std::io::stderr(), "dezky-lambda: {}", dezky::plain::Plain(error.message()));
            ExitCode::from(if error.kind() == ErrorKind::Configuration { 2 } else { 1 })
        }
    }
}

async fn serve() -> Result<(), Error> {
    let sources = sources_of_process(None, Vec::new())?;
    let configuration = Configuration::read(&sources)?;
    configuration.require_issuers()?;
    start_log(&log(&sources)?)?;
    let base_path = sources.find(&BASE_PATH)?.map(|found| found.text).unwrap_or_default();
    let store = configuration.open_store()?;
    let clock = Arc::new(SystemClock);
    let verifier = configuration.verifier(&store, clock.clone())?;
    // Keys are loaded before the first invocation, from the store if the issuer is unavailable.
    verifier.start();
    if tokio::time::timeout(KEYS, verifier.refresh()).await.is_err() {
        tracing::warn!(seconds = KEYS.as_secs(), "the issuers have not told their keys yet");
    }
    let service = Arc::new(Service::new(store, clock, configuration.service_settings()));
    let mut state = HttpState::new(service, Arc::new(TokenIdentity::new(verifier)));
    state.timeout = TIMEOUT;
    dezky_lambda::run(router(state), base_path)
        .await
        .map_err(|error| Error::internal("the Runtime API does not answer").with_source(error.to_string()))
}

/// Logs to standard error, which the platform collects.
fn start_log(settings: &LogSettings) -> Result<(), Error> {
    if settings.start()? { Ok(()) } else { Err(Error::internal("something logs already")) }
}
