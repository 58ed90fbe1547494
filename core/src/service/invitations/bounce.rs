//! Notes that the mail of an invitation came back.

use super::{KIND, subject};
use crate::{
    context::SystemActor,
    domain::{AuditActor, Invitation, InvitationId, InvitationStatus},
    error::Result,
    service::{Call, Service, moment::Moment, unit_of_work::UnitOfWork},
    store::Repository,
};

/// Name in the audit trail of mail that came back.
const BOUNCE: &str = crate::domain::system_action::INVITATION_BOUNCE;

impl Service {
    /// Notes that the mail of an invitation came back. Returns `false` if that makes no difference any more.
    ///
    /// Only for reports whose return address was checked: nothing else ties them to the invitation.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn bounce_invitation(&self, id: InvitationId, attempt: u32, reason: &str) -> Result<bool> {
        let call = Call::by_part(SystemActor::Invitations);
        self.settle(&call, |moment| self.try_bounce(&call, moment, id, attempt, reason)).await
    }

    async fn try_bounce(
        &self,
        call: &Call,
        moment: Moment,
        id: InvitationId,
        attempt: u32,
        reason: &str,
    ) -> Result<bool> {
        let stored: Option<Invitation> = self.store.load(&call.context, id).await?;
        // One that was sent again since has a newer mail, which this report says nothing of.
        let concerned = |stored: &Invitation| {
            stored.status == InvitationStatus::Sent && stored.attempts == attempt && stored.is_open(moment.now())
        };
        let Some(before) = stored.filter(concerned) else { return Ok(false) };
        let mut after = before.clone();
        after.fail(reason.to_owned());
        let mut work = UnitOfWork::new(call, AuditActor::part(SystemActor::Invitations), &moment);
        work.update(BOUNCE, KIND, subject(&before), &before, &mut after)?;
        self.carry_out(work).await?;
        Ok(true)
    }
}
