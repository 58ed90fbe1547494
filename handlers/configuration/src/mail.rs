//! The mail server that the platform's own mail goes through, and what its mail says of this deployment.

use std::{sync::Arc, time::Duration};

use dezky::{
    Result,
    connectors::smtp::{SmtpMailer, SmtpSecurity, SmtpSettings},
    domain::fields,
    outbound::{CertificateAuthorities, Url},
    service::ServiceSettings,
    work::PlatformMail,
};

use super::{
    secrets::SecretFile,
    settings::{self, Setting},
    sources::{Origin, Sources, refuse},
    systems::{Names, secret},
};

/// Longest time for which an invitation can be accepted, in days.
const MOST_DAYS: u64 = 90;

const SMTP: Names = Names {
    url: &settings::SMTP_URL,
    user: &settings::SMTP_USER,
    secret: &settings::SMTP_SECRET,
    secret_file: &settings::SMTP_SECRET_FILE,
    described: "the credential of the mail server",
};

/// Settings of the platform's own mail.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// The mail server.
    pub smtp: SmtpSettings,
    /// Address of the portal, to which links in mail lead.
    pub portal: Url,
    /// Domain whose mail comes back to `dezky invitation bounce`.
    pub bounce_domain: Option<String>,
}

impl MailSettings {
    /// Creates the mailer.
    ///
    /// # Errors
    /// Kind `Configuration` when the URL, the address or a certificate cannot be used.
    pub fn mailer(&self) -> Result<SmtpMailer> {
        SmtpMailer::new(&self.smtp)
            .map_err(|error| refuse(format!("`{}`: {}", settings::SMTP_URL.variable, error.message())))
    }

    /// Creates the platform's own mail.
    ///
    /// # Errors
    /// As [`MailSettings::mailer`].
    pub fn platform_mail(&self) -> Result<PlatformMail> {
        Ok(PlatformMail::new(Arc::new(self.mailer()?), self.portal.clone(), self.bounce_domain.clone()))
    }
}

/// Reads the settings of the platform's own mail.
pub(super) fn read(sources: &Sources, extra_ca: Option<&[u8]>) -> Result<Option<MailSettings>> {
    let Some(found) = sources.find(SMTP.url)? else {
        let others = [SMTP.user, SMTP.secret, SMTP.secret_file, &settings::MAIL_FROM, &settings::MAIL_BOUNCE_DOMAIN];
        for other in others {
            if let Some(found) = sources.find(other)? {
                return Err(
                    found.refuse(format!("has no use without `{}`: set that too, or remove it", SMTP.url.variable))
                );
            }
        }
        return Ok(None);
    };
    let plain = |url: &Url| {
        SmtpSecurity::of_scheme(url.scheme()).is_some()
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
    };
    let Some(url) = Url::parse(&found.text).ok().filter(plain) else {
        return Err(found.refuse(
            "must be a URL without user name and path, such as `smtps://mail.example.eu`, `smtp+starttls://mail.example.eu`, or \
             `smtp://127.0.0.1` for a server beside this process, to which mail goes unencrypted",
        ));
    };
    let from = match sources.find(&settings::MAIL_FROM)? {
        Some(from) => fields::email(&from.text.as_str().into())
            .map_err(|problem| from.refuse(format!("`{}` {}", from.text.escape_debug(), problem.message)))?,
        None => return Err(needs(&settings::MAIL_FROM, "the address that mail is from")),
    };
    let Some(portal) = portal(sources)? else {
        return Err(needs(&settings::PORTAL_URL, "the address of the portal, to which links in mail lead"));
    };
    let credentials = match sources.find(SMTP.user)? {
        Some(user) => Some((user.text, secret(sources, &SMTP)?)),
        None => {
            for other in [SMTP.secret, SMTP.secret_file] {
                if let Some(found) = sources.find(other)? {
                    return Err(found.refuse(format!("has no use without `{}`: set that too", SMTP.user.variable)));
                }
            }
            None
        }
    };
    let bounce_domain = match sources.find(&settings::MAIL_BOUNCE_DOMAIN)? {
        Some(found) => Some(
            fields::domain_name(&found.text.as_str().into())
                .map_err(|problem| found.refuse(format!("`{}` {}", found.text.escape_debug(), problem.message)))?,
        ),
        None => None,
    };
    let authorities = extra_ca.map(CertificateAuthorities::from_pem).transpose()?.unwrap_or_default();
    let smtp = SmtpSettings { credentials, authorities, ..SmtpSettings::new(url, from) };
    Ok(Some(MailSettings { smtp, portal, bounce_domain }))
}

fn needs(setting: &Setting, described: &str) -> dezky::Error {
    refuse(format!("`{}` needs {described}: set `{}`", SMTP.url.variable, setting.variable))
}

pub(super) fn portal(sources: &Sources) -> Result<Option<Url>> {
    web_address(sources, &settings::PORTAL_URL, "https://portal.example.eu")
}

/// Reads the address at which people who are invited create an account.
pub(super) fn enrolment(sources: &Sources) -> Result<Option<String>> {
    let example = "https://auth.example.eu/if/flow/enrolment/";
    Ok(web_address(sources, &settings::ENROLMENT_URL, example)?.map(String::from))
}

/// Reads an address for browsers. Without TLS it must be of this machine.
fn web_address(sources: &Sources, setting: &'static Setting, example: &str) -> Result<Option<Url>> {
    let Some(found) = sources.find(setting)? else { return Ok(None) };
    let fits = |url: &Url| {
        let host = url.host_str().unwrap_or_default();
        let local = host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" || host == "[::1]";
        (url.scheme() == "https" || (url.scheme() == "http" && local))
            && !host.is_empty()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
    };
    match Url::parse(&found.text).ok().filter(fits) {
        Some(url) => Ok(Some(url)),
        None => Err(found.refuse(format!("must be an address that begins with `https://`, such as `{example}`"))),
    }
}

/// Reads the time for which an invitation can be accepted.
pub(super) fn invitation_life(sources: &Sources) -> Result<Duration> {
    let Some(found) = sources.find(&settings::INVITATION_DAYS)? else {
        return Ok(ServiceSettings::default().invitation_life);
    };
    match found.text.parse::<u64>() {
        Ok(days) if (1..=MOST_DAYS).contains(&days) => Ok(Duration::from_secs(days * 24 * 60 * 60)),
        _ => Err(found.refuse(format!("`{}` must be 1 to {MOST_DAYS} days", found.text.escape_debug()))),
    }
}

/// Lists the files that contain the credential.
pub(super) fn secret_files(sources: &Sources) -> Result<Vec<SecretFile>> {
    let mut files = Vec::new();
    if let Some(found) = sources.find(SMTP.secret_file)? {
        files.push(SecretFile { path: found.text.into(), secret: SMTP.described });
    }
    if let Some(Origin::File { file, .. }) = sources.find(SMTP.secret)?.map(|found| found.origin) {
        files.push(SecretFile { path: file, secret: SMTP.described });
    }
    Ok(files)
}
