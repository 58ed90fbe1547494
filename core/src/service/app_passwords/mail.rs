//! Port to the mail system, as far as the use cases need it.

use std::fmt;

use async_trait::async_trait;

use crate::{context::RequestContext, domain::OneTimeSecret, error::Result};

/// A mailbox as the mail system is asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxPlace {
    /// Id of its domain in the mail system.
    pub domain_id: String,
    /// Name of its domain.
    pub domain: String,
    /// Part before the `@`.
    pub local_part: String,
}

/// An app password that the mail system has created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPassword {
    /// Its id in the mail system.
    pub id: String,
    /// The password.
    pub secret: OneTimeSecret,
}

/// The mail system, as far as app passwords are concerned. Each change may be done twice.
#[async_trait]
pub trait MailPasswords: fmt::Debug + Send + Sync {
    /// Creates an app password in the place of that of the same mark, which has letters and digits only.
    ///
    /// # Errors
    /// `mailbox_not_ready` or `mail_refused`, after which there is none; [`crate::ErrorKind::Unavailable`], after which there may be one.
    async fn create(
        &self,
        context: &RequestContext,
        mailbox: &MailboxPlace,
        mark: &str,
        name: &str,
    ) -> Result<NewPassword>;

    /// Deletes an app password. An absent one is deleted.
    ///
    /// # Errors
    /// As [`MailPasswords::create`].
    async fn delete(&self, context: &RequestContext, mailbox: &MailboxPlace, id: &str) -> Result<()>;
}
