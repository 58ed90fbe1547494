//! Tenants: the organizations on the platform.

use std::{collections::BTreeSet, time::Duration};

use dezky_derive::{Choice, entity, part};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    Branding, MembershipRole, Open, Patch, Problem, Subscription, SubscriptionId, SubscriptionStatus, TenantId,
    branding::BrandingPatch,
    fields::{self, boolean, choice, domain_name, email, identifier, label, slug, text, time, vat_id},
};
use crate::{
    callers::Callers,
    clock::Timestamp,
    error::{Error, FieldCode, FieldError, Result},
    store::{Form, Guest, Scope},
};

/// Status of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    /// Created, but not all external systems are set up yet.
    Pending,
    /// In use.
    Active,
    /// Read-only for its own people.
    #[choice(unknown)]
    Suspended,
    /// Deleted. Its slug stays reserved; its verified domains become free once its data is removed.
    Deleted,
}

/// Proof that a domain belongs to the tenant.
#[part(entry)]
#[derive(Debug, ToSchema)]
pub struct DomainVerification {
    /// The domain, one of the tenant's `domains`.
    #[field(input = required(domain_name))]
    pub name: String,
    /// Time of verification.
    #[field(input = required(time))]
    #[schema(value_type = String, format = DateTime)]
    pub verified_at: Timestamp,
    /// Time at which it was lost: its mail is suspended, and another tenant may verify it.
    #[field(input = optional(time))]
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_at: Option<Timestamp>,
}

/// Billing details for invoices.
#[part(patch)]
#[derive(Debug, Default, ToSchema)]
pub struct BillingInfo {
    /// Name of the company.
    #[field(input = patch(label))]
    pub company: Option<String>,
    /// VAT identification number.
    #[field(input = patch(vat_id))]
    pub vat_id: Option<String>,
    /// E-mail address for invoices.
    #[field(input = patch(email))]
    pub email: Option<String>,
    /// Postal address.
    #[field(input = patch(address))]
    pub address: Option<String>,
}

/// The subscription that was cancelled by the deletion of its tenant.
#[part]
#[derive(Debug)]
pub struct CancelledSubscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Its status before.
    pub status: Open<SubscriptionStatus>,
}

/// A stored tenant.
#[entity(
    /// The collection of tenants.
    collection TENANTS = "tenants",
    scope = Scope::Tenant("id"),
    guest = Guest::Scoped { readers: Callers::MEMBERS, keys: &["slug:"] },
    keys = Self::keys,
    seen = MEMBERS,
    /// The index by name.
    index TENANTS_BY_NAME = by_name(name_key),
    /// The index by status and name.
    index TENANTS_BY_STATUS = by_status(status, name_key),
    /// The index by plan and name.
    index TENANTS_BY_PLAN = by_plan(plan, name_key),
    /// The index by prefixes of words of names, each by name.
    index TENANTS_BY_WORD = by_word(_words, name_key),
    words _words(name),
    /// A tenant. Only owners, admins and the platform see `billingInfo`, `authentikGroup`, `ocisSpaceId` and `stalwartDomain`.
    view TenantView,
    /// A new tenant.
    #[schema(example = json!({"slug": "acme", "name": "Acme GmbH", "plan": "business", "domains": ["acme.eu"], "billingInfo": {"company": "Acme GmbH", "email": "billing@acme.eu"}, "branding": {"logoUrl": "https://acme.eu/logo.svg", "primaryColor": "#1a2b3c", "launcherLinks": [{"title": "Wiki", "url": "https://wiki.acme.eu/"}]}, "authentikGroup": "acme"}))]
    create CreateTenant,
    /// Changes to a tenant.
    #[schema(example = json!({"name": "Acme AG", "billingInfo": {"address": null}, "branding": {"accentColor": "#aabbcc"}}))]
    update UpdateTenant,
)]
#[derive(Debug)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its version.
    #[serde(default)]
    pub version: u64,
    /// The DNS label of its host.
    ///
    /// Unique for ever.
    #[field(
        see, given, create = required(slug), update = replace(slug), set = PLATFORM, by_hand, impersonal,
        text_in_create = "DNS label under which it will live; not a reserved one.",
        text_in_update = "DNS label under which it lives; fixed once it is provisioned."
    )]
    pub slug: String,
    /// Previous slugs, which stay reserved for it.
    #[field(read = ADMINS, silent, impersonal)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_slugs: Vec<String>,
    /// Its name.
    #[field(see, create = required(label), update = replace(label), set = ADMINS, apply = Tenant::rename, personal)]
    pub name: String,
    /// The name in the form that is searched and sorted.
    #[field(derived(name, Name), read = MEMBERS, silent, personal)]
    #[serde(default)]
    pub name_key: String,
    /// Its status.
    #[field(
        see, input = replace(status), set = PLATFORM, apply = Tenant::set_status, initial = TenantStatus::Pending.into(),
        text_in_create = "Its state; `pending` without it, and never `deleted`."
    )]
    pub status: Open<TenantStatus>,
    /// Its status before suspension, while it is suspended.
    #[field(read = ADMINS, silent)]
    pub suspended_from: Option<Open<TenantStatus>>,
    /// The subscription whose state has suspended it; absent if a person has.
    #[field(read = ADMINS, silent, impersonal)]
    pub suspended_for: Option<SubscriptionId>,
    /// Its status before its deletion, while it is deleted.
    #[field(read = ADMINS, silent)]
    pub deleted_from: Option<Open<TenantStatus>>,
    /// Its subscription before its deletion, while it is deleted.
    #[field(read = ADMINS, silent, impersonal)]
    pub cancelled_subscription: Option<CancelledSubscription>,
    /// Its plan.
    #[field(
        see, input = replace(identifier), set = PLATFORM, initial = CreateTenant::DEFAULT_PLAN.to_owned(), impersonal,
        text_in_create = "What it has bought; `starter` without it."
    )]
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub plan: String,
    /// The caller's own role in the tenant.
    #[shown(argument)]
    pub role: Option<MembershipRole>,
    /// Domains that the tenant claims to own.
    #[field(see, input = list(100, domain_name), set = ADMINS, apply = Tenant::set_domains, impersonal)]
    #[serde(default)]
    pub domains: Vec<String>,
    /// The same domains in their own script, in the same order; omitted if none differs.
    #[shown(readable(&entity.domains))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub display_domains: Vec<String>,
    /// Verifications of these domains.
    #[field(see, input = entries(100, DomainVerification), set = PLATFORM, by_hand, impersonal)]
    #[serde(default)]
    pub domain_verifications: Vec<DomainVerification>,
    /// Host name of its own at which its launcher is, besides that below the platform's domain.
    ///
    /// It is a verified domain of the tenant or below one, and counts once its CNAME record leads to the platform's host.
    #[field(see, input = patch(domain_name), set = ADMINS, by_hand, impersonal)]
    pub launcher_host: Option<String>,
    /// Time at which that host name was seen to lead to the platform.
    #[field(see, silent)]
    pub launcher_host_verified_at: Option<Timestamp>,
    /// Billing details for invoices.
    #[field(see = ADMINS, input = object(BillingInfoPatch), set = OWNERS, personal)]
    pub billing_info: Option<BillingInfo>,
    /// Stripe's id of the customer that it is.
    #[field(see = OWNERS, impersonal)]
    pub stripe_customer_id: Option<String>,
    /// Appearance of its launcher.
    #[field(see, input = object(BrandingPatch), set = ADMINS, impersonal)]
    pub branding: Option<Branding>,
    /// Name of its group in Authentik.
    ///
    /// Members of the group are members of the tenant.
    #[field(see = ADMINS, input = patch(label), set = PLATFORM, impersonal)]
    pub authentik_group: Option<String>,
    /// Its space in ownCloud Infinite Scale.
    #[field(see = ADMINS, input = patch(text(255)), set = PLATFORM, impersonal)]
    pub ocis_space_id: Option<String>,
    /// Its mail domain in Stalwart.
    #[field(see = ADMINS, input = patch(domain_name), set = PLATFORM, impersonal)]
    pub stalwart_domain: Option<String>,
    /// `true` if it is to have a login of its own in Authentik, with its own host, client and issuer.
    ///
    /// Tokens of that issuer are accepted for this tenant only, and from the moment that it is `false` no more.
    #[field(see, input = replace(boolean), set = PLATFORM)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub isolated_login: bool,
    /// Time of deletion.
    #[field(see)]
    pub deleted_at: Option<Timestamp>,
    /// Time at which its data was removed from the store, after its systems were.
    #[field(see = PLATFORM)]
    pub purged_at: Option<Timestamp>,
    /// Time from which its data is removed and its deletion cannot be undone; for the platform, while it is deleted.
    #[shown(argument)]
    pub removal_at: Option<Timestamp>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

impl Tenant {
    /// Returns the unique key of a slug.
    #[must_use]
    pub fn slug_key(slug: &str) -> String {
        format!("slug:{slug}")
    }

    /// Returns the unique key of an Authentik group.
    #[must_use]
    pub fn group_key(group: &str) -> String {
        format!("group:{group}")
    }

    /// Returns the unique key of a verified domain.
    #[must_use]
    pub fn domain_key(domain: &str) -> String {
        format!("domain:{domain}")
    }

    /// Returns the unique key of a host name of its own.
    #[must_use]
    pub fn host_key(host: &str) -> String {
        format!("host:{host}")
    }

    /// Returns `true` if it has verified this domain, and not lost it.
    #[must_use]
    pub fn has_verified(&self, domain: &str) -> bool {
        self.verified_domains().any(|verified| verified == domain)
    }

    /// Returns the domains that it has verified and not lost.
    pub fn verified_domains(&self) -> impl Iterator<Item = &str> {
        self.domain_verifications.iter().filter(|one| one.lost_at.is_none()).map(|one| one.name.as_str())
    }

    /// Returns the most specific of its verified domains that a host is below, or is.
    #[must_use]
    pub fn domain_of_host(&self, host: &str) -> Option<&str> {
        self.verified_domains().filter(|domain| is_within(host, domain)).max_by_key(|domain| domain.len())
    }

    /// Sets its own host name, which is to be seen again.
    pub fn set_launcher_host(&mut self, host: Option<String>) {
        if self.launcher_host != host {
            self.launcher_host_verified_at = None;
            self.launcher_host = host;
        }
    }

    /// Takes its verified domain away, with the host name below it.
    pub fn release_domain(&mut self, name: &str) {
        self.domain_verifications.retain(|verification| verification.name != name);
        if self.launcher_host.as_deref().is_some_and(|host| is_within(host, name)) {
            self.set_launcher_host(None);
        }
    }

    /// Returns `true` if external systems use its slug, so that it can no longer change.
    #[must_use]
    pub fn is_provisioned(&self) -> bool {
        self.authentik_group.is_some() || self.ocis_space_id.is_some() || self.stalwart_domain.is_some()
    }

    /// Sets its status, remembering the one before a suspension.
    pub fn set_status(&mut self, status: TenantStatus) {
        if status == TenantStatus::Suspended && self.status != TenantStatus::Suspended {
            self.suspended_from = Some(self.status.clone());
        } else if status != TenantStatus::Suspended {
            self.suspended_from = None;
        }
        self.suspended_for = None;
        self.status = status.into();
    }

    /// Deletes it, remembering what it was and which subscription is cancelled with it.
    pub fn delete(&mut self, subscription: Option<&Subscription>, now: Timestamp) {
        self.deleted_from = Some(std::mem::replace(&mut self.status, TenantStatus::Deleted.into()));
        self.cancelled_subscription =
            subscription.map(|found| CancelledSubscription { id: found.id, status: found.status.clone() });
        self.deleted_at = Some(now);
    }

    /// Undoes its deletion. Returns the subscription that was cancelled by it.
    pub fn undelete(&mut self) -> Option<CancelledSubscription> {
        // The status of one that an earlier release has deleted is not known.
        self.status = self.deleted_from.take().unwrap_or(TenantStatus::Active.into());
        self.deleted_at = None;
        self.cancelled_subscription.take()
    }

    /// Returns the time from which its data is removed, if it is deleted. From then on its deletion cannot be undone.
    #[must_use]
    pub fn removal_at(&self, grace: Duration) -> Option<Timestamp> {
        (self.status == TenantStatus::Deleted).then(|| self.deleted_at.unwrap_or(self.updated_at).plus(grace))
    }

    /// Removes everything but what keeps its slug reserved.
    pub fn purge(&mut self, now: Timestamp) {
        self.rename(self.slug.clone());
        self.set_domains(Vec::new());
        self.set_launcher_host(None);
        self.billing_info = None;
        self.stripe_customer_id = None;
        self.branding = None;
        self.authentik_group = None;
        self.ocis_space_id = None;
        self.stalwart_domain = None;
        self.isolated_login = false;
        self.cancelled_subscription = None;
        self.purged_at = Some(now);
    }

    /// Sets its name, and the form that is searched.
    pub fn rename(&mut self, name: String) {
        self.name_key = Form::Name.of(&name);
        self.name = name;
    }

    /// Sets its domains without duplicates, and drops the verifications of removed ones.
    pub fn set_domains(&mut self, domains: Vec<String>) {
        let mut seen = BTreeSet::new();
        self.domains = domains.into_iter().filter(|domain| seen.insert(domain.clone())).collect();
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.domain_verifications)
            .into_iter()
            .partition(|verification| self.domains.contains(&verification.name));
        self.domain_verifications = kept;
        gone.iter().for_each(|verification| self.release_domain(&verification.name));
    }

    fn keys(&self) -> Vec<String> {
        let mut keys = vec![Self::slug_key(&self.slug)];
        keys.extend(self.former_slugs.iter().filter(|slug| **slug != self.slug).map(|slug| Self::slug_key(slug)));
        keys.extend(self.authentik_group.iter().map(|group| Self::group_key(group)));
        // Also while it is deleted, so that its deletion can be undone: they are free once its data is removed.
        keys.extend(self.verified_domains().map(Self::domain_key));
        keys.extend(self.launcher_host.iter().map(|host| Self::host_key(host)));
        keys
    }
}

/// Returns `true` if a host name is a domain or below it.
fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn status(value: &Value) -> Result<TenantStatus, Problem> {
    match choice(value)? {
        TenantStatus::Deleted => Err(Problem::new(FieldCode::INVALID_CHOICE, "is reached by `DELETE` only")),
        status => Ok(status),
    }
}

/// Reads a postal address, which may have several lines; each follows the rules of [`text`].
fn address(value: &Value) -> Result<String, Problem> {
    let given = value.as_str().ok_or_else(|| Problem::new(FieldCode::WRONG_TYPE, "must be a text"))?;
    let mut lines = Vec::new();
    for line in given.lines().map(str::trim).filter(|line| !line.is_empty()) {
        lines.push(text(&Value::from(line), 200)?);
    }
    match lines.len() {
        0 => Err(Problem::new(FieldCode::EMPTY, "must not be empty")),
        1..=8 => Ok(lines.join("\n")),
        _ => Err(Problem::new(FieldCode::TOO_LONG, "must have at most 8 lines")),
    }
}

fn check_verifications(tenant: &Tenant, verifications: Vec<DomainVerification>) -> Result<Vec<DomainVerification>> {
    let mut seen = BTreeSet::new();
    let mut errors = Vec::new();
    for (position, verification) in verifications.iter().enumerate() {
        let field = format!("domainVerifications[{position}].name");
        if !tenant.domains.contains(&verification.name) {
            errors.push(FieldError::new(field, FieldCode::UNKNOWN_DOMAIN, "must be one of `domains`"));
        } else if !seen.insert(verification.name.as_str()) {
            errors.push(FieldError::new(field, FieldCode::REPEATED, "stands in the list already"));
        }
    }
    if errors.is_empty() { Ok(verifications) } else { Err(Error::invalid(errors)) }
}

/// Returns the domains in their own script; empty if that is how they are stored.
fn readable(domains: &[String]) -> Vec<String> {
    let shown: Vec<Option<String>> = domains.iter().map(|domain| fields::domain_name::readable(domain)).collect();
    if shown.iter().all(Option::is_none) {
        return Vec::new();
    }
    shown.into_iter().zip(domains).map(|(shown, stored)| shown.unwrap_or_else(|| stored.clone())).collect()
}

impl CreateTenant {
    /// Plan of tenants that are created without one.
    pub const DEFAULT_PLAN: &'static str = "starter";

    /// Creates the tenant.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when fields contradict each other.
    pub fn into_tenant(mut self, now: Timestamp) -> Result<Tenant> {
        let mut tenant = Tenant::blank(std::mem::take(&mut self.slug), now);
        let verifications = std::mem::take(&mut self.domain_verifications);
        let host = std::mem::take(&mut self.launcher_host);
        self.apply_plain(&mut tenant);
        set_verifications(&mut tenant, verifications)?;
        set_host(&mut tenant, host)?;
        Ok(tenant)
    }
}

impl UpdateTenant {
    /// Applies the changes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when fields contradict each other or the slug is fixed.
    pub fn apply(mut self, tenant: &mut Tenant) -> Result<()> {
        if let Some(slug) = self.slug.take()
            && slug != tenant.slug
        {
            if tenant.is_provisioned() {
                let message = "cannot change any more: the systems behind the tenant carry it";
                return Err(Error::invalid(vec![FieldError::new("slug", FieldCode::FIXED, message)]));
            }
            let former = std::mem::replace(&mut tenant.slug, slug);
            if !tenant.former_slugs.contains(&former) {
                tenant.former_slugs.push(former);
            }
        }
        let verifications = std::mem::take(&mut self.domain_verifications);
        let host = std::mem::take(&mut self.launcher_host);
        self.apply_plain(tenant);
        set_verifications(tenant, verifications)?;
        set_host(tenant, host)
    }
}

/// Sets the host name of its own. To be called after setting the verified domains.
fn set_host(tenant: &mut Tenant, patch: Patch<String>) -> Result<()> {
    match patch {
        Patch::Set(host) if tenant.domain_of_host(&host).is_none() => {
            let message = "must be one of the tenant's verified domains, or below one";
            return Err(Error::invalid(vec![FieldError::new("launcherHost", FieldCode::UNKNOWN_DOMAIN, message)]));
        }
        Patch::Set(host) => tenant.set_launcher_host(Some(host)),
        Patch::Clear => tenant.set_launcher_host(None),
        Patch::Keep => {}
    }
    Ok(())
}

/// Sets the verified domains. To be called after setting the domains themselves.
fn set_verifications(tenant: &mut Tenant, patch: Patch<Vec<DomainVerification>>) -> Result<()> {
    match patch {
        Patch::Keep => {}
        Patch::Clear => tenant.domain_verifications.clear(),
        Patch::Set(verifications) => tenant.domain_verifications = check_verifications(tenant, verifications)?,
    }
    let domains: Vec<&str> = tenant.domain_verifications.iter().map(|one| one.name.as_str()).collect();
    if tenant.launcher_host.as_deref().is_some_and(|host| !domains.iter().any(|domain| is_within(host, domain))) {
        tenant.set_launcher_host(None);
    }
    Ok(())
}
