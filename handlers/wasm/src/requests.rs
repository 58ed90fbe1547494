//! Requests as plain records, complete and without streams.

use axum::body::Body;
use dezky::{Error, Result};
use http::{HeaderName, HeaderValue, Method, Uri};
use http_body_util::BodyExt as _;

use crate::{
    answer,
    platform::{
        messages::{Field, Response},
        requests::{Guest, Request},
    },
};

/// The exports.
pub(crate) struct Component;

impl Guest for Component {
    async fn answer(request: Request) -> Response {
        let response = match read(request) {
            Ok(request) => answer(request).await,
            Err(error) => axum::response::IntoResponse::into_response(error),
        };
        write(response).await
    }
}

fn read(request: Request) -> Result<http::Request<Body>> {
    let broken = |error: http::Error| Error::internal("the host handed a broken request over").with_source(error);
    let mut read = http::Request::new(Body::from(request.body));
    *read.method_mut() = Method::from_bytes(request.method.as_bytes()).map_err(|error| broken(error.into()))?;
    *read.uri_mut() = match request.authority {
        None => Uri::from_maybe_shared(request.target).map_err(|error| broken(error.into()))?,
        Some(authority) => {
            Uri::builder().scheme("http").authority(authority).path_and_query(request.target).build().map_err(broken)?
        }
    };
    for Field { name, value } in request.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| broken(error.into()))?;
        read.headers_mut().append(name, HeaderValue::from_maybe_shared(value).map_err(|error| broken(error.into()))?);
    }
    Ok(read)
}

async fn write(response: axum::response::Response) -> Response {
    let (parts, body) = response.into_parts();
    let field = |(name, value): (&HeaderName, &HeaderValue)| Field {
        name: name.as_str().to_owned(),
        value: value.as_bytes().to_vec(),
    };
    match body.collect().await {
        Ok(collected) => Response {
            status: parts.status.as_u16(),
            headers: parts.headers.iter().map(field).collect(),
            body: collected.to_bytes().into(),
        },
        // Bodies of the API are complete before they are sent.
        Err(error) => {
            tracing::error!(?error, "the body of an answer broke off");
            Response { status: 500, headers: Vec::new(), body: Vec::new() }
        }
    }
}
