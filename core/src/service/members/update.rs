//! Changes a member's role.

use super::{KIND, subject};
use crate::{
    authz::Action,
    domain::{GrantSource, MembershipRole, UpdateMembership, UserId},
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
    /// Changes a member's role.
    ///
    /// A membership made by a claim stays one, and is still revoked with the claim, unless the member becomes an owner.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `owner_required`, `last_owner`, `tenant_suspended` or `version_changed`.
    pub async fn update_membership(
        &self,
        call: &Call,
        reference: &TenantReference,
        user: UserId,
        input: UpdateMembership,
    ) -> Result<MembershipView> {
        self.settle(call, |moment| self.try_update_membership(call, moment, reference, user, &input)).await
    }

    async fn try_update_membership(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        user: UserId,
        input: &UpdateMembership,
    ) -> Result<MembershipView> {
        let member = self.member_access(call, reference, user, Action::UpdateMembership).await?;
        let facts = member.facts(None);
        let wanted = input.role.or(facts.current);
        member.access.authorize_with(Action::UpdateMembership, member.facts(wanted), &[])?;
        let before = member.target.as_ref().filter(|membership| membership.active).ok_or_else(Error::not_found)?;
        check_if_match(call, &MembershipView::through(&member.access, before.clone()))?;
        let now = moment.now();
        let mut after = before.clone();
        if let Some(role) = input.role.filter(|role| *role != before.role) {
            after.role = role;
            // An owner is always one by an explicit grant, so that a group missing from a token leaves no tenant
            // without an owner.
            if role == MembershipRole::Owner {
                after.source = GrantSource::Grant;
            }
            after.changed_at = now;
        }
        let mut work = UnitOfWork::new(call, member.access.caller.audit_actor(), &moment);
        if work.update(Action::UpdateMembership, KIND, subject(before), before, &mut after)? {
            member.guard(&mut work);
            self.carry_out(work).await?;
        }
        Ok(MembershipView::through(&member.access, after))
    }
}
