//! Lists the mailboxes of a tenant, and reads one.

use crate::{
    authz::Action,
    domain::{
        Mailbox, MailboxId, MailboxView, UserId,
        mailbox::{MAILBOXES, MAILBOXES_OF_MEMBER, MAILBOXES_OF_TENANT},
    },
    error::Result,
    service::{Call, ListRequest, Page, Service, access::TenantReference, cursor::CursorScope},
    store::{Position, Query, Repository},
};

/// Selects mailboxes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailboxFilter {
    /// Only mailboxes of this member.
    pub user_id: Option<UserId>,
}

impl Service {
    /// Lists a tenant's mailboxes by address. Members list their own: those with their id as `user_id`.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `invalid_cursor` or `invalid_fields`.
    pub async fn list_mailboxes(
        &self,
        call: &Call,
        reference: &TenantReference,
        filter: &MailboxFilter,
        request: &ListRequest,
    ) -> Result<Page<MailboxView>> {
        let access = self.tenant_access(call, reference).await?;
        let tenant = access.authorize_of(Action::ReadMailboxes, filter.user_id, &[])?.id;
        let (id, user) = (tenant.to_string(), filter.user_id.map(|user| user.to_string()));
        let scope = CursorScope::new(call, "mailboxes", &[("tenant", Some(id.as_str())), ("userId", user.as_deref())]);
        let limit = request.limit()?;
        let position = scope.decode(request.cursor.as_deref(), 1)?;
        let query = Query::new(&MAILBOXES).equal("tenantId", tenant.0).after(position).limit(limit.saturating_add(1));
        let query = match filter.user_id {
            Some(user) => query.sort(&MAILBOXES_OF_MEMBER).equal("userId", user.0),
            None => query.sort(&MAILBOXES_OF_TENANT),
        };
        let mailboxes: Vec<Mailbox> = self.store.load_all(&call.context, &query).await?;
        let position = |mailbox: &Mailbox| Position { values: vec![mailbox.address.clone().into()], id: mailbox.id.0 };
        scope.page(mailboxes, limit, position, |mailbox| MailboxView::through(&access, mailbox))
    }

    /// Returns one mailbox of a tenant.
    ///
    /// # Errors
    /// `not_found` or `role_insufficient`.
    pub async fn read_mailbox(&self, call: &Call, reference: &TenantReference, id: MailboxId) -> Result<MailboxView> {
        let found = self.mailbox_access(call, reference, id, Action::ReadMailboxes).await?;
        Ok(MailboxView::through(&found.access, found.mailbox))
    }
}
