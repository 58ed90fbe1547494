//! Identifies the caller, and syncs their rights with their token.

use std::sync::Arc;

use dezky::{Error, Result, authn::VerifiedToken, clock::Timestamp, service::Call};
use wasmtime::component::Accessor;

use super::{Host, asking, permit, problem, unattributed};
use crate::component::{
    Backing,
    bindings::{
        identity::{self, VerifiedCaller},
        problems::Problem,
    },
    facts::RequestFacts,
    instance::InstanceState,
    lock::Actor,
};

impl identity::Host for InstanceState {}

impl identity::HostWithStore<InstanceState> for Host {
    async fn caller(accessor: &Accessor<InstanceState, Self>) -> Result<VerifiedCaller, Problem> {
        let (facts, platform) = asking(accessor).map_err(|error| unattributed(&error))?;
        let verified = async {
            let _permit = permit(&facts).await?;
            let token = verified(&facts, &platform).await?;
            Ok(VerifiedCaller {
                issuer: token.issuer_id.clone(),
                subject: token.subject.clone(),
                issued_at: token.issued_at.milliseconds(),
                expires_at: token.expires_at.milliseconds(),
                tenant: token.tenant.clone(),
                session: token.session_id.clone(),
                signed_in_at: token.signed_in_at.map(Timestamp::milliseconds),
            })
        };
        verified.await.map_err(|error| problem(&facts, &error))
    }

    async fn sync(accessor: &Accessor<InstanceState, Self>) -> Result<String, Problem> {
        let (facts, platform) = asking(accessor).map_err(|error| unattributed(&error))?;
        let synced = async {
            let _permit = permit(&facts).await?;
            let call = call(&facts, &platform).await?;
            // Syncing is idempotent, so it does not count as the effect of the request.
            let (synced, ahead) = platform.service.sync_claims_ahead(call).await?;
            facts.read_ahead(ahead);
            let written = serde_json::to_string(&synced)
                .map_err(|error| Error::internal("a synced caller cannot be written").with_source(error))?;
            facts.know_actor(Actor::synced(&platform, call, synced).await?).await;
            Ok(written)
        };
        synced.await.map_err(|error| problem(&facts, &error))
    }
}

/// Returns the request's token, verified once. The revocations of its first use precede the component's answer.
async fn verified(facts: &RequestFacts, platform: &Backing) -> Result<Arc<VerifiedToken>> {
    if let Some(token) = facts.caller() {
        return Ok(Arc::clone(token));
    }
    let context = facts.context();
    let asking = platform.identity.caller(&context, facts.headers());
    let token = match facts.noticed() {
        Some(noticed) => noticed.within(asking).await?,
        None => asking.await?,
    };
    platform.service.see_to_first_use(&Call::by_token(context, Arc::clone(&token))).await?;
    Ok(facts.verified(token))
}

async fn call<'a>(facts: &'a RequestFacts, platform: &Backing) -> Result<&'a Arc<Call>> {
    verified(facts, platform).await?;
    facts.call().ok_or_else(|| Error::internal("a verified caller has no call"))
}
