//! Requests as plain records.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, request::Parts};
use wasmtime::{Store, error::Context as _};

use super::is_quiet;
use crate::component::{
    bindings::{
        Handler,
        requests::{self, Field},
    },
    instance::InstanceState,
};

pub(super) async fn answer(
    handler: &Handler,
    store: &mut Store<InstanceState>,
    parts: &Parts,
    body: &Bytes,
) -> wasmtime::Result<(Response, bool)> {
    let request = written(parts, body);
    let (answer, quiet) = store
        .run_concurrent(async |accessor| {
            let answer = handler.dezky_platform_requests().call_answer(accessor, request).await?;
            wasmtime::error::Ok((answer, is_quiet(accessor)))
        })
        .await??;
    Ok((read(answer)?, quiet))
}

fn written(parts: &Parts, body: &Bytes) -> requests::Request {
    let field = |(name, value): (&HeaderName, &HeaderValue)| Field {
        name: name.as_str().to_owned(),
        value: value.as_bytes().to_vec(),
    };
    requests::Request {
        method: parts.method.as_str().to_owned(),
        target: parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned(),
        authority: parts.uri.authority().map(|authority| authority.as_str().to_owned()),
        headers: parts.headers.iter().map(field).collect(),
        body: body.to_vec(),
    }
}

fn read(answer: requests::Response) -> wasmtime::Result<Response> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).context("an answer has no status")?;
    for Field { name, value } in answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).context("an answer has a field without a name")?;
        let value = HeaderValue::from_maybe_shared(Bytes::from(value)).context("an answer has a broken field")?;
        response.headers_mut().append(name, value);
    }
    Ok(response)
}
