//! Decides which rights a claim grants and revokes.

use std::time::Duration;

use crate::{
    authn::VerifiedToken,
    authz::Action,
    clock::Timestamp,
    domain::{GrantSource, Membership, MembershipRole, RevokedBy, Tenant, TenantId, TenantStatus, User, UserId},
    error::Result,
    service::unit_of_work::{Subject, UnitOfWork},
};

/// A statement of the identity provider about groups.
pub(crate) enum Statement<'a> {
    /// A token, which says what was true when it was issued. The clocks may differ by the leeway.
    Token(&'a VerifiedToken, Duration),
    /// A change that the identity provider pushes. It is true now, and later than all that was pushed before. Components take none.
    #[cfg(feature = "authn")]
    Pushed,
}

/// Compares a statement about groups with the stored rights. Every rule about rights by claim is here.
pub(crate) struct Reconciliation<'a> {
    pub(crate) statement: Statement<'a>,
    pub(crate) now: Timestamp,
}

impl Reconciliation<'_> {
    /// Returns `true` if a claim may override a tombstone.
    ///
    /// It may only if a claim left the tombstone and the statement is later; a token must have been issued later by more than
    /// the clocks may differ, or else one from before the revocation would undo it.
    fn yields(&self, revoked_by: Option<RevokedBy>, revoked_at: Option<Timestamp>) -> bool {
        let is_later = |revoked_at: Timestamp| match self.statement {
            Statement::Token(token, leeway) => token.issued_at > revoked_at.plus(leeway),
            #[cfg(feature = "authn")]
            Statement::Pushed => true,
        };
        revoked_by == Some(RevokedBy::Claim) && revoked_at.is_some_and(is_later)
    }

    /// Returns `Some(true)` if the token names the group that administers the platform.
    ///
    /// Returns `None` if the token has no groups, or its issuer may not grant this right. What is pushed never grants it.
    fn claims_platform(&self, group: Option<&str>) -> Option<bool> {
        let token = match self.statement {
            Statement::Token(token, _) => token,
            #[cfg(feature = "authn")]
            Statement::Pushed => return None,
        };
        let (Some(groups), Some(group), None) = (&token.groups, group, &token.tenant) else { return None };
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
    pub(crate) fn give_memberships(
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
    pub(crate) fn take_memberships(
        &self,
        work: &mut UnitOfWork<'_>,
        user: UserId,
        claims: impl Fn(TenantId) -> bool,
        made: &[Membership],
    ) -> Result<usize> {
        let gone = made.iter().filter(|one| !claims(one.tenant_id));
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
