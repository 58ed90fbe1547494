//! Emulators of the systems behind tenants, for `dezky dev`.

use dezky::{
    connectors::{ConnectorSettings, Secret},
    emulators::{Emulator, EmulatorOptions, authentik::AuthentikSystem, ocis::OcisSystem, stalwart::StalwartSystem},
    outbound::Url,
    workspace::WorkspaceSettings,
};

use crate::{configuration::SystemsSettings, failure::Failure};

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

fn secret() -> Secret {
    Secret::Basic { user: "dezky".to_owned(), password: SECRET.to_owned() }
}

fn system(url: &str, secret: Secret) -> Result<ConnectorSettings, Failure> {
    let url =
        Url::parse(url).map_err(|error| Failure::failed(format!("an emulator has no usable address: {error}")))?;
    Ok(ConnectorSettings::new(url, secret))
}
