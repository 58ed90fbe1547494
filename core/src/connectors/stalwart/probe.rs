//! Detection of the interface that a Stalwart has.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    jmap::{Batch, Jmap, QueryAnswer, Session, of_account},
    reading::incompatible,
    rest::Rest,
};
use crate::{
    connectors::{ConnectorError, ConnectorResult, Mail},
    context::RequestContext,
    outbound::{OriginClient, Request},
};

/// Interface of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Interface {
    /// 0.16 and later.
    Jmap(Session),
    /// 0.15 and earlier.
    Rest,
}

impl Interface {
    /// Returns the client of the interface.
    pub(super) fn client(&self, client: &OriginClient) -> Box<dyn Mail> {
        match self {
            Self::Jmap(session) => Box::new(Jmap::new(client.clone(), session.clone())),
            Self::Rest => Box::new(Rest::new(client.clone())),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SessionAnswer {
    accounts: Map<String, Value>,
    primary_accounts: Map<String, Value>,
    capabilities: Map<String, Value>,
}

impl SessionAnswer {
    fn session(&self) -> Option<Session> {
        let primary = self.primary_accounts.get("urn:stalwart:jmap").and_then(Value::as_str);
        let account = primary.or_else(|| self.accounts.keys().next().map(String::as_str))?;
        let core = self.capabilities.get("urn:ietf:params:jmap:core");
        let page = core.and_then(|core| core.get("maxObjectsInGet")).and_then(Value::as_u64);
        Some(Session { account: account.to_owned(), page: page.unwrap_or(500).clamp(1, 500) })
    }
}

/// Finds out which interface answers.
///
/// # Errors
/// `Incompatible` when none does; `Unauthorized` and `Retryable` as the system answers.
pub(super) async fn probe(client: &OriginClient, context: &RequestContext) -> ConnectorResult<Interface> {
    if let Some(session) = session(client, context).await?
        && registry(client, context, &session).await?
    {
        return Ok(Interface::Jmap(session));
    }
    rest(client, context).await
}

/// Reads the session resource. Mail servers have one without a registry too.
async fn session(client: &OriginClient, context: &RequestContext) -> ConnectorResult<Option<Session>> {
    let response = client.send(context, &Request::get("/jmap/session")).await?;
    if response.status() == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let response = response.error_for_status()?;
    Ok(response.json::<SessionAnswer>().ok().and_then(|answer| answer.session()))
}

/// Returns `true` if the registry answers.
async fn registry(client: &OriginClient, context: &RequestContext, session: &Session) -> ConnectorResult<bool> {
    let query = of_account(&session.account, json!({ "limit": 1 }));
    let answers = Batch::new().call("x:Domain/query", query).send(client, context).await;
    match answers.and_then(|mut answers| answers.take::<QueryAnswer>(0)) {
        Ok(_) => Ok(true),
        Err(ConnectorError::Incompatible { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn rest(client: &OriginClient, context: &RequestContext) -> ConnectorResult<Interface> {
    match Rest::new(client.clone()).is_there(context).await {
        Ok(()) => Ok(Interface::Rest),
        Err(ConnectorError::Incompatible { .. }) => {
            Err(incompatible("neither its JMAP registry (0.16 and later) nor its REST interface (before) answers"))
        }
        Err(error) => Err(error),
    }
}
