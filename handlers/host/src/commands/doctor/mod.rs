//! `dezky doctor`: diagnosis of an installation, with advice.

mod configured;
mod endpoints;
mod issuers;
mod logins;
mod report;
mod store;
mod systems;
mod tasks;

use std::sync::Arc;

use clap::Args;
use dezky::{Platform, PlatformOptions, store::SharedStore};

use self::report::Report;
use super::operators::session::OperatorSettings;
use crate::{
    configuration::{self, Configuration},
    failure::Failure,
    logging,
};

/// Flags of `dezky doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorFlags {
    /// Print one JSON document for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: OperatorSettings,
}

/// Runs all checks. Fails when one of them finds an error.
pub(super) async fn run(flags: DoctorFlags) -> Result<(), Failure> {
    let mut report = Report::default();
    match read(&flags) {
        Ok(configuration) => {
            configured::check(&configuration, &mut report);
            let store = store::check(&configuration, &mut report).await;
            if let Some(store) = &store {
                background(store, &mut report).await;
            }
            systems::check(&configuration, &mut report).await;
            issuers::check(&configuration, store.as_ref(), &mut report).await;
            if let Some(store) = &store {
                logins::check(&configuration, store, &mut report).await;
            }
        }
        Err(failure) => {
            report.error("configuration", &failure.to_string(), "correct this setting and run the doctor again")
        }
    }
    report.print(flags.json)
}

/// Checks what goes on in the background, for which no setting but the store matters.
async fn background(store: &SharedStore, report: &mut Report) {
    match Platform::open(PlatformOptions::new(Arc::clone(store))) {
        Ok(platform) => {
            tasks::check(platform.service(), report).await;
            endpoints::check(platform.service(), report).await;
        }
        Err(error) => report.error("tasks", error.message(), "correct this and run the doctor again"),
    }
}

fn read(flags: &DoctorFlags) -> Result<Configuration, Failure> {
    let sources = flags.settings.sources()?;
    let configuration = Configuration::read(&sources)?;
    logging::start(&configuration::log(&sources)?)?;
    Ok(configuration)
}
