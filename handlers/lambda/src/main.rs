//! Entry point: settings, store and keys are loaded once per environment and reused by all invocations.

use std::{process::ExitCode, sync::Arc, time::Duration};

use dezky::{
    Error, ErrorKind, Platform,
    http::{HttpState, router},
    workspace::Worker,
};
use dezky_configuration::{Configuration, LogSettings, log, settings::BASE_PATH, sources_of_process};

/// As in the server: a request makes about a hundred small allocations.
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
    // It runs no worker, but asks the mail system for app passwords.
    let mail = configuration.worker()?.as_deref().and_then(Worker::mail_passwords);
    let platform = Platform::open(configuration.platform_options(store)?.mail(mail))?;
    // Keys are loaded before the first invocation; if the issuer is unreachable, the previous environment's are used.
    platform.start();
    if tokio::time::timeout(KEYS, platform.verifier().refresh()).await.is_err() {
        tracing::warn!(seconds = KEYS.as_secs(), "the issuers have not told their keys yet");
    }
    let mut state = HttpState::new(Arc::clone(platform.service()), platform.identity());
    state.timeout = TIMEOUT;
    dezky_lambda::run(router(state), base_path)
        .await
        .map_err(|error| Error::internal("the Runtime API does not answer").with_source(error.to_string()))
}

/// Logs to standard error, which the platform collects.
fn start_log(settings: &LogSettings) -> Result<(), Error> {
    if settings.start()? { Ok(()) } else { Err(Error::internal("something logs already")) }
}
