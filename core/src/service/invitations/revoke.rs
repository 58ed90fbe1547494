//! Revokes an invitation.

use super::{KIND, OfTenant, closed, subject};
use crate::{
    authz::Action,
    domain::{InvitationId, InvitationView},
    error::Result,
    service::{
        Call, Service, access::TenantReference, moment::Moment, unit_of_work::UnitOfWork, views::check_if_match,
    },
};

impl Service {
    /// Revokes an invitation, at once: its link leads nowhere any more.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `owner_required`, `invitation_closed` or `version_changed`.
    pub async fn revoke_invitation(&self, call: &Call, reference: &TenantReference, id: InvitationId) -> Result<()> {
        self.settle(call, |moment| self.try_revoke_invitation(call, moment, reference, id)).await
    }

    async fn try_revoke_invitation(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        id: InvitationId,
    ) -> Result<()> {
        let found = self.invitation_access(call, reference, id, Action::RevokeInvitation).await?;
        let OfTenant { access, invitation: before } = found;
        let now = moment.now();
        check_if_match(call, &InvitationView::through(&access, before.clone(), now))?;
        if !before.open {
            return Err(closed());
        }
        let mut after = before.clone();
        after.revoke(now);
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.update(Action::RevokeInvitation, KIND, subject(&before), &before, &mut after)?;
        access.guard(&mut work);
        self.carry_out(work).await
    }
}
