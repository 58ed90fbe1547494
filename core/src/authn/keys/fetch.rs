//! Fetching of key sets over HTTP.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
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
    context::{RequestContext, SystemActor},
    error::Result,
    outbound::{
        AllowedAddresses, CertificateAuthorities, Client, Lookup, OutboundError, OutboundErrorKind, OutboundOptions,
        PlainHttp, Proxies, Request, Response, RetryPolicy,
    },
};

/// Size limit of a discovery document and of a key set, in bytes.
const MAXIMUM_BODY: usize = 1024 * 1024;

/// Time limit for discovery and key set together.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum number of redirects of one request.
const MAXIMUM_REDIRECTS: usize = 3;

/// Fetches key sets over HTTPS, or over plain HTTP for issuers on a loopback address.
///
/// It trusts the system's certificates and the added ones. Keys are fetched from the issuer's own origin and the hosts
/// of its settings, and from private addresses (after name resolution) only where the settings allow it. Redirects are
/// followed within one origin only. Proxies of the environment (`HTTPS_PROXY`, `NO_PROXY`) are used, never for loopback
/// addresses; a proxy resolves names itself.
#[derive(Debug)]
pub struct HttpKeySource {
    options: OutboundOptions,
    proxies: Proxies,
    clients: Clients,
}

/// Clients by route, since connections of one are not for another.
#[derive(Debug)]
struct Clients {
    public: Client,
    anywhere: Client,
    loopback: Client,
}

impl Clients {
    fn new(options: &OutboundOptions, proxies: Proxies) -> Self {
        let proxied = |addresses| Client::new(OutboundOptions { addresses, proxies, ..options.clone() });
        Self {
            public: proxied(AllowedAddresses::PUBLIC),
            anywhere: proxied(AllowedAddresses::ANY),
            loopback: Client::new(OutboundOptions {
                addresses: AllowedAddresses::LOOPBACK,
                plain_http: PlainHttp::OnLoopback,
                ..options.clone()
            }),
        }
    }
}

/// Properties of an issuer's response besides the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Observed {
    /// Server time in whole seconds, from the `Date` header (RFC 9110, section 6.6.1).
    pub date: Option<Timestamp>,
    /// Expiry of the server certificate; `None` over plain HTTP.
    pub certificate_expires_at: Option<Timestamp>,
}

impl HttpKeySource {
    /// Creates a source that trusts these CA certificates (PEM) besides the system's.
    ///
    /// # Errors
    /// Kind `Configuration` when the text is present but holds no PEM certificates.
    pub fn new(extra_ca_certificates: Option<&[u8]>) -> Result<Self> {
        let authorities = extra_ca_certificates.map(CertificateAuthorities::from_pem).transpose()?.unwrap_or_default();
        let options = OutboundOptions {
            authorities,
            connect_timeout: TIMEOUT,
            timeout: TIMEOUT,
            maximum_body: MAXIMUM_BODY,
            maximum_redirects: MAXIMUM_REDIRECTS,
            // Fetches are rare.
            idle_connections: 0,
            // The cache retries.
            retries: RetryPolicy::NONE,
            ..OutboundOptions::default()
        };
        Ok(Self::with(options, Proxies::FromEnvironment))
    }

    fn with(options: OutboundOptions, proxies: Proxies) -> Self {
        let clients = Clients::new(&options, proxies);
        Self { options, proxies, clients }
    }

    /// Sets the time limit for discovery and key set together. Default: 5 s.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self::with(OutboundOptions { connect_timeout: timeout, timeout, ..self.options }, self.proxies)
    }

    /// Sets the name resolver. Default: the system's.
    #[must_use]
    pub fn with_lookup(self, lookup: Arc<dyn Lookup>) -> Self {
        Self::with(OutboundOptions { lookup, ..self.options }, self.proxies)
    }

    /// Disables the proxies of the environment.
    #[must_use]
    pub fn without_proxies(self) -> Self {
        Self::with(self.options, Proxies::Ignored)
    }

    fn client(&self, route: Route) -> &Client {
        match route {
            Route::Loopback => &self.clients.loopback,
            Route::Anywhere => &self.clients.anywhere,
            Route::Public => &self.clients.public,
        }
    }

    /// Creates the context of a fetch, whose deadline is that of discovery and key set together.
    fn context(&self) -> RequestContext {
        RequestContext::by_part(SystemActor::Keys).with_timeout(self.options.timeout)
    }

    async fn fetch_jwks(&self, context: &RequestContext, issuer: &IssuerSettings) -> Result<Bytes, FetchError> {
        match &issuer.jwks {
            JwksSource::Discovery => {
                let uri = self.discover(context, issuer).await?;
                self.get(context, issuer, &uri).await
            }
            JwksSource::Uri(uri) => self.get(context, issuer, uri).await,
            JwksSource::Inline(json) => Ok(Bytes::from(json.clone())),
        }
    }

    /// Fetches the `jwks_uri` of the issuer (OpenID Connect Discovery 1.0, sections 4.1 and 4.3).
    async fn discover(&self, context: &RequestContext, issuer: &IssuerSettings) -> Result<String, FetchError> {
        let address = discovery_address(issuer);
        let body = self.get(context, issuer, &address).await?;
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

    /// Sends a request and returns the 200 response.
    async fn send(
        &self,
        context: &RequestContext,
        issuer: &IssuerSettings,
        address: &str,
    ) -> Result<Response, FetchError> {
        let url = parse(address)?;
        let client = self.client(destination::route(issuer, &url)?);
        let response = client.send(context, &url, &Request::get("")).await.map_err(|error| failed(issuer, &error))?;
        if response.status() != StatusCode::OK {
            let message = format!("`{}` answers {}", destination::shown(&url), response.status().as_u16());
            return Err(FetchError::new(FetchErrorKind::Unreachable, message));
        }
        Ok(response)
    }

    /// Loads certificates, which does not count against the provider's time.
    fn prepare(&self, issuer: &IssuerSettings) -> Result<(), FetchError> {
        let Some(address) = first_address(issuer) else { return Ok(()) };
        let url = parse(&address)?;
        self.client(destination::route(issuer, &url)?).prepare(&url).map_err(|error| failed(issuer, &error))
    }

    /// Returns properties of the issuer's response besides the keys; `None` for inline keys.
    ///
    /// # Errors
    /// [`FetchError`] when it does not respond.
    pub async fn observe(&self, issuer: &IssuerSettings) -> Result<Observed, FetchError> {
        let Some(address) = first_address(issuer) else { return Ok(Observed::default()) };
        self.prepare(issuer)?;
        let response = self.send(&self.context(), issuer, &address).await?;
        let header = response.headers().get(http::header::DATE).and_then(|value| value.to_str().ok());
        let date = header.and_then(|text| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok());
        Ok(Observed {
            date: date.map(|date| Timestamp::from_milliseconds(date.as_millisecond())),
            certificate_expires_at: response.certificate().and_then(certificate::expiry),
        })
    }

    /// Reads the body of a 200 response.
    async fn get(&self, context: &RequestContext, issuer: &IssuerSettings, address: &str) -> Result<Bytes, FetchError> {
        Ok(self.send(context, issuer, address).await?.body().clone())
    }
}

#[async_trait]
impl KeySource for HttpKeySource {
    async fn fetch(&self, issuer: &IssuerSettings) -> Result<Bytes, FetchError> {
        self.prepare(issuer)?;
        self.fetch_jwks(&self.context(), issuer).await
    }
}

fn parse(address: &str) -> Result<Url, FetchError> {
    Url::parse(address).map_err(|_| FetchError::new(FetchErrorKind::Misconfigured, "the address of the keys is no URL"))
}

/// Converts a failed request: what the settings do not allow is named with the setting.
fn failed(issuer: &IssuerSettings, error: &OutboundError) -> FetchError {
    let kind = match error.kind() {
        OutboundErrorKind::RefusedAddress => return destination::private(issuer, error.message()),
        OutboundErrorKind::InvalidRequest | OutboundErrorKind::TooLarge | OutboundErrorKind::BadBody => {
            FetchErrorKind::Misconfigured
        }
        _ => FetchErrorKind::Unreachable,
    };
    FetchError::new(kind, error.message().to_owned())
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
