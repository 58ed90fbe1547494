//! The source of public launchers: natively the store, and the host inside a component.
//!
//! In a component the store answers no requests without a caller.

use std::fmt;

use async_trait::async_trait;

use crate::{
    context::RequestContext,
    error::Result,
    service::{Service, views::LauncherView},
};

/// Finds the launchers of tenants.
#[async_trait]
pub trait LauncherSource: Send + Sync + fmt::Debug {
    /// Returns the launcher of the tenant at a host name, ignoring a port.
    ///
    /// # Errors
    /// `not_found` when there is no tenant at this host.
    async fn at_host(&self, context: &RequestContext, host: &str) -> Result<LauncherView>;

    /// Returns the launcher of the tenant with this slug.
    ///
    /// # Errors
    /// `not_found` when there is no such tenant.
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
