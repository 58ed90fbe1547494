//! The configuration, beyond what is refused when it is read.

use dezky::authn::keys::{HttpKeySource, certificate_expiries};

use super::{issuers, report::Report};
use crate::configuration::{Configuration, StoreLocation};

pub(super) fn check(configuration: &Configuration, report: &mut Report) {
    let store = match &configuration.store {
        StoreLocation::Sqlite(path) => format!("SQLite at `{}`", path.display()),
        // The address may hold a password.
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
    certificates(configuration, report);
}

/// That they are PEM is known: the configuration could not be read otherwise.
fn certificates(configuration: &Configuration, report: &mut Report) {
    let Some(pem) = &configuration.extra_ca_certificates else { return };
    if let Err(error) = HttpKeySource::new(Some(pem)) {
        report.error("certificates", error.message(), "write the certificates as PEM into DEZKY_EXTRA_CA_CERTS");
        return;
    }
    let ends = certificate_expiries(pem);
    report.ok("certificates", format!("{} added CA certificates can be read", ends.len()));
    for end in ends {
        match end {
            Some(end) => issuers::expiry("added CA certificate", end, report),
            None => report.warning("added CA certificate", "its validity cannot be read", "replace it"),
        }
    }
}
