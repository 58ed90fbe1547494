//! OpenID provider for development and tests: discovery and keys on loopback sockets, and arbitrary tokens.

mod behaviour;
#[cfg(feature = "test-kit")]
pub(crate) mod certificate;
mod claims;
mod minting;
mod server;
mod signing_key;
mod state;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use tokio::{net::TcpListener, task::JoinHandle};

pub use behaviour::Behaviour;
pub use claims::Claims;
use server::Transport;
use signing_key::SigningKey;
use state::State;

use crate::{
    authn::{IssuerSettings, token::KeyFamily},
    clock::{Clock, SystemClock},
    error::{Code, Error, Result},
};

/// Options of a [`DevelopmentIssuer`].
#[derive(Debug, Clone)]
pub struct DevelopmentIssuerOptions {
    /// Port on 127.0.0.1. Default: 0, a free port.
    pub port: u16,
    /// HTTPS with a certificate of a private authority. Default: no.
    #[cfg(feature = "test-kit")]
    pub https: bool,
    /// End of that certificate's validity. Default: the year 4096.
    #[cfg(feature = "test-kit")]
    pub certificate_expires_at: Option<crate::clock::Timestamp>,
    /// Path of the issuer's URL. Default: `/application/o/dezky/`, as in Authentik.
    pub path: String,
    /// `aud` and `azp` of tokens. Default: `dezky`.
    pub audience: String,
    /// Family of the first signing key. Default: RSA, as in Authentik.
    pub family: KeyFamily,
    /// File of the signing key (RSA in PKCS#8, DER), created if missing, so that tokens survive restarts.
    /// Default: a fresh key at each start.
    pub signing_key: Option<PathBuf>,
    /// Clock for `iat` of minted tokens. Default: the system's.
    pub clock: Arc<dyn Clock>,
}

impl Default for DevelopmentIssuerOptions {
    fn default() -> Self {
        Self {
            port: 0,
            #[cfg(feature = "test-kit")]
            https: false,
            #[cfg(feature = "test-kit")]
            certificate_expires_at: None,
            path: "/application/o/dezky/".to_owned(),
            audience: "dezky".to_owned(),
            family: KeyFamily::Rsa,
            signing_key: None,
            clock: Arc::new(SystemClock),
        }
    }
}

/// A running issuer. Dropping it stops it.
#[derive(Debug)]
pub struct DevelopmentIssuer {
    state: Arc<State>,
    audience: String,
    clock: Arc<dyn Clock>,
    authority: Option<String>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for DevelopmentIssuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl DevelopmentIssuer {
    /// Starts an issuer with the default options.
    ///
    /// # Errors
    /// The errors of [`DevelopmentIssuer::start_with`].
    pub async fn start() -> Result<Self> {
        Self::start_with(DevelopmentIssuerOptions::default()).await
    }

    /// Starts an issuer, in a task of the current tokio runtime.
    ///
    /// # Errors
    /// Kind `Configuration` when the port is taken or the signing key file is unusable.
    pub async fn start_with(options: DevelopmentIssuerOptions) -> Result<Self> {
        let key = match &options.signing_key {
            Some(path) => SigningKey::load_or_generate(path)?,
            None => SigningKey::generate(options.family)?,
        };
        let taken = |error: std::io::Error| {
            let message = format!("the development issuer cannot listen on port {}: choose another", options.port);
            Error::new(Code::INVALID_SETTING, message).with_source(error)
        };
        let listener = TcpListener::bind(("127.0.0.1", options.port)).await.map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        let (transport, authority) = transport(&options)?;
        let scheme = transport.scheme();
        let state = Arc::new(State::new(&format!("{scheme}://{address}"), &options.path, key));
        let task = tokio::spawn(server::serve(listener, transport, state.clone()));
        Ok(Self { state, audience: options.audience, clock: options.clock, authority, address, task })
    }

    /// Returns the issuer's URL, the `iss` of its tokens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.state.issuer_url
    }

    /// Returns the URL of the key set.
    #[must_use]
    pub fn jwks_url(&self) -> &str {
        &self.state.jwks_url
    }

    /// Returns the listening address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the `aud` of tokens.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Returns settings that accept its tokens: discovery, profile `authentik`, this id.
    #[must_use]
    pub fn settings(&self, id: &str) -> IssuerSettings {
        IssuerSettings::new(id, self.url(), self.audience())
    }

    /// Returns the PEM of the authority behind its certificate; `None` over plain HTTP.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// Returns the published key set.
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        self.state.published()
    }

    /// Generates a new key of the same family and signs with it from now on.
    ///
    /// Older keys stay published until [`DevelopmentIssuer::retire_old_keys`].
    ///
    /// # Errors
    /// Kind `Internal` when key generation fails.
    pub fn rotate(&self) -> Result<()> {
        let family = self.state.keys().last().map_or(KeyFamily::Rsa, |key| key.family);
        self.state.add_key(SigningKey::generate(family)?);
        Ok(())
    }

    /// Publishes only the newest key of each family.
    pub fn retire_old_keys(&self) {
        self.state.retire_old_keys();
    }

    /// Sets the behaviour from the next request on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.state.behave(behaviour);
    }

    /// Simulates an outage or ends it. During an outage, connections are closed at once.
    pub fn outage(&self, out: bool) {
        self.behave(if out { Behaviour::Outage } else { Behaviour::Normal });
    }

    /// Holds all responses about keys, or releases them, to simulate a slow provider.
    pub fn hold(&self, held: bool) {
        self.state.open_gate(!held);
    }

    /// Sets a foreign `issuer` for the discovery document; `None` restores its own.
    pub fn announce_issuer(&self, issuer: Option<String>) {
        self.state.announce_issuer(issuer);
    }

    /// Returns the number of key requests.
    #[must_use]
    pub fn jwks_fetches(&self) -> u64 {
        *self.state.fetches().borrow()
    }

    /// Waits for a number of key requests.
    pub async fn wait_for_fetches(&self, count: u64) {
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = self.state.fetches().wait_for(|fetches| *fetches >= count).await;
    }
}

/// Creates the requested transport, and the PEM of the authority behind its certificate.
#[cfg(feature = "test-kit")]
fn transport(options: &DevelopmentIssuerOptions) -> Result<(Transport, Option<String>)> {
    if !options.https {
        return Ok((Transport::Plain, None));
    }
    let (tls, authority) = certificate::private_authority(options.certificate_expires_at)?;
    Ok((Transport::Tls(tls), Some(authority)))
}

#[cfg(not(feature = "test-kit"))]
fn transport(_: &DevelopmentIssuerOptions) -> Result<(Transport, Option<String>)> {
    Ok((Transport::Plain, None))
}
