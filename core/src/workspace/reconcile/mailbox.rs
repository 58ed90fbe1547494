//! Runs over one mailbox.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Extra, MOST_LOOKS, Owner, Run, Settled, Unit, not_configured, schedule, wait_for};
use crate::{
    authz::Action,
    connectors::{self, ConnectorError, Mail, MailDomain},
    domain::{
        AppPassword, Mailbox, ObjectId,
        mailbox::MAILBOXES,
        workspace::{Phase, SystemKind, SystemState},
    },
    service::{
        app_passwords::{self, of_mailbox, subject},
        unit_of_work::Subject,
    },
    store::{Query, Repository as _},
    workspace::{
        claim::Stopped,
        desired::{DesiredMailbox, Facts, Presence, desired, removal},
        mail::{
            domains::external,
            mailbox::{self, MAILBOX_READY, MailboxAction},
            passwords::{self, Leftovers},
        },
        plan::holds,
    },
};

/// Number of looks at a domain for each look at the app passwords of its mailboxes, which takes two requests.
const LOOKS_BETWEEN: u32 = 7;

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
            return removed(run, stored).await;
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
    let (observed, obstacles) = loop {
        run.claimed.keep(run.service).await?;
        let observed = mailbox::observe(&*mail, &run.context(), &domain, &wanted).await?;
        let id = observed.as_ref().map(|mailbox| mailbox.id.clone());
        run.claimed.remember(run.service, MAILBOX, id.as_deref()).await?;
        let mut plan = mailbox::plan(&wanted, observed.as_ref());
        looks += 1;
        if plan.changes.is_empty() {
            break (observed, plan.obstacles);
        }
        if looks > MOST_LOOKS {
            let why = "the mailbox does not become as it should be, though every change succeeds".to_owned();
            return Err(ConnectorError::Retryable { after: None, why }.into());
        }
        let unit = OfMailbox { mail: Arc::clone(&mail), domain: domain.clone(), wanted: wanted.clone() };
        let made = run.make(&mut plan, &unit).await?;
        if !made {
            break (observed, plan.obstacles);
        }
    };
    if wanted.presence == Presence::Absent && obstacles.is_empty() {
        return removed(run, stored).await;
    }
    let phase = if wanted.presence == Presence::Active { Phase::Ready } else { Phase::Suspended };
    let mut settled = Settled::new(phase, obstacles, vec![holds(MAILBOX_READY, "Ready", now)], now);
    let leftovers = match &observed {
        Some(mailbox) => passwords(run, &*mail, mailbox, &stored).await?,
        None => Leftovers::default(),
    };
    // The look at its domain looks at the mailbox too, but not at its app passwords.
    settled.rests = true;
    let of_passwords = leftovers.has_passwords.then(|| {
        let interval = run.settings.look_interval.saturating_mul(LOOKS_BETWEEN);
        now.plus(schedule::look(now, interval, run.claimed.state.id))
    });
    let removals = stored.remove_at.into_iter().chain(removal(&tenant, run.grace()));
    settled.next = removals.chain(leftovers.next).chain(of_passwords).min();
    settled.extra = (!leftovers.forget.is_empty()).then(|| forget(leftovers.forget));
    Ok(settled)
}

/// Removes from the mail system what is left of app passwords: revoked ones, and those whose creation broke off.
///
/// The entries that are of no more use are left to the commit that ends the run. None of this is drift: nobody has changed the
/// mail system.
async fn passwords(
    run: &mut Run<'_>,
    mail: &dyn Mail,
    mailbox: &connectors::Mailbox,
    stored: &Mailbox,
) -> Result<Leftovers, Stopped> {
    let query = of_mailbox(stored);
    let before: Vec<AppPassword> = run.service.store().load_all(&run.context(), &query).await?;
    run.claimed.keep(run.service).await?;
    let observed = match mail.app_passwords(&run.context(), mailbox).await {
        // A credential without that right is enough for mailboxes that have none.
        Err(error) if before.is_empty() && !error.may_retry() => return Ok(Leftovers::default()),
        observed => observed?,
    };
    let after: Vec<AppPassword> = run.service.store().load_all(&run.context(), &query).await?;
    let now = crate::work::time(run.service).await;
    let leftovers = passwords::compare(&before, &observed, &after, now);
    for id in &leftovers.remove {
        if !run.claimed.is_dry() {
            run.claimed.keep(run.service).await?;
            mail.delete_app_password(&run.context(), mailbox, id).await?;
        }
        run.changes.push("app_password.delete".to_owned());
    }
    Ok(leftovers)
}

/// Removes entries of app passwords that the mail system does not have.
fn forget(entries: Vec<AppPassword>) -> Extra {
    Box::new(move |work, _| {
        let mut each = entries.iter();
        each.try_for_each(|entry| work.delete(Action::DeleteAppPassword, app_passwords::KIND, subject(entry), entry))
    })
}

/// Returns the result for a mailbox that is gone from the mail system: its entry goes, and its addresses are free.
async fn removed(run: &Run<'_>, stored: Mailbox) -> Result<Settled, Stopped> {
    let passwords: Vec<AppPassword> = run.service.store().load_all(&run.context(), &of_mailbox(&stored)).await?;
    let entries = forget(passwords);
    let extra: Extra = Box::new(move |work, state| {
        entries(work, state)?;
        let about = Subject { tenant: Some(stored.tenant_id), user: Some(stored.user_id) };
        work.delete(Action::DeleteMailbox, "mailbox", about, &stored)
    });
    Ok(Settled { extra: Some(extra), ..Settled::gone() })
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
