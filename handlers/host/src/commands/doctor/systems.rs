//! Checks of the systems behind tenants: reachable, version, credentials, rights.

use dezky::{
    connectors::{ConnectorError, ConnectorResult, SystemReport},
    context::{RequestContext, SystemActor},
    mail::Mailer as _,
};

use super::report::Report;
use crate::configuration::Configuration;

pub(super) async fn check(configuration: &Configuration, report: &mut Report) {
    check_mail_server(configuration, report).await;
    check_billing(configuration, report).await;
    let systems = match configuration.systems.connect() {
        Ok(systems) => systems,
        Err(error) => return report.error("systems", error.message(), "correct this setting and run the doctor again"),
    };
    let context = || RequestContext::by_part(SystemActor::Doctor);
    if let Some(identity) = &systems.identity {
        tell(report, "identity", identity.check(&context()).await);
    }
    if let Some(mail) = &systems.mail {
        tell(report, "mail", mail.check(&context()).await);
    }
    if let Some(files) = &systems.files {
        tell(report, "files", files.check(&context()).await);
    }
}

/// Connects to the mail server of the platform's own mail, and signs in.
async fn check_mail_server(configuration: &Configuration, report: &mut Report) {
    let Some(settings) = &configuration.mail else { return };
    let mailer = match settings.mailer() {
        Ok(mailer) => mailer,
        Err(error) => {
            return report.error("mail server", error.message(), "correct this setting and run the doctor again");
        }
    };
    match mailer.check().await {
        Ok(()) => report.ok("mail server", format!("it takes mail from `{}`", mailer.sender())),
        Err(error) => report.error(
            "mail server",
            &error.to_string(),
            "see if it can be reached from here, and correct the settings that begin with `DEZKY_SMTP_`; mail waits meanwhile",
        ),
    }
}

/// Reads subscriptions of the payment provider, which needs its key.
async fn check_billing(configuration: &Configuration, report: &mut Report) {
    let provider = match configuration.billing() {
        Ok(None) => return,
        Ok(Some(provider)) => provider,
        Err(error) => {
            return report.error("billing", error.message(), "correct this setting and run the doctor again");
        }
    };
    match provider.subscriptions(&RequestContext::by_part(SystemActor::Doctor), None, None).await {
        Ok(_) => report.ok("billing", "the payment provider answers, and the key may read subscriptions".to_owned()),
        Err(error) => report.error(
            "billing",
            error.message(),
            "see if the payment provider can be reached from here, and if the key in `DEZKY_STRIPE_SECRET` may read subscriptions; \
             its events wait meanwhile",
        ),
    }
}

/// Reports the outcome of a check.
fn tell(report: &mut Report, name: &str, outcome: ConnectorResult<SystemReport>) {
    let check = format!("system {name}");
    match outcome {
        Ok(found) => {
            let version = found.version.unwrap_or_else(|| "of an unknown version".to_owned());
            if found.missing_rights.is_empty() {
                return report
                    .ok(&check, format!("{version} answers, and the credential has the rights that are needed"));
            }
            let missing = found.missing_rights.join("; ");
            report.error(
                &check,
                &format!("{version} answers, and the credential lacks rights: {missing}"),
                "give it these rights",
            );
        }
        Err(error) => {
            let advice = match &error {
                ConnectorError::Unauthorized { .. } => "correct the credential, or give it the right that is missing",
                ConnectorError::Retryable { .. } => {
                    "see if it runs and can be reached from here; Dezky goes on by itself"
                }
                ConnectorError::Incompatible { .. } => {
                    "use a version that this release knows: see docs/design/connectors.md"
                }
                _ => "correct the setting that names it",
            };
            report.error(&check, &error.to_string(), advice);
        }
    }
}
