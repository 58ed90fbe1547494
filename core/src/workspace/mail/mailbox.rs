//! One mailbox of a tenant.

use crate::{
    connectors::{ConnectorResult, Mail, MailDomain, Mailbox, MailboxChange, NewMailbox},
    context::RequestContext,
    workspace::{
        desired::{DesiredMailbox, Presence},
        plan::Plan,
    },
};

/// Type of the condition about a mailbox.
pub const MAILBOX_READY: &str = "MailboxReady";

/// A change of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailboxAction {
    /// Creates the mailbox.
    Create,
    /// Changes the mailbox.
    Update(Mailbox, MailboxChange),
    /// Deletes the mailbox with its mail.
    Delete(Mailbox),
}

impl MailboxAction {
    /// Returns the name of the change in the audit trail.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create => "mailbox.create",
            Self::Update(_, MailboxChange { enabled: Some(false), .. }) => "mailbox.disable",
            Self::Update(_, MailboxChange { enabled: Some(true), .. }) => "mailbox.enable",
            Self::Update(..) => "mailbox.update",
            Self::Delete(_) => "mailbox.delete",
        }
    }
}

/// Observes the mailbox.
///
/// # Errors
/// The connector's.
pub async fn observe(
    mail: &dyn Mail,
    context: &RequestContext,
    domain: &MailDomain,
    desired: &DesiredMailbox,
) -> ConnectorResult<Option<Mailbox>> {
    mail.mailbox(context, domain, &desired.local_part).await
}

/// Compares the desired mailbox with the observed one.
///
/// `stored` is the id that it had before. A mailbox of the address with another id was made by somebody else in the mail
/// system, and is adopted: the domain belongs to the tenant, and its addresses with it.
#[must_use]
pub fn plan(desired: &DesiredMailbox, observed: Option<&Mailbox>) -> Plan<MailboxAction> {
    let mut plan = Plan::default();
    match (observed, desired.presence) {
        (None, Presence::Active) => plan.change(MailboxAction::Create),
        (None, _) => {}
        (Some(mailbox), Presence::Absent) => plan.change(MailboxAction::Delete(mailbox.clone())),
        (Some(mailbox), presence) => {
            let enabled = presence == Presence::Active;
            let change = MailboxChange {
                aliases: (mailbox.aliases != desired.aliases).then(|| desired.aliases.clone()),
                quota: (mailbox.quota != Some(desired.quota)).then_some(Some(desired.quota)),
                enabled: (mailbox.enabled != enabled).then_some(enabled),
            };
            if change != MailboxChange::default() {
                plan.change(MailboxAction::Update(mailbox.clone(), change));
            }
        }
    }
    plan
}

/// Applies a change. Returns the id of the mailbox after it; `None` once it is gone.
///
/// # Errors
/// The connector's.
pub async fn apply(
    mail: &dyn Mail,
    context: &RequestContext,
    domain: &MailDomain,
    desired: &DesiredMailbox,
    change: &MailboxAction,
) -> ConnectorResult<Option<String>> {
    match change {
        MailboxAction::Create => {
            let mailbox = NewMailbox {
                local_part: desired.local_part.clone(),
                domain: domain.id.clone(),
                domain_name: domain.name.clone(),
                display_name: desired.display_name.clone(),
                aliases: desired.aliases.clone(),
                quota: Some(desired.quota),
            };
            mail.create_mailbox(context, &mailbox).await.map(|mailbox| Some(mailbox.id))
        }
        MailboxAction::Update(mailbox, change) => {
            mail.update_mailbox(context, mailbox, change).await.map(|()| Some(mailbox.id.clone()))
        }
        MailboxAction::Delete(mailbox) => mail.delete_mailbox(context, mailbox).await.map(|()| None),
    }
}
