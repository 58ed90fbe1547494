//! What a claim may change, and what it may not.

use std::time::Duration;

use crate::{
    authn::VerifiedToken,
    authz::Action,
    clock::Timestamp,
    domain::{GrantSource, Membership, MembershipRole, RevokedBy, Tenant, TenantStatus, User},
    error::Result,
    service::work::{Subject, Work},
};

/// Compares the groups of one token with what is stored.
pub(super) struct Reconciliation<'a> {
    pub(super) token: &'a VerifiedToken,
    pub(super) leeway: Duration,
    pub(super) now: Timestamp,
}

impl Reconciliation<'_> {
    /// Only a tombstone that a claim left yields to a claim, and only to one that was issued after it by more than clocks
    /// may be apart: otherwise a token from before the revocation would undo it.
    fn yields(&self, revoked_by: Option<RevokedBy>, revoked_at: Option<Timestamp>) -> bool {
        revoked_by == Some(RevokedBy::Claim)
            && revoked_at.is_some_and(|revoked_at| self.token.issued_at > revoked_at.plus(self.leeway))
    }

    /// Gives or takes the right to administer the platform as the configured group says.
    pub(super) fn platform_admin(&mut self, user: &mut User, group: Option<&str>) {
        let (Some(groups), Some(group)) = (&self.token.groups, group) else { return };
        let claimed = groups.iter().any(|name| name == group);
        let never_revoked = user.platform_admin_revoked_at.is_none();
        if claimed && !user.platform_admin {
            if never_revoked || self.yields(user.platform_admin_revoked_by, user.platform_admin_revoked_at) {
                user.set_platform_admin(true, GrantSource::Claim, RevokedBy::Claim, self.now);
            }
        } else if !claimed && user.platform_admin && user.platform_admin_source == Some(GrantSource::Claim) {
            user.set_platform_admin(false, GrantSource::Claim, RevokedBy::Claim, self.now);
        }
    }

    /// Makes, revives and revokes memberships. Returns whether any changed.
    pub(super) fn memberships(
        &mut self,
        work: &mut Work<'_>,
        user: &User,
        claimed: &[Tenant],
        stored: Vec<Membership>,
        claim_made: &[Membership],
    ) -> Result<bool> {
        let mut changed = false;
        for tenant in claimed {
            // A suspended tenant changes only by losing people: whoever claims it joins when it is restored.
            if tenant.status == TenantStatus::Suspended {
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
                    revived.copy_user(user);
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
        for membership in claim_made {
            if claimed.iter().any(|tenant| tenant.id == membership.tenant_id) {
                continue;
            }
            let mut revoked = membership.clone();
            revoked.revoke(RevokedBy::Claim, self.now);
            let about = Subject { tenant: Some(membership.tenant_id), user: Some(user.id) };
            work.update(Action::RevokeMembership, "membership", about, membership, &mut revoked)?;
            changed = true;
        }
        Ok(changed)
    }
}
