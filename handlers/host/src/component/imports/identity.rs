//! Identifies the caller, and syncs their rights with their token.

use std::sync::Arc;

use dezky::{
    Error, Result,
    authn::VerifiedToken,
    clock::Timestamp,
    service::{
        Call,
        profile::{PROFILE_TENANTS, ProfileDocuments},
    },
    store::Document,
};
use serde_json::value::RawValue;
use wasmtime::component::Accessor;

use super::{Host, asking, permit, permit_to_read, problem, unattributed};
use crate::component::{
    Backing,
    bindings::{
        identity::{self, VerifiedCaller},
        problems::Problem,
    },
    facts::RequestFacts,
    instance::InstanceState,
    lock::{Actor, Locked},
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
            let _permit = permit_to_read(&facts, 2 * PROFILE_TENANTS).await?;
            let call = call(&facts, &platform).await?;
            // Syncing is idempotent, so it does not count as the effect of the request.
            let (mut synced, ahead) = platform.service.sync_claims(call).await?;
            facts.know_actor(Actor::synced(&platform, call, &synced).await?).await;
            // The component is about to ask for these: they pass the lock now.
            let locked = Locked::for_request(Arc::clone(&facts), Arc::clone(&platform))?;
            let shown = locked.shown_ahead(ahead).await?;
            synced.documents = documents(&shown)?;
            serde_json::to_string(&synced).map_err(unwritable)
        };
        synced.await.map_err(|error| problem(&facts, &error))
    }
}

/// Returns the documents of a profile; `None` if they were not read.
fn documents(shown: &[Vec<Document>]) -> Result<Option<ProfileDocuments>> {
    let [tenants, subscriptions] = shown else { return Ok(None) };
    let raw = |documents: &[Document]| {
        let texts = documents.iter().map(|document| RawValue::from_string(document.json.clone()));
        texts.collect::<serde_json::Result<Vec<_>>>().map_err(unwritable)
    };
    Ok(Some(ProfileDocuments { tenants: raw(tenants)?, subscriptions: raw(subscriptions)? }))
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::internal("a synced caller cannot be written").with_source(error)
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
