//! The caller of a request as the host knows them from the store.

use std::sync::Arc;

use dezky::{Result, authn::VerifiedToken, context::RequestContext, domain::{User, UserStatus}, store::Repository as _};

use crate::component::Platform;

/// The caller of a request.
#[derive(Debug)]
pub(crate) struct Actor {
    user: Option<User>,
    /// Tokens of a tenant's own issuer never speak for the platform.
    bound: bool,
}

impl Actor {
    /// Reads the user of a token.
    pub(crate) async fn load(platform: &Platform, context: &RequestContext, token: &Arc<VerifiedToken>) -> Result<Self> {
        let key = User::subject_key(&token.issuer_id, &token.subject);
        let user: Option<User> = platform.service.store().load_unique(context, key).await?;
        Ok(Self { user, bound: token.tenant.is_some() })
    }

    /// Whether they administer the platform.
    pub(crate) fn is_platform(&self) -> bool {
        !self.bound
            && self.user.as_ref().is_some_and(|user| user.platform_admin && user.status == UserStatus::Active)
    }
}
