//! An emulator whose every exchange is held to Authentik's document, and a client of it.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use dezky::{
    connectors::{ConnectorError, ConnectorSettings, Login, NewLogin, OldLogin, Secret, authentik::Authentik},
    context::RequestContext,
    domain::TenantId,
    emulators::{
        Emulated, Emulator, EmulatorOptions, Exchange,
        authentik::{AuthentikSystem, Kind},
    },
};
use http::{Response, StatusCode};
use url::Url;

use crate::document::Document;

pub(crate) const TOKEN: &str = "t0ken-of-the-service-account";

/// What happens after an answer is made and before it is sent.
type Hook = Arc<dyn Fn(&AuthentikSystem, &Exchange) + Send + Sync>;

/// A failure of one request, counted from 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failure {
    pub(crate) at: usize,
    pub(crate) after_effect: bool,
}

/// An emulated system whose exchanges are checked.
pub(crate) struct Checked {
    pub(crate) authentik: AuthentikSystem,
    document: Option<Document>,
    problems: Mutex<Vec<String>>,
    hook: Mutex<Option<Hook>>,
    failure: Mutex<(usize, Option<Failure>)>,
}

impl std::fmt::Debug for Checked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Checked").finish_non_exhaustive()
    }
}

impl Emulated for Checked {
    fn answer(&self, exchange: &Exchange) -> Response<Bytes> {
        let failure = {
            let mut failure = self.failure.lock().unwrap();
            failure.0 += 1;
            let number = failure.0 - 1;
            failure.1.filter(|failure| failure.at == number)
        };
        let failed = || Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR).body(Bytes::new()).unwrap();
        if failure.is_some_and(|failure| !failure.after_effect) {
            return failed();
        }
        let answer = self.authentik.answer(exchange);
        if let Some(document) = &self.document {
            self.problems.lock().unwrap().extend(document.check(exchange, &answer));
        }
        let hook = self.hook.lock().unwrap().clone();
        if let Some(hook) = hook {
            hook(&self.authentik, exchange);
        }
        if failure.is_some() { failed() } else { answer }
    }
}

pub(crate) struct World {
    pub(crate) emulator: Emulator<Checked>,
    pub(crate) client: Authentik,
    pub(crate) context: RequestContext,
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let problems = self.emulator.system().problems.lock().unwrap();
            assert!(problems.is_empty(), "exchanges that are not as the document says: {problems:#?}");
        }
    }
}

impl World {
    /// Starts an emulator of the version that it is written for.
    pub(crate) async fn start() -> Self {
        Self::of_version("2026.8.3").await
    }

    /// Starts an emulator of a version.
    pub(crate) async fn of_version(version: &str) -> Self {
        Self::with(AuthentikSystem::new(TOKEN).with_version(version), Some(Document::of(version))).await
    }

    /// Starts an emulator that is not held to a document, because it answers wrongly on purpose.
    pub(crate) async fn unchecked() -> Self {
        Self::with(AuthentikSystem::new(TOKEN), None).await
    }

    async fn with(authentik: AuthentikSystem, document: Option<Document>) -> Self {
        let checked = Checked {
            authentik,
            document,
            problems: Mutex::default(),
            hook: Mutex::default(),
            failure: Mutex::default(),
        };
        let emulator = Emulator::start(checked, EmulatorOptions::default()).await.unwrap();
        let client = client_of(&emulator.url(), TOKEN);
        Self { emulator, client, context: RequestContext::new("test") }
    }

    pub(crate) fn authentik(&self) -> &AuthentikSystem {
        &self.emulator.system().authentik
    }

    /// Does something after each answer is made.
    pub(crate) fn after_each(&self, hook: impl Fn(&AuthentikSystem, &Exchange) + Send + Sync + 'static) {
        *self.emulator.system().hook.lock().unwrap() = Some(Arc::new(hook));
    }

    /// Lets one of the next requests fail.
    pub(crate) fn fail(&self, failure: Option<Failure>) {
        *self.emulator.system().failure.lock().unwrap() = (0, failure);
    }

    /// Returns the only object of a kind.
    pub(crate) fn only(&self, kind: Kind) -> String {
        let ids = self.authentik().ids(kind);
        assert_eq!(ids.len(), 1, "{kind:?}");
        ids[0].clone()
    }

    /// Returns the path and query of each request since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.emulator.take_log().into_iter().map(|(method, target)| format!("{method} {target}")).collect()
    }
}

pub(crate) fn client_of(url: &str, token: &str) -> Authentik {
    let settings = ConnectorSettings::new(Url::parse(url).unwrap(), Secret::Bearer(token.to_owned()));
    Authentik::new(&settings).unwrap()
}

/// Returns a login for a tenant and a group.
pub(crate) fn new_login(tenant: TenantId, group: &str) -> NewLogin {
    NewLogin {
        tenant,
        slug: "acme".to_owned(),
        name: "Acme GmbH".to_owned(),
        host: "acme.example.eu".to_owned(),
        redirect_uri: "https://app.dezky.eu/auth/oidc/callback".to_owned(),
        group: group.to_owned(),
    }
}

/// Returns what is to be deleted of a login.
pub(crate) fn old_login(tenant: TenantId, login: &Login) -> OldLogin {
    OldLogin { tenant, slug: "acme".to_owned(), brand: login.brand.clone() }
}

/// Returns the id within a conflict.
pub(crate) fn conflict<T: std::fmt::Debug>(outcome: Result<T, ConnectorError>) -> String {
    match outcome {
        Err(ConnectorError::Conflict { existing: Some(existing), .. }) => existing,
        other => panic!("no conflict: {other:?}"),
    }
}

/// Returns the stable name and the text of an error.
pub(crate) fn error<T: std::fmt::Debug>(outcome: Result<T, ConnectorError>) -> (&'static str, String) {
    let error = outcome.unwrap_err();
    (error.reason(), error.to_string())
}
