//! Options of a platform.

use std::sync::Arc;

use crate::{
    authn::{
        IssuerSettings, VerifierOptions,
        keys::{KeySetArchive, KeySource},
    },
    clock::{Clock, SystemClock},
    service::{BillingProvider, MailPasswords, PublicRecords, ServiceSettings},
    store::SharedStore,
};

/// Options of a [`Platform`](super::Platform): a store, and everything that differs from the defaults.
#[derive(Debug, Clone)]
#[must_use]
pub struct PlatformOptions {
    pub(super) store: SharedStore,
    pub(super) issuers: Vec<IssuerSettings>,
    pub(super) service: ServiceSettings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) extra_ca_certificates: Option<Vec<u8>>,
    pub(super) keys: Option<(Arc<dyn KeySource>, Arc<dyn KeySetArchive>)>,
    pub(super) verifier: VerifierOptions,
    pub(super) mail: Option<Arc<dyn MailPasswords>>,
    pub(super) records: Option<Arc<dyn PublicRecords>>,
    pub(super) billing: Option<Arc<dyn BillingProvider>>,
}

impl PlatformOptions {
    /// Creates the options of a platform without issuers. Only system actors can use it.
    pub fn new(store: SharedStore) -> Self {
        Self {
            store,
            issuers: Vec::new(),
            service: ServiceSettings::default(),
            clock: Arc::new(SystemClock),
            extra_ca_certificates: None,
            keys: None,
            verifier: VerifierOptions::default(),
            mail: None,
            records: None,
            billing: None,
        }
    }

    /// Accepts tokens of these issuers.
    pub fn issuers(mut self, issuers: Vec<IssuerSettings>) -> Self {
        self.issuers = issuers;
        self
    }

    /// Sets the settings of the use cases, such as the group of the platform's administrators.
    pub fn service(mut self, settings: ServiceSettings) -> Self {
        self.service = settings;
        self
    }

    /// Sets a clock other than the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets CA certificates (PEM) that are trusted in addition to the system's when keys are fetched.
    pub fn extra_ca_certificates(mut self, pem: Option<Vec<u8>>) -> Self {
        self.extra_ca_certificates = pem;
        self
    }

    /// Sets the source of issuers' keys and their archive.
    ///
    /// Default: keys are fetched from the issuers, and kept in the store.
    pub fn keys(mut self, source: Arc<dyn KeySource>, archive: Arc<dyn KeySetArchive>) -> Self {
        self.keys = Some((source, archive));
        self
    }

    /// Sets the mail system in which app passwords are created, such as that of a worker
    /// ([`crate::workspace::Worker::mail_passwords`]).
    pub fn mail(mut self, mail: Option<Arc<dyn MailPasswords>>) -> Self {
        self.mail = mail;
        self
    }

    /// Sets the public DNS in which domains are proven, such as [`crate::connectors::DnsServers`].
    pub fn records(mut self, records: Option<Arc<dyn PublicRecords>>) -> Self {
        self.records = records;
        self
    }

    /// Sets the payment provider, such as [`crate::connectors::stripe::Stripe`].
    pub fn billing(mut self, billing: Option<Arc<dyn BillingProvider>>) -> Self {
        self.billing = billing;
        self
    }

    /// Sets the limits of the verifier, such as the maximum age of keys.
    pub fn verifier(mut self, options: VerifierOptions) -> Self {
        self.verifier = options;
        self
    }
}
