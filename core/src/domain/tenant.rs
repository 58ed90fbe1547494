//! Tenants: the organisations that live on the platform.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Choice, ObjectId, Open, TenantId};
use crate::{
    clock::Timestamp,
    store::{Collection, Entity, Field, FieldType, Form, Guest, Index, Scope, Source},
};

/// State of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    /// Created; the systems behind it are not all set up.
    Pending,
    /// In use.
    Active,
    /// Read-only to its own people.
    Suspended,
    /// Deleted. Its slug stays reserved, its verified domains do not.
    Deleted,
}

impl Choice for TenantStatus {
    const ALL: &'static [Self] = &[Self::Pending, Self::Active, Self::Suspended, Self::Deleted];
    const UNKNOWN: Self = Self::Suspended;

    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }
}

/// When a domain was proved to belong to the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainVerification {
    /// The domain, one of the tenant's `domains`.
    pub name: String,
    /// When it was verified.
    #[schema(value_type = String, format = DateTime)]
    pub verified_at: Timestamp,
}

/// To whom invoices go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BillingInfo {
    /// Name of the company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// VAT identification number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat_id: Option<String>,
    /// Where invoices are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Postal address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// An entry of the launcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LauncherLink {
    /// What it says.
    pub title: String,
    /// Where it leads; an `https` URL.
    pub url: String,
    /// Name of an icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
}

/// How the tenant's launcher looks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Branding {
    /// The logo; an `https` URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_url: Option<String>,
    /// Main colour, `#rrggbb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_color: Option<String>,
    /// Second colour, `#rrggbb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accent_color: Option<String>,
    /// Entries of the launcher, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub launcher_links: Vec<LauncherLink>,
}

/// A tenant as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its version.
    #[serde(default)]
    pub version: u64,
    /// The DNS label under which it lives; unique for ever.
    pub slug: String,
    /// Slugs that it had before; they stay reserved for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_slugs: Vec<String>,
    /// Its name.
    pub name: String,
    /// The name as it is searched and sorted.
    #[serde(default)]
    pub name_key: String,
    /// Its state.
    pub status: Open<TenantStatus>,
    /// Its state before it was suspended, while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_from: Option<Open<TenantStatus>>,
    /// What it has bought.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub plan: String,
    /// Domains that it says are its own.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Which of them are proved.
    #[serde(default)]
    pub domain_verifications: Vec<DomainVerification>,
    /// To whom invoices go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_info: Option<BillingInfo>,
    /// How its launcher looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branding: Option<Branding>,
    /// Name of its group in Authentik; members of the group are members of the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentik_group: Option<String>,
    /// Its space in ownCloud Infinite Scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ocis_space_id: Option<String>,
    /// Its mail domain in Stalwart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalwart_domain: Option<String>,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

impl Tenant {
    /// The unique key of a slug.
    #[must_use]
    pub fn slug_key(slug: &str) -> String {
        format!("slug:{slug}")
    }

    /// The unique key of an Authentik group.
    #[must_use]
    pub fn group_key(group: &str) -> String {
        format!("group:{group}")
    }

    /// The unique key of a verified domain.
    #[must_use]
    pub fn domain_key(domain: &str) -> String {
        format!("domain:{domain}")
    }

    /// Whether systems behind the tenant carry its slug, so that it cannot change any more.
    #[must_use]
    pub fn is_provisioned(&self) -> bool {
        self.authentik_group.is_some() || self.ocis_space_id.is_some() || self.stalwart_domain.is_some()
    }

    /// Whether a domain is proved to belong to the tenant.
    #[must_use]
    pub fn is_verified(&self, domain: &str) -> bool {
        self.domain_verifications.iter().any(|verification| verification.name == domain)
    }

    /// Sets its state, and keeps the one before a suspension in mind.
    pub fn set_status(&mut self, status: TenantStatus) {
        if status == TenantStatus::Suspended && self.status != TenantStatus::Suspended {
            self.suspended_from = Some(self.status.clone());
        } else if status != TenantStatus::Suspended {
            self.suspended_from = None;
        }
        self.status = status.into();
    }

    /// Gives it a name, and the form in which that is searched.
    pub fn rename(&mut self, name: String) {
        self.name_key = Form::Name.of(&name);
        self.name = name;
    }

    /// Sets its domains, and drops the verification of those that are gone.
    pub fn set_domains(&mut self, domains: Vec<String>) {
        self.domains = domains;
        self.domain_verifications.retain(|verification| self.domains.contains(&verification.name));
    }
}

const BILLING_INFO: &[Field] = &[
    Field::new("company", FieldType::Text),
    Field::new("vatId", FieldType::Text),
    Field::new("email", FieldType::Text),
    Field::new("address", FieldType::Text),
];

const LAUNCHER_LINK: FieldType = FieldType::Object(&[
    Field::new("title", FieldType::Text),
    Field::new("url", FieldType::Text),
    Field::new("icon", FieldType::Text),
]);

const BRANDING: &[Field] = &[
    Field::new("logoUrl", FieldType::Text),
    Field::new("primaryColor", FieldType::Text),
    Field::new("accentColor", FieldType::Text),
    Field::new("launcherLinks", FieldType::List(&LAUNCHER_LINK)),
];

const DOMAIN_VERIFICATION: FieldType =
    FieldType::Object(&[Field::new("name", FieldType::Text), Field::new("verifiedAt", FieldType::Time)]);

/// The index by name.
pub const TENANTS_BY_NAME: Index = Index { name: "by_name", fields: &["nameKey"] };

/// The index by status and name.
pub const TENANTS_BY_STATUS: Index = Index { name: "by_status", fields: &["status", "nameKey"] };

/// The index by plan and name.
pub const TENANTS_BY_PLAN: Index = Index { name: "by_plan", fields: &["plan", "nameKey"] };

/// The index by the beginnings of words of names, each by name.
pub const TENANTS_BY_WORD: Index = Index { name: "by_word", fields: &["_words", "nameKey"] };

/// The collection of tenants.
pub static TENANTS: Collection = Collection {
    name: "tenants",
    fields: &[
        Field::new("version", FieldType::Integer),
        Field::new("slug", FieldType::Text),
        Field::new("formerSlugs", FieldType::List(&FieldType::Text)),
        Field::new("name", FieldType::Text),
        Field::derived("nameKey", "name", Form::Name),
        Field::new("status", FieldType::Text),
        Field::new("suspendedFrom", FieldType::Text),
        Field::new("plan", FieldType::Text),
        Field::new("domains", FieldType::List(&FieldType::Text)),
        Field::new("domainVerifications", FieldType::List(&DOMAIN_VERIFICATION)),
        Field::new("billingInfo", FieldType::Object(BILLING_INFO)),
        Field::new("branding", FieldType::Object(BRANDING)),
        Field::new("authentikGroup", FieldType::Text),
        Field::new("ocisSpaceId", FieldType::Text),
        Field::new("stalwartDomain", FieldType::Text),
        Field::new("deletedAt", FieldType::Time),
        Field::new("createdAt", FieldType::Time),
        Field::new("updatedAt", FieldType::Time),
        Field::new("_words", FieldType::Terms(&[Source { field: "name", mark: "" }])),
    ],
    indexes: &[TENANTS_BY_NAME, TENANTS_BY_STATUS, TENANTS_BY_PLAN, TENANTS_BY_WORD],
    scope: Scope::Tenant("id"),
    guest: Guest::Closed,
};

impl Entity for Tenant {
    const COLLECTION: &'static Collection = &TENANTS;

    fn id(&self) -> ObjectId {
        self.id.0
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn unique_keys(&self) -> Vec<String> {
        let mut keys = vec![Self::slug_key(&self.slug)];
        keys.extend(self.former_slugs.iter().filter(|slug| **slug != self.slug).map(|slug| Self::slug_key(slug)));
        keys.extend(self.authentik_group.iter().map(|group| Self::group_key(group)));
        if self.status != TenantStatus::Deleted {
            keys.extend(self.domain_verifications.iter().map(|verification| Self::domain_key(&verification.name)));
        }
        keys
    }
}
