//! What may be said of a tenant when it is created or changed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Patch, Problem, Reader, present};
use crate::{
    clock::Timestamp,
    domain::{
        BillingInfo, Branding, DomainVerification, LauncherLink, Tenant, TenantId, TenantStatus,
        fields::{choice, colour, domain_name, email, https_url, identifier, label, slug, text, time, vat_id},
    },
    error::{Error, FieldError, Result},
};

/// The most domains of a tenant.
pub const MAXIMUM_DOMAINS: usize = 100;

/// The most links of a launcher.
pub const MAXIMUM_LAUNCHER_LINKS: usize = 50;

/// Changes of a tenant's billing information.
#[derive(Debug, Clone, Default)]
struct BillingInfoPatch {
    company: Patch<String>,
    vat_id: Patch<String>,
    email: Patch<String>,
    address: Patch<String>,
}

/// Changes of a tenant's branding.
#[derive(Debug, Clone, Default)]
struct BrandingPatch {
    logo_url: Patch<String>,
    primary_color: Patch<String>,
    accent_color: Patch<String>,
    launcher_links: Patch<Vec<LauncherLink>>,
}

/// The fields that creation and change have in common.
#[derive(Debug, Clone, Default)]
struct TenantFields {
    status: Option<TenantStatus>,
    plan: Option<String>,
    domains: Patch<Vec<String>>,
    domain_verifications: Patch<Vec<DomainVerification>>,
    billing_info: Patch<BillingInfoPatch>,
    branding: Patch<BrandingPatch>,
    authentik_group: Patch<String>,
    ocis_space_id: Patch<String>,
    stalwart_domain: Patch<String>,
}

impl TenantFields {
    fn read(reader: &mut Reader) -> Self {
        Self {
            status: reader.replace("status", status),
            plan: reader.replace("plan", identifier),
            domains: reader.list("domains", MAXIMUM_DOMAINS, domain_name),
            domain_verifications: read_verifications(reader),
            billing_info: reader.object("billingInfo", |nested| BillingInfoPatch {
                company: nested.patch("company", label),
                vat_id: nested.patch("vatId", vat_id),
                email: nested.patch("email", email),
                address: nested.patch("address", address),
            }),
            branding: reader.object("branding", |nested| BrandingPatch {
                logo_url: nested.patch("logoUrl", https_url),
                primary_color: nested.patch("primaryColor", colour),
                accent_color: nested.patch("accentColor", colour),
                launcher_links: read_launcher_links(nested),
            }),
            authentik_group: reader.patch("authentikGroup", label),
            ocis_space_id: reader.patch("ocisSpaceId", |value| text(value, 255)),
            stalwart_domain: reader.patch("stalwartDomain", domain_name),
        }
    }

    fn apply(self, tenant: &mut Tenant) -> Result<()> {
        if let Some(status) = self.status {
            tenant.set_status(status);
        }
        if let Some(plan) = self.plan {
            tenant.plan = plan;
        }
        match self.domains {
            Patch::Keep => {}
            Patch::Clear => tenant.set_domains(Vec::new()),
            Patch::Set(domains) => tenant.set_domains(without_repetition(domains)),
        }
        match self.domain_verifications {
            Patch::Keep => {}
            Patch::Clear => tenant.domain_verifications.clear(),
            Patch::Set(verifications) => tenant.domain_verifications = check_verifications(tenant, verifications)?,
        }
        apply_billing_info(self.billing_info, tenant);
        apply_branding(self.branding, tenant);
        self.authentik_group.apply(&mut tenant.authentik_group);
        self.ocis_space_id.apply(&mut tenant.ocis_space_id);
        self.stalwart_domain.apply(&mut tenant.stalwart_domain);
        Ok(())
    }
}

fn status(value: &Value) -> Result<TenantStatus, Problem> {
    match choice(value)? {
        TenantStatus::Deleted => Err(Problem::new("invalid_choice", "is reached by `DELETE` only")),
        status => Ok(status),
    }
}

/// An address may have several lines; everything else of [`text`] holds for each of them.
fn address(value: &Value) -> Result<String, Problem> {
    let given = value.as_str().ok_or_else(|| Problem::new("wrong_type", "must be a text"))?;
    let mut lines = Vec::new();
    for line in given.lines().map(str::trim).filter(|line| !line.is_empty()) {
        lines.push(text(&Value::from(line), 200)?);
    }
    match lines.len() {
        0 => Err(Problem::new("empty", "must not be empty")),
        1..=8 => Ok(lines.join("\n")),
        _ => Err(Problem::new("too_long", "must have at most 8 lines")),
    }
}

fn read_verifications(reader: &mut Reader) -> Patch<Vec<DomainVerification>> {
    let read = |nested: &mut Reader| {
        let name = nested.required("name", domain_name)?;
        let verified_at = nested.required("verifiedAt", time)?;
        Some(DomainVerification { name, verified_at })
    };
    complete(reader.object_list("domainVerifications", MAXIMUM_DOMAINS, read))
}

fn read_launcher_links(reader: &mut Reader) -> Patch<Vec<LauncherLink>> {
    let read = |nested: &mut Reader| {
        let title = nested.required("title", |value| text(value, 80));
        let url = nested.required("url", https_url);
        let icon = nested.optional("icon", identifier);
        Some(LauncherLink { title: title?, url: url?, icon })
    };
    complete(reader.object_list("launcherLinks", MAXIMUM_LAUNCHER_LINKS, read))
}

/// Entries that lack something have been reported; they never reach a tenant.
fn complete<T>(entries: Patch<Vec<Option<T>>>) -> Patch<Vec<T>> {
    match entries {
        Patch::Keep => Patch::Keep,
        Patch::Clear => Patch::Clear,
        Patch::Set(entries) => Patch::Set(entries.into_iter().flatten().collect()),
    }
}

fn without_repetition(domains: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    domains.into_iter().filter(|domain| seen.insert(domain.clone())).collect()
}

fn check_verifications(tenant: &Tenant, verifications: Vec<DomainVerification>) -> Result<Vec<DomainVerification>> {
    let mut seen = BTreeSet::new();
    let mut errors = Vec::new();
    for (position, verification) in verifications.iter().enumerate() {
        let field = format!("domainVerifications[{position}].name");
        if !tenant.domains.contains(&verification.name) {
            errors.push(FieldError::new(field, "unknown_domain", "must be one of `domains`"));
        } else if !seen.insert(verification.name.as_str()) {
            errors.push(FieldError::new(field, "repeated", "stands in the list already"));
        }
    }
    if errors.is_empty() { Ok(verifications) } else { Err(Error::invalid(errors)) }
}

fn apply_billing_info(patch: Patch<BillingInfoPatch>, tenant: &mut Tenant) {
    match patch {
        Patch::Keep => {}
        Patch::Clear => tenant.billing_info = None,
        Patch::Set(patch) => {
            let billing: &mut BillingInfo = tenant.billing_info.get_or_insert_default();
            patch.company.apply(&mut billing.company);
            patch.vat_id.apply(&mut billing.vat_id);
            patch.email.apply(&mut billing.email);
            patch.address.apply(&mut billing.address);
        }
    }
}

fn apply_branding(patch: Patch<BrandingPatch>, tenant: &mut Tenant) {
    match patch {
        Patch::Keep => {}
        Patch::Clear => tenant.branding = None,
        Patch::Set(patch) => {
            let branding: &mut Branding = tenant.branding.get_or_insert_default();
            patch.logo_url.apply(&mut branding.logo_url);
            patch.primary_color.apply(&mut branding.primary_color);
            patch.accent_color.apply(&mut branding.accent_color);
            match patch.launcher_links {
                Patch::Keep => {}
                Patch::Clear => branding.launcher_links.clear(),
                Patch::Set(links) => branding.launcher_links = links,
            }
        }
    }
}

/// A tenant to be created.
#[derive(Debug, Clone)]
pub struct CreateTenant {
    slug: String,
    name: String,
    fields: TenantFields,
    present: Vec<&'static str>,
}

impl CreateTenant {
    /// The plan of tenants that are created without one.
    pub const DEFAULT_PLAN: &'static str = "starter";

    /// Reads a body.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] naming each bad field.
    pub fn read(body: Value) -> Result<Self> {
        let mut reader = Reader::new(body)?;
        let slug = reader.required("slug", slug);
        let name = reader.required("name", label);
        let fields = TenantFields::read(&mut reader);
        let fields_present = reader.present();
        reader.finish()?;
        Ok(Self { slug: present(slug)?, name: present(name)?, fields, present: fields_present })
    }

    /// Names of the fields that the body sets.
    #[must_use]
    pub fn fields(&self) -> &[&'static str] {
        &self.present
    }

    /// The new tenant.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when fields do not fit each other.
    pub fn into_tenant(self, now: Timestamp) -> Result<Tenant> {
        let mut tenant = Tenant {
            id: TenantId::generate(),
            version: 1,
            slug: self.slug,
            former_slugs: Vec::new(),
            name: String::new(),
            name_key: String::new(),
            status: TenantStatus::Pending.into(),
            suspended_from: None,
            plan: Self::DEFAULT_PLAN.to_owned(),
            domains: Vec::new(),
            domain_verifications: Vec::new(),
            billing_info: None,
            branding: None,
            authentik_group: None,
            ocis_space_id: None,
            stalwart_domain: None,
            deleted_at: None,
            created_at: now,
            updated_at: now,
        };
        tenant.rename(self.name);
        self.fields.apply(&mut tenant)?;
        Ok(tenant)
    }
}

/// Changes of a tenant, as a merge patch.
#[derive(Debug, Clone)]
pub struct UpdateTenant {
    slug: Option<String>,
    name: Option<String>,
    fields: TenantFields,
    present: Vec<&'static str>,
}

impl UpdateTenant {
    /// Reads a body.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] naming each bad field.
    pub fn read(body: Value) -> Result<Self> {
        let mut reader = Reader::new(body)?;
        let slug = reader.replace("slug", slug);
        let name = reader.replace("name", label);
        let fields = TenantFields::read(&mut reader);
        let present = reader.present();
        reader.finish()?;
        Ok(Self { slug, name, fields, present })
    }

    /// Names of the fields that the body sets.
    #[must_use]
    pub fn fields(&self) -> &[&'static str] {
        &self.present
    }

    /// Applies the changes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when fields do not fit each other or the slug is fixed.
    pub fn apply(self, tenant: &mut Tenant) -> Result<()> {
        if let Some(slug) = self.slug
            && slug != tenant.slug
        {
            if tenant.is_provisioned() {
                let message = "cannot change any more: the systems behind the tenant carry it";
                return Err(Error::invalid(vec![FieldError::new("slug", "fixed", message)]));
            }
            let former = std::mem::replace(&mut tenant.slug, slug);
            if !tenant.former_slugs.contains(&former) {
                tenant.former_slugs.push(former);
            }
        }
        if let Some(name) = self.name {
            tenant.rename(name);
        }
        self.fields.apply(tenant)
    }
}
