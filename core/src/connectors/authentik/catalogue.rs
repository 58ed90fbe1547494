//! Objects of an installation that logins refer to, and the secrets of their clients.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Authentik,
    answer::{Reply, confirmed, entry, object},
    list::List,
};
use crate::{
    connectors::{ConnectorError, ConnectorResult},
    context::RequestContext,
    outbound::Request,
};

/// Scopes of a login, by the name under which Authentik manages their mappings.
const SCOPES: [&str; 4] = [
    "goauthentik.io/providers/oauth2/scope-openid",
    "goauthentik.io/providers/oauth2/scope-email",
    "goauthentik.io/providers/oauth2/scope-profile",
    "goauthentik.io/providers/oauth2/scope-offline_access",
];

/// Object known by its id.
#[derive(Deserialize)]
struct Id {
    pk: String,
}

#[derive(Deserialize)]
struct Named {
    pk: String,
    name: String,
}

/// Ids of what a provider refers to.
pub(super) struct ProviderParts {
    pub(super) authorization_flow: String,
    pub(super) invalidation_flow: String,
    pub(super) signing_key: String,
    pub(super) scopes: Vec<String>,
}

impl Authentik {
    pub(super) async fn provider_parts(&self, context: &RequestContext) -> ConnectorResult<ProviderParts> {
        Ok(ProviderParts {
            authorization_flow: self.flow(context, &self.objects.authorization_flow).await?,
            invalidation_flow: self.flow(context, &self.objects.invalidation_flow).await?,
            signing_key: self.signing_key(context).await?,
            scopes: self.scopes(context).await?,
        })
    }

    async fn flow(&self, context: &RequestContext, slug: &str) -> ConnectorResult<String> {
        let request = Request::get("/api/v3/flows/instances/").segment(slug.to_owned()).trailing_slash();
        let flow: Option<Id> = self.read(context, "a flow", &request).await?;
        flow.map(|flow| flow.pk).ok_or_else(|| missing(&format!("flow `{slug}`")))
    }

    /// Finds the key that signs tokens. Without one, Authentik signs with the secret of the client.
    pub(super) async fn signing_key(&self, context: &RequestContext) -> ConnectorResult<String> {
        let name = &self.objects.signing_key;
        let request = Request::get("/api/v3/crypto/certificatekeypairs/").query("name", name.as_str());
        let request = request.query("has_key", "true");
        let pairs = self.entries(&List { context, what: "key pairs", request }).await?;
        self.named(&pairs, name, "a key pair")?.ok_or_else(|| missing(&format!("key pair `{name}` with a private key")))
    }

    async fn scopes(&self, context: &RequestContext) -> ConnectorResult<Vec<String>> {
        let request = Request::get("/api/v3/propertymappings/provider/scope/").query("ordering", "name");
        let mappings = self.entries(&List { context, what: "scope mappings", request }).await?;
        let managed = |scope: &str| {
            let found = mappings.iter().find(|value| value.get("managed").and_then(Value::as_str) == Some(scope));
            let found = found.ok_or_else(|| missing(&format!("scope mapping `{scope}`")))?;
            entry::<Id>(found, "a scope mapping").map(|mapping| mapping.pk)
        };
        SCOPES.into_iter().map(managed).collect()
    }

    /// Returns the id of the entry with exactly this name.
    fn named(&self, entries: &[Value], name: &str, what: &str) -> ConnectorResult<Option<String>> {
        for value in entries {
            let Named { pk, name: found } = entry(value, what)?;
            if found == name {
                return Ok(Some(pk));
            }
        }
        Ok(None)
    }

    pub(super) async fn find_secret(&self, context: &RequestContext, name: &str) -> ConnectorResult<Option<String>> {
        let request = Request::get("/api/v3/secrets/secrets/").query("name", name);
        let secrets = self.entries(&List { context, what: "secrets", request }).await?;
        self.named(&secrets, name, "a secret")
    }

    /// Finds or creates a secret. Authentik chooses its value, which never comes here.
    pub(super) async fn secret(&self, context: &RequestContext, name: &str) -> ConnectorResult<String> {
        const WHAT: &str = "create a secret";
        if let Some(id) = self.find_secret(context, name).await? {
            return Ok(id);
        }
        let request = Request::post("/api/v3/secrets/secrets/").json(&json!({ "name": name, "type": "text" }));
        match self.send(context, WHAT, &request).await? {
            Reply::Done(response) => object::<Id>(response.body(), "a new secret").map(|secret| secret.pk),
            // Created by another worker.
            Reply::Invalid(invalid) if invalid.names("name") => {
                self.find_secret(context, name).await?.ok_or_else(|| invalid.rejected(WHAT))
            }
            Reply::Invalid(invalid) => Err(invalid.rejected(WHAT)),
            Reply::Absent => Err(missing("list of secrets")),
        }
    }

    /// Deletes a secret by its name. An absent one is deleted.
    pub(super) async fn remove_secret(&self, context: &RequestContext, name: &str) -> ConnectorResult<()> {
        const WHAT: &str = "delete a secret";
        let Some(id) = self.find_secret(context, name).await? else { return Ok(()) };
        let request = Request::delete("/api/v3/secrets/secrets/").segment(id.clone()).trailing_slash();
        match self.send(context, WHAT, &request).await? {
            Reply::Done(response) => confirmed(&response, WHAT),
            Reply::Absent => Ok(()),
            Reply::Invalid(_) => Err(ConnectorError::Conflict {
                existing: Some(id),
                why: format!("something else in Authentik uses the secret `{name}`: give that another secret"),
            }),
        }
    }
}

fn missing(what: &str) -> ConnectorError {
    ConnectorError::Rejected {
        why: format!(
            "Authentik has no {what}, which the login of a tenant needs, or the credential does not see it: create it, \
             or name another in the settings"
        ),
    }
}
