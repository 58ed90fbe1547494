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
    clock::SystemClock,
    connectors::{
        ConnectorSettings, Secret,
        smtp::SmtpSettings,
        stripe::{StripeSettings, signature::WebhookSecrets},
    },
    emulators::{
        Emulator, EmulatorOptions,
        authentik::AuthentikSystem,
        ocis::OcisSystem,
        smtp::{Delivered, SmtpOptions, SmtpSink},
        stalwart::StalwartSystem,
        stripe::{StripeEvent, StripeSystem, deliver},
    },
    outbound::{CertificateAuthorities, Url},
    workspace::WorkspaceSettings,
};

use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::AbortHandle,
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

/// Signing secret of the emulated payment provider.
const WEBHOOK_SECRET: &str = "whsec_development_only";

/// A payment provider that bills nobody, and announces what happens on its pages.
#[derive(Debug)]
pub(super) struct EmulatedBilling {
    stripe: Emulator<StripeSystem>,
    events: Option<UnboundedReceiver<StripeEvent>>,
    delivery: Option<AbortHandle>,
}

impl EmulatedBilling {
    /// Starts it on a free port.
    pub(super) async fn start() -> Result<Self, Failure> {
        let (sender, events) = unbounded_channel();
        let system = StripeSystem::new(SECRET, WEBHOOK_SECRET).delivering(sender);
        let stripe = Emulator::start(system, EmulatorOptions::default()).await?;
        stripe.system().at(stripe.url());
        Ok(Self { stripe, events: Some(events), delivery: None })
    }

    /// Returns the settings under which it is reached, with links back to a portal of development.
    pub(super) fn settings(&self) -> Result<StripeSettings, Failure> {
        Ok(StripeSettings {
            url: url(&self.stripe.url())?,
            key: Secret::Bearer(SECRET.to_owned()),
            webhook_secrets: WebhookSecrets::new(vec![WEBHOOK_SECRET.to_owned()]),
            portal: url(PORTAL)?,
            automatic_tax: false,
            authorities: CertificateAuthorities::default(),
        })
    }

    /// Returns its address and its keys, which are good on this machine only.
    pub(super) fn document(&self) -> serde_json::Value {
        serde_json::json!({ "url": self.stripe.url(), "key": SECRET, "webhookSecret": WEBHOOK_SECRET })
    }

    /// Has it announce to this address.
    pub(super) fn announce_to(&mut self, webhook: &str) -> Result<(), Failure> {
        if let Some(events) = self.events.take() {
            let to = url(webhook)?;
            let sending = deliver(events, WEBHOOK_SECRET.to_owned(), to, Arc::new(SystemClock));
            self.delivery = Some(tokio::spawn(sending).abort_handle());
        }
        Ok(())
    }
}

impl Drop for EmulatedBilling {
    fn drop(&mut self) {
        if let Some(delivery) = &self.delivery {
            delivery.abort();
        }
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
    Ok(ConnectorSettings::new(self::url(url)?, secret))
}

fn url(text: &str) -> Result<Url, Failure> {
    Url::parse(text).map_err(|error| Failure::failed(format!("an emulator has no usable address: {error}")))
}
