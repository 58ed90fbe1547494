//! The app passwords of one mailbox: a connector as the use cases see it, and the comparison with what is stored.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    clock::Timestamp,
    connectors::{ConnectorError, ConnectorResult, Mail, MailDomain, Mailbox},
    context::RequestContext,
    domain::{AppPassword, AppPasswordStatus, OneTimeSecret},
    error::{Code, Error, Result},
    service::app_passwords::{MailPasswords, MailboxPlace, NewPassword, create::not_ready},
};

/// Wait that callers are told where the mail system tells none.
const WAIT: Duration = Duration::from_secs(5);

/// The mail system for use cases.
#[derive(Debug)]
pub(in crate::workspace) struct Reached(pub(in crate::workspace) Arc<dyn Mail>);

impl Reached {
    /// Looks the mailbox up: its id may be another one after an upgrade, or after somebody has made it again.
    async fn mailbox(&self, context: &RequestContext, place: &MailboxPlace) -> ConnectorResult<Option<Mailbox>> {
        let domain = MailDomain { id: place.domain_id.clone(), name: place.domain.clone(), enabled: true };
        self.0.mailbox(context, &domain, &place.local_part).await
    }
}

#[async_trait]
impl MailPasswords for Reached {
    async fn create(
        &self,
        context: &RequestContext,
        place: &MailboxPlace,
        mark: &str,
        name: &str,
    ) -> Result<NewPassword> {
        let mailbox = self.mailbox(context, place).await.map_err(told)?.ok_or_else(not_ready)?;
        let created = self.0.create_app_password(context, &mailbox, mark, name).await.map_err(told)?;
        Ok(NewPassword { id: created.id, secret: OneTimeSecret(created.secret) })
    }

    async fn delete(&self, context: &RequestContext, place: &MailboxPlace, id: &str) -> Result<()> {
        match self.mailbox(context, place).await.map_err(told)? {
            Some(mailbox) => self.0.delete_app_password(context, &mailbox, id).await.map_err(told),
            None => Ok(()),
        }
    }
}

/// Returns what callers are told of a failure. What the system says about itself is for the log, unless it refuses.
fn told(error: ConnectorError) -> Error {
    let after = match error {
        ConnectorError::Rejected { why } | ConnectorError::Conflict { why, .. } => {
            return Error::new(Code::MAIL_REFUSED, why);
        }
        ConnectorError::Retryable { after, .. } => after,
        ConnectorError::Unauthorized { .. } | ConnectorError::Incompatible { .. } => None,
    };
    tracing::warn!(%error, reason = error.reason(), "the mail system creates no app password");
    let message = "the mail system does not answer as it should: try again later";
    Error::new(Code::UPSTREAM_UNAVAILABLE, message).with_retry_after(after.unwrap_or(WAIT))
}

/// Result of a look at the app passwords of a mailbox.
#[derive(Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftovers {
    /// Ids to remove from the mail system.
    pub remove: Vec<String>,
    /// Entries to remove from the store, once that is done.
    pub forget: Vec<AppPassword>,
    /// Time of the next look, if one is needed.
    pub next: Option<Timestamp>,
    /// `true` if there are app passwords to look at now and then.
    pub has_passwords: bool,
}

/// Compares the app passwords that the mail system has with those that are stored.
///
/// `before` was read before the mail system was observed, and `after` afterwards: an entry is stored before the mail system is
/// asked, so that what `after` does not have was not being created; and what was in use in `before` must have been there.
#[must_use]
pub fn compare(before: &[AppPassword], observed: &[String], after: &[AppPassword], now: Timestamp) -> Leftovers {
    let of = |id: &String| after.iter().find(|password| is_of(password, id));
    let is_there = |password: &AppPassword| observed.iter().any(|id| is_of(password, id));
    let ended = |password: &&AppPassword| password.creation_ends() <= now;
    let wanted = |password: &AppPassword| match password.status {
        AppPasswordStatus::Active => true,
        AppPasswordStatus::Pending => !ended(&password),
        AppPasswordStatus::Removing => false,
    };
    let remove = observed.iter().filter(|id| of(id).is_none_or(|password| !wanted(password))).cloned().collect();
    let was_in_use = |password: &AppPassword| {
        before.iter().any(|one| one.id == password.id && one.status == AppPasswordStatus::Active)
    };
    let forget = after.iter().filter(|password| match password.status {
        // Somebody has removed it from the mail system. Its secret cannot be made again.
        AppPasswordStatus::Active => was_in_use(password) && !is_there(password),
        // Its creation may still be on its way to the mail system.
        AppPasswordStatus::Pending | AppPasswordStatus::Removing => ended(password),
    });
    let unsettled = after.iter().filter(|password| password.status != AppPasswordStatus::Active && !ended(password));
    let next = unsettled.map(AppPassword::creation_ends).min();
    Leftovers { remove, forget: forget.cloned().collect(), next, has_passwords: !after.is_empty() }
}

/// Returns `true` if an id of the mail system is that of a stored app password. A creation that broke off has stored none.
fn is_of(password: &AppPassword, id: &str) -> bool {
    password.external_id.as_deref() == Some(id) || id.contains(&password.mark())
}
