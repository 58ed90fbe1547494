//! Limits per caller, per address and for the whole process.
//!
//! In the order in which they apply: HTTP/2 streams; the rate of an address, before the request is examined; arriving
//! bodies, their time limit and total size; requests in flight; the rate of a caller, once the token is verified; and
//! responses that are not taken yet.

mod address;
mod arrival;
mod bounded;
mod caller;
mod guard;
mod holding;
mod limiter;
mod shares;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use dezky::{Code, Error, Result};
use http::HeaderMap;
use tokio::time;

pub(crate) use caller::LimitedIdentity;
#[cfg(feature = "component")]
pub(crate) use caller::Noticed;
pub(super) use guard::{guarded, kept};
pub(super) use holding::{Holding, SMALL};
use limiter::{ADDRESS, CALLER, Limiter, RateDecision};
pub(super) use shares::{Shares, Slots};

use super::{Metrics, metrics::Refusal};
use crate::configuration::{ForwardedHeader, LimitSettings, Network};

/// Maximum total size of request bodies in memory. Bodies usually have a few kilobytes, and parsing multiplies their
/// size.
const BODY_BYTES: usize = 32 * 1024 * 1024;
/// Maximum total size of responses in memory.
const ANSWER_BYTES: usize = 32 * 1024 * 1024;
/// Maximum open HTTP/2 streams up to 512 concurrent requests, and per request beyond.
///
/// Each costs some kilobytes, whatever its response was.
const STREAMS: usize = 2_048;
const STREAMS_OF_A_REQUEST: usize = 4;
/// Maximum number of answers that go on. Each reads the store when something changes.
const FOLLOWERS: usize = 512;
/// Maximum share of one address, of busy and of slow slots.
const HALF: usize = 2;
const QUARTER: usize = 4;
const EIGHTH: usize = 8;
/// Interval for pruning full budgets.
const PRUNING: Duration = Duration::from_secs(10);

/// Peer of a connection, as a request extension.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// All limits of a process.
#[derive(Debug)]
pub(crate) struct Limits {
    caller: Option<Limiter>,
    address: Option<Limiter>,
    trusted_proxies: Vec<Network>,
    forwarded_header: ForwardedHeader,
    streams: Arc<Shares>,
    bodies: Option<Arc<Shares>>,
    body_bytes: Arc<Shares>,
    in_flight: Option<Arc<Shares>>,
    stalled: Option<Arc<Shares>>,
    answer_bytes: Arc<Shares>,
    followers: Arc<Shares>,
    arrival: Duration,
    keep_alive: Duration,
    metrics: Arc<Metrics>,
}

impl Limits {
    /// Creates limits with full budgets.
    pub(crate) fn new(settings: &LimitSettings, metrics: Arc<Metrics>) -> Arc<Self> {
        // Where addresses are not told apart, one may use everything.
        let shares = |most: usize, part: usize| {
            Shares::new(most, if settings.address.is_some() { most.div_ceil(part) } else { most })
        };
        let requests = settings.requests_in_flight.map(|most| usize::try_from(most.get()).unwrap_or(usize::MAX));
        let streams = STREAMS.max(requests.unwrap_or_default().saturating_mul(STREAMS_OF_A_REQUEST));
        Arc::new(Self {
            caller: settings.caller.map(|rate| Limiter::new(CALLER, rate)),
            address: settings.address.map(|rate| Limiter::new(ADDRESS, rate)),
            trusted_proxies: settings.trusted_proxies.clone(),
            forwarded_header: settings.forwarded_header,
            streams: shares(streams, QUARTER),
            bodies: requests.map(|most| shares(most, EIGHTH)),
            body_bytes: shares(BODY_BYTES, EIGHTH),
            in_flight: requests.map(|most| shares(most, HALF)),
            stalled: requests.map(|most| shares(most, EIGHTH)),
            answer_bytes: shares(ANSWER_BYTES, QUARTER),
            followers: shares(FOLLOWERS, EIGHTH),
            arrival: settings.arrival,
            keep_alive: settings.keep_alive,
            metrics,
        })
    }

    /// Prunes full budgets and logs suppressed refusals, for as long as it is polled.
    pub(super) async fn prune(&self) {
        let mut interval = time::interval(PRUNING);
        loop {
            interval.tick().await;
            for limiter in [&self.address, &self.caller].into_iter().flatten() {
                limiter.prune();
            }
            dezky::http::tell_of_dropped();
        }
    }

    /// Returns the number of keys with their own budget by limit.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&'static str, usize)> {
        let keys = |name, limiter: &Option<Limiter>| limiter.as_ref().map(|limiter| (name, limiter.keys()));
        [keys(ADDRESS, &self.address), keys(CALLER, &self.caller)].into_iter().flatten()
    }

    /// Returns whether a peer is a trusted proxy, which is not counted itself.
    pub(super) fn is_proxy(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(peer))
    }

    /// Returns the time limit for receiving a request's head, then its body, and for a client that takes no byte of its
    /// response.
    pub(super) fn arrival(&self) -> Duration {
        self.arrival
    }

    /// Returns the time that an idle connection stays open.
    pub(super) fn keep_alive(&self) -> Duration {
        self.keep_alive
    }

    /// Returns the address of a client, as named by trusted proxies.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        address::client(peer, headers, &self.trusted_proxies, self.forwarded_header)
    }

    /// Takes a slot for an HTTP/2 stream.
    pub(super) fn open(&self, client: u128) -> Option<Slots> {
        let slots = self.streams.enter(client);
        if slots.is_none() {
            self.metrics.refuse(Refusal::Streams);
        }
        slots
    }

    fn of_address(&self, address: u128) -> Option<RateDecision> {
        self.address.as_ref().map(|limiter| limiter.check(address))
    }

    fn of_caller(&self, caller: u128) -> Option<RateDecision> {
        self.caller.as_ref().map(|limiter| limiter.check(caller))
    }

    fn admit(&self, decision: &RateDecision) -> Result<()> {
        let Some(wait) = decision.wait else { return Ok(()) };
        self.metrics.refuse(decision.refusal());
        let message = "there were too many requests: wait for as many seconds as `Retry-After` says";
        Err(Error::new(Code::RATE_LIMITED, message).with_retry_after(wait))
    }

    fn overloaded(&self, refusal: Refusal) -> Error {
        self.metrics.refuse(refusal);
        let message = "more requests are being answered than this server can bear: try again";
        Error::new(Code::OVERLOADED, message).with_retry_after(Duration::from_secs(1))
    }
}
