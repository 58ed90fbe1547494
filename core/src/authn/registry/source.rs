//! Port for issuers that are not configured.

use async_trait::async_trait;

use crate::{authn::IssuerSettings, context::RequestContext, error::Result};

/// Finds issuers of tenants that come and go while the process runs.
#[async_trait]
pub trait IssuerSource: Send + Sync + std::fmt::Debug {
    /// Returns the issuers of these URLs as they are now, compared byte by byte. Each is bound to a tenant.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn find(&self, context: &RequestContext, urls: &[String]) -> Result<Vec<IssuerSettings>>;
}
