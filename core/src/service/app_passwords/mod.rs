//! App passwords of mailboxes: credentials that only the mail system stores.
//!
//! An entry is stored before the mail system is asked, so that whatever breaks off is found by the controllers
//! (`workspace::reconcile`): what the store does not know, or has known as pending for too long, they remove.

pub(crate) mod create;
mod delete;
mod list;
mod mail;

pub use mail::{MailPasswords, MailboxPlace, NewPassword};

use super::{
    Service,
    access::{TenantAccess, TenantReference},
    call::Call,
    unit_of_work::Subject,
};
use crate::{
    authz::Action,
    domain::{
        AppPassword, AppPasswordView, Mailbox, MailboxId,
        app_password::{APP_PASSWORDS, MOST_APP_PASSWORDS, PASSWORDS_OF_MAILBOX},
        mailbox::MAILBOXES,
    },
    error::{Error, Result},
    store::Query,
};

/// The kind of resource in audit events.
pub(crate) const KIND: &str = "app_password";

pub(crate) fn subject(password: &AppPassword) -> Subject {
    Subject { tenant: Some(password.tenant_id), user: Some(password.user_id) }
}

/// Returns the query for the app passwords of a mailbox, which are at most [`MOST_APP_PASSWORDS`].
pub(crate) fn of_mailbox(mailbox: &Mailbox) -> Query {
    Query::new(&APP_PASSWORDS)
        .sort(&PASSWORDS_OF_MAILBOX)
        .equal("tenantId", mailbox.tenant_id.0)
        .equal("userId", mailbox.user_id.0)
        .equal("mailboxId", mailbox.id.0)
        .limit(MOST_APP_PASSWORDS)
}

impl AppPasswordView {
    /// Returns what the caller of `access` sees of an app password.
    fn through(access: &TenantAccess, password: AppPassword) -> Self {
        Self::shown_to(password, super::views::viewer(access.role(), access.caller.is_platform()), None)
    }
}

/// A mailbox whose app passwords are in question.
struct OfMailbox {
    access: TenantAccess,
    mailbox: Mailbox,
}

impl Service {
    /// Loads the caller and a mailbox, if the caller may perform `action` on its app passwords.
    ///
    /// To those who may not, a mailbox that is there and one that is not look the same.
    async fn passwords_access(
        &self,
        call: &Call,
        reference: &TenantReference,
        mailbox: MailboxId,
        action: Action,
        fields: &[&'static str],
    ) -> Result<OfMailbox> {
        let read = Query::new(&MAILBOXES).equal("id", mailbox.0).limit(1);
        let (access, mut answers) = self.tenant_access_and(call, reference, |_| Some(read.clone().into())).await?;
        let found: Option<Mailbox> = answers.first()?;
        let of_tenant = access.tenant.as_ref().map(|tenant| tenant.id);
        let found = found.filter(|found| Some(found.tenant_id) == of_tenant);
        access.authorize_of(action, found.as_ref().map(|found| found.user_id), fields)?;
        let mailbox = found.ok_or_else(Error::not_found)?;
        Ok(OfMailbox { access, mailbox })
    }
}
