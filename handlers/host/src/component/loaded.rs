//! A loaded component, and the requests it answers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use dezky::{Code, Error, Result, context::RequestContext, http::MAXIMUM_BODY};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use wasmtime::{
    Engine,
    component::{Component, InstancePre, Linker, ResourceType, types::ComponentItem},
};

use super::{
    Backing, Bounds, Compiled, Isolation,
    computing::{Computing, Epochs},
    effect::Effects,
    exports::{Linked, Way},
    facts::RequestFacts,
    imports,
    instance::InstanceState,
    instances::{Ended, Instances},
    lock::Asked,
};

/// Time limit of a probe.
const PROBE: Duration = Duration::from_secs(5);

/// A component that answers requests.
pub(super) struct Loaded {
    platform: Arc<Backing>,
    effects: Effects,
    isolation: Isolation,
    epochs: Epochs,
    instances: Arc<Instances>,
}

impl Loaded {
    /// Binds a compiled component to the implementation of its imports.
    pub(super) fn new(compiled: &Compiled, isolation: Isolation, platform: Arc<Backing>) -> Result<Self> {
        let Compiled { engine, epochs, component, way, pool_limits } = compiled;
        let linked = linked(engine, component, *way).and_then(|linked| Linked::new(linked, *way));
        let linked = linked.map_err(|error| unfit(&error))?;
        let instances = Instances::new(engine.clone(), linked, Arc::clone(&platform), Bounds::of(*pool_limits));
        let effects = Effects::new(&platform);
        Ok(Self { platform, effects, isolation, epochs: epochs.clone(), instances: Arc::new(instances) })
    }

    /// Answers a request.
    pub(super) async fn answer(&self, context: RequestContext, request: http::Request<Body>) -> Result<Response> {
        let (mut parts, incoming) = request.into_parts();
        let bytes = received(incoming, &mut parts.headers).await?;
        let asked = Asked::new(parts.method, parts.uri, parts.headers, bytes);
        let computing = Computing::new(self.epochs.clone());
        let facts = Arc::new(RequestFacts::new(context, asked, self.effects.clone(), computing));
        // A request that may write gets its own instance, so that nothing left from other requests can affect its
        // answer, and nothing is tried twice.
        let alone = self.isolation == Isolation::Request || facts.asked().may_write();
        let mut outcome = self.instances.answer(alone, &facts).await;
        if matches!(outcome, Err(Ended::Died { used: true })) {
            // It may have died of the state that other requests left.
            facts.computing().start_anew();
            outcome = self.instances.answer(true, &facts).await;
        }
        outcome.map_err(|ended| {
            if matches!(ended, Ended::Died { .. }) {
                self.platform.metrics.component_failed();
            }
            ended.into()
        })
    }

    /// Asks for the caller's profile without a token, which exercises its routes, an import and its problem documents.
    pub(super) async fn probe(&self) -> Result<()> {
        let wrong = |what: String| {
            let message = format!(
                "the component does not answer as the API does ({what}): build it with `scripts/build-component.sh`"
            );
            Error::new(Code::INVALID_COMPONENT, message)
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
}

/// Links a component to the implementation of its imports.
///
/// A component that handles requests as plain records does not need `wasi:http`, and is ended if it calls it. One that
/// handles them by `wasi:http` cannot make requests.
fn linked(engine: &Engine, component: &Component, way: Way) -> wasmtime::Result<InstancePre<InstanceState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    imports::add_to(&mut linker)?;
    let mut with_http = linker.clone();
    wasmtime_wasi_http::p3::add_to_linker(&mut with_http)?;
    with_http.allow_shadowing(true);
    with_http
        .instance("wasi:http/types@0.3.0")?
        .func_new("[static]request.new", |_, _, _, _| wasmtime::bail!("a component sends no requests"))?;
    // All other imports of a component are refused in either case.
    let linked = with_http.instantiate_pre(component)?;
    if way == Way::WasiHttp {
        return Ok(linked);
    }
    end_who_calls_http(&mut linker, component)?;
    linker.instantiate_pre(component)
}

/// Defines the `wasi:http` imports of a component as functions that end their caller.
fn end_who_calls_http(linker: &mut Linker<InstanceState>, component: &Component) -> wasmtime::Result<()> {
    let engine = linker.engine().clone();
    for (name, import) in component.component_type().imports(&engine) {
        let ComponentItem::ComponentInstance(instance) = import.ty else { continue };
        if !name.starts_with("wasi:http/") {
            continue;
        }
        let mut linked = linker.instance(name)?;
        for (item, export) in instance.exports(&engine) {
            match export.ty {
                ComponentItem::ComponentFunc(function) if function.async_() => {
                    linked.func_new_concurrent(item, |_, _, _, _| Box::pin(async { no_http() }))?;
                }
                ComponentItem::ComponentFunc(_) => linked.func_new(item, |_, _, _, _| no_http())?,
                ComponentItem::Resource(_) => linked.resource(item, ResourceType::host::<()>(), |_, _| Ok(()))?,
                _ => {}
            }
        }
    }
    Ok(())
}

fn no_http() -> wasmtime::Result<()> {
    wasmtime::bail!("`wasi:http` is not linked where requests come as records")
}

/// Returns the error of a component that cannot be served.
fn unfit(error: &wasmtime::Error) -> Error {
    let message = format!("the component cannot be served ({error:#}): build it with `scripts/build-component.sh`");
    Error::new(Code::INVALID_COMPONENT, message)
}

/// Reads the whole body, and tells the component its length, without which it would not read one.
///
/// A body that is too large is discarded; the component then refuses it by its length.
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
            Err(Error::new(Code::BODY_INCOMPLETE, "the body ended before it was complete").with_source(error))
        }
    }
}

impl From<Ended> for Error {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Died { .. } => Self::internal("the component died while it answered"),
            Ended::Late => dezky::http::problem::too_slow(),
            Ended::Full => {
                Self::new(Code::OVERLOADED, "too much at once: try again").with_retry_after(Duration::from_secs(1))
            }
        }
    }
}
