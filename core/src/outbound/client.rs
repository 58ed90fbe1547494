//! The client: attempts, redirects, deadlines and retries.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use reqwest::tls::TlsInfo;
use tokio::sync::Semaphore;
use url::Url;

use super::{
    body::{BodyError, bounded},
    credential::Credential,
    error::{OutboundError, OutboundErrorKind, is_transient},
    in_flight::InFlight,
    options::OutboundOptions,
    request::Request,
    response::Response,
    retry::retry_after,
    traffic::{Traffic, TrafficCounters},
    transport::{Transport, failure},
};
use crate::{
    context::RequestContext,
    trace::{TRACEPARENT, TraceContext},
};

/// An HTTP client for systems outside of this process. Clones share connections.
///
/// It has no cookies, sends credentials to their origin only, and connects to allowed addresses only.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    options: OutboundOptions,
    transport: Transport,
    in_flight: InFlight,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

impl Client {
    /// Creates a client. The system's certificates are loaded on first use.
    #[must_use]
    pub fn new(options: OutboundOptions) -> Self {
        let in_flight = InFlight::new(options.maximum_in_flight);
        Self { inner: Arc::new(Inner { options, transport: Transport::default(), in_flight }) }
    }

    /// Checks that a URL may be requested, and loads certificates, so that the time limit of a request is the server's.
    ///
    /// # Errors
    /// Kind `RefusedAddress` when the options do not allow the scheme or a numeric address, `Tls` when TLS cannot be used.
    pub fn prepare(&self, url: &Url) -> Result<(), OutboundError> {
        let shown = Request::get("").shown(url);
        self.inner.transport.to(url, &shown, &self.inner.options).map(|_| ())
    }

    /// Binds the client and a credential to the origin of a base URL.
    ///
    /// # Errors
    /// Those of [`prepare`](Self::prepare), and kind `InvalidRequest` when the base URL has a query or a fragment.
    pub fn for_origin(&self, base: Url, credential: Option<Credential>) -> Result<OriginClient, OutboundError> {
        if base.query().is_some() || base.fragment().is_some() {
            let message = "the base URL of a system has a query or a fragment, which must be left out";
            return Err(OutboundError::new(OutboundErrorKind::InvalidRequest, message));
        }
        self.prepare(&base)?;
        let permits = self.inner.in_flight.of(&base);
        Ok(OriginClient { inner: Arc::clone(&self.inner), base, credential, permits, traffic: Arc::default() })
    }

    /// Sends a request without credentials to a URL, below which its path is.
    ///
    /// # Errors
    /// [`OutboundError`] when there is no complete response. A status other than success is no error.
    pub async fn send(
        &self,
        context: &RequestContext,
        url: &Url,
        request: &Request,
    ) -> Result<Response, OutboundError> {
        let permits = self.inner.in_flight.of(url);
        self.inner.exchange(context, url, request, None, &permits).await
    }
}

/// A client bound to one origin, with the credential for it.
#[derive(Clone)]
pub struct OriginClient {
    inner: Arc<Inner>,
    base: Url,
    credential: Option<Credential>,
    permits: Arc<Semaphore>,
    /// Numbers of requests, shared by clones.
    traffic: Arc<TrafficCounters>,
}

impl fmt::Debug for OriginClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = Request::get("").shown(&self.base);
        formatter.debug_struct("OriginClient").field("base", &base).finish_non_exhaustive()
    }
}

impl OriginClient {
    /// Sends a request with the credential.
    ///
    /// # Errors
    /// [`OutboundError`] when there is no complete response. A status other than success is no error.
    pub async fn send(&self, context: &RequestContext, request: &Request) -> Result<Response, OutboundError> {
        let begun = Instant::now();
        let sent = self.inner.exchange(context, &self.base, request, self.credential.as_ref(), &self.permits).await;
        self.traffic.count(sent.as_ref().ok().map(Response::status), begun.elapsed());
        sent
    }

    /// Returns the numbers of requests so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.traffic.now()
    }
}

/// One request with all that its attempts share.
struct Exchange<'a> {
    inner: &'a Inner,
    context: &'a RequestContext,
    request: &'a Request,
    credential: Option<&'a Credential>,
    permits: &'a Semaphore,
    url: Url,
    shown: String,
}

impl Inner {
    async fn exchange(
        &self,
        context: &RequestContext,
        base: &Url,
        request: &Request,
        credential: Option<&Credential>,
        permits: &Semaphore,
    ) -> Result<Response, OutboundError> {
        let url = request.url(base)?;
        let shown = request.shown(&url);
        let exchange = Exchange { inner: self, context, request, credential, permits, url, shown };
        let mut retry = 0;
        loop {
            let outcome = exchange.attempt().await;
            match exchange.pause_before(retry, &outcome) {
                Some(pause) => self.options.pause.wait(pause).await,
                None => return outcome,
            }
            retry += 1;
        }
    }
}

impl Exchange<'_> {
    /// Returns the pause before another attempt, if that is allowed, may help, and comes before the deadline.
    fn pause_before(&self, retry: u32, outcome: &Result<Response, OutboundError>) -> Option<Duration> {
        let wait = match outcome {
            Ok(response) if is_transient(response.status) => retry_after(&response.headers, response.received_at),
            Err(error) if error.kind() == OutboundErrorKind::Connect => None,
            _ => return None,
        };
        if !self.request.may_repeat() {
            return None;
        }
        let options = &self.inner.options;
        let pause = options.retries.pause(retry, wait, options.pause.fraction())?;
        (pause < self.context.remaining()).then_some(pause)
    }

    /// Makes one attempt within its time limit.
    async fn attempt(&self) -> Result<Response, OutboundError> {
        let waiting = tokio::time::timeout(self.context.remaining(), self.permits.acquire()).await;
        let Ok(Ok(_permit)) = waiting else {
            let message = format!("`{}` is not asked in time: too many requests to it are in flight", self.shown);
            return Err(OutboundError::new(OutboundErrorKind::Timeout, message));
        };
        let limit = self.inner.options.timeout.min(self.context.remaining());
        if limit.is_zero() {
            let message = format!("`{}` is not asked: the deadline of the request has passed", self.shown);
            return Err(OutboundError::new(OutboundErrorKind::Timeout, message));
        }
        match tokio::time::timeout(limit, self.follow()).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let message = format!("`{}` does not answer within {} ms", self.shown, limit.as_millis());
                Err(OutboundError::new(OutboundErrorKind::Timeout, message))
            }
        }
    }

    /// Sends the request and follows redirects within the origin.
    async fn follow(&self) -> Result<Response, OutboundError> {
        let mut url = self.url.clone();
        let mut followed = 0;
        loop {
            let response = self.send(&url).await?;
            let Some(location) = redirect(&response) else { return self.read(response).await };
            let refused = |why: &str| {
                let status = response.status();
                let message = format!("`{}` redirects ({}) {why}", self.shown, status.as_u16());
                OutboundError::new(OutboundErrorKind::Redirect, message).with_status(status, None)
            };
            let next = location.to_str().ok().and_then(|text| url.join(text).ok());
            let next = next.ok_or_else(|| refused("to what is no URL"))?;
            if next.origin() != self.url.origin() || !next.username().is_empty() || next.password().is_some() {
                let place: String = next.origin().ascii_serialization().chars().take(300).collect();
                return Err(refused(&format!("to another origin, `{place}`, which is not followed")));
            }
            if !matches!(*self.request.method(), Method::GET | Method::HEAD) {
                return Err(refused("a request that changes something, which is not followed"));
            }
            match self.inner.options.maximum_redirects {
                0 => return Err(refused("within its origin, which is not followed")),
                maximum if followed >= maximum => return Err(refused(&format!("more than {maximum} times"))),
                _ => followed += 1,
            }
            url = next;
        }
    }

    async fn send(&self, url: &Url) -> Result<reqwest::Response, OutboundError> {
        let client = self.inner.transport.to(url, &self.shown, &self.inner.options)?;
        let mut headers: HeaderMap = self.request.headers().clone();
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        if let Some(credential) = self.credential {
            headers.insert(header::AUTHORIZATION, credential.header());
        }
        if let Some(value) = self.context.trace.and_then(TraceContext::header) {
            headers.insert(TRACEPARENT, value);
        }
        let mut request = client.request(self.request.method().clone(), url.clone()).headers(headers);
        let body = self.request.body_bytes();
        if !body.is_empty() {
            request = request.body(body);
        }
        request.send().await.map_err(|error| failure(&self.shown, error))
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Response, OutboundError> {
        let received_at = self.inner.options.clock.now();
        let status = response.status();
        let certificate =
            response.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate).map(<[u8]>::to_vec);
        let headers = std::mem::take(response.headers_mut());
        let body = bounded(response, &headers, self.inner.options.maximum_body).await.map_err(|error| {
            let (kind, what) = match error {
                BodyError::Broken(error) => return failure(&self.shown, error),
                BodyError::TooLarge(limit) => {
                    (OutboundErrorKind::TooLarge, format!("answers more than {}", size(limit)))
                }
                other => (OutboundErrorKind::BadBody, format!("cannot be read: {other}")),
            };
            OutboundError::new(kind, format!("`{}` {what}", self.shown)).with_status(status, None)
        })?;
        let (shown, credential) = (self.shown.clone(), self.credential.cloned());
        Ok(Response { status, headers, body, shown, received_at, certificate, credential })
    }
}

/// Returns the `Location` of a redirect.
fn redirect(response: &reqwest::Response) -> Option<&HeaderValue> {
    let redirects = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    response.headers().get(header::LOCATION).filter(|_| redirects)
}

fn size(bytes: usize) -> String {
    const MEBIBYTE: usize = 1024 * 1024;
    if bytes > 0 && bytes.is_multiple_of(MEBIBYTE) {
        format!("{} MiB", bytes / MEBIBYTE)
    } else {
        format!("{bytes} bytes")
    }
}
