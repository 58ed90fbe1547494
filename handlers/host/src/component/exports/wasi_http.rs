//! Requests by `wasi:http/handler`.

use axum::response::Response;
use dezky::trace::TRACEPARENT;
use http::{HeaderMap, HeaderValue, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use wasmtime::{AsContextMut as _, Store};
use wasmtime_wasi_http::{
    WasiBody, WasiHttpView as _,
    p3::{Request, bindings::Service},
};

use super::{
    answered, is_quiet,
    passing::{is_let_out, let_in},
};
use crate::component::{
    facts::{HELD, RequestFacts},
    instance::InstanceState,
    lock::Asked,
};

pub(super) async fn answer(
    service: &Service,
    store: &mut Store<InstanceState>,
    facts: &RequestFacts,
) -> wasmtime::Result<(Response, bool)> {
    let (request, taken) = Request::from_http(store.data_mut().http().hooks, written(facts)?);
    store
        .run_concurrent(async |accessor| {
            let answer = service.handle(accessor, request).await??;
            let answer = accessor.with(|mut access| {
                // The task that sends the body makes calls on nobody's behalf.
                access.get().end();
                answer.into_http(access.as_context_mut(), taken)
            })?;
            let (mut parts, body) = answer.into_parts();
            let passing = parts.headers.iter().filter(|(name, _)| is_let_out(name));
            parts.headers = passing.map(|(name, value)| (name.clone(), value.clone())).collect();
            let body = Limited::new(body, HELD).collect().await.map_err(wasmtime::Error::from_boxed)?;
            let answer = answered(parts, body.to_bytes());
            wasmtime::error::Ok((answer, is_quiet(accessor)))
        })
        .await?
}

fn written(facts: &RequestFacts) -> wasmtime::Result<http::Request<WasiBody>> {
    let asked = facts.asked();
    let body = Full::new(asked.body().clone()).map_err(|never| match never {}).boxed_unsync();
    let mut request = http::Request::new(body);
    request.method_mut().clone_from(asked.method());
    *request.uri_mut() = whole(asked)?;
    let mut headers: HeaderMap = let_in(asked.headers()).map(|(name, value)| (name.clone(), value.clone())).collect();
    headers.insert(dezky::http::REQUEST_ID, HeaderValue::from_str(facts.request_id())?);
    if let Some(trace) = facts.trace() {
        headers.insert(TRACEPARENT, trace);
    }
    *request.headers_mut() = headers;
    Ok(request)
}

/// Returns the absolute URI that WASI requires.
fn whole(asked: &Asked) -> wasmtime::Result<Uri> {
    let authority = asked.uri().authority().map(http::uri::Authority::as_str);
    let named = authority.or_else(|| asked.headers().get(header::HOST)?.to_str().ok());
    let path = asked.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let of = |authority: &str| Uri::builder().scheme("http").authority(authority).path_and_query(path).build();
    Ok(named.map(of).and_then(Result::ok).map_or_else(|| of("unnamed.invalid"), Ok)?)
}
