//! Routes of the AuthZEN Authorization API 1.0 (<https://openid.net/specs/authorization-api-1_0.html>).

use std::sync::Arc;

use axum::{
    extract::{OriginalUri, State},
    response::Response,
};
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::Result,
    http::{HttpState, body::JsonBody, extract::Caller, host, respond},
    service::evaluations::{Question, Search, Several},
};

/// Addresses of the endpoints of the policy decision point (§9.1.1 of the specification).
#[derive(Serialize, ToSchema)]
pub(crate) struct AuthzenConfiguration {
    /// The base of the endpoints.
    policy_decision_point: String,
    /// The endpoint of single evaluations.
    access_evaluation_endpoint: String,
    /// The endpoint of several evaluations.
    access_evaluations_endpoint: String,
    /// The endpoint of searches for subjects.
    search_subject_endpoint: String,
    /// The endpoint of searches for resources.
    search_resource_endpoint: String,
    /// The endpoint of searches for actions.
    search_action_endpoint: String,
}

/// Tells the endpoints at the host that was asked: with `https`, but on the machine itself.
pub(crate) async fn configuration(OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Result<Response> {
    let base = host::base(&uri, &headers)?;
    let endpoint = |name: &str| format!("{base}/access/v1/{name}");
    respond::document(
        &headers,
        &AuthzenConfiguration {
            access_evaluation_endpoint: endpoint("evaluation"),
            access_evaluations_endpoint: endpoint("evaluations"),
            search_subject_endpoint: endpoint("search/subject"),
            search_resource_endpoint: endpoint("search/resource"),
            search_action_endpoint: endpoint("search/action"),
            policy_decision_point: base,
        },
    )
}

pub(crate) async fn evaluate(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    body: JsonBody,
) -> Result<Response> {
    let question = Question::read(&body.value(&mut call)?)?;
    respond::list(&state.service.evaluate(&call, question).await?)
}

pub(crate) async fn evaluate_several(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    body: JsonBody,
) -> Result<Response> {
    let several = Several::read(&body.value(&mut call)?)?;
    let single = several.single;
    respond::list(&state.service.evaluate_several(&call, several).await?.answer(single))
}

pub(crate) async fn search_subjects(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    body: JsonBody,
) -> Result<Response> {
    let search = Search::of_subjects(&body.value(&mut call)?)?;
    respond::list(&state.service.search_subjects(&call, &search).await?)
}

pub(crate) async fn search_resources(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    body: JsonBody,
) -> Result<Response> {
    let search = Search::of_resources(&body.value(&mut call)?)?;
    respond::list(&state.service.search_resources(&call, &search).await?)
}

pub(crate) async fn search_actions(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    body: JsonBody,
) -> Result<Response> {
    let search = Search::of_actions(&body.value(&mut call)?)?;
    respond::list(&state.service.search_actions(&call, &search).await?)
}
