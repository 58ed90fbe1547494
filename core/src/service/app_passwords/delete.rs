//! Revokes an app password.

use super::{KIND, OfMailbox, subject};
use crate::{
    authz::Action,
    domain::{AppPassword, AppPasswordId, AppPasswordStatus, AppPasswordView, MailboxId, workspace::SystemKind},
    error::{Error, Result},
    service::{
        Call, Service, access::TenantReference, moment::Moment, unit_of_work::UnitOfWork, views::check_if_match,
    },
    store::Repository,
};

impl Service {
    /// Revokes an app password. The controllers remove it from the mail system, however long that does not answer.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient` or `version_changed`.
    pub async fn delete_app_password(
        &self,
        call: &Call,
        reference: &TenantReference,
        mailbox: MailboxId,
        id: AppPasswordId,
    ) -> Result<()> {
        self.settle(call, |moment| self.try_delete_app_password(call, moment, reference, mailbox, id)).await
    }

    async fn try_delete_app_password(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        mailbox: MailboxId,
        id: AppPasswordId,
    ) -> Result<()> {
        let of = self.passwords_access(call, reference, mailbox, Action::DeleteAppPassword, &[]).await?;
        let OfMailbox { access, mailbox } = of;
        let stored: Option<AppPassword> = self.store.load(&call.context, id).await?;
        let before = stored.filter(|stored| stored.mailbox_id == mailbox.id).ok_or_else(Error::not_found)?;
        check_if_match(call, &AppPasswordView::through(&access, before.clone()))?;
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        if self.settings.systems.contains(&SystemKind::Mail) {
            let mut after = before.clone();
            after.status = AppPasswordStatus::Removing;
            work.update(Action::DeleteAppPassword, KIND, subject(&before), &before, &mut after)?;
        } else {
            work.delete(Action::DeleteAppPassword, KIND, subject(&before), &before)?;
        }
        access.guard(&mut work);
        self.carry_out(work).await
    }
}
