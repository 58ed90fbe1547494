//! An emulated Stalwart with a client of it.

use std::{ops::Deref, sync::Arc, time::Duration};

use dezky::{
    connectors::{
        ConnectorError, ConnectorResult, ConnectorSettings, Mail, MailDomain, Mailbox, NewMailbox, Secret,
        stalwart::Stalwart,
    },
    context::RequestContext,
    emulators::{
        Emulator, EmulatorOptions, Faults,
        stalwart::{Release, StalwartSystem},
    },
    test_kit::ManualClock,
};

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Both interfaces.
pub(crate) const RELEASES: [Release; 2] = [Release::V016, Release::V015];

pub(crate) struct World {
    pub(crate) emulator: Emulator<StalwartSystem>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) mail: Stalwart,
    pub(crate) context: RequestContext,
}

impl Deref for World {
    type Target = StalwartSystem;

    fn deref(&self) -> &StalwartSystem {
        self.emulator.system()
    }
}

pub(crate) fn secret() -> Secret {
    Secret::Basic { user: "admin".to_owned(), password: PASSWORD.to_owned() }
}

pub(crate) fn client(url: &str, secret: Secret) -> Stalwart {
    Stalwart::new(&ConnectorSettings::new(url.parse().unwrap(), secret)).unwrap()
}

impl World {
    pub(crate) async fn of(release: Release) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-23T10:00:00.000Z".parse().unwrap()));
        let options = EmulatorOptions { clock: clock.clone(), ..EmulatorOptions::default() };
        let emulator = Emulator::start(StalwartSystem::new(secret()), options).await.unwrap();
        emulator.system().set_release(release);
        let mail = client(&emulator.url(), secret());
        Self { emulator, clock, mail, context: RequestContext::fresh() }
    }

    /// Returns a world of 0.16.
    pub(crate) async fn new() -> Self {
        Self::of(Release::V016).await
    }

    /// Lets the task run that makes keys.
    pub(crate) fn let_keys_be_made(&self) {
        self.clock.advance(Duration::from_secs(1));
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        self.emulator.set_faults(faults);
    }

    pub(crate) async fn domain(&self, name: &str) -> MailDomain {
        self.mail.create_domain(&self.context, name).await.unwrap()
    }

    pub(crate) async fn mailbox(&self, domain: &MailDomain, local_part: &str) -> Mailbox {
        self.mail.create_mailbox(&self.context, &new_mailbox(domain, local_part)).await.unwrap()
    }

    /// Returns a mailbox as it is now.
    pub(crate) async fn look(&self, domain: &MailDomain, local_part: &str) -> Option<Mailbox> {
        self.mail.mailbox(&self.context, domain, local_part).await.unwrap()
    }
}

pub(crate) fn new_mailbox(domain: &MailDomain, local_part: &str) -> NewMailbox {
    NewMailbox {
        local_part: local_part.to_owned(),
        domain: domain.id.clone(),
        domain_name: domain.name.clone(),
        display_name: None,
        aliases: Vec::new(),
        quota: None,
    }
}

pub(crate) fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Returns the reason of an error.
pub(crate) fn reason<T: std::fmt::Debug>(outcome: ConnectorResult<T>) -> &'static str {
    outcome.unwrap_err().reason()
}

/// Returns the id of what stands in the way.
pub(crate) fn in_the_way<T: std::fmt::Debug>(outcome: ConnectorResult<T>) -> Option<String> {
    match outcome.unwrap_err() {
        ConnectorError::Conflict { existing, .. } => existing,
        other => panic!("{other:?}"),
    }
}
