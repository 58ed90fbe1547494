//! Checks of the store: presence, schema and write access.

use std::{os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use dezky::store::{Inspection, SCHEMA_VERSION, SharedStore, StoreError, StoreResult, sqlite::SqliteStore};
#[cfg(feature = "mongodb")]
use dezky::{
    context::{RequestContext, SystemActor},
    store::mongodb::{MongodbOptions, MongodbStore},
};

use super::report::Report;
use crate::{
    configuration::{Configuration, StoreLocation},
    server::Metrics,
    store,
};

/// Maximum wait for the store.
#[cfg(feature = "mongodb")]
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Maximum number of missing names shown.
const SHOWN: usize = 5;

/// Checks the store. Returns it if it is complete, so that opening it changes nothing.
pub(super) async fn check(configuration: &Configuration, report: &mut Report) -> Option<SharedStore> {
    let inspected = match &configuration.store {
        StoreLocation::Sqlite(path) => {
            if !is_there(path, report) {
                return None;
            }
            permissions(path, report);
            SqliteStore::inspect(path, dezky::COLLECTIONS)
        }
        StoreLocation::Mongodb(uri) => mongodb(uri).await,
    };
    let inspection = match inspected {
        Ok(inspection) => inspection,
        Err(error) => {
            report.error("store", &error.to_string(), advice(&error));
            return None;
        }
    };
    if !judge(&inspection, report) {
        return None;
    }
    match store::open(configuration, &Arc::new(Metrics::new())) {
        Ok(store) => Some(store),
        Err(error) => {
            report.error("store", error.message(), "correct the location of the store");
            None
        }
    }
}

#[cfg(feature = "mongodb")]
async fn mongodb(uri: &str) -> StoreResult<Inspection> {
    let store = MongodbStore::open(uri, MongodbOptions::default(), dezky::COLLECTIONS)?;
    store.inspect(&RequestContext::by_part(SystemActor::Doctor).with_timeout(TIMEOUT)).await
}

#[cfg(not(feature = "mongodb"))]
async fn mongodb(_: &str) -> StoreResult<Inspection> {
    Err(crate::configuration::no_mongodb())
}

fn advice(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unavailable { .. } | StoreError::Timeout => {
            "see that the database runs, is reachable from here and accepts this user"
        }
        StoreError::NewerSchema { .. } => "use the newer release",
        _ => "correct the location of the store",
    }
}

fn is_there(path: &Path, report: &mut Report) -> bool {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => true,
        Ok(_) => {
            report.error("store", &format!("`{}` is no file", path.display()), "give the path of the database file");
            false
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let message = format!("`{}` is not there", path.display());
            report.warning(
                "store",
                &message,
                "start `dezky serve` or run `dezky seed`, which make it; or correct the path",
            );
            false
        }
        Err(error) => {
            let message = format!("`{}` cannot be looked at: {error}", path.display());
            report.error("store", &message, "let the user that runs dezky read its folder");
            false
        }
    }
}

/// Reports other users' access to the store, which holds personal data.
fn permissions(path: &Path, report: &mut Report) {
    let Ok(metadata) = std::fs::metadata(path) else { return };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        report.ok("store permissions", format!("mode {mode:03o}"));
    } else {
        let message = format!("other users of this machine can read or write the file (mode {mode:03o})");
        report.warning("store permissions", &message, &format!("run: chmod 600 '{}'", path.display()));
    }
}

/// Reports documents of the replaced service, whose users sign in only after an upgrade.
fn migration(inspection: &Inspection, report: &mut Report) {
    if inspection.not_upgraded.is_empty() {
        return;
    }
    let message =
        format!("documents of the replaced service were not upgraded in {}", inspection.not_upgraded.join(", "));
    if inspection.upgraded {
        let advice = "run `dezky migrate --dry-run`, which lists what waits for a person: those people cannot sign in";
        report.warning("migration", &message, advice);
    } else {
        report.error("migration", &message, "stop the server and run `dezky migrate` before anybody signs in");
    }
}

/// Checks that the store has this release's schema.
fn judge(inspection: &Inspection, report: &mut Report) -> bool {
    let mut whole = true;
    match inspection.schema_version {
        Some(found) if found > SCHEMA_VERSION => {
            let message = format!("schema version {found}, and this release knows up to {SCHEMA_VERSION}");
            report.error("store", &message, "use the newer release");
            return false;
        }
        Some(found) => report.ok("store", format!("reachable, schema version {found}")),
        None => {
            whole = false;
            report.warning("store", "reachable, and not prepared yet", "start `dezky serve` or run `dezky seed`");
        }
    }
    match &inspection.not_writable {
        None => report.ok("store", "can be written"),
        Some(why) => {
            whole = false;
            let advice = "free disk space, or let the user that runs dezky write the store";
            report.error("store", &format!("cannot be written: {why}"), advice);
        }
    }
    migration(inspection, report);
    let missing = &inspection.missing;
    if missing.is_empty() {
        report.ok("indexes", "all there");
    } else if inspection.schema_version.is_some() {
        whole = false;
        let mut names: Vec<&str> = missing.iter().take(SHOWN).map(String::as_str).collect();
        if missing.len() > SHOWN {
            names.push("…");
        }
        let message = format!("{} missing or not as declared: {}", missing.len(), names.join(", "));
        report.error("indexes", &message, "restart `dezky serve`, which makes them, at a quiet time");
    }
    whole
}
