//! The caller, as identified by the host.

use std::sync::Arc;

use async_trait::async_trait;
use dezky::{
    Result,
    authn::{FirstUse, KeyThumbprint, VerifiedToken},
    clock::Timestamp,
    context::RequestContext,
    http::Identity,
    service::profile::SyncedCaller,
};
use http::HeaderMap;

use crate::{
    platform::identity,
    problem::{error, unreadable},
};

/// The host's identification. The host has verified the token of the current request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostIdentity;

#[async_trait]
impl Identity for HostIdentity {
    async fn caller(&self, _: &RequestContext, _: &HeaderMap) -> Result<Arc<VerifiedToken>> {
        let caller = identity::caller().await.map_err(error)?;
        Ok(Arc::new(VerifiedToken {
            issuer_id: caller.issuer,
            subject: caller.subject,
            issued_at: Timestamp::from_milliseconds(caller.issued_at),
            expires_at: Timestamp::from_milliseconds(caller.expires_at),
            not_before: None,
            tenant: caller.tenant,
            email: None,
            name: None,
            // Only the host syncs claims.
            groups: None,
            signed_in_at: caller.signed_in_at.map(Timestamp::from_milliseconds),
            session_id: caller.session,
            token_id: None,
            key_thumbprint: KeyThumbprint([0; 32]),
            first_use: FirstUse::default(),
        }))
    }

    async fn synced(&self) -> Result<Option<SyncedCaller>> {
        let synced = identity::sync().await.map_err(error)?;
        let synced = serde_json::from_str(&synced);
        synced.map(Some).map_err(|error| unreadable("a synced caller cannot be read", error))
    }
}
