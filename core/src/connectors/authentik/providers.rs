//! Providers of logins. Their client id names the tenant and is unique.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    Authentik,
    answer::{Reply, entry, ignored, matching, object, present},
    list::List,
    release::Release,
};
use crate::{
    connectors::{ConnectorError, ConnectorResult, NewLogin},
    context::RequestContext,
    domain::TenantId,
    outbound::Request,
};

const COLLECTION: &str = "/api/v3/providers/oauth2/";

/// Beginning of the client ids of tenants.
const CLIENT_ID: &str = "dezky-";

/// Returns the client id of a tenant's login, which is its provider's marker too.
pub(super) fn client_id(tenant: TenantId) -> String {
    format!("{CLIENT_ID}{tenant}")
}

/// Returns the name of the secret of a client.
pub(super) fn secret_name(client_id: &str) -> String {
    format!("{client_id} client secret")
}

#[derive(Deserialize)]
pub(super) struct Provider {
    pub(super) pk: i64,
    pub(super) client_id: String,
    #[serde(deserialize_with = "present")]
    assigned_application_slug: Option<String>,
    #[serde(deserialize_with = "present")]
    signing_key: Option<String>,
    redirect_uris: Vec<RedirectUri>,
}

#[derive(Deserialize)]
struct RedirectUri {
    matching_mode: String,
    url: String,
}

#[derive(Deserialize)]
struct Numbered {
    pk: i64,
}

#[derive(Deserialize)]
struct SetupUrls {
    issuer: String,
}

impl Authentik {
    pub(super) async fn provider(&self, context: &RequestContext, pk: i64) -> ConnectorResult<Option<Provider>> {
        self.read(context, "a provider", &Request::get(COLLECTION).segment(pk.to_string()).trailing_slash()).await
    }

    pub(super) async fn find_provider(
        &self,
        context: &RequestContext,
        client_id: &str,
    ) -> ConnectorResult<Option<Provider>> {
        let request = Request::get(COLLECTION).query("client_id", client_id);
        let entries = self.entries(&List { context, what: "providers", request }).await?;
        let ours = matching(&entries, "client_id", "a provider", |found| found == client_id)?;
        ours.first().map(|value| entry(value, "a provider")).transpose()
    }

    /// Finds the provider of a login and repairs it, or creates it.
    pub(super) async fn complete_provider(
        &self,
        context: &RequestContext,
        release: &Release,
        login: &NewLogin,
        slug: &str,
    ) -> ConnectorResult<Provider> {
        let client_id = client_id(login.tenant);
        match self.find_provider(context, &client_id).await? {
            Some(provider) => self.repair_provider(context, provider, login, slug).await,
            None => self.add_provider(context, release, login, slug, &client_id).await,
        }
    }

    async fn add_provider(
        &self,
        context: &RequestContext,
        release: &Release,
        login: &NewLogin,
        slug: &str,
        client_id: &str,
    ) -> ConnectorResult<Provider> {
        const WHAT: &str = "create a provider";
        let parts = self.provider_parts(context).await?;
        let mut body = json!({
            "name": slug,
            "client_id": client_id,
            "client_type": "confidential",
            "authorization_flow": parts.authorization_flow,
            "invalidation_flow": parts.invalidation_flow,
            "signing_key": parts.signing_key,
            "property_mappings": parts.scopes,
            "redirect_uris": redirect_uris(login),
            "sub_mode": "user_uuid",
            "issuer_mode": "per_provider",
            "include_claims_in_id_token": true,
            "access_token_validity": "minutes=5",
        });
        if release.has_grant_types() {
            // Without a list, newer releases grant nothing.
            set(&mut body, "grant_types", json!(["authorization_code", "refresh_token"]));
        }
        if release.has_secrets() {
            set(&mut body, "secret", json!(self.secret(context, &secret_name(client_id)).await?));
        }
        let invalid = match self.send(context, WHAT, &Request::post(COLLECTION).json(&body)).await? {
            Reply::Done(response) => {
                let provider: Provider = object(response.body(), "a new provider")?;
                let is_marked = provider.client_id == client_id;
                return if is_marked { provider.checked(login, WHAT) } else { Err(ignored("client_id", WHAT)) };
            }
            Reply::Invalid(invalid) => invalid,
            Reply::Absent => return Err(ConnectorError::Rejected { why: format!("Authentik cannot {WHAT}") }),
        };
        if invalid.names("client_id")
            && let Some(provider) = self.find_provider(context, client_id).await?
        {
            // Created by another worker.
            return self.repair_provider(context, provider, login, slug).await;
        }
        if invalid.names("name")
            && let Some(existing) = self.provider_named(context, slug).await?
        {
            let why = format!("a provider `{slug}` in Authentik is not of this tenant: rename or delete it");
            return Err(ConnectorError::Conflict { existing: Some(existing.to_string()), why });
        }
        Err(invalid.rejected(WHAT))
    }

    async fn provider_named(&self, context: &RequestContext, name: &str) -> ConnectorResult<Option<i64>> {
        let request = Request::get(COLLECTION).query("name", name);
        let entries = self.entries(&List { context, what: "providers", request }).await?;
        let named = matching(&entries, "name", "a provider", |found| found == name)?;
        named.first().map(|value| entry::<Numbered>(value, "a provider").map(|provider| provider.pk)).transpose()
    }

    /// Sets what must not differ: the address that sign-ins return to, and a key that signs tokens.
    async fn repair_provider(
        &self,
        context: &RequestContext,
        provider: Provider,
        login: &NewLogin,
        slug: &str,
    ) -> ConnectorResult<Provider> {
        const WHAT: &str = "change a provider";
        if let Some(other) = provider.assigned_application_slug.as_deref().filter(|other| *other != slug) {
            let why = format!(
                "the provider `{}` of this tenant belongs to another application in Authentik (`{other}`): detach it \
                 there",
                provider.client_id
            );
            return Err(ConnectorError::Conflict { existing: Some(provider.pk.to_string()), why });
        }
        let mut change = Map::new();
        if !provider.returns_to(&login.redirect_uri) {
            change.insert("redirect_uris".to_owned(), redirect_uris(login));
        }
        if provider.signing_key.is_none() {
            change.insert("signing_key".to_owned(), json!(self.signing_key(context).await?));
        }
        if change.is_empty() {
            return Ok(provider);
        }
        let request = Request::patch(COLLECTION).segment(provider.pk.to_string()).trailing_slash().json(&change);
        match self.send(context, WHAT, &request).await?.found(WHAT)? {
            Some(response) => object::<Provider>(response.body(), "a changed provider")?.checked(login, WHAT),
            None => Err(gone(&provider.client_id)),
        }
    }

    pub(super) async fn remove_provider(&self, context: &RequestContext, pk: i64) -> ConnectorResult<()> {
        self.delete(context, "delete a provider", Request::delete(COLLECTION), &pk.to_string()).await
    }

    /// Returns the issuer of a provider's tokens at a host.
    ///
    /// Authentik forms issuers from the host of each request: the one of this client may be internal, the one of
    /// people is in the brand.
    pub(super) async fn issuer(
        &self,
        context: &RequestContext,
        pk: i64,
        host: Option<&str>,
    ) -> ConnectorResult<String> {
        let request = Request::get(COLLECTION).segment(pk.to_string()).segment("setup_urls").trailing_slash();
        let Some(SetupUrls { issuer }) = self.read(context, "the addresses of a provider", &request).await? else {
            return Err(gone(&pk.to_string()));
        };
        let incompatible = || ConnectorError::Incompatible {
            version: None,
            why: "Authentik's answer about the addresses of a provider has an `issuer` that is no URL".to_owned(),
        };
        let url = Url::parse(&issuer).map_err(|_| incompatible())?;
        match host {
            Some(host) => {
                Url::parse(&format!("https://{host}{}", url.path())).map(String::from).map_err(|_| incompatible())
            }
            None => Ok(issuer),
        }
    }
}

impl Provider {
    /// Returns the address that sign-ins return to, if there is only one.
    pub(super) fn address(&self) -> Option<&str> {
        match self.redirect_uris.as_slice() {
            [only] if only.matching_mode == "strict" => Some(&only.url),
            _ => None,
        }
    }

    /// Returns `true` if its tokens are signed with a key.
    pub(super) fn signs(&self) -> bool {
        self.signing_key.is_some()
    }

    /// Returns `true` if sign-ins return to this address and to no other.
    fn returns_to(&self, url: &str) -> bool {
        self.address() == Some(url)
    }

    /// Checks that a change reached the provider.
    fn checked(self, login: &NewLogin, what: &str) -> ConnectorResult<Self> {
        if !self.returns_to(&login.redirect_uri) {
            return Err(ignored("redirect_uris", what));
        }
        if self.signing_key.is_none() {
            return Err(ignored("signing_key", what));
        }
        Ok(self)
    }
}

fn redirect_uris(login: &NewLogin) -> Value {
    json!([{ "matching_mode": "strict", "url": login.redirect_uri }])
}

fn set(body: &mut Value, field: &str, value: Value) {
    if let Some(fields) = body.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

fn gone(what: &str) -> ConnectorError {
    let why = format!("the provider `{what}` was deleted in Authentik meanwhile: try again");
    ConnectorError::Retryable { after: None, why }
}
