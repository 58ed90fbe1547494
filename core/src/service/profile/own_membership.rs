//! A membership of the caller, decoded only as far as every request needs.

use serde::{Deserialize, de::IgnoredAny};

use super::membership_position;
use crate::{
    domain::{GrantSource, Membership, MembershipRole, TenantId, membership::MEMBERSHIPS},
    store::{Document, Position, StoreResult},
};

/// A membership of the caller.
///
/// A profile reads a hundred of them and shows the roles; decoding their copies of names and their times would be a seventh
/// of its work.
#[derive(Debug, Clone)]
pub(crate) struct OwnMembership {
    pub(crate) tenant_id: TenantId,
    pub(crate) role: MembershipRole,
    pub(crate) source: GrantSource,
    pub(crate) active: bool,
    /// `true` if it waits for the person to return, to show the tenant their current data.
    pub(crate) regranted: bool,
    document: Document,
}

/// The fields of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    tenant_id: TenantId,
    role: MembershipRole,
    source: GrantSource,
    active: bool,
    #[serde(default)]
    regranted_at: Option<IgnoredAny>,
}

impl OwnMembership {
    /// Reads a stored membership.
    pub(super) fn read(document: Document) -> StoreResult<Self> {
        let Fields { tenant_id, role, source, active, regranted_at } = document.decode(&MEMBERSHIPS)?;
        Ok(Self { tenant_id, role, source, active, regranted: regranted_at.is_some(), document })
    }

    /// Decodes all of it.
    pub(crate) fn decode(&self) -> StoreResult<Membership> {
        self.document.decode(&MEMBERSHIPS)
    }

    /// Returns its position in the person's list of tenants.
    pub(crate) fn position(&self) -> StoreResult<Position> {
        Ok(membership_position(&self.decode()?))
    }
}
