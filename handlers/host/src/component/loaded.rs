//! A loaded component, and requests through it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use dezky::{Error, ErrorKind, Result, context::RequestContext, http::MAXIMUM_BODY};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header, request::Parts};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::time::{timeout, timeout_at};
use wasmtime::{Engine, component::Linker};
use wasmtime_wasi_http::{
    handler::{ExpirationError, InstantiationError, ProxyHandler, ProxyPre},
    p3::bindings::ServicePre,
};

use super::{
    Bounds, Compiled, Isolation, Platform,
    facts::RequestFacts,
    imports,
    instance::{InstanceState, Instances, body},
    lock::{Asked, Rehearsals},
    too_slow,
};

/// Most bytes of an answer.
const ANSWER: usize = 16 * 1024 * 1024;

/// Longest time of a probe.
const PROBE: Duration = Duration::from_secs(5);

/// How long a shared instance may be silent about a request that waits for nothing of the host. Then another request
/// holds it up, and this one is answered elsewhere.
const PATIENCE: Duration = Duration::from_secs(3);

/// Headers of requests that a component sees: what the router reads. Whatever else a client or a proxy sends may be a secret.
const LET_IN: [HeaderName; 8] = [
    header::ACCEPT,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::HOST,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("traceparent"),
];

/// Headers of answers that pass: what the router sets. A component sets no cookie.
const LET_OUT: [HeaderName; 10] = [
    header::ALLOW,
    header::CACHE_CONTROL,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::ETAG,
    header::LOCATION,
    header::RETRY_AFTER,
    header::VARY,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("idempotency-replayed"),
];

/// A component that answers requests.
pub(super) struct Loaded {
    platform: Arc<Platform>,
    rehearsals: Rehearsals,
    isolation: Isolation,
    shared: ProxyHandler<Instances>,
    alone: ProxyHandler<Instances>,
}

impl Loaded {
    /// Binds a compiled component to what answers its imports.
    pub(super) fn new(compiled: &Compiled, isolation: Isolation, platform: Arc<Platform>) -> Result<Self> {
        let Compiled { engine, component, room } = compiled;
        let linked = linked(engine, component).map_err(|error| unfit(&error))?;
        let pre = Arc::new(ProxyPre::P3(linked));
        let instances = |isolation| {
            let bounds = Bounds::of(isolation, *room);
            ProxyHandler::new(Instances::new(engine.clone(), Arc::clone(&pre), Arc::clone(&platform), bounds))
        };
        let (shared, alone) = (instances(Isolation::Shared), instances(Isolation::Request));
        let rehearsals = Rehearsals::new(&platform);
        Ok(Self { platform, rehearsals, isolation, shared, alone })
    }

    /// Answers a request.
    pub(super) async fn answer(&self, context: RequestContext, request: http::Request<Body>) -> Result<Response> {
        let arrived = self.platform.clock.now();
        let (mut parts, incoming) = request.into_parts();
        let bytes = received(incoming, &mut parts.headers).await?;
        let asked = Asked::new(parts.method.clone(), parts.uri.clone(), parts.headers.clone(), bytes.clone());
        let facts = Arc::new(RequestFacts::new(context, arrived, asked, self.rehearsals.clone()));
        shorn(&mut parts, &facts.context())?;
        // What may write has an instance of its own: nobody else's trap takes its answer, and nothing is tried twice.
        let shared = self.isolation == Isolation::Shared && !facts.asked().may_write();
        let outcome = if shared {
            match self.answer_shared(&facts, &parts, &bytes).await {
                // Another request may have brought the instance down, or holds it up.
                Err(Ended::Died) => {
                    facts.start_anew();
                    self.try_answer(&self.alone, &facts, &parts, &bytes).await
                }
                outcome => outcome,
            }
        } else {
            self.try_answer(&self.alone, &facts, &parts, &bytes).await
        };
        outcome.map_err(|ended| {
            if matches!(ended, Ended::Died) {
                self.platform.metrics.component_failed();
            }
            ended.into()
        })
    }

    /// Has a shared instance answer, for as long as it gets on with the request.
    async fn answer_shared(
        &self,
        facts: &Arc<RequestFacts>,
        parts: &Parts,
        bytes: &Bytes,
    ) -> std::result::Result<Response, Ended> {
        let mut answering = std::pin::pin!(self.try_answer(&self.shared, facts, parts, bytes));
        loop {
            match timeout(PATIENCE, &mut answering).await {
                Ok(outcome) => return outcome,
                Err(_) if facts.waits_for_host() => {}
                Err(_) => {
                    tracing::warn!(id = facts.context().request_id, "an instance of the component is held up");
                    return Err(Ended::Died);
                }
            }
        }
    }

    /// Asks who is calling where nobody is: that goes through its routes, its import and its problem details.
    pub(super) async fn probe(&self) -> Result<()> {
        let wrong = |what: String| {
            let message = format!(
                "the component does not answer as the API does ({what}): build it with `scripts/build-component.sh`"
            );
            Error::new(ErrorKind::Configuration, "invalid_component", message)
        };
        let mut context = RequestContext::new("probe");
        context.deadline = Instant::now() + PROBE;
        let request = http::Request::get("/users/me")
            .header(header::HOST, "probe.invalid")
            .body(Body::empty())
            .map_err(|error| Error::internal("a probe cannot be made").with_source(error))?;
        let response = self.answer(context, request).await.map_err(|error| wrong(error.message().to_owned()))?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| wrong(error.to_string()))?.to_bytes();
        let code = serde_json::from_slice::<serde_json::Value>(&body).ok();
        let code = code.as_ref().and_then(|problem| problem.get("code")?.as_str());
        if status == http::StatusCode::UNAUTHORIZED && code == Some("token_missing") {
            return Ok(());
        }
        Err(wrong(format!("a request without a token got {status}")))
    }

    async fn try_answer(
        &self,
        instances: &ProxyHandler<Instances>,
        facts: &Arc<RequestFacts>,
        parts: &Parts,
        bytes: &Bytes,
    ) -> std::result::Result<Response, Ended> {
        let request = http::Request::from_parts(parts.clone(), body(bytes.clone()));
        let deadline = facts.context().deadline.into();
        let answering = instances.handle(Arc::clone(facts), request);
        let response = timeout_at(deadline, answering).await.map_err(|_| Ended::Late)?.map_err(Ended::of)?;
        let (mut parts, body) = response.into_parts();
        let collecting = Limited::new(body, ANSWER).collect();
        let body = timeout_at(deadline, collecting).await.map_err(|_| Ended::Late)?.map_err(|_| Ended::Died)?;
        keep(&mut parts.headers, &LET_OUT);
        Ok(Response::from_parts(parts, Body::from(body.to_bytes())))
    }
}

fn linked(engine: &Engine, component: &wasmtime::component::Component) -> wasmtime::Result<ServicePre<InstanceState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    imports::add_to(&mut linker)?;
    ServicePre::new(linker.instantiate_pre(component)?)
}

/// A component that cannot be served.
fn unfit(error: &wasmtime::Error) -> Error {
    let message = format!("the component cannot be served ({error:#}): build it with `scripts/build-component.sh`");
    Error::new(ErrorKind::Configuration, "invalid_component", message)
}

/// The whole body, of which the component is told the length: without one it reads none. One that is too large is not kept; the
/// component refuses it in its turn by its length.
async fn received(incoming: Body, headers: &mut HeaderMap) -> Result<Bytes> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAXIMUM_BODY) {
        return Ok(Bytes::new());
    }
    match Limited::new(incoming, MAXIMUM_BODY).collect().await {
        Ok(collected) => {
            let bytes = collected.to_bytes();
            if !bytes.is_empty() {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
            }
            Ok(bytes)
        }
        Err(error) if error.is::<LengthLimitError>() => {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(MAXIMUM_BODY.saturating_add(1)));
            Ok(Bytes::new())
        }
        Err(error) => {
            Err(Error::new(ErrorKind::BadRequest, "body_incomplete", "the body ended before it was complete")
                .with_source(error))
        }
    }
}

/// Takes all other headers away.
fn keep(headers: &mut HeaderMap, names: &[HeaderName]) {
    let others: Vec<_> = headers.keys().filter(|name| !names.contains(name)).cloned().collect();
    for name in others {
        headers.remove(name);
    }
}

/// Takes away what a component does not see, and adds what WASI wants: a whole URI.
fn shorn(parts: &mut Parts, context: &RequestContext) -> Result<()> {
    keep(&mut parts.headers, &LET_IN);
    let id = HeaderValue::from_str(&context.request_id)
        .map_err(|error| Error::internal("a request id is no header").with_source(error))?;
    parts.headers.insert(dezky::http::REQUEST_ID, id);
    parts.extensions.clear();
    let authority = parts.uri.authority().map(ToString::to_string);
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
    let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let whole =
        |authority: &str| Uri::builder().scheme("http").authority(authority).path_and_query(path.to_owned()).build();
    let named = authority.or(host);
    parts.uri = named
        .as_deref()
        .map_or_else(|| whole("unnamed.invalid"), |named| whole(named).or_else(|_| whole("unnamed.invalid")))
        .map_err(|error| Error::internal("a URI cannot be made whole").with_source(error))?;
    Ok(())
}

/// Why there is no answer.
enum Ended {
    /// The instance died: a trap, too much memory, too much computing.
    Died,
    /// It took longer than a request may.
    Late,
    /// There is no room for another instance.
    Full,
}

impl Ended {
    fn of(error: wasmtime::Error) -> Self {
        if error.is::<ExpirationError>() {
            return Self::Late;
        }
        if error.is::<InstantiationError<Arc<RequestFacts>>>() {
            tracing::warn!(error = format!("{error:#}"), "an instance of the component cannot be made");
            return Self::Full;
        }
        tracing::debug!(error = format!("{error:#}"), "the component did not answer");
        Self::Died
    }
}

impl From<Ended> for Error {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Died => Self::internal("the component died while it answered"),
            Ended::Late => too_slow(),
            Ended::Full => {
                Self::new(ErrorKind::Unavailable, dezky::http::problem::OVERLOADED, "too much at once: try again")
                    .with_retry_after(Duration::from_secs(1))
            }
        }
    }
}
