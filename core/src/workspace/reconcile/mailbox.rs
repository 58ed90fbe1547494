//! Runs over one mailbox.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Extra, MOST_LOOKS, Owner, Run, Settled, Unit, not_configured, wait_for};
use crate::{
    authz::Action,
    connectors::{ConnectorError, Mail, MailDomain},
    domain::{
        Mailbox, ObjectId,
        mailbox::MAILBOXES,
        workspace::{Phase, SystemKind, SystemState},
    },
    service::unit_of_work::Subject,
    store::Query,
    workspace::{
        claim::Stopped,
        desired::{DesiredMailbox, Facts, Presence, desired, removal},
        mail::{
            domains::external,
            mailbox::{self, MAILBOX_READY, MailboxAction},
        },
        plan::holds,
    },
};

/// Name of the mailbox's id.
pub(in crate::workspace) const MAILBOX: &str = "mailbox";

pub(super) async fn reconcile(run: &mut Run<'_>, id: ObjectId) -> Result<Settled, Stopped> {
    let Some(mail) = run.systems.mail.clone() else { return Err(not_configured(SystemKind::Mail)) };
    let further = vec![Query::new(&MAILBOXES).equal("id", id).limit(1).into(), run.state_of(SystemKind::Mail, None)];
    let (owner, mut answers) = run.owner(further).await?;
    let stored: Option<Mailbox> = answers.first()?;
    let of_domains: Option<SystemState> = answers.first()?;
    let (Some(Owner { tenant, subscription }), Some(stored)) = (owner, stored) else { return Ok(Settled::gone()) };
    let now = crate::work::time(run.service).await;
    let mailboxes = std::slice::from_ref(&stored);
    let facts = Facts { tenant: &tenant, subscription: subscription.as_ref(), members: &[], mailboxes };
    let Some(wanted) = desired(facts, run.settings, run.grace(), now).mailboxes.into_iter().next() else {
        return Ok(Settled::gone());
    };
    let domain = of_domains.as_ref().and_then(|state| state.external_id(&external(&stored.domain)));
    let Some(domain) = domain else {
        if wanted.presence == Presence::Absent {
            return Ok(removed(stored));
        }
        if wanted.presence == Presence::Suspended {
            // There is nothing yet that could be suspended.
            return Ok(Settled::new(Phase::Suspended, Vec::new(), Vec::new(), now));
        }
        let message = format!("waits for the domain `{}` in the mail system", stored.domain);
        let waits = wait_for(MAILBOX_READY, "DomainPending", message);
        return Ok(Settled::new(Phase::Ready, vec![waits], Vec::new(), now));
    };
    let domain = MailDomain { id: domain.to_owned(), name: stored.domain.clone(), enabled: true };
    let mut looks = 0;
    let obstacles = loop {
        run.claimed.keep(run.service).await?;
        let observed = mailbox::observe(&*mail, &run.context(), &domain, &wanted).await?;
        let id = observed.as_ref().map(|mailbox| mailbox.id.clone());
        run.claimed.remember(run.service, MAILBOX, id.as_deref()).await?;
        let mut plan = mailbox::plan(&wanted, observed.as_ref());
        looks += 1;
        if plan.changes.is_empty() {
            break plan.obstacles;
        }
        if looks > MOST_LOOKS {
            let why = "the mailbox does not become as it should be, though every change succeeds".to_owned();
            return Err(ConnectorError::Retryable { after: None, why }.into());
        }
        let unit = OfMailbox { mail: Arc::clone(&mail), domain: domain.clone(), wanted: wanted.clone() };
        let made = run.make(&mut plan, &unit).await?;
        if !made {
            break plan.obstacles;
        }
    };
    if wanted.presence == Presence::Absent && obstacles.is_empty() {
        return Ok(removed(stored));
    }
    let phase = if wanted.presence == Presence::Active { Phase::Ready } else { Phase::Suspended };
    let mut settled = Settled::new(phase, obstacles, vec![holds(MAILBOX_READY, "Ready", now)], now);
    settled.next = stored.remove_at.into_iter().chain(removal(&tenant, run.grace())).min();
    Ok(settled)
}

/// Returns the result for a mailbox that is gone from the mail system: its entry goes, and its addresses are free.
fn removed(stored: Mailbox) -> Settled {
    let extra: Extra = Box::new(move |work, _| {
        let about = Subject { tenant: Some(stored.tenant_id), user: Some(stored.user_id) };
        work.delete(Action::DeleteMailbox, "mailbox", about, &stored)
    });
    Settled { extra: Some(extra), ..Settled::gone() }
}

/// A mailbox as a unit that changes are made in.
struct OfMailbox {
    mail: Arc<dyn Mail>,
    domain: MailDomain,
    wanted: DesiredMailbox,
}

#[async_trait]
impl Unit<MailboxAction> for OfMailbox {
    fn name(&self, change: &MailboxAction) -> String {
        change.name().to_owned()
    }

    async fn apply(&self, run: &mut Run<'_>, change: &MailboxAction) -> Result<(), Stopped> {
        let id = mailbox::apply(&*self.mail, &run.context(), &self.domain, &self.wanted, change).await?;
        run.claimed.remember(run.service, MAILBOX, id.as_deref()).await
    }
}
