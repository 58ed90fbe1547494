//! A tenant's mailboxes. The mail system follows them through the workspace's controllers.

mod create;
mod delete;
mod list;
mod update;

pub use list::MailboxFilter;

use super::{
    Service,
    access::{TenantAccess, TenantReference},
    call::Call,
    unit_of_work::Subject,
};
use crate::{
    authz::Action,
    domain::{Mailbox, MailboxId, MailboxView, Membership, mailbox::MAILBOXES},
    error::{Error, Result},
    store::{Query, Repository},
};

/// The kind of resource in audit events.
pub(crate) const KIND: &str = "mailbox";

pub(crate) fn subject(mailbox: &Mailbox) -> Subject {
    Subject { tenant: Some(mailbox.tenant_id), user: Some(mailbox.user_id) }
}

impl MailboxView {
    /// Returns what the caller of `access` sees of a mailbox.
    fn through(access: &TenantAccess, mailbox: Mailbox) -> Self {
        Self::shown_to(mailbox, super::views::viewer(access.role(), access.caller.is_platform()))
    }
}

/// A mailbox of a tenant, with the membership of its owner.
struct MailboxAccess {
    access: TenantAccess,
    mailbox: Mailbox,
    membership: Option<Membership>,
}

impl Service {
    /// Loads the caller and a mailbox of a tenant, if the caller may perform `action`.
    async fn mailbox_access(
        &self,
        call: &Call,
        reference: &TenantReference,
        id: MailboxId,
        action: Action,
    ) -> Result<MailboxAccess> {
        let read = Query::new(&MAILBOXES).equal("id", id.0).limit(1);
        let (access, mut answers) = self.tenant_access_and(call, reference, |_| Some(read.clone().into())).await?;
        let mailbox: Option<Mailbox> = answers.first()?;
        let of_tenant = access.tenant.as_ref().map(|tenant| tenant.id);
        let mailbox = mailbox.filter(|mailbox| Some(mailbox.tenant_id) == of_tenant);
        let tenant = access.authorize_of(action, mailbox.as_ref().map(|mailbox| mailbox.user_id), &[])?.id;
        let mailbox = mailbox.ok_or_else(Error::not_found)?;
        let key = Membership::key(tenant, mailbox.user_id);
        let membership: Option<Membership> = self.store.load_unique(&call.context, key).await?;
        Ok(MailboxAccess { access, mailbox, membership })
    }
}
