//! Report of an upgrade and of what it leaves to a person.

use std::collections::BTreeMap;

use serde::Serialize;

use super::values::ForeignValue;
use crate::domain::ObjectId;

/// Maximum number of findings kept per kind; more are only counted.
const KEPT: u64 = 1_000;

/// Kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The document is not readable as its declared type.
    Unreadable,
    /// A field has another type than declared.
    WrongType,
    /// Several tenants have this slug.
    DuplicateSlug,
    /// The slug is not valid for a tenant today.
    InvalidSlug,
    /// Several tenants have this Authentik group.
    DuplicateGroup,
    /// Several tenants have verified this domain.
    DuplicateDomain,
    /// Several users have this issuer and subject.
    DuplicateSubject,
    /// The user has no subject, so nobody can sign in as this user.
    UserWithoutSubject,
    /// The tenant has several subscriptions that are not cancelled.
    SeveralCurrentSubscriptions,
    /// Several subscriptions have this Stripe id.
    DuplicateStripeSubscription,
    /// The subscription's tenant does not exist.
    SubscriptionWithoutTenant,
    /// The user names a tenant that does not exist.
    DanglingTenantId,
    /// An item of `tenantIds` is not an id.
    InvalidTenantId,
    /// The tenant or user of a membership has unresolved findings, and so does the membership.
    MembershipHeldBack,
    /// Another document still holds a key that belongs to this one.
    KeyTaken,
    /// Several users have this e-mail address, which is allowed: addresses never link accounts.
    DuplicateEmail,
    /// A unique index of the replaced service, which may refuse what is allowed now.
    LegacyUniqueIndex,
}

impl FindingKind {
    /// Returns whether a person must decide; other findings are for information.
    #[must_use]
    pub const fn needs_person(self) -> bool {
        !matches!(self, Self::DuplicateEmail | Self::LegacyUniqueIndex)
    }

    /// Returns what to do about it.
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

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Finding {
    /// Kind of the finding.
    pub kind: FindingKind,
    /// Name of the collection.
    pub collection: &'static str,
    /// Id of the document, if the finding concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ObjectId>,
    /// Value or field in question.
    pub detail: String,
}

/// Number of findings of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FindingCount {
    /// Kind of the findings.
    pub kind: FindingKind,
    /// Number of findings.
    pub count: u64,
    /// Flag: a person must decide.
    pub needs_person: bool,
    /// Advice on what to do.
    pub advice: &'static str,
}

/// Counts of the documents of a collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CollectionReport {
    /// Examined documents.
    pub documents: u64,
    /// Documents upgraded by this run, or to be upgraded.
    pub upgraded: u64,
    /// Documents that were up to date.
    pub unchanged: u64,
    /// Documents with unresolved findings.
    pub held_back: u64,
}

/// Counts of the memberships in `users.tenantIds`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MembershipReport {
    /// Created by this run, or to be created, following the tenant's group.
    pub made_by_claim: u64,
    /// Created by this run, or to be created, in tenants without a group.
    pub made_by_grant: u64,
    /// Already present, revoked ones included.
    pub existing: u64,
}

/// Report of an upgrade and of what it leaves to a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Report {
    /// Flag: nothing was written.
    pub dry_run: bool,
    /// Flag: a finding needs a person.
    pub left: bool,
    /// Counts of tenants, users and subscriptions.
    pub collections: BTreeMap<&'static str, CollectionReport>,
    /// Counts of memberships.
    pub memberships: MembershipReport,
    /// Unknown values, at most 1,000.
    pub values: Vec<ForeignValue>,
    /// Findings by kind.
    pub counts: Vec<FindingCount>,
    /// The findings, at most 1,000 of each kind.
    pub findings: Vec<Finding>,
    #[serde(skip)]
    pub(super) tally: BTreeMap<FindingKind, u64>,
}

impl Report {
    /// Returns whether anything was changed, or would be.
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
        // A stable sort keeps findings of one kind in the order of ids.
        self.findings.sort_by_key(|finding| finding.kind);
    }
}
