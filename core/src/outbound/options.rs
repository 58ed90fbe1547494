//! Options of a client.

use std::{sync::Arc, time::Duration};

use super::{
    address::AllowedAddresses,
    authorities::CertificateAuthorities,
    lookup::{Lookup, SystemLookup},
    retry::{Pause, RetryPolicy, SystemPause},
};
use crate::clock::{Clock, SystemClock};

/// Places that are reached without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlainHttp {
    /// None.
    #[default]
    Never,
    /// This machine, if loopback addresses are allowed.
    OnLoopback,
    /// All allowed addresses. For systems beside this one in a private network.
    Anywhere,
}

/// Treatment of the proxies that the environment names (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Proxies {
    /// Connects directly.
    #[default]
    Ignored,
    /// Connects through them over TLS. A proxy resolves names itself, so that it decides what is reached.
    FromEnvironment,
}

/// Options of a [`Client`](super::Client).
#[derive(Debug, Clone)]
pub struct OutboundOptions {
    /// Addresses to connect to, checked after name resolution. Default: the public internet.
    pub addresses: AllowedAddresses,
    /// Places reached without TLS. Default: none.
    pub plain_http: PlainHttp,
    /// Certificate authorities besides the system's.
    pub authorities: CertificateAuthorities,
    /// Proxies of the environment. Default: ignored.
    pub proxies: Proxies,
    /// Time limit for connecting, TLS included. Default: 5 s.
    pub connect_timeout: Duration,
    /// Time limit for one attempt, from connecting to the end of the body. Default: 10 s.
    ///
    /// The deadline of the request context bounds all attempts and the pauses between them.
    pub timeout: Duration,
    /// Size limit of a response body in bytes, as received and again once decompressed. Default: 1 MiB.
    pub maximum_body: usize,
    /// Number of redirects followed within the origin, for `GET` and `HEAD`. Default: 0.
    pub maximum_redirects: usize,
    /// Number of requests in flight to one origin; more wait. Default: 16.
    pub maximum_in_flight: usize,
    /// Number of idle connections kept for one origin. Default: 4.
    pub idle_connections: usize,
    /// Retries. Default: two.
    pub retries: RetryPolicy,
    /// Name resolver. Default: the system's.
    pub lookup: Arc<dyn Lookup>,
    /// Clock for `Retry-After` dates.
    pub clock: Arc<dyn Clock>,
    /// Pauses between attempts.
    pub pause: Arc<dyn Pause>,
}

impl Default for OutboundOptions {
    fn default() -> Self {
        Self {
            addresses: AllowedAddresses::PUBLIC,
            plain_http: PlainHttp::Never,
            authorities: CertificateAuthorities::default(),
            proxies: Proxies::Ignored,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            maximum_body: 1024 * 1024,
            maximum_redirects: 0,
            maximum_in_flight: 16,
            idle_connections: 4,
            retries: RetryPolicy::default(),
            lookup: Arc::new(SystemLookup),
            clock: Arc::new(SystemClock),
            pause: Arc::new(SystemPause),
        }
    }
}
