//! Applications of logins, and who may use them.

use serde::Deserialize;
use serde_json::{Map, json};

use super::{
    Authentik,
    answer::{Reply, entry, ignored, matching, object, present},
    groups::no_such_group,
    list::List,
};
use crate::{
    connectors::{ConnectorError, ConnectorResult, NewLogin},
    context::RequestContext,
    domain::TenantId,
    outbound::Request,
};

const COLLECTION: &str = "/api/v3/core/applications/";
const BINDINGS: &str = "/api/v3/policies/bindings/";

/// Beginning of the publisher of tenants' applications, which is their marker: applications have no attributes.
const PUBLISHER: &str = "Dezky tenant ";

/// Returns the slug of a tenant's application. It is part of the issuer, so it never changes.
pub(super) fn application_slug(tenant_slug: &str) -> String {
    format!("dezky-tenant-{tenant_slug}")
}

#[derive(Deserialize)]
pub(super) struct Application {
    pub(super) pk: String,
    /// Id for bindings. Older releases tell it as `pk` only.
    pbm_uuid: Option<String>,
    pub(super) name: String,
    #[serde(deserialize_with = "present")]
    pub(super) provider: Option<i64>,
    meta_publisher: String,
}

impl Application {
    /// Returns the tenant that the marker names.
    pub(super) fn tenant(&self) -> Option<TenantId> {
        self.meta_publisher.strip_prefix(PUBLISHER)?.parse().ok()
    }

    fn target(&self) -> &str {
        self.pbm_uuid.as_deref().unwrap_or(&self.pk)
    }
}

#[derive(Deserialize)]
struct Binding {
    pk: String,
    #[serde(deserialize_with = "present")]
    group: Option<String>,
    enabled: bool,
    negate: bool,
}

impl Binding {
    fn admits_group(&self) -> bool {
        self.group.is_some() && self.enabled && !self.negate
    }
}

impl Authentik {
    pub(super) async fn application(
        &self,
        context: &RequestContext,
        slug: &str,
    ) -> ConnectorResult<Option<Application>> {
        // The list shows only what the credential itself may use.
        let request = Request::get(COLLECTION).segment(slug.to_owned()).trailing_slash();
        self.read(context, "an application", &request).await
    }

    /// Finds the application of a login, which must be this tenant's.
    pub(super) async fn own_application(
        &self,
        context: &RequestContext,
        slug: &str,
        tenant: TenantId,
    ) -> ConnectorResult<Option<Application>> {
        match self.application(context, slug).await? {
            Some(application) if application.tenant() != Some(tenant) => Err(ConnectorError::Conflict {
                existing: Some(application.pk),
                why: format!(
                    "an application `{slug}` in Authentik is not of this tenant: its publisher is not `{PUBLISHER}{tenant}`. \
                     Delete it, or give it another slug"
                ),
            }),
            found => Ok(found),
        }
    }

    /// Creates an application that nobody can sign in to, because it has no provider yet.
    pub(super) async fn add_application(
        &self,
        context: &RequestContext,
        login: &NewLogin,
        slug: &str,
    ) -> ConnectorResult<Application> {
        const WHAT: &str = "create an application";
        let body = json!({
            "name": login.name,
            "slug": slug,
            "meta_publisher": format!("{PUBLISHER}{}", login.tenant),
            "policy_engine_mode": "any",
        });
        match self.send(context, WHAT, &Request::post(COLLECTION).json(&body)).await? {
            Reply::Done(response) => match object::<Application>(response.body(), "a new application")? {
                created if created.tenant() == Some(login.tenant) => Ok(created),
                _ => Err(ignored("meta_publisher", WHAT)),
            },
            // Created by another worker.
            Reply::Invalid(invalid) if invalid.names("slug") => {
                let existing = self.own_application(context, slug, login.tenant).await?;
                existing.ok_or_else(|| invalid.rejected(WHAT))
            }
            Reply::Invalid(invalid) => Err(invalid.rejected(WHAT)),
            Reply::Absent => Err(ConnectorError::Rejected { why: format!("Authentik cannot {WHAT}") }),
        }
    }

    /// Gives an application its provider and its name, and returns it with them.
    pub(super) async fn open_application(
        &self,
        context: &RequestContext,
        application: Application,
        slug: &str,
        provider: i64,
        name: &str,
    ) -> ConnectorResult<Application> {
        const WHAT: &str = "change an application";
        let mut change = Map::new();
        if application.provider != Some(provider) {
            change.insert("provider".to_owned(), json!(provider));
        }
        if application.name != name.trim() {
            change.insert("name".to_owned(), json!(name));
        }
        if change.is_empty() {
            return Ok(application);
        }
        let request = Request::patch(COLLECTION).segment(slug.to_owned()).trailing_slash().json(&change);
        match self.send(context, WHAT, &request).await?.found(WHAT)? {
            Some(response) => match object::<Application>(response.body(), "a changed application")? {
                changed if changed.provider == Some(provider) => Ok(changed),
                _ => Err(ignored("provider", WHAT)),
            },
            None => Err(ConnectorError::Retryable {
                after: None,
                why: format!("the application `{slug}` was deleted in Authentik meanwhile: try again"),
            }),
        }
    }

    async fn bindings(&self, context: &RequestContext, application: &Application) -> ConnectorResult<Vec<Binding>> {
        let request = Request::get(BINDINGS).query("target", application.target()).query("ordering", "order");
        let entries = self.entries(&List { context, what: "policy bindings", request }).await?;
        let ours = matching(&entries, "target", "a policy binding", |target| target == application.target())?;
        ours.into_iter().map(|value| entry(value, "a policy binding")).collect()
    }

    /// Returns `true` if an application is for the members of a group. One without a binding is open to everybody.
    pub(super) async fn is_bound(&self, context: &RequestContext, application: &Application) -> ConnectorResult<bool> {
        Ok(self.bindings(context, application).await?.iter().any(Binding::admits_group))
    }

    /// Binds an application to a group.
    pub(super) async fn bind(
        &self,
        context: &RequestContext,
        application: &Application,
        group: &str,
    ) -> ConnectorResult<()> {
        let bindings = self.bindings(context, application).await?;
        let (what, request) = match bindings.iter().find(|binding| binding.group.as_deref() == Some(group)) {
            Some(binding) if binding.admits_group() => return Ok(()),
            Some(binding) => {
                let request = Request::patch(BINDINGS).segment(binding.pk.clone()).trailing_slash();
                // Which object is bound to which is checked again on each change.
                let change =
                    json!({ "target": application.target(), "group": group, "enabled": true, "negate": false });
                ("change a policy binding", request.json(&change))
            }
            None => {
                let body = json!({
                    "target": application.target(),
                    "group": group,
                    "order": 0,
                    "enabled": true,
                    "negate": false,
                });
                ("create a policy binding", Request::post(BINDINGS).json(&body))
            }
        };
        match self.send(context, what, &request).await? {
            Reply::Done(response) => match object::<Binding>(response.body(), "a policy binding")? {
                binding if binding.group.as_deref() == Some(group) && binding.admits_group() => Ok(()),
                _ => Err(ignored("group` or `enabled", what)),
            },
            Reply::Invalid(invalid) if invalid.names("group") => Err(no_such_group(group)),
            Reply::Invalid(invalid) => Err(invalid.rejected(what)),
            Reply::Absent => Err(ConnectorError::Retryable {
                after: None,
                why: "a policy binding was deleted in Authentik meanwhile: try again".to_owned(),
            }),
        }
    }

    /// Deletes an application, and with it its bindings.
    pub(super) async fn remove_application(&self, context: &RequestContext, slug: &str) -> ConnectorResult<()> {
        self.delete(context, "delete an application", Request::delete(COLLECTION), slug).await
    }
}
