//! Launchers, which are public.

use dezky::{Error, http::LauncherSource as _};
use wasmtime::component::Accessor;

use super::{Host, asking, permit, problem, unattributed, weight::Weight as _};
use crate::component::{
    bindings::{
        launcher::{self, Address},
        problems::Problem,
    },
    instance::InstanceState,
};

impl launcher::Host for InstanceState {}

impl launcher::HostWithStore<InstanceState> for Host {
    async fn lookup(
        accessor: &Accessor<InstanceState, Self>,
        address: Address,
    ) -> wasmtime::Result<Result<String, Problem>> {
        let (facts, platform) = match asking(accessor) {
            Ok(asking) => asking,
            Err(error) => return Ok(Err(unattributed(&error))),
        };
        let _held = facts.hold(address.weight())?;
        let found = async {
            let _permit = permit(&facts).await?;
            let view = match &address {
                Address::Host(host) => platform.service.at_host(&facts.context(), host).await?,
                Address::Slug(slug) => platform.service.of_slug(&facts.context(), slug).await?,
            };
            serde_json::to_string(&view)
                .map_err(|error| Error::internal("a launcher cannot be written").with_source(error))
        };
        Ok(found.await.map_err(|error| problem(&facts, &error)))
    }
}
