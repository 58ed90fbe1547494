//! Seats: the document that everything that takes a seat of a tenant writes.

use dezky_derive::entity;

use super::{SeatLedgerId, TenantId};
use crate::{clock::Timestamp, store::Scope};

/// The seats of a tenant.
///
/// It has no number: members and open invitations are counted. Whoever takes a seat writes it in the same commit, under its
/// version, so that two who count at the same time do not both take the last one.
#[entity(
    /// The collection of the seats of tenants.
    collection SEAT_LEDGERS = "seat_ledgers",
    scope = Scope::Tenant("tenantId"),
    keys = Self::keys,
    /// The seats of a tenant, for the removal of its data.
    index SEATS_OF_TENANT = of_tenant(tenant_id),
)]
#[derive(Debug)]
pub struct SeatLedger {
    /// Its id.
    pub id: SeatLedgerId,
    /// Its version.
    pub version: u64,
    /// The tenant.
    pub tenant_id: TenantId,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time at which a seat was last taken.
    pub updated_at: Timestamp,
}

impl SeatLedger {
    /// Creates the seats of a tenant.
    #[must_use]
    pub fn new(tenant: TenantId, now: Timestamp) -> Self {
        Self { id: SeatLedgerId::generate(), version: 1, tenant_id: tenant, created_at: now, updated_at: now }
    }

    /// Returns the unique key of a tenant's seats.
    #[must_use]
    pub fn key(tenant: TenantId) -> String {
        format!("seats:{tenant}")
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::key(self.tenant_id)]
    }
}
