//! Fetching of key sets over HTTP.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::{Certificate, Client, ClientBuilder, Response, StatusCode, redirect, tls::TlsInfo};
use serde_json::Value;
use url::Url;

use super::{
    certificate,
    destination::{self, Route},
    set::without_byte_order_mark,
    source::{FetchError, FetchErrorKind, KeySource},
};
use crate::{
    authn::{
        issuer::{IssuerSettings, JwksSource},
        token::parse_object,
    },
    clock::Timestamp,
    error::{Code, Error, Result},
    outbound::{BodyError, Lookup, PrivateAddress, PublicOnly, SystemLookup, Unrestricted, bounded},
};

/// Size limit of a discovery document and of a key set, in bytes.
const MAXIMUM_BODY: usize = 1024 * 1024;

/// Time limit for discovery and key set together.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Environment variables with the path of a PEM file of extra CA certificates. The first one set counts.
const CERTIFICATE_VARIABLES: [&str; 2] = ["DEZKY_EXTRA_CA_CERTS", "NODE_EXTRA_CA_CERTS"];

/// Fetches key sets over HTTPS, or over plain HTTP for issuers on a loopback address.
///
/// It trusts the system's certificates and the added ones. Keys are fetched from the issuer's own origin and the hosts
/// of its settings, and from private addresses (after name resolution) only where the settings allow it. Redirects are
/// followed within one origin only. Proxies of the environment (`HTTPS_PROXY`, `NO_PROXY`) are used, never for loopback
/// addresses; a proxy resolves names itself.
#[derive(Debug)]
pub struct HttpKeySource {
    certificates: Vec<Certificate>,
    timeout: Duration,
    proxies: bool,
    lookup: Arc<dyn Lookup>,
    // Created on first use, since loading the system's certificates takes longer than the rest of the start.
    public: OnceLock<Result<Client, FetchError>>,
    anywhere: OnceLock<Result<Client, FetchError>>,
    loopback: OnceLock<Result<Client, FetchError>>,
    /// Client for plain HTTP, which needs no certificates.
    plain: OnceLock<Result<Client, FetchError>>,
}

/// Properties of an issuer's response besides the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Observed {
    /// Server time in whole seconds, from the `Date` header (RFC 9110, section 6.6.1).
    pub date: Option<Timestamp>,
    /// Expiry of the server certificate; `None` over plain HTTP.
    pub certificate_expires_at: Option<Timestamp>,
}

/// Reads the extra CA certificates (PEM) named by `DEZKY_EXTRA_CA_CERTS` or `NODE_EXTRA_CA_CERTS`.
///
/// Returns `None` if neither is set. `variable` looks a variable up.
///
/// # Errors
/// Kind `Configuration` with a message that names the variable, when the file is unreadable or has no certificate.
pub fn extra_ca_certificates(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Vec<u8>>> {
    let found = CERTIFICATE_VARIABLES
        .into_iter()
        .find_map(|name| variable(name).filter(|path| !path.is_empty()).map(|path| (name, path)));
    let Some((name, path)) = found else { return Ok(None) };
    let refuse = |advice: &str| Error::new(Code::INVALID_SETTING, format!("`{name}`: the file `{path}` {advice}"));
    let pem = std::fs::read(&path).map_err(|error| refuse("cannot be read").with_source(error))?;
    parse_certificates(&pem).ok_or_else(|| refuse("holds no certificates in PEM"))?;
    Ok(Some(pem))
}

fn parse_certificates(pem: &[u8]) -> Option<Vec<Certificate>> {
    Certificate::from_pem_bundle(pem).ok().filter(|certificates| !certificates.is_empty())
}

impl HttpKeySource {
    /// Creates a source that trusts these CA certificates (PEM) besides the system's.
    ///
    /// # Errors
    /// Kind `Configuration` when the text is present but holds no PEM certificates.
    pub fn new(extra_ca_certificates: Option<&[u8]>) -> Result<Self> {
        let certificates = match extra_ca_certificates {
            None => Vec::new(),
            Some(pem) => parse_certificates(pem)
                .ok_or_else(|| Error::new(Code::INVALID_SETTING, "the added CA certificates are not PEM"))?,
        };
        Ok(Self {
            certificates,
            timeout: TIMEOUT,
            proxies: true,
            lookup: Arc::new(SystemLookup),
            public: OnceLock::new(),
            anywhere: OnceLock::new(),
            loopback: OnceLock::new(),
            plain: OnceLock::new(),
        })
    }

    /// Sets the time limit for discovery and key set together. Default: 5 s.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the name resolver. Default: the system's.
    #[must_use]
    pub fn with_lookup(mut self, lookup: Arc<dyn Lookup>) -> Self {
        self.lookup = lookup;
        self
    }

    /// Disables the proxies of the environment.
    #[must_use]
    pub fn without_proxies(mut self) -> Self {
        self.proxies = false;
        self
    }

    fn client(&self, route: Route) -> Result<&Client, FetchError> {
        let trusting = || Client::builder().tls_certs_merge(self.certificates.iter().cloned());
        let client = match route {
            Route::Plain => self.plain.get_or_init(|| self.build(Client::builder().no_proxy().tls_certs_only([]))),
            Route::Loopback => self.loopback.get_or_init(|| self.build(trusting().no_proxy())),
            Route::Anywhere => {
                self.anywhere.get_or_init(|| self.build(trusting().dns_resolver(Unrestricted(self.lookup.clone()))))
            }
            Route::Public => self.public.get_or_init(|| {
                let public = PublicOnly::new(self.lookup.clone(), |name| std::env::var(name).ok());
                self.build(trusting().dns_resolver(public))
            }),
        };
        client.as_ref().map_err(Clone::clone)
    }

    fn build(&self, builder: ClientBuilder) -> Result<Client, FetchError> {
        let builder = if self.proxies { builder } else { builder.no_proxy() };
        builder
            .redirect(redirect::Policy::custom(within_origin))
            .timeout(self.timeout)
            .pool_max_idle_per_host(0)
            .referer(false)
            .tls_info(true)
            .user_agent(concat!("dezky/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                let message =
                    format!("TLS cannot be used, are CA certificates installed on this system? ({})", explain(error));
                FetchError::new(FetchErrorKind::Unreachable, message)
            })
    }

    async fn fetch_jwks(&self, issuer: &IssuerSettings) -> Result<Bytes, FetchError> {
        match &issuer.jwks {
            JwksSource::Discovery => {
                let uri = self.discover(issuer).await?;
                self.get(issuer, &uri).await
            }
            JwksSource::Uri(uri) => self.get(issuer, uri).await,
            JwksSource::Inline(json) => Ok(Bytes::from(json.clone())),
        }
    }

    /// Fetches the `jwks_uri` of the issuer (OpenID Connect Discovery 1.0, sections 4.1 and 4.3).
    async fn discover(&self, issuer: &IssuerSettings) -> Result<String, FetchError> {
        let address = discovery_address(issuer);
        let body = self.get(issuer, &address).await?;
        let misconfigured = |message: String| FetchError::new(FetchErrorKind::Misconfigured, message);
        let document = parse_object(without_byte_order_mark(&body))
            .map_err(|error| misconfigured(format!("`{address}` is no discovery document: {error}")))?;
        let announced = document.get("issuer").and_then(Value::as_str).unwrap_or_default();
        if !issuer.urls.iter().any(|url| url == announced) {
            let shown: String = announced.chars().take(200).collect();
            let message = format!(
                "the provider calls itself `{}`, which is not in `urls` of issuer `{}`: they must match exactly, \
                 trailing slash included",
                shown.escape_default(),
                issuer.id
            );
            return Err(FetchError::new(FetchErrorKind::Mismatch, message));
        }
        match document.get("jwks_uri") {
            Some(Value::String(uri)) => {
                let url = Url::parse(uri).map_err(|_| {
                    misconfigured(format!("the `jwks_uri` of the discovery document `{address}` is no URL"))
                })?;
                destination::check_announced(issuer, &url)?;
                Ok(uri.clone())
            }
            _ => Err(misconfigured(format!("the discovery document `{address}` has no `jwks_uri`"))),
        }
    }

    /// Sends a request and returns the 200 response with an address that is safe to log.
    async fn send(&self, issuer: &IssuerSettings, address: &str) -> Result<(Response, String), FetchError> {
        let url = Url::parse(address)
            .map_err(|_| FetchError::new(FetchErrorKind::Misconfigured, "the address of the keys is no URL"))?;
        let shown = destination::shown(&url);
        let client = self.client(destination::route(issuer, &url)?)?;
        let request = client.get(url).header(http::header::ACCEPT, "application/json");
        let response = request.send().await.map_err(|error| match private_address(&error) {
            Some(refused) => destination::private(issuer, &refused.to_string()),
            None => unreachable(&shown, error),
        })?;
        if response.status() != StatusCode::OK {
            let message = format!("`{shown}` answers {}", response.status().as_u16());
            return Err(FetchError::new(FetchErrorKind::Unreachable, message));
        }
        Ok((response, shown))
    }

    /// Returns properties of the issuer's response besides the keys; `None` for inline keys.
    ///
    /// # Errors
    /// [`FetchError`] when it does not respond.
    pub async fn observe(&self, issuer: &IssuerSettings) -> Result<Observed, FetchError> {
        let Some(address) = first_address(issuer) else { return Ok(Observed::default()) };
        let (response, _) = self.send(issuer, &address).await?;
        let header = response.headers().get(http::header::DATE).and_then(|value| value.to_str().ok());
        let date = header.and_then(|text| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok());
        let certificate = response.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
        Ok(Observed {
            date: date.map(|date| Timestamp::from_milliseconds(date.as_millisecond())),
            certificate_expires_at: certificate.and_then(certificate::expiry),
        })
    }

    /// Reads the body of a 200 response.
    async fn get(&self, issuer: &IssuerSettings, address: &str) -> Result<Bytes, FetchError> {
        let (response, shown) = self.send(issuer, address).await?;
        bounded(response, MAXIMUM_BODY).await.map_err(|error| match error {
            BodyError::Broken(error) => unreachable(&shown, error),
            BodyError::TooLarge(_) => {
                FetchError::new(FetchErrorKind::Misconfigured, format!("`{shown}` answers more than 1 MiB"))
            }
            other => FetchError::new(FetchErrorKind::Misconfigured, format!("`{shown}` cannot be read: {other}")),
        })
    }
}

#[async_trait]
impl KeySource for HttpKeySource {
    async fn fetch(&self, issuer: &IssuerSettings) -> Result<Bytes, FetchError> {
        // Loading certificates does not count against the provider's time.
        if let Some(url) = first_address(issuer).and_then(|address| Url::parse(&address).ok()) {
            self.client(destination::route(issuer, &url)?)?;
        }
        match tokio::time::timeout(self.timeout, self.fetch_jwks(issuer)).await {
            Ok(result) => result,
            Err(_) => {
                let message = format!("the provider does not answer within {} ms", self.timeout.as_millis());
                Err(FetchError::new(FetchErrorKind::Unreachable, message))
            }
        }
    }
}

/// Returns the first URL to request; `None` for inline keys.
fn first_address(issuer: &IssuerSettings) -> Option<String> {
    match &issuer.jwks {
        JwksSource::Discovery => Some(discovery_address(issuer)),
        JwksSource::Uri(uri) => Some(uri.clone()),
        JwksSource::Inline(_) => None,
    }
}

fn discovery_address(issuer: &IssuerSettings) -> String {
    let base = issuer.urls.first().map(String::as_str).unwrap_or_default();
    format!("{}/.well-known/openid-configuration", base.trim_end_matches('/'))
}

fn within_origin(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let same = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    if same && attempt.previous().len() <= 3 { attempt.follow() } else { attempt.stop() }
}

fn unreachable(shown: &str, error: reqwest::Error) -> FetchError {
    FetchError::new(FetchErrorKind::Unreachable, format!("`{shown}` does not answer: {}", explain(error)))
}

/// Extracts the private address that prevented a connection, if any.
fn private_address(error: &reqwest::Error) -> Option<&PrivateAddress> {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        // `io::Error` does not expose its inner error as its source.
        let held = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        match held.and_then(|held| held.downcast_ref()) {
            Some(refused) => return Some(refused),
            None => cause = inner.source(),
        }
    }
    None
}

/// Formats an error and its causes without the address, which may contain secrets.
fn explain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
