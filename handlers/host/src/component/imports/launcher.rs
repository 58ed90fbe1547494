//! Launchers, which anybody may look up.

use dezky::{Error, http::LauncherSource as _};
use wasmtime::component::Accessor;

use super::{Host, asking, problem};
use crate::component::{
    bindings::{
        launcher::{self, Address},
        problems::Problem,
    },
    instance::InstanceState,
};

impl launcher::Host for InstanceState {}

impl launcher::HostWithStore<InstanceState> for Host {
    async fn lookup(accessor: &Accessor<InstanceState, Self>, address: Address) -> Result<String, Problem> {
        let found = async {
            let (facts, platform) = asking(accessor)?;
            let view = match &address {
                Address::Host(host) => platform.service.at_host(&facts.context(), host).await?,
                Address::Slug(slug) => platform.service.of_slug(&facts.context(), slug).await?,
            };
            serde_json::to_string(&view)
                .map_err(|error| Error::internal("a launcher cannot be written").with_source(error))
        };
        found.await.map_err(|error| problem(&error))
    }
}
