//! Connections: TLS and plain, each with the resolver that permits only allowed addresses.

use std::sync::OnceLock;

use reqwest::{Client, ClientBuilder, redirect};
use url::{Host, Url};

use super::{
    address::{AddressRange, AllowedAddresses},
    error::{OutboundError, OutboundErrorKind},
    lookup::{RefusedAddress, Resolver},
    options::{OutboundOptions, PlainHttp, Proxies},
};

/// Connections of a client.
#[derive(Debug, Default)]
pub(super) struct Transport {
    // Created on first use, since loading the system's certificates takes longer than the rest of the start.
    tls: OnceLock<Result<Client, OutboundError>>,
    /// Without certificates.
    plain: OnceLock<Result<Client, OutboundError>>,
}

impl Transport {
    /// Returns the connections for a URL. Numeric addresses are checked here, names when they are resolved.
    ///
    /// # Errors
    /// Kind `RefusedAddress` when the options do not allow the scheme or the address, `Tls` when TLS cannot be used,
    /// `InvalidRequest` when the URL has a user name or a password.
    pub(super) fn to(&self, url: &Url, shown: &str, options: &OutboundOptions) -> Result<&Client, OutboundError> {
        let refused = |text: String| OutboundError::new(OutboundErrorKind::RefusedAddress, text);
        if !url.username().is_empty() || url.password().is_some() {
            // These would be sent as a credential, and be repeated in the logs of others.
            let message = format!("the URL of `{shown}` has a user name or a password, which must be left out");
            return Err(OutboundError::new(OutboundErrorKind::InvalidRequest, message));
        }
        let allowed = match (url.scheme(), options.plain_http) {
            ("https", _) | ("http", PlainHttp::Anywhere) => options.addresses,
            ("http", PlainHttp::OnLoopback) if options.addresses.contains(AddressRange::Loopback) => {
                AllowedAddresses::LOOPBACK
            }
            _ => return Err(refused(format!("`{shown}` is not over TLS: its URL must begin with `https://`"))),
        };
        let range = match url.host() {
            Some(Host::Domain(_)) => None,
            Some(Host::Ipv4(address)) => Some(AddressRange::of(address.into())),
            Some(Host::Ipv6(address)) => Some(AddressRange::of(address.into())),
            None => return Err(refused(format!("`{shown}` names no host"))),
        };
        if let Some(range) = range.filter(|range| !allowed.contains(*range)) {
            return Err(refused(format!("`{shown}` has a {range} address")));
        }
        let client = if url.scheme() == "https" {
            self.tls.get_or_init(|| tls(options))
        } else {
            self.plain.get_or_init(|| plain(options, allowed))
        };
        client.as_ref().map_err(Clone::clone)
    }
}

fn tls(options: &OutboundOptions) -> Result<Client, OutboundError> {
    let resolver = Resolver::new(options.lookup.clone(), options.addresses);
    let builder = Client::builder().tls_certs_merge(options.authorities.iter()).tls_info(true).https_only(true);
    build(
        options,
        match options.proxies {
            Proxies::Ignored => builder.dns_resolver(resolver).no_proxy(),
            Proxies::FromEnvironment => builder.dns_resolver(resolver.with_proxies(|name| std::env::var(name).ok())),
        },
    )
}

fn plain(options: &OutboundOptions, allowed: AllowedAddresses) -> Result<Client, OutboundError> {
    let resolver = Resolver::new(options.lookup.clone(), allowed);
    build(options, Client::builder().tls_certs_only([]).dns_resolver(resolver).no_proxy())
}

fn build(options: &OutboundOptions, builder: ClientBuilder) -> Result<Client, OutboundError> {
    builder
        // Redirects and retries are the client's own, which knows credentials and deadlines.
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(options.connect_timeout)
        .pool_max_idle_per_host(options.idle_connections)
        .user_agent(concat!("dezky/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| {
            let message =
                format!("TLS cannot be used, are CA certificates installed on this system? ({})", explain(error));
            OutboundError::new(OutboundErrorKind::Tls, message)
        })
}

/// Tells what a failed exchange is.
pub(super) fn failure(shown: &str, error: reqwest::Error) -> OutboundError {
    if let Some(refused) = cause::<RefusedAddress>(&error) {
        return OutboundError::new(OutboundErrorKind::RefusedAddress, refused.to_string());
    }
    let kind = if error.is_connect() {
        // What TLS reports is data that it does not accept.
        let tls = causes(&error).any(|cause| {
            cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::InvalidData)
        });
        if tls { OutboundErrorKind::Tls } else { OutboundErrorKind::Connect }
    } else if error.is_timeout() {
        OutboundErrorKind::Timeout
    } else if error.is_builder() {
        OutboundErrorKind::InvalidRequest
    } else {
        OutboundErrorKind::Interrupted
    };
    OutboundError::new(kind, format!("`{shown}` does not answer: {}", explain(error)))
}

type Cause<'a> = &'a (dyn std::error::Error + 'static);

/// Iterates over the causes of an error, and over what an `io::Error` holds, which is not its source.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = Cause<'_>> {
    std::iter::successors(std::error::Error::source(error), |cause| {
        let held = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        match held {
            Some(held) => Some(held as Cause<'_>),
            None => cause.source(),
        }
    })
}

fn cause<T: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    causes(error).find_map(|cause| cause.downcast_ref())
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
