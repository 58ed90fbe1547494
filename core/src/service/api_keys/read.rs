//! Reads an API key.

use super::view;
use crate::{
    authz::Action,
    domain::{ApiKeyId, ApiKeyView},
    error::Result,
    service::{Call, Service},
};

impl Service {
    /// Reads an API key, without its secret.
    ///
    /// # Errors
    /// `not_found` or `role_insufficient`.
    pub async fn read_api_key(&self, call: &Call, id: ApiKeyId) -> Result<ApiKeyView> {
        let (access, key) = self.key_access(call, id, Action::ReadApiKeys, &[]).await?;
        let last = self.last_use(call, id).await?;
        Ok(view(&access, key, last.as_ref(), None))
    }
}
