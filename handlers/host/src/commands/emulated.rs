//! Emulators of the systems behind tenants, for `dezky dev`.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use dezky::{
    connectors::{ConnectorSettings, Secret, smtp::SmtpSettings},
    emulators::{
        Emulator, EmulatorOptions,
        authentik::AuthentikSystem,
        ocis::OcisSystem,
        smtp::{Delivered, SmtpOptions, SmtpSink},
        stalwart::StalwartSystem,
    },
    outbound::Url,
    workspace::WorkspaceSettings,
};

use crate::{
    configuration::{MailSettings, SystemsSettings},
    failure::Failure,
};

/// Credential of all emulators. They listen on this machine only, and forget everything when they end.
const SECRET: &str = "development-only";

/// Running emulators. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Emulators {
    authentik: Emulator<AuthentikSystem>,
    stalwart: Emulator<StalwartSystem>,
    ocis: Emulator<OcisSystem>,
}

impl Emulators {
    /// Starts an emulator of each system on a free port.
    pub(super) async fn start() -> Result<Self, Failure> {
        Ok(Self {
            authentik: Emulator::start(AuthentikSystem::new(SECRET), EmulatorOptions::default()).await?,
            stalwart: Emulator::start(StalwartSystem::new(secret()), EmulatorOptions::default()).await?,
            ocis: Emulator::start(OcisSystem::new(&secret()), EmulatorOptions::default()).await?,
        })
    }

    /// Returns the settings under which they are reached.
    pub(super) fn settings(&self) -> Result<SystemsSettings, Failure> {
        Ok(SystemsSettings {
            authentik: Some(system(&self.authentik.url(), Secret::Bearer(SECRET.to_owned()))?),
            stalwart: Some(system(&self.stalwart.url(), secret())?),
            ocis: Some(system(&self.ocis.url(), secret())?),
            workspace: WorkspaceSettings {
                // The people of the development issuer are not in the emulated identity system.
                identity_issuer: "emulated-authentik".to_owned(),
                ..WorkspaceSettings::default()
            },
            ..SystemsSettings::default()
        })
    }
}

/// A mail server that writes what it is given into a folder, and the links of it into the log.
#[derive(Debug)]
pub(super) struct MailFolder(SmtpSink);

impl MailFolder {
    /// Starts it on a free port.
    pub(super) async fn start(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(folder)
            .map_err(|error| Failure::usage(format!("`{}`: cannot be made ({error})", folder.display())))?;
        let (folder, number) = (folder.to_owned(), AtomicUsize::new(1));
        let begun = dezky::domain::ObjectId::generate();
        let listener = move |mail: &Delivered| {
            let file = folder.join(format!("{begun}-{}.eml", number.fetch_add(1, Ordering::Relaxed)));
            if let Err(error) = fs::write(&file, &mail.data) {
                tracing::warn!(file = %file.display(), %error, "a mail was not written");
            }
            let link = mail.link().unwrap_or_default();
            tracing::info!(to = mail.to.join(", "), link, file = %file.display(), "a mail was sent");
        };
        let options = SmtpOptions { listener: Some(Arc::new(listener)), ..SmtpOptions::default() };
        Ok(Self(SmtpSink::start(options).await?))
    }

    /// Returns the settings under which it is reached, with links to a portal of development.
    pub(super) fn settings(&self) -> Result<MailSettings, Failure> {
        let url = |text: &str| {
            Url::parse(text).map_err(|error| Failure::failed(format!("an emulator has no usable address: {error}")))
        };
        Ok(MailSettings {
            smtp: SmtpSettings::new(url(&self.0.url())?, "dezky@dezky.localhost"),
            portal: url(PORTAL)?,
            bounce_domain: None,
        })
    }
}

/// Address of the portal that `make portal` starts.
const PORTAL: &str = "http://app.dezky.localhost:3000";

fn secret() -> Secret {
    Secret::Basic { user: "dezky".to_owned(), password: SECRET.to_owned() }
}

fn system(url: &str, secret: Secret) -> Result<ConnectorSettings, Failure> {
    let url =
        Url::parse(url).map_err(|error| Failure::failed(format!("an emulator has no usable address: {error}")))?;
    Ok(ConnectorSettings::new(url, secret))
}
