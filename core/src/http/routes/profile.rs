//! Routes of the caller's own profile.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;

use super::tenants::filter;
use crate::{
    error::Result,
    http::{HttpState, extract::Caller, parameters::Parameters, respond},
};

pub(crate) async fn read(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response> {
    parameters.finish()?;
    let profile = match state.identity.synced().await? {
        // Reading the sync's data and the profile's together saves a round trip.
        None => state.service.profile(&call).await?,
        Some(synced) => state.service.profile_of(&call, synced).await?,
    };
    respond::document(&headers, &profile)
}

pub(crate) async fn tenants(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    mut parameters: Parameters,
) -> Result<Response> {
    let filter = filter(&mut parameters);
    respond::list(&state.service.list_my_tenants(&call, &filter, &parameters.list()?).await?)
}
