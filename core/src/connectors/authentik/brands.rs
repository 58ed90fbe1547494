//! Brands: how Authentik looks under a tenant's host name.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Authentik, MARKER,
    answer::{Reply, entry, ignored, matching, object, present},
    groups::tenant_of,
    list::List,
};
use crate::{
    connectors::{ConnectorError, ConnectorResult, NewLogin},
    context::RequestContext,
    domain::TenantId,
    outbound::Request,
};

const COLLECTION: &str = "/api/v3/core/brands/";

#[derive(Deserialize)]
pub(super) struct Brand {
    #[serde(rename = "brand_uuid")]
    pub(super) id: String,
    pub(super) domain: String,
    #[serde(deserialize_with = "present")]
    default_application: Option<String>,
}

impl Brand {
    /// Returns `true` if people who open the host without a path come to this application.
    pub(super) fn leads_to(&self, application: &str) -> bool {
        self.default_application.as_deref() == Some(application)
    }
}

impl Authentik {
    /// Reads all brands, because the API cannot search their attributes.
    pub(super) async fn brands(&self, context: &RequestContext) -> ConnectorResult<Vec<Value>> {
        let request = Request::get(COLLECTION).query("ordering", "domain");
        self.entries(&List { context, what: "brands", request }).await
    }

    /// Finds the brand of a login and repairs it, or creates it.
    pub(super) async fn complete_brand(
        &self,
        context: &RequestContext,
        login: &NewLogin,
        application: &str,
    ) -> ConnectorResult<Brand> {
        let brands = self.brands(context).await?;
        let domain = login.host.trim().to_ascii_lowercase();
        let mut own = brands_of(&brands, login.tenant)?;
        let brand = own.pop();
        if let (Some(brand), Some(second)) = (&brand, own.pop()) {
            let why = format!(
                "this tenant has two brands in Authentik, `{}` and `{}`: delete one",
                brand.domain, second.domain
            );
            return Err(ConnectorError::Conflict { existing: Some(second.id), why });
        }
        let (what, request) = match brand {
            Some(brand) => {
                let mut change = Map::new();
                if brand.domain != domain {
                    change.insert("domain".to_owned(), json!(domain));
                }
                if brand.default_application.as_deref() != Some(application) {
                    change.insert("default_application".to_owned(), json!(application));
                }
                if change.is_empty() {
                    return Ok(brand);
                }
                let request = Request::patch(COLLECTION).segment(brand.id).trailing_slash();
                ("change a brand", request.json(&change))
            }
            None => {
                let body = new_brand(&brands, login, &domain, application);
                ("create a brand", Request::post(COLLECTION).json(&body))
            }
        };
        match self.send(context, what, &request).await? {
            Reply::Done(response) => {
                let value: Value = object(response.body(), "a brand")?;
                let brand: Brand = entry(&value, "a brand")?;
                if marker(&value) != Some(login.tenant) {
                    return Err(ignored("attributes", what));
                }
                if brand.domain != domain || brand.default_application.as_deref() != Some(application) {
                    return Err(ignored("domain` or `default_application", what));
                }
                Ok(brand)
            }
            Reply::Invalid(invalid) if invalid.names("domain") => {
                let brands = self.brands(context).await?;
                let taken = brands.iter().find(|value| value.get("domain").and_then(Value::as_str) == Some(&domain));
                let Some(taken) = taken else { return Err(invalid.rejected(what)) };
                let why = format!(
                    "a brand for `{domain}` in Authentik is not of this tenant: delete it, or give it another domain"
                );
                Err(ConnectorError::Conflict { existing: Some(entry::<Brand>(taken, "a brand")?.id), why })
            }
            Reply::Invalid(invalid) => Err(invalid.rejected(what)),
            Reply::Absent => Err(ConnectorError::Retryable {
                after: None,
                why: "a brand was deleted in Authentik meanwhile: try again".to_owned(),
            }),
        }
    }

    pub(super) async fn remove_brand(&self, context: &RequestContext, id: &str) -> ConnectorResult<()> {
        self.delete(context, "delete a brand", Request::delete(COLLECTION), id).await
    }
}

/// Returns the brands whose marker names this tenant.
pub(super) fn brands_of(brands: &[Value], tenant: TenantId) -> ConnectorResult<Vec<Brand>> {
    let marked = |attributes: &Value| tenant_of(attributes.get(MARKER)) == Some(tenant);
    let own = matching(brands, "attributes", "a brand", marked)?;
    own.into_iter().map(|value| entry(value, "a brand")).collect()
}

/// Returns the tenant that the marker of a brand names.
pub(super) fn marker(brand: &Value) -> Option<TenantId> {
    tenant_of(brand.get("attributes")?.get(MARKER))
}

/// Returns a brand with the flows of the default one: without its own, people could not recover their accounts.
fn new_brand(brands: &[Value], login: &NewLogin, domain: &str, application: &str) -> Map<String, Value> {
    let default = brands.iter().find(|value| value.get("default").and_then(Value::as_bool) == Some(true));
    let fields = default.and_then(Value::as_object).into_iter().flatten();
    let flows = fields.filter(|(field, value)| field.starts_with("flow_") && value.is_string());
    let mut brand: Map<String, Value> = flows.map(|(field, value)| (field.clone(), value.clone())).collect();
    brand.insert("domain".to_owned(), json!(domain));
    brand.insert("branding_title".to_owned(), json!(login.name));
    brand.insert("default_application".to_owned(), json!(application));
    brand.insert("attributes".to_owned(), json!({ MARKER: login.tenant.to_string() }));
    brand
}
