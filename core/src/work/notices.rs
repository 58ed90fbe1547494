//! Mails notices to the owners of tenants, and removes those whose time has passed.
//!
//! Whether a notice still holds, and what its date is, is asked again before each mail. Each mail that was taken is noted before the
//! next is sent: a worker that ends in between leaves a claim that runs out, so that at most one mail is doubled and none is lost.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use url::Url;

use super::{
    due,
    mail::{self, CLAIM, LONGEST_ATTEMPT, MOST_ATTEMPTS, next_attempt},
};
use crate::{
    clock::Timestamp,
    context::SystemActor,
    domain::{
        AuditActor, Choice as _, Language, Membership, MembershipRole, Notice, NoticeId, NoticeKind, NoticeStatus,
        Subscription, Tenant, User, UserId,
        membership::{MEMBERS_BY_ROLE, MEMBERSHIPS},
        notice::{NOTICES_BY_DUE, Planned, notice_of},
    },
    error::Result,
    mail::{Brand, MailError, Mailer, Message, letters, render, without_addresses},
    service::{
        Call, Service,
        moment::Moment,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::{Query, Repository as _},
};

/// Number of owners of a tenant that are mailed at most, by name.
const MOST_OWNERS: u32 = 100;

/// Wait before another look at a notice that nobody can be mailed.
const WHILE_NOBODY: Duration = Duration::from_secs(60 * 60);

/// Name in the audit trail of a mail that was taken.
pub const SEND: &str = crate::domain::system_action::NOTICE_SEND;

/// Name in the audit trail of mail that was refused, or not taken in time.
pub const FAIL: &str = crate::domain::system_action::NOTICE_FAIL;

/// The kind of resource in audit events.
const KIND: &str = "notice";

/// The mail of notices: the mailer, and where its links lead.
#[derive(Debug)]
pub struct NoticeMail {
    mailer: Arc<dyn Mailer>,
    portal: Url,
}

/// An attempt to mail a notice to its owners.
#[derive(Debug, Default)]
struct Attempt {
    /// Its number, once the notice is claimed.
    number: Option<u32>,
    /// Owners whose mail was sent, or tried: each has one in an attempt, whatever is stored.
    tried: BTreeSet<UserId>,
    /// Those of them whose mail was not taken and is tried again.
    waiting: BTreeSet<UserId>,
    /// Reason for that.
    reason: Option<String>,
}

/// A mail that is to be sent.
struct Due {
    notice: Notice,
    tenant: Tenant,
    owner: User,
    language: Language,
}

impl NoticeMail {
    /// Creates the mail of notices, with links to the portal at this address.
    #[must_use]
    pub fn new(mailer: Arc<dyn Mailer>, portal: Url) -> Self {
        Self { mailer, portal }
    }

    /// Returns the time until the next notice is due, zero if one is; `None` if there are none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn next_due(&self, service: &Service) -> Result<Option<Duration>> {
        due::next_due(service, SystemActor::Notices, &NOTICES_BY_DUE, |notice: &Notice| notice.due_at).await
    }

    /// Deals with all notices that are due. Returns their number.
    ///
    /// Any number of processes may do so at the same time: a claim rests on the version of the notice.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn run_due(&self, service: &Service) -> Result<usize> {
        let deal_with = |id| self.deal_with(service, NoticeId(id));
        mail::run_due::<Notice, _>(service, SystemActor::Notices, &NOTICES_BY_DUE, deal_with).await
    }

    async fn deal_with(&self, service: &Service, id: NoticeId) -> Result<()> {
        let mut attempt = Attempt::default();
        loop {
            let step = call();
            let due = service.settle(&step, |moment| next_mail(service, &step, moment, id, &attempt)).await?;
            let Some(due) = due else { return Ok(()) };
            attempt.number = Some(due.notice.attempts);
            let message = self.message(&due)?;
            let context = call().context.with_timeout(LONGEST_ATTEMPT);
            let sent = self.mailer.send(&context, &message).await;
            let owner = due.owner.id;
            attempt.tried.insert(owner);
            let outcome = match sent {
                Ok(()) => Ok(()),
                Err(MailError::Refused { why }) => Err(without_addresses(&why)),
                Err(MailError::Unavailable { why }) => {
                    let reason = without_addresses(&why);
                    tracing::info!(notice = %id, attempt = due.notice.attempts, reason, "the mail of a notice was not taken");
                    attempt.waiting.insert(owner);
                    attempt.reason = Some(reason);
                    continue;
                }
            };
            if let Err(reason) = &outcome {
                tracing::warn!(notice = %id, %owner, reason, "the mail of a notice was refused");
            }
            let note = call();
            service.settle(&note, |moment| note_sent(service, &note, moment, id, owner, &outcome)).await?;
        }
    }

    fn message(&self, due: &Due) -> Result<Message> {
        let Due { notice, tenant, owner, language } = due;
        let brand = Brand::of(tenant);
        // Owners do not see a deleted tenant.
        let link = match notice.kind {
            NoticeKind::Deleted => None,
            _ => Some(mail::page(&self.portal, &format!("tenants/{}/subscription", tenant.slug))?),
        };
        let letter = letters::notice(notice, tenant, owner.name.as_deref(), *language, link.as_ref().map(Url::as_str));
        Ok(Message {
            from_name: brand.name.clone(),
            to_name: owner.name.clone(),
            to: owner.email.clone().unwrap_or_default(),
            content: render(&letter, &brand),
            id: format!("notice.{}.{}.{}", notice.id, owner.id, notice.attempts),
            return_to: None,
        })
    }
}

/// Returns the notice that a tenant's owners are to get now or later, with the subscription that it is about.
pub(super) async fn planned_for(
    service: &Service,
    call: &Call,
    tenant: &Tenant,
    now: Timestamp,
) -> Result<Option<(Planned, Option<Subscription>)>> {
    let current = service.store().load_unique(&call.context, Subscription::current_key(tenant.id)).await?;
    let counted: Option<Subscription> = match (current, tenant.suspended_for) {
        (None, Some(id)) => service.store().load(&call.context, id).await?,
        (current, _) => current,
    };
    let settings = service.settings();
    let planned = notice_of(tenant, counted.as_ref(), &settings.lifecycle, settings.grace, now);
    Ok(planned.map(|planned| (planned, counted)))
}

/// Claims a notice for the next mail of an attempt; ends the attempt if there is none, or the notice if it does not hold.
async fn next_mail(
    service: &Service,
    call: &Call,
    moment: Moment,
    id: NoticeId,
    attempt: &Attempt,
) -> Result<Option<Due>> {
    let stored: Option<Notice> = service.store().load(&call.context, id).await?;
    let now = moment.now();
    let is_mine = |stored: &Notice| match attempt.number {
        Some(number) => stored.attempts == number && stored.status == NoticeStatus::Waiting,
        None => stored.due_at <= now,
    };
    let Some(before) = stored.filter(is_mine) else { return Ok(None) };
    let mut work = UnitOfWork::new(call, actor(), &moment);
    if before.expires_at <= now {
        work.commit.delete(&before);
        service.carry_out(work).await?;
        return Ok(None);
    }
    let mut after = before.clone();
    let tenant: Option<Tenant> = service.store().load(&call.context, before.tenant_id).await?;
    let planned = match &tenant {
        Some(tenant) => planned_for(service, call, tenant, now).await?.filter(|(planned, _)| planned.is(&before)),
        None => None,
    };
    let due = match (tenant, planned) {
        (Some(tenant), Some((planned, subscription))) if before.status == NoticeStatus::Waiting => {
            work.commit.guard(&tenant);
            subscription.iter().for_each(|subscription| work.commit.guard(subscription));
            decide(service, call, now, attempt, (&before, &mut after), tenant, &planned).await?
        }
        (_, None) if before.status == NoticeStatus::Waiting => {
            after.close(NoticeStatus::Withdrawn);
            None
        }
        _ => {
            after.close(before.status);
            None
        }
    };
    if after.refused_to == before.refused_to {
        work.refresh(&before, &mut after)?;
    } else {
        work.update(FAIL, KIND, Subject { tenant: Some(before.tenant_id), user: None }, &before, &mut after)?;
    }
    service.carry_out(work).await?;
    Ok(due)
}

/// Decides on a notice that holds: the next mail, another attempt later, or its end.
async fn decide(
    service: &Service,
    call: &Call,
    now: Timestamp,
    attempt: &Attempt,
    (before, after): (&Notice, &mut Notice),
    tenant: Tenant,
    planned: &Planned,
) -> Result<Option<Due>> {
    if planned.due_at > now {
        // It was planned by other settings.
        after.follow(planned);
        return Ok(None);
    }
    let owners = owners(service, call, &tenant).await?;
    let left = |owner: &&(User, Language)| !before.is_done_with(owner.0.id) && !attempt.tried.contains(&owner.0.id);
    if let Some((owner, language)) = owners.iter().find(left).cloned() {
        after.claim(planned, attempt.number.is_none(), CLAIM, now);
        return Ok(Some(Due { notice: after.clone(), tenant, owner, language }));
    }
    let waiting: Vec<UserId> =
        owners.iter().map(|(owner, _)| owner.id).filter(|id| attempt.waiting.contains(id)).collect();
    if waiting.is_empty() {
        match (before.sent_to.is_empty(), before.refused_to.is_empty()) {
            (false, _) => after.close(NoticeStatus::Sent),
            (true, false) => after.close(NoticeStatus::Failed),
            (true, true) => after.wait(now.plus(WHILE_NOBODY), None),
        }
    } else if before.attempts < MOST_ATTEMPTS {
        after.wait(next_attempt(before.attempts, now), attempt.reason.clone());
    } else {
        tracing::warn!(notice = %before.id, attempts = before.attempts, "the mail of a notice is not tried any more");
        after.refused(waiting, attempt.reason.clone().unwrap_or_default());
        after.close(if before.sent_to.is_empty() { NoticeStatus::Failed } else { NoticeStatus::Sent });
    }
    Ok(None)
}

/// Returns the owners of a tenant that can be mailed, each with the language in which they are written to.
async fn owners(service: &Service, call: &Call, tenant: &Tenant) -> Result<Vec<(User, Language)>> {
    let query = Query::new(&MEMBERSHIPS)
        .sort(&MEMBERS_BY_ROLE)
        .equal("tenantId", tenant.id.0)
        .equal("active", true)
        .equal("role", MembershipRole::Owner.name())
        .limit(MOST_OWNERS);
    let memberships: Vec<Membership> = service.store().load_all(&call.context, &query).await?;
    let mut owners = Vec::new();
    for membership in &memberships {
        let user: Option<User> = service.store().load(&call.context, membership.user_id).await?;
        let can_be_mailed = |user: &User| user.email.is_some() && user.may_call() && !user.is_deleted();
        owners.extend(user.filter(can_be_mailed).map(|user| (user, membership.language.unwrap_or_default())));
    }
    Ok(owners)
}

/// Notes that the mail to an owner was taken or refused, whoever has claimed the notice since.
async fn note_sent(
    service: &Service,
    call: &Call,
    moment: Moment,
    id: NoticeId,
    owner: UserId,
    outcome: &std::result::Result<(), String>,
) -> Result<()> {
    let stored: Option<Notice> = service.store().load(&call.context, id).await?;
    let Some(before) = stored else { return Ok(()) };
    let mut after = before.clone();
    let mut work = UnitOfWork::new(call, actor(), &moment);
    let about = Subject { tenant: Some(before.tenant_id), user: Some(owner) };
    match outcome {
        Ok(()) => {
            after.sent(owner);
            work.update(SEND, KIND, about, &before, &mut after)?;
        }
        Err(reason) => {
            after.refused([owner], reason.clone());
            work.update(FAIL, KIND, about, &before, &mut after)?;
        }
    }
    service.carry_out(work).await
}

fn call() -> Call {
    Call::by_part(SystemActor::Notices)
}

fn actor() -> AuditActor {
    AuditActor::part(SystemActor::Notices)
}
