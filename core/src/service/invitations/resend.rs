//! Mails an invitation again.

use super::{KIND, OfTenant, closed, mailed_too_often, subject};
use crate::{
    authz::Action,
    domain::{InvitationId, InvitationView},
    error::Result,
    service::{
        Call, Service,
        access::TenantReference,
        idempotency::{Begun, Replayable},
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::check_if_match,
    },
};

impl Service {
    /// Has an invitation mailed again, with a new secret; the link of an earlier mail then leads nowhere.
    ///
    /// The invitation is the caller's from then on, and its time begins anew.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `owner_required`, `tenant_suspended`, `invitation_closed`,
    /// `invitation_limit_reached`, `seats_exhausted`, `subscription_inactive` or `version_changed`.
    pub async fn resend_invitation(
        &self,
        call: &Call,
        reference: &TenantReference,
        id: InvitationId,
    ) -> Result<Replayable<InvitationView>> {
        self.settle(call, |moment| self.try_resend_invitation(call, moment, reference, id)).await
    }

    async fn try_resend_invitation(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        id: InvitationId,
    ) -> Result<Replayable<InvitationView>> {
        let found = self.invitation_access(call, reference, id, Action::ResendInvitation).await?;
        let OfTenant { access, invitation: before } = found;
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        let now = moment.now();
        check_if_match(call, &InvitationView::through(&access, before.clone(), now))?;
        // One whose time has passed, and that nobody has replaced, is still there to be sent again.
        if !before.open {
            return Err(closed());
        }
        if !before.may_be_asked(now) {
            return Err(mailed_too_often());
        }
        let mut after = before.clone();
        // An API key that mails one again vouches for nobody: the invitation stays that of its maker.
        if access.caller.api_key_id().is_none() {
            (after.invited_by, after.invited_by_key) = (access.caller.user_id(), None);
        }
        after.ask_again(self.settings.invitation_life, now);
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        if !before.is_open(now) {
            // It has lost its seat with its time.
            self.take_seats(call, &mut work, before.tenant_id, 1).await?;
        }
        work.update(Action::ResendInvitation, KIND, subject(&before), &before, &mut after)?;
        access.guard(&mut work);
        let view = InvitationView::through(&access, after, now);
        slot.keep(&mut work, 200, &view)?;
        self.carry_out(work).await?;
        Ok(Replayable::new(view))
    }
}
