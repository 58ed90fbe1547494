//! Removes a mailbox.

use super::{KIND, MailboxAccess, subject};
use crate::{
    authz::Action,
    domain::{AppPassword, MailboxId, MailboxStatus, MailboxView, workspace::SystemKind},
    error::Result,
    service::{
        Call, Service,
        access::TenantReference,
        app_passwords::{self, of_mailbox},
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::check_if_match,
    },
    store::Repository as _,
};

impl Service {
    /// Removes a mailbox with its mail. Its addresses are free once the mail system has removed it.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `tenant_suspended` or `version_changed`.
    pub async fn delete_mailbox(&self, call: &Call, reference: &TenantReference, id: MailboxId) -> Result<()> {
        self.settle(call, |moment| self.try_delete_mailbox(call, moment, reference, id)).await
    }

    async fn try_delete_mailbox(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        id: MailboxId,
    ) -> Result<()> {
        let found = self.mailbox_access(call, reference, id, Action::DeleteMailbox).await?;
        let MailboxAccess { access, mailbox: before, .. } = found;
        check_if_match(call, &MailboxView::through(&access, before.clone()))?;
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        if self.settings.systems.contains(&SystemKind::Mail) {
            let mut after = before.clone();
            after.status = MailboxStatus::Removing;
            work.update(Action::DeleteMailbox, KIND, subject(&before), &before, &mut after)?;
        } else {
            let passwords: Vec<AppPassword> = self.store.load_all(&call.context, &of_mailbox(&before)).await?;
            for password in &passwords {
                let about = app_passwords::subject(password);
                work.delete(Action::DeleteAppPassword, app_passwords::KIND, about, password)?;
            }
            work.delete(Action::DeleteMailbox, KIND, subject(&before), &before)?;
        }
        access.guard(&mut work);
        self.carry_out(work).await
    }
}
