//! Decides which rights a claim grants and revokes.

use std::time::Duration;

use crate::{
    authn::VerifiedToken,
    authz::Action,
    clock::Timestamp,
    domain::{GrantSource, Membership, MembershipRole, RevokedBy, Tenant, TenantStatus, User, UserId},
    error::Result,
    service::unit_of_work::{Subject, UnitOfWork},
};

/// Compares the groups of a token with the stored rights.
pub(super) struct Reconciliation<'a> {
    pub(super) token: &'a VerifiedToken,
    pub(super) leeway: Duration,
    pub(super) now: Timestamp,
}

impl Reconciliation<'_> {
    /// Returns `true` if a claim may override a tombstone.
    ///
    /// It may only if a claim left the tombstone and the token was issued later by more than the clocks may differ;
    /// otherwise a token from before the revocation would undo it.
    fn yields(&self, revoked_by: Option<RevokedBy>, revoked_at: Option<Timestamp>) -> bool {
        revoked_by == Some(RevokedBy::Claim)
            && revoked_at.is_some_and(|revoked_at| self.token.issued_at > revoked_at.plus(self.leeway))
    }

    /// Returns `Some(true)` if the token names the group that administers the platform.
    ///
    /// Returns `None` if the token has no groups, or its issuer may not grant this right.
    fn claims_platform(&self, group: Option<&str>) -> Option<bool> {
        let (Some(groups), Some(group), None) = (&self.token.groups, group, &self.token.tenant) else { return None };
        Some(groups.iter().any(|name| name == group))
    }

    /// Grants the right to administer the platform if the token names the configured group.
    pub(super) fn give_platform_admin(&self, user: &mut User, group: Option<&str>) {
        let never_revoked = user.platform_admin_revoked_at.is_none();
        let may = never_revoked || self.yields(user.platform_admin_revoked_by, user.platform_admin_revoked_at);
        if self.claims_platform(group) == Some(true) && !user.platform_admin && may {
            user.set_platform_admin(true, GrantSource::Claim, RevokedBy::Claim, self.now);
        }
    }

    /// Revokes the right to administer the platform if a claim granted it and no longer does.
    pub(super) fn take_platform_admin(&self, user: &mut User, group: Option<&str>) {
        let by_claim = user.platform_admin && user.platform_admin_source == Some(GrantSource::Claim);
        if by_claim && self.claims_platform(group) == Some(false) {
            user.set_platform_admin(false, GrantSource::Claim, RevokedBy::Claim, self.now);
        }
    }

    /// Creates and restores memberships. Returns `true` if there were any.
    pub(super) fn give_memberships(
        &self,
        work: &mut UnitOfWork<'_>,
        user: &User,
        claimed: &[Tenant],
        stored: &[Membership],
    ) -> Result<bool> {
        let mut changed = false;
        for tenant in claimed {
            // A suspended tenant only loses members; people who claim it join when it is restored.
            if tenant.status.counts_as() == TenantStatus::Suspended {
                continue;
            }
            let about = Subject { tenant: Some(tenant.id), user: Some(user.id) };
            match stored.iter().find(|membership| membership.tenant_id == tenant.id) {
                Some(membership) if membership.active => continue,
                Some(tombstone) => {
                    if !self.yields(tombstone.revoked_by, tombstone.revoked_at) {
                        continue;
                    }
                    let mut revived = tombstone.clone();
                    revived.grant(MembershipRole::Member, GrantSource::Claim, self.now);
                    revived.copy_tenant(tenant);
                    revived.show_person(user);
                    work.update(Action::GrantMembership, "membership", about, tombstone, &mut revived)?;
                }
                None => {
                    let made = Membership::new(tenant, user, MembershipRole::Member, GrantSource::Claim, self.now);
                    work.insert(Action::GrantMembership, "membership", about, &made)?;
                }
            }
            work.commit.guard(tenant);
            changed = true;
        }
        Ok(changed)
    }

    /// Revokes those memberships that a claim made and no longer makes. Returns their number.
    pub(super) fn take_memberships(
        &self,
        work: &mut UnitOfWork<'_>,
        user: UserId,
        claimed: &[Tenant],
        made: &[Membership],
    ) -> Result<usize> {
        let gone = made.iter().filter(|one| !claimed.iter().any(|tenant| tenant.id == one.tenant_id));
        let mut taken = 0;
        for membership in gone {
            let mut revoked = membership.clone();
            revoked.revoke(RevokedBy::Claim, self.now);
            let about = Subject { tenant: Some(membership.tenant_id), user: Some(user) };
            work.update(Action::RevokeMembership, "membership", about, membership, &mut revoked)?;
            taken += 1;
        }
        Ok(taken)
    }
}
