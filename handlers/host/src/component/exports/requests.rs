//! Requests as plain records.

use axum::response::Response;
use bytes::Bytes;
use dezky::trace::TRACEPARENT;
use http::{HeaderName, HeaderValue, StatusCode};
use wasmtime::{Store, error::Context as _};

use super::{
    answered, is_quiet,
    passing::{is_let_out, let_in},
};
use crate::component::{
    bindings::{
        Handler,
        messages::{self, Field},
        requests,
    },
    facts::RequestFacts,
    instance::InstanceState,
};

pub(super) async fn answer(
    handler: &Handler,
    store: &mut Store<InstanceState>,
    facts: &RequestFacts,
) -> wasmtime::Result<(Response, bool)> {
    let request = written(facts);
    let (answer, quiet) = store
        .run_concurrent(async |accessor| {
            let answer = handler.dezky_platform_requests().call_answer(accessor, request).await?;
            wasmtime::error::Ok((answer, is_quiet(accessor)))
        })
        .await??;
    Ok((read(answer)?, quiet))
}

fn written(facts: &RequestFacts) -> requests::Request {
    let asked = facts.asked();
    let field = |(name, value): (&HeaderName, &HeaderValue)| Field {
        name: name.as_str().to_owned(),
        value: value.as_bytes().to_vec(),
    };
    let trace =
        facts.trace().map(|trace| Field { name: TRACEPARENT.as_str().to_owned(), value: trace.as_bytes().into() });
    let id = Field { name: dezky::http::REQUEST_ID.as_str().to_owned(), value: facts.request_id().into() };
    requests::Request {
        method: asked.method().as_str().to_owned(),
        target: asked.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned(),
        authority: asked.uri().authority().map(|authority| authority.as_str().to_owned()),
        headers: let_in(asked.headers()).map(field).chain([id]).chain(trace).collect(),
        body: asked.body().to_vec(),
    }
}

fn read(answer: messages::Response) -> wasmtime::Result<Response> {
    let (mut parts, ()) = http::Response::new(()).into_parts();
    parts.status = StatusCode::from_u16(answer.status).context("an answer has no status")?;
    for Field { name, value } in answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).context("an answer has a field without a name")?;
        if is_let_out(&name) {
            let value = HeaderValue::from_maybe_shared(Bytes::from(value)).context("an answer has a broken field")?;
            parts.headers.append(name, value);
        }
    }
    Ok(answered(parts, Bytes::from(answer.body)))
}
