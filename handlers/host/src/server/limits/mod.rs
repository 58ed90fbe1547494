//! What one caller, one address and all together may ask of this process.
//!
//! In the order in which a request meets them: the streams of HTTP/2; the rate of its address, before anything is looked at; the bodies that arrive, the
//! time in which they must, and the bytes of all of them together; the requests in flight; the rate of its caller, once the token is verified; and the
//! answers that are not taken yet.

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

use dezky::{Error, ErrorKind, Result};
use http::HeaderMap;
use tokio::time;

pub(crate) use caller::LimitedIdentity;
#[cfg(feature = "component")]
pub(crate) use caller::Noticed;
pub(super) use guard::{guarded, kept};
pub(super) use holding::{Holding, SMALL};
use limiter::{ADDRESS, CALLER, Limiter, Standing};
pub(super) use shares::{Place, Shares};

use super::{Metrics, metrics::Refusal};
use crate::configuration::{ForwardedHeader, LimitSettings, Network};

/// Most bytes of bodies that are held at the same time. Bodies are a few kilobytes as a rule, and what is made of one in memory
/// is a multiple of it.
const BODY_BYTES: usize = 32 * 1024 * 1024;
/// Most bytes of answers that are held at the same time.
const ANSWER_BYTES: usize = 32 * 1024 * 1024;
/// Most streams of HTTP/2 that are open at the same time where fewer than 512 requests are answered, and for each of these
/// beyond. Each costs some kilobytes, whatever it was answered.
const STREAMS: usize = 2_048;
const STREAMS_OF_A_REQUEST: usize = 4;
/// The part of a room that one address may have at the most: of what is busy, and of what is slow.
const HALF: usize = 2;
const QUARTER: usize = 4;
const EIGHTH: usize = 8;
/// Time between two looks for budgets that are whole again.
const PRUNING: Duration = Duration::from_secs(10);

/// The peer of a connection, as an extension of its requests.
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
    arrival: Duration,
    keep_alive: Duration,
    metrics: Arc<Metrics>,
}

impl Limits {
    /// Limits with whole budgets.
    pub(crate) fn new(settings: &LimitSettings, metrics: Arc<Metrics>) -> Arc<Self> {
        // Where addresses are not told apart, one may have everything.
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
            arrival: settings.arrival,
            keep_alive: settings.keep_alive,
            metrics,
        })
    }

    /// Forgets budgets that are whole again, and tells of refusals that got no line, for as long as it is polled.
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

    /// Keys with a budget of their own, by the name of the limit.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&'static str, usize)> {
        let keys = |name, limiter: &Option<Limiter>| limiter.as_ref().map(|limiter| (name, limiter.keys()));
        [keys(ADDRESS, &self.address), keys(CALLER, &self.caller)].into_iter().flatten()
    }

    /// Whether a peer asks for others, so that it is not counted itself.
    pub(super) fn is_proxy(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(peer))
    }

    /// Longest time that a request's head, and then its body, may take to arrive, and that a client may take no byte of its
    /// answer.
    pub(super) fn arrival(&self) -> Duration {
        self.arrival
    }

    /// How long a connection on which nothing is asked stays open.
    pub(super) fn keep_alive(&self) -> Duration {
        self.keep_alive
    }

    /// The address of a client, as far as proxies that are trusted tell it.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        address::client(peer, headers, &self.trusted_proxies, self.forwarded_header)
    }

    /// A place for a stream of HTTP/2.
    pub(super) fn open(&self, client: u128) -> Option<Place> {
        let place = self.streams.enter(client);
        if place.is_none() {
            self.metrics.refuse(Refusal::Streams);
        }
        place
    }

    fn of_address(&self, address: u128) -> Option<Standing> {
        self.address.as_ref().map(|limiter| limiter.check(address))
    }

    fn of_caller(&self, caller: u128) -> Option<Standing> {
        self.caller.as_ref().map(|limiter| limiter.check(caller))
    }

    fn admit(&self, standing: &Standing) -> Result<()> {
        let Some(wait) = standing.wait else { return Ok(()) };
        self.metrics.refuse(standing.refusal());
        let message = "there were too many requests: wait for as many seconds as `Retry-After` says";
        Err(Error::new(ErrorKind::RateLimited, "rate_limited", message).with_retry_after(wait))
    }

    fn overloaded(&self, refusal: Refusal) -> Error {
        self.metrics.refuse(refusal);
        let message = "more requests are being answered than this server can bear: try again";
        Error::new(ErrorKind::Unavailable, dezky::http::problem::OVERLOADED, message)
            .with_retry_after(Duration::from_secs(1))
    }
}
