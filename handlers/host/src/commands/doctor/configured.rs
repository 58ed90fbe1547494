//! Checks of the configuration beyond its validation.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use dezky::{
    authn::keys::{HttpKeySource, added_certificates},
    clock::{Clock as _, SystemClock, Timestamp},
};

use super::{issuers, report::Report};
use crate::{
    configuration::{Configuration, SecretFile, StoreLocation},
    server::{CONNECTIONS, ConnectionLimit},
};

pub(super) fn check(configuration: &Configuration, report: &mut Report) {
    let store = match &configuration.store {
        StoreLocation::Sqlite(path) => format!("SQLite at `{}`", path.display()),
        // The address may contain a password.
        StoreLocation::Mongodb(_) => "MongoDB".to_owned(),
    };
    report.ok("configuration", format!("can be read; store: {store}, by {}", configuration.store_origin));
    if configuration.issuers.is_empty() {
        report.error(
            "configuration",
            "no issuer is configured, so that nobody can sign in and `dezky serve` does not start",
            "set `DEZKY_OIDC_ISSUER` and `DEZKY_OIDC_AUDIENCE`, or add `[[issuers]]` to the configuration file",
        );
    }
    if configuration.platform_admin_group.is_none() {
        report.warning(
            "configuration",
            "no group administers the platform",
            "set `DEZKY_PLATFORM_ADMIN_GROUP`, or name administrators with `dezky user update --platform-admin true`",
        );
    }
    operations(configuration, report);
    #[cfg(feature = "component")]
    component(configuration, report);
    secrets(configuration, report);
    certificates(configuration, report);
    descriptors(report);
}

/// Reports who can see metrics and readiness details.
fn operations(configuration: &Configuration, report: &mut Report) {
    let told = "metrics and details of readiness are told";
    match &configuration.operations {
        Some(operations)
            if operations.address.ip().is_unspecified() && configuration.listen.address.ip().is_loopback() =>
        {
            report.warning(
                OPERATIONS,
                &format!("{told} at `{}`, on every network of this machine, and the API on none", operations.address),
                "set `DEZKY_OPERATIONS_LISTEN` to an address that operators alone reach",
            );
        }
        Some(operations) => report.ok(OPERATIONS, format!("{told} at `{}`, to whoever reaches it", operations.address)),
        None => report
            .ok(OPERATIONS, format!("{told} at `{}`, to direct callers on this machine", configuration.listen.address)),
    }
}

const OPERATIONS: &str = "operations";

/// Reports writers of the component, who control all requests.
#[cfg(feature = "component")]
fn component(configuration: &Configuration, report: &mut Report) {
    let Some(settings) = &configuration.component else { return };
    match crate::component::check(&settings.file) {
        Ok(()) => {
            report.ok("component", format!("`{}` is there, and nobody else may write it", settings.file.display()))
        }
        Err(error) => report.error(
            "component",
            error.message(),
            "correct the file, its folders or their owners: `dezky serve` does not start with it",
        ),
    }
}

/// Reports files with secrets that others may read.
fn secrets(configuration: &Configuration, report: &mut Report) {
    for SecretFile { path, secret } in &configuration.secret_files {
        let Some(who) = readers(path) else { continue };
        let message = format!("`{}` holds {secret} and can be read by {who}", path.display());
        let advice =
            format!("run `chmod go-rwx '{}'`, and change the secret if others were on this machine", path.display());
        report.warning("secrets", &message, &advice);
    }
}

/// Describes who else may read a file. If another user such as root owns it, this process reads it as a group member.
fn readers(path: &Path) -> Option<&'static str> {
    let (metadata, own) = (fs::metadata(path).ok()?, fs::metadata("/proc/self").ok()?);
    match (metadata.mode() & 0o004, metadata.mode() & 0o040) {
        (0, 0) => None,
        (0, _) if metadata.uid() != own.uid() => None,
        (0, _) => Some("its group"),
        _ => Some("everybody on this machine"),
    }
}

/// The PEM is valid, because the configuration was loaded.
fn certificates(configuration: &Configuration, report: &mut Report) {
    let Some(pem) = &configuration.extra_ca_certificates else { return };
    if let Err(error) = HttpKeySource::new(Some(pem)) {
        report.error("certificates", error.message(), "write the certificates as PEM into DEZKY_EXTRA_CA_CERTS");
        return;
    }
    let added = added_certificates(pem);
    let (now, mut sound, mut first_end) = (SystemClock.now(), 0, None);
    for certificate in &added {
        match certificate.expires_at {
            Some(end) if issuers::days_until(end, now) >= issuers::RENEWAL_DAYS => {
                sound += 1;
                first_end = Some(first_end.map_or(end, |first: Timestamp| first.min(end)));
            }
            // System bundles contain expired authorities. They only invalidate what they signed.
            Some(end) => {
                let state = if issuers::days_until(end, now) < 0 { "expired" } else { "expires soon" };
                let message = format!("{}: {state}: valid until {end}", certificate.name);
                report.warning(ADDED, &message, "replace it if an issuer's certificate is signed by it");
            }
            None => {
                let message = format!("{}: its validity cannot be read", certificate.name);
                report.warning(ADDED, &message, "replace it");
            }
        }
    }
    let until = first_end.map_or_else(String::new, |end| format!("; {sound} valid until {end} at least"));
    report.ok("certificates", format!("{} added CA certificates can be read{until}", added.len()));
}

const ADDED: &str = "added CA certificate";

/// Reports the connections that this shell's limits allow; a service has its own limits.
fn descriptors(report: &mut Report) {
    let ConnectionLimit { connections, limit } = ConnectionLimit::of_process();
    let advice = "raise the hard limit to 16384: `ulimit -Hn`, or `LimitNOFILE=` of the service, whose limit counts";
    match connections {
        Some(CONNECTIONS) => report.ok("open files", format!("room for {CONNECTIONS} connections")),
        Some(connections) => {
            let message = format!("{limit} are allowed here: room for {connections} of {CONNECTIONS} connections");
            report.warning("open files", &message, advice);
        }
        None => report.error("open files", &format!("{limit} are allowed here: `dezky serve` does not start"), advice),
    }
}
