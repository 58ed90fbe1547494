//! What an upgrade has done, and what it leaves to a person.

use std::collections::BTreeMap;

use serde::Serialize;

use super::values::ForeignValue;
use crate::domain::ObjectId;

/// Findings that are kept in full, of each kind; more are counted only.
const KEPT: u64 = 1_000;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The document cannot be read as what it should be.
    Unreadable,
    /// A field has another type than it is declared with.
    WrongType,
    /// Several tenants have this slug.
    DuplicateSlug,
    /// The slug is not one that a tenant can have today.
    InvalidSlug,
    /// Several tenants have this Authentik group.
    DuplicateGroup,
    /// Several tenants have verified this domain.
    DuplicateDomain,
    /// Several users have this issuer and subject.
    DuplicateSubject,
    /// The user has no subject, so that nobody can sign in as this user.
    UserWithoutSubject,
    /// The tenant has several subscriptions that are not cancelled.
    SeveralCurrentSubscriptions,
    /// Several subscriptions have this Stripe id.
    DuplicateStripeSubscription,
    /// The subscription's tenant does not exist.
    SubscriptionWithoutTenant,
    /// The user names a tenant that does not exist.
    DanglingTenantId,
    /// An item of `tenantIds` is no id.
    InvalidTenantId,
    /// The tenant or user of a membership waits for a person, and so does the membership.
    MembershipHeldBack,
    /// Another document still holds a key that should be this one's.
    KeyTaken,
    /// Several users have this e-mail address, which is allowed: addresses never link accounts.
    DuplicateEmail,
    /// A unique index of the replaced service, which may refuse what is allowed now.
    LegacyUniqueIndex,
}

impl FindingKind {
    /// Whether it stays open until a person has decided; the rest is for information.
    #[must_use]
    pub const fn needs_person(self) -> bool {
        !matches!(self, Self::DuplicateEmail | Self::LegacyUniqueIndex)
    }

    /// What to do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Unreadable => "correct or remove the document: lists that reach it fail until then",
            Self::WrongType => "give the field its type, or searches do not find the document",
            Self::DuplicateSlug | Self::DuplicateGroup => "change it in all of them but one; none was upgraded",
            Self::InvalidSlug => "give the tenant a slug of 2 to 63 letters a to z, digits and `-`",
            Self::DuplicateDomain => "leave the verification with the tenant that owns the domain; none was upgraded",
            Self::DuplicateSubject => "merge them, or clear `authentikSubjectId` in all but one; none was upgraded",
            Self::UserWithoutSubject => "set `authentikSubjectId`, or remove the user",
            Self::SeveralCurrentSubscriptions => "cancel all but one; none was upgraded",
            Self::DuplicateStripeSubscription => "clear `stripeSubscriptionId` in all but one; none was upgraded",
            Self::SubscriptionWithoutTenant => "set its `tenantId`, or remove the subscription",
            Self::DanglingTenantId | Self::InvalidTenantId => {
                "remove it from the user's `tenantIds`, or restore the tenant; no membership was made"
            }
            Self::MembershipHeldBack => "settle the tenant or user first, then run this again",
            Self::KeyTaken => "run this again; if it stays, the document that holds the key is the one to look at",
            Self::DuplicateEmail => "nothing: addresses never link accounts",
            Self::LegacyUniqueIndex => "drop it once you do not go back to the old service",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// Name of the collection.
    pub collection: &'static str,
    /// The document, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ObjectId>,
    /// The value or field in question.
    pub detail: String,
}

/// How often a kind of finding occurred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingCount {
    /// The kind.
    pub kind: FindingKind,
    /// How often.
    pub count: u64,
    /// Whether a person must decide.
    pub needs_person: bool,
    /// What to do.
    pub advice: &'static str,
}

/// What happened to the documents of a collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionReport {
    /// Documents that were looked at.
    pub documents: u64,
    /// Documents that were upgraded now, or would be.
    pub upgraded: u64,
    /// Documents that needed nothing.
    pub unchanged: u64,
    /// Documents that wait for a person.
    pub held_back: u64,
}

/// What happened to the memberships in `users.tenantIds`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MembershipReport {
    /// Made now, or would be: they follow the tenant's group.
    pub made_by_claim: u64,
    /// Made now, or would be, in tenants without a group.
    pub made_by_grant: u64,
    /// There already, revoked ones included.
    pub existing: u64,
}

/// What an upgrade has done, or would do, and what it leaves to a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Whether something needs a person.
    pub left: bool,
    /// What happened to tenants, users and subscriptions.
    pub collections: BTreeMap<&'static str, CollectionReport>,
    /// What happened to memberships.
    pub memberships: MembershipReport,
    /// Values that are none of ours, at most 1,000.
    pub values: Vec<ForeignValue>,
    /// Findings by kind.
    pub counts: Vec<FindingCount>,
    /// The findings, at most 1,000 of each kind.
    pub findings: Vec<Finding>,
    #[serde(skip)]
    pub(super) tally: BTreeMap<FindingKind, u64>,
}

impl Report {
    /// Whether anything was changed, or would be.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        let documents: u64 = self.collections.values().map(|collection| collection.upgraded).sum();
        documents > 0 || self.memberships.made_by_claim > 0 || self.memberships.made_by_grant > 0
    }

    pub(super) fn find(&mut self, finding: Finding) {
        let count = self.tally.entry(finding.kind).or_default();
        *count = count.saturating_add(1);
        if *count <= KEPT {
            self.findings.push(finding);
        }
    }

    pub(super) fn collection(&mut self, name: &'static str) -> &mut CollectionReport {
        self.collections.entry(name).or_default()
    }

    pub(super) fn finish(&mut self) {
        let undecided = |value: &ForeignValue| value.counts_as.is_some() && value.mapped_to.is_none();
        self.left = self.tally.keys().any(|kind| kind.needs_person()) || self.values.iter().any(undecided);
        let count = |(kind, count): (&FindingKind, &u64)| FindingCount {
            kind: *kind,
            count: *count,
            needs_person: kind.needs_person(),
            advice: kind.advice(),
        };
        self.counts = self.tally.iter().map(count).collect();
        // Stable, so that findings of one kind stay in the order of ids.
        self.findings.sort_by_key(|finding| finding.kind);
    }
}
