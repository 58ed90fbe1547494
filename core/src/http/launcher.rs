//! Where the public launcher comes from: natively from the store, inside a component from the host, since the store answers
//! nobody in particular there.

use std::fmt;

use async_trait::async_trait;

use crate::{
    context::RequestContext,
    error::Result,
    service::{Service, views::LauncherView},
};

/// Tells how launchers look.
#[async_trait]
pub trait LauncherSource: Send + Sync + fmt::Debug {
    /// The launcher of the tenant that lives at a host name; a port is left aside.
    ///
    /// # Errors
    /// `not_found` when no tenant lives there.
    async fn at_host(&self, context: &RequestContext, host: &str) -> Result<LauncherView>;

    /// The launcher of the tenant with this slug.
    ///
    /// # Errors
    /// `not_found` when there is none.
    async fn of_slug(&self, context: &RequestContext, slug: &str) -> Result<LauncherView>;
}

#[async_trait]
impl LauncherSource for Service {
    async fn at_host(&self, context: &RequestContext, host: &str) -> Result<LauncherView> {
        self.launcher_at(context, host).await
    }

    async fn of_slug(&self, context: &RequestContext, slug: &str) -> Result<LauncherView> {
        self.launcher_of(context, slug).await
    }
}
