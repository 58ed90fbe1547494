//! Lists the app passwords of a mailbox.

use super::{OfMailbox, of_mailbox};
use crate::{
    authz::Action,
    domain::{AppPassword, AppPasswordView, MailboxId},
    error::Result,
    service::{Call, ListRequest, Page, Service, access::TenantReference, cursor::CursorScope},
    store::{Position, Repository},
};

impl Service {
    /// Lists the app passwords of a mailbox, the oldest first. The passwords themselves are stored nowhere but in the mail
    /// system.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `invalid_cursor` or `invalid_fields`.
    pub async fn list_app_passwords(
        &self,
        call: &Call,
        reference: &TenantReference,
        mailbox: MailboxId,
        request: &ListRequest,
    ) -> Result<Page<AppPasswordView>> {
        let of = self.passwords_access(call, reference, mailbox, Action::ReadAppPasswords, &[]).await?;
        let OfMailbox { access, mailbox } = of;
        let scope = CursorScope::new(call, "app-passwords", &[("mailbox", Some(mailbox.id.to_string().as_str()))]);
        let limit = request.limit()?;
        let position = scope.decode(request.cursor.as_deref(), 1)?;
        let query = of_mailbox(&mailbox).after(position).limit(limit.saturating_add(1));
        let passwords: Vec<AppPassword> = self.store.load_all(&call.context, &query).await?;
        let position =
            |password: &AppPassword| Position { values: vec![password.created_at.into()], id: password.id.0 };
        scope.page(passwords, limit, position, |password| AppPasswordView::through(&access, password))
    }
}
