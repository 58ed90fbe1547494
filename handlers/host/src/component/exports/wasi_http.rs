//! Requests by `wasi:http/handler`.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{Uri, header, request::Parts};
use http_body_util::{BodyExt as _, Full, Limited};
use wasmtime::{AsContextMut as _, Store};
use wasmtime_wasi_http::{
    WasiBody, WasiHttpView as _,
    p3::{Request, bindings::Service},
};

use super::is_quiet;
use crate::component::instance::InstanceState;

/// Most bytes of an answer.
const ANSWER: usize = 16 * 1024 * 1024;

pub(super) async fn answer(
    service: &Service,
    store: &mut Store<InstanceState>,
    parts: &Parts,
    body: &Bytes,
) -> wasmtime::Result<(Response, bool)> {
    let body: WasiBody = Full::new(body.clone()).map_err(|never| match never {}).boxed_unsync();
    let mut request = http::Request::from_parts(parts.clone(), body);
    *request.uri_mut() = whole(parts)?;
    let (request, taken) = Request::from_http(store.data_mut().http().hooks, request);
    store
        .run_concurrent(async |accessor| {
            let answer = service.handle(accessor, request).await??;
            let answer = accessor.with(|mut access| {
                // What sends the body is no call of anybody.
                access.get().end();
                answer.into_http(access.as_context_mut(), taken)
            })?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER).collect().await.map_err(wasmtime::Error::from_boxed)?;
            let answer = Response::from_parts(parts, Body::from(body.to_bytes()));
            wasmtime::error::Ok((answer, is_quiet(accessor)))
        })
        .await?
}

/// WASI wants a whole URI.
fn whole(parts: &Parts) -> wasmtime::Result<Uri> {
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    let named = authority.or_else(|| parts.headers.get(header::HOST)?.to_str().ok());
    let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let of = |authority: &str| Uri::builder().scheme("http").authority(authority).path_and_query(path).build();
    Ok(named.map(of).and_then(Result::ok).map_or_else(|| of("unnamed.invalid"), Ok)?)
}
