//! Launchers, looked up by the host.

use async_trait::async_trait;
use dezky::{Result, context::RequestContext, http::LauncherSource, service::views::LauncherView};

use crate::{
    platform::launcher::{self, Address},
    problem::{error, unreadable},
};

/// The host's launchers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostLauncher;

async fn lookup(address: Address) -> Result<LauncherView> {
    let view = launcher::lookup(address).await.map_err(error)?;
    serde_json::from_str(&view).map_err(|error| unreadable("a launcher cannot be read", error))
}

#[async_trait]
impl LauncherSource for HostLauncher {
    async fn at_host(&self, _: &RequestContext, host: &str) -> Result<LauncherView> {
        lookup(Address::Host(host.to_owned())).await
    }

    async fn of_slug(&self, _: &RequestContext, slug: &str) -> Result<LauncherView> {
        lookup(Address::Slug(slug.to_owned())).await
    }
}
