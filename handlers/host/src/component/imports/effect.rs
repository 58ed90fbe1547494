//! Carries out requests that the component has accepted.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use wasmtime::component::Accessor;

use super::{Host, asking, permit, problem, unattributed};
use crate::component::{
    bindings::{
        effect,
        messages::{Field, Response},
        problems::Problem,
    },
    instance::InstanceState,
};

impl effect::Host for InstanceState {}

impl effect::HostWithStore<InstanceState> for Host {
    async fn perform(accessor: &Accessor<InstanceState, Self>) -> Result<Response, Problem> {
        let (facts, _) = asking(accessor).map_err(|error| unattributed(&error))?;
        let performed = async {
            let _permit = permit(&facts).await?;
            let (parts, body) = facts.effects().perform(&facts).await?;
            let field = |(name, value): (&HeaderName, &HeaderValue)| Field {
                name: name.as_str().to_owned(),
                value: value.as_bytes().to_vec(),
            };
            Ok(Response {
                status: parts.status.as_u16(),
                headers: parts.headers.iter().map(field).collect(),
                body: body.into(),
            })
        };
        performed.await.map_err(|error| problem(&Arc::clone(&facts), &error))
    }
}
