//! The API as an AWS Lambda function: the router of `dezky` behind API Gateway (REST and HTTP), a function URL or an
//! Application Load Balancer. This crate only converts types.

mod event;
mod path;

use std::sync::Arc;

use axum::{Router, response::Response};
use http_body_util::BodyExt as _;
use lambda_http::{Adapter, LambdaEvent, Request, request::LambdaRequest, service_fn};
use tower::{Service, ServiceExt as _};

/// Serves invocations until the process ends.
///
/// `base_path` is the path prefix of a custom domain mapping, such as `/api`; the stage name is taken from the event.
///
/// # Errors
/// When the Runtime API does not respond.
///
/// # Panics
/// When variables of Lambda's environment are missing (`AWS_LAMBDA_RUNTIME_API`, `AWS_LAMBDA_FUNCTION_NAME`,
/// `AWS_LAMBDA_FUNCTION_VERSION`, `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`): the AWS runtime panics then.
pub async fn run(router: Router, base_path: String) -> Result<(), lambda_http::Error> {
    let base_path: Arc<str> = base_path.into();
    let answers = service_fn(move |request: Request| answer(router.clone(), Arc::clone(&base_path), request));
    let mut adapter = Adapter::from(answers);
    let sound = service_fn(move |event: LambdaEvent<LambdaRequest>| {
        adapter.call(LambdaEvent { payload: event::sound(event.payload), context: event.context })
    });
    lambda_http::lambda_runtime::run(sound).await
}

/// Fails only for a broken body, which the router never produces.
async fn answer(router: Router, base_path: Arc<str>, request: Request) -> Result<Response<lambda_http::Body>, String> {
    let (parts, body) = match router.oneshot(path::bare(&base_path, request)).await {
        Ok(response) => response.into_parts(),
        Err(never) => match never {},
    };
    let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    let body = match String::from_utf8(bytes.into()) {
        Ok(text) => lambda_http::Body::Text(text),
        Err(other) => lambda_http::Body::Binary(other.into_bytes()),
    };
    Ok(Response::from_parts(parts, body))
}
