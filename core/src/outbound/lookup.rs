//! Resolution of names to allowed addresses.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::address::{AddressRange, AllowedAddresses};

/// Resolves names to addresses.
#[async_trait]
pub trait Lookup: Send + Sync + std::fmt::Debug {
    /// Resolves a host.
    ///
    /// # Errors
    /// When it has no address, or resolution fails.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// Resolver of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A host whose addresses are all outside of the allowed ranges.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{host}` has the {range} address {address}")]
#[non_exhaustive]
pub struct RefusedAddress {
    /// Name of the host.
    pub host: String,
    /// One of its addresses.
    pub address: IpAddr,
    /// Range of that address.
    pub range: AddressRange,
}

/// Resolver of names to allowed addresses. Names with other ones only fail with [`RefusedAddress`].
///
/// Proxies named by the environment may have any address: whoever runs this process chose them, and they connect to the
/// target themselves.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    lookup: Arc<dyn Lookup>,
    allowed: AllowedAddresses,
    proxies: Arc<[String]>,
}

/// Variables that name the proxy for requests over TLS.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

impl Resolver {
    /// Restricts a lookup to allowed addresses.
    pub(super) fn new(lookup: Arc<dyn Lookup>, allowed: AllowedAddresses) -> Self {
        Self { lookup, allowed, proxies: Arc::default() }
    }

    /// Exempts the proxies of the environment; `variable` looks up an environment variable.
    pub(super) fn with_proxies(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        self.proxies = PROXY_VARIABLES.into_iter().filter_map(variable).filter_map(|proxy| host(&proxy)).collect();
        self
    }

    /// Returns the allowed addresses of a host.
    ///
    /// # Errors
    /// The error contains [`RefusedAddress`] when the host has other addresses only.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let mut addresses = self.lookup.addresses(host).await?;
        if self.proxies.iter().any(|proxy| proxy.eq_ignore_ascii_case(host)) {
            return Ok(addresses);
        }
        let allowed = |address: &IpAddr| self.allowed.contains(AddressRange::of(*address));
        let refused = addresses.iter().copied().find(|address| !allowed(address));
        addresses.retain(allowed);
        match refused {
            Some(address) if addresses.is_empty() => {
                let range = AddressRange::of(address);
                Err(io::Error::other(RefusedAddress { host: host.to_owned(), address, range }))
            }
            _ => Ok(addresses),
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let addresses = names.addresses(name.as_str()).await?;
            // The port of the URL takes the place of 0.
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

/// Returns the host of a proxy's URL, if it has one; the scheme is optional.
fn host(proxy: &str) -> Option<String> {
    let with_scheme = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    match Url::parse(&with_scheme).ok()?.host()? {
        Host::Domain(name) => Some(name.to_owned()),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[derive(Debug)]
    struct Always(Vec<IpAddr>);

    #[async_trait]
    impl Lookup for Always {
        async fn addresses(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
            Ok(self.0.clone())
        }
    }

    async fn found(addresses: &[&str], host: &str, proxy: &'static str) -> Result<Vec<String>, RefusedAddress> {
        let lookup = Always(addresses.iter().map(|address| address.parse().unwrap()).collect());
        let names = Resolver::new(Arc::new(lookup), AllowedAddresses::PUBLIC)
            .with_proxies(|name| (name == "https_proxy").then(|| proxy.to_owned()));
        match names.addresses(host).await {
            Ok(addresses) => Ok(addresses.iter().map(IpAddr::to_string).collect()),
            Err(error) => {
                Err(error.into_inner().unwrap().downcast::<RefusedAddress>().map(|refused| *refused).unwrap())
            }
        }
    }

    #[tokio::test]
    async fn private_addresses_are_left_out_and_refused_where_there_is_no_other() {
        assert_eq!(found(&["10.0.0.1", "1.1.1.1", "::1"], "a.example", "").await.unwrap(), ["1.1.1.1"]);
        let refused = found(&["::ffff:10.0.0.1", "::1"], "a.example", "").await.unwrap_err();
        assert_eq!(refused.to_string(), "`a.example` has the private address ::ffff:10.0.0.1");
    }

    #[tokio::test]
    async fn a_proxy_of_the_environment_may_be_anywhere() {
        for proxy in ["http://me:secret@Proxy.internal:3128", "proxy.internal:3128", "https://proxy.internal"] {
            assert_eq!(found(&["10.0.0.1"], "proxy.internal", proxy).await.unwrap(), ["10.0.0.1"], "{proxy}");
            assert!(found(&["10.0.0.1"], "a.example", proxy).await.is_err(), "{proxy}");
        }
        assert!(found(&["10.0.0.1"], "proxy.internal", "10.0.0.9:3128").await.is_err());
    }
}
