//! Settings of a connector: where its system is and with which credential.

use std::{fmt, time::Duration};

use super::{ConnectorError, ConnectorResult};
use crate::outbound::{
    AllowedAddresses, CertificateAuthorities, Client, Credential, OriginClient, OutboundOptions, PlainHttp,
    RetryPolicy, Url,
};

/// A secret of a connector. Never shown, not even in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// A bearer token (RFC 6750).
    Bearer(String),
    /// A user name and a password (RFC 7617).
    Basic {
        /// User name.
        user: String,
        /// Password or app token.
        password: String,
    },
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Bearer(_) => "Bearer(…)",
            Self::Basic { .. } => "Basic(…)",
        })
    }
}

/// Settings of a connector.
#[derive(Debug, Clone)]
pub struct ConnectorSettings {
    /// Base URL of the system, such as `https://auth.example.eu`.
    pub url: Url,
    /// Credential, sent to the origin of `url` only.
    pub secret: Secret,
    /// Certificate authorities besides the system's.
    pub authorities: CertificateAuthorities,
    /// Plain HTTP and addresses of private networks. Default: loopback only over plain HTTP, private networks over TLS.
    pub plain_http: PlainHttp,
    /// Time limit for one request. Default: 15 s, because a busy file server takes 8 s to create a space.
    pub timeout: Duration,
    /// Number of requests in flight. Default: 8.
    pub maximum_in_flight: usize,
}

impl ConnectorSettings {
    /// Creates the settings with defaults for a system at `url`.
    #[must_use]
    pub fn new(url: Url, secret: Secret) -> Self {
        Self {
            url,
            secret,
            authorities: CertificateAuthorities::default(),
            plain_http: PlainHttp::OnLoopback,
            timeout: Duration::from_secs(15),
            maximum_in_flight: 8,
        }
    }

    /// Creates the client of the system.
    ///
    /// It repeats nothing by itself: controllers look again before they try again.
    ///
    /// # Errors
    /// [`ConnectorError::Rejected`] when the URL or the credential cannot be used.
    pub(super) fn client(&self) -> ConnectorResult<OriginClient> {
        let credential = match &self.secret {
            Secret::Bearer(token) => Credential::bearer(token),
            Secret::Basic { user, password } => Credential::basic(user, password),
        };
        let credential = credential.map_err(ConnectorError::from)?;
        let options = OutboundOptions {
            addresses: AllowedAddresses::PUBLIC.and_private().and_loopback(),
            plain_http: self.plain_http,
            authorities: self.authorities.clone(),
            timeout: self.timeout,
            maximum_body: 16 * 1024 * 1024,
            maximum_in_flight: self.maximum_in_flight,
            idle_connections: self.maximum_in_flight,
            retries: RetryPolicy::NONE,
            ..OutboundOptions::default()
        };
        Ok(Client::new(options).for_origin(self.url.clone(), Some(credential))?)
    }
}
