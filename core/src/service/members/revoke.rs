//! Revokes a membership.

use super::{KIND, subject};
use crate::{
    authz::Action,
    domain::{Membership, RevokedBy, UserId},
    error::{Error, Result},
    service::{
        Call, Service,
        access::TenantReference,
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::{MembershipView, check_if_match},
    },
};

impl Service {
    /// Removes a person from a tenant, at once.
    ///
    /// A tombstone stays, which no token's claim overrides. A tombstone that was left by a claim, and that a later
    /// claim would override, becomes a permanent one.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `owner_required`, `last_owner` or `version_changed`.
    pub async fn revoke_membership(&self, call: &Call, reference: &TenantReference, user: UserId) -> Result<()> {
        self.settle(call, |moment| self.try_revoke(call, moment, reference, user)).await
    }

    async fn try_revoke(&self, call: &Call, moment: Moment, reference: &TenantReference, user: UserId) -> Result<()> {
        let member = self.member_access(call, reference, user, Action::RevokeMembership).await?;
        member.access.authorize_with(Action::RevokeMembership, member.facts(None), &[])?;
        let lapsed = |membership: &Membership| membership.revoked_by == Some(RevokedBy::Claim);
        let revocable = |membership: &&Membership| membership.active || lapsed(membership);
        let before = member.target.as_ref().filter(revocable).ok_or_else(Error::not_found)?;
        check_if_match(call, &MembershipView::through(&member.access, before.clone()))?;
        let now = moment.now();
        let mut after = before.clone();
        after.revoke(member.access.caller.revoker(), now);
        let mut work = UnitOfWork::new(call, member.access.caller.audit_actor(), &moment);
        work.update(Action::RevokeMembership, KIND, subject(before), before, &mut after)?;
        member.guard(&mut work);
        self.carry_out(work).await
    }
}
