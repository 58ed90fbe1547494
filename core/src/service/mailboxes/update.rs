//! Changes a mailbox.

use super::{KIND, MailboxAccess, subject};
use crate::{
    authz::{Action, TargetFacts},
    domain::{MailboxId, MailboxStatus, MailboxView, MembershipRole, UpdateMailbox, mailbox::check_reserved},
    error::{Code, Error, Result},
    service::{
        Call, Service, access::TenantReference, moment::Moment, unit_of_work::UnitOfWork, views::check_if_match,
    },
};

impl Service {
    /// Changes the aliases, the name or the quota of a mailbox.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `tenant_suspended`, `address_taken`, `mailbox_removing`, `version_changed`, or
    /// `invalid_fields` with `reserved`.
    pub async fn update_mailbox(
        &self,
        call: &Call,
        reference: &TenantReference,
        id: MailboxId,
        input: UpdateMailbox,
    ) -> Result<MailboxView> {
        self.settle(call, |moment| self.try_update_mailbox(call, moment, reference, id, input.clone())).await
    }

    async fn try_update_mailbox(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        id: MailboxId,
        input: UpdateMailbox,
    ) -> Result<MailboxView> {
        let found = self.mailbox_access(call, reference, id, Action::UpdateMailbox).await?;
        let MailboxAccess { access, mailbox: before, membership } = found;
        access.authorize_with(Action::UpdateMailbox, TargetFacts::default(), &input.fields())?;
        check_if_match(call, &MailboxView::through(&access, before.clone()))?;
        if before.status == MailboxStatus::Removing {
            return Err(Error::new(Code::MAILBOX_REMOVING, "the mailbox is being removed: create another one"));
        }
        let mut after = before.clone();
        input.apply(&mut after);
        let owner = membership.is_some_and(|one| one.active && one.role == MembershipRole::Owner);
        check_reserved(&after, owner)?;
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.update(Action::UpdateMailbox, KIND, subject(&before), &before, &mut after)?;
        access.guard(&mut work);
        self.carry_out(work).await?;
        Ok(MailboxView::through(&access, after))
    }
}
