//! What one caller, one address and all together may ask of this process.
//!
//! In the order in which a request meets them: the rate of its address, before anything is looked at; the requests in
//! flight; the time in which its body must arrive, and the bytes of all bodies together; and the rate of its caller, once the token is verified.

mod address;
mod arrival;
mod bounded;
mod caller;
mod guard;
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
pub(super) use guard::guarded;
use limiter::{ADDRESS, CALLER, Limiter, Standing};
pub(super) use shares::{Place, Shares};

use super::{Metrics, metrics::Refusal};
use crate::configuration::{LimitSettings, Network};

/// Most bytes of bodies that are held at the same time, half of them of one address. Bodies are a few kilobytes as a rule, and
/// what is made of one in memory is a multiple of it.
const BODY_BYTES: usize = 32 * 1024 * 1024;
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
    in_flight: Option<Arc<Shares>>,
    body_bytes: Arc<Shares>,
    arrival: Duration,
    keep_alive: Duration,
    metrics: Arc<Metrics>,
}

impl Limits {
    /// Limits with whole budgets.
    pub(crate) fn new(settings: &LimitSettings, metrics: Arc<Metrics>) -> Arc<Self> {
        // Where addresses are not told apart, one may have everything.
        let shares = |most| if settings.address.is_some() { Shares::halved(most) } else { Shares::new(most, most) };
        let in_flight =
            settings.requests_in_flight.map(|most| shares(usize::try_from(most.get()).unwrap_or(usize::MAX)));
        Arc::new(Self {
            caller: settings.caller.map(|rate| Limiter::new(CALLER, rate)),
            address: settings.address.map(|rate| Limiter::new(ADDRESS, rate)),
            trusted_proxies: settings.trusted_proxies.clone(),
            in_flight,
            body_bytes: shares(BODY_BYTES),
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
        address::client(peer, headers, &self.trusted_proxies)
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

    /// A place among the requests in flight; none inside where they are not limited.
    fn enter(&self, address: u128) -> Result<Option<Place>> {
        let Some(in_flight) = &self.in_flight else { return Ok(None) };
        in_flight.enter(address).map(Some).ok_or_else(|| self.overloaded(Refusal::Overloaded))
    }

    fn overloaded(&self, refusal: Refusal) -> Error {
        self.metrics.refuse(refusal);
        let message = "more requests are being answered than this server can bear: try again";
        Error::new(ErrorKind::Unavailable, dezky::http::problem::OVERLOADED, message)
            .with_retry_after(Duration::from_secs(1))
    }
}
