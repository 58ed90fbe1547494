//! Mails invitations, and closes and removes those whose time has passed.
//!
//! The secret of an invitation is drawn here, and nowhere else: its hash is stored by the commit that claims the invitation, and the
//! secret itself goes into the mail. A worker that ends in between leaves a claim that runs out; the next attempt draws another
//! secret, so that at most one mail is doubled, and the link in the last one leads somewhere.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use url::Url;

use super::time;
use crate::{
    clock::Timestamp,
    context::SystemActor,
    domain::{
        AuditActor, Invitation, InvitationId, InvitationStatus, PlatformSecret, Tenant, TenantStatus,
        invitation::{INVITATIONS, INVITATIONS_BY_DUE, SECRET_BYTES},
    },
    error::{Error, Result},
    mail::{
        Brand, MailError, Mailer, Message,
        bounce::{BounceKey, Returned},
        letters, render,
    },
    service::{
        Call, Service,
        invitations::{KIND, LAPSE, subject},
        unit_of_work::UnitOfWork,
    },
    store::{Filter, Query, Repository, Value},
};

/// Number of due invitations read at a time.
const BATCH: u32 = 64;

/// Number of mails sent at a time.
const AT_A_TIME: usize = 4;

/// Time after which a claim runs out. Longer than any attempt to send a mail.
const CLAIM: Duration = Duration::from_secs(300);

/// Wait before the second attempt. It doubles with each further one.
const FIRST_RETRY: Duration = Duration::from_secs(60);

/// Maximum wait before an attempt.
const LONGEST_RETRY: Duration = Duration::from_secs(60 * 60);

/// Number of attempts after which the mail server counts as one that does not take the mail: eight hours.
pub const MOST_ATTEMPTS: u32 = 14;

/// Wait before a look at an invitation of a tenant that is suspended.
const WHILE_SUSPENDED: Duration = Duration::from_secs(60 * 60);

/// Names in the audit trail.
const SEND: &str = "invitation.send";
const FAIL: &str = "invitation.fail";
const WITHDRAW: &str = "invitation.withdraw";

/// The mail of invitations: the mailer, and where its links lead.
#[derive(Debug)]
pub struct InvitationMail {
    mailer: Arc<dyn Mailer>,
    portal: Url,
    /// Domain whose mail comes back to `dezky invitation bounce`, if there is one.
    bounce_domain: Option<String>,
}

/// Path of the portal's page that accepts invitations.
const PAGE: &str = "invitation";

/// What is to be done with an invitation that is due.
enum Due {
    Send(Box<Invitation>, Box<Tenant>, String),
    Done,
}

impl InvitationMail {
    /// Creates the mail of invitations, with links to the portal at this address.
    #[must_use]
    pub fn new(mailer: Arc<dyn Mailer>, portal: Url, bounce_domain: Option<String>) -> Self {
        Self { mailer, portal, bounce_domain }
    }

    /// Returns the time until the next invitation is due, zero if one is; `None` if there are none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn next_due(&self, service: &Service) -> Result<Option<Duration>> {
        let query = Query::new(&INVITATIONS).sort(&INVITATIONS_BY_DUE).limit(1);
        let first: Vec<Invitation> = service.store().load_all(&call().context, &query).await?;
        let now = time(service).await;
        Ok(first.first().map(|first| super::lease::span(now, first.due_at)))
    }

    /// Deals with all invitations that are due. Returns their number.
    ///
    /// Any number of processes may do so at the same time: a claim rests on the version of the invitation.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn run_due(&self, service: &Service) -> Result<usize> {
        let mut done = 0;
        loop {
            let until = Value::Time(time(service).await.plus(Duration::from_millis(1)));
            let due = Filter::Range { field: "dueAt", from: None, until: Some(until) };
            let query = Query::new(&INVITATIONS).sort(&INVITATIONS_BY_DUE).filter(due).limit(BATCH);
            let due: Vec<Invitation> = service.store().load_all(&call().context, &query).await?;
            if due.is_empty() {
                return Ok(done);
            }
            let ids = due.iter().map(|invitation| invitation.id).collect::<Vec<_>>();
            let mut results = stream::iter(ids).map(|id| self.deal_with(service, id)).buffer_unordered(AT_A_TIME);
            // One that fails holds up none of the others.
            let mut failed = None;
            while let Some(dealt_with) = results.next().await {
                match dealt_with {
                    Ok(()) => done += 1,
                    Err(error) => failed = Some(error),
                }
            }
            if let Some(error) = failed {
                return Err(error);
            }
        }
    }

    async fn deal_with(&self, service: &Service, id: InvitationId) -> Result<()> {
        let claim = call();
        let due = service.settle(&claim, |moment| self.claim(service, &claim, moment, id)).await?;
        let Due::Send(invitation, tenant, secret) = due else { return Ok(()) };
        let message = self.message(service, &invitation, &tenant, &secret).await?;
        // Sending has a time limit of its own, and ends before the claim does.
        let context = call().context.with_timeout(CLAIM / 2);
        let sent = self.mailer.send(&context, &message).await;
        if let Err(error) = &sent {
            tracing::info!(invitation = %invitation.id, attempt = invitation.attempts, %error, "the mail of an invitation was not taken");
        }
        let note = call();
        service.settle(&note, |moment| note_sent(service, &note, moment, &invitation, &sent)).await
    }

    /// Claims an invitation that is to be mailed, and draws its secret; closes or removes one whose time has passed.
    async fn claim(
        &self,
        service: &Service,
        call: &Call,
        moment: crate::service::moment::Moment,
        id: InvitationId,
    ) -> Result<Due> {
        let stored: Option<Invitation> = service.store().load(&call.context, id).await?;
        let now = moment.now();
        let Some(before) = stored.filter(|stored| stored.due_at <= now) else { return Ok(Due::Done) };
        let mut work = UnitOfWork::new(call, actor(), &moment);
        if !before.open {
            work.commit.delete(&before);
            service.carry_out(work).await?;
            return Ok(Due::Done);
        }
        let mut after = before.clone();
        let tenant: Option<Tenant> = service.store().load(&call.context, before.tenant_id).await?;
        let status = tenant.as_ref().map(|tenant| tenant.status.counts_as());
        let (tenant, status) = match (tenant, status) {
            (Some(tenant), Some(status)) if status != TenantStatus::Deleted => (tenant, status),
            _ => {
                after.revoke(now);
                work.update(WITHDRAW, KIND, subject(&before), &before, &mut after)?;
                service.carry_out(work).await?;
                return Ok(Due::Done);
            }
        };
        if after.lapse(now) {
            work.update(LAPSE, KIND, subject(&before), &before, &mut after)?;
            service.carry_out(work).await?;
            return Ok(Due::Done);
        }
        if before.status != InvitationStatus::Pending {
            // One that was sent waits for its expiry.
            after.due_at = after.expires_at;
            work.refresh(&before, &mut after)?;
            service.carry_out(work).await?;
            return Ok(Due::Done);
        }
        if status == TenantStatus::Suspended {
            after.wait(now.plus(WHILE_SUSPENDED), "the tenant is suspended".to_owned());
            work.refresh(&before, &mut after)?;
            service.carry_out(work).await?;
            return Ok(Due::Done);
        }
        let secret = draw()?;
        after.attempt(Invitation::hash(&secret), CLAIM, now);
        work.refresh(&before, &mut after)?;
        service.carry_out(work).await?;
        Ok(Due::Send(Box::new(after), Box::new(tenant), secret))
    }

    async fn message(
        &self,
        service: &Service,
        invitation: &Invitation,
        tenant: &Tenant,
        secret: &str,
    ) -> Result<Message> {
        let brand = Brand::of(tenant);
        let letter = letters::invitation(invitation, tenant, &self.link(secret)?);
        let return_to = match &self.bounce_domain {
            Some(domain) => {
                let returned = Returned { invitation: invitation.id, attempt: invitation.attempts };
                Some(bounce_key(service).await?.address(returned, domain))
            }
            None => None,
        };
        Ok(Message {
            from_name: brand.name.clone(),
            to_name: invitation.name.clone(),
            to: invitation.email.clone(),
            content: render(&letter, &brand),
            id: format!("invitation.{}.{}", invitation.id, invitation.attempts),
            return_to,
        })
    }

    /// Returns the link of a secret. The secret is its fragment, which no browser sends to a server.
    fn link(&self, secret: &str) -> Result<String> {
        let mut base = self.portal.clone();
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        let mut link = base.join(PAGE).map_err(|error| Error::internal(error.to_string()))?;
        link.set_fragment(Some(secret));
        Ok(link.into())
    }
}

/// Stores what became of an attempt, if the invitation is still the one that was mailed.
async fn note_sent(
    service: &Service,
    call: &Call,
    moment: crate::service::moment::Moment,
    attempted: &Invitation,
    sent: &std::result::Result<(), MailError>,
) -> Result<()> {
    let stored: Option<Invitation> = service.store().load(&call.context, attempted.id).await?;
    // Revoked, sent again or accepted meanwhile: then another word counts.
    let same = |stored: &Invitation| {
        stored.secret_hash == attempted.secret_hash && stored.status == InvitationStatus::Pending && stored.open
    };
    let Some(before) = stored.filter(same) else { return Ok(()) };
    let now = moment.now();
    let mut after = before.clone();
    let mut work = UnitOfWork::new(call, actor(), &moment);
    match sent {
        Ok(()) => {
            after.sent(now);
            work.update(SEND, KIND, subject(&before), &before, &mut after)?;
        }
        Err(MailError::Unavailable { why }) if before.attempts_in_a_row < MOST_ATTEMPTS => {
            after.wait(next_attempt(before.attempts_in_a_row, now), why.clone());
            work.refresh(&before, &mut after)?;
        }
        Err(MailError::Refused { why } | MailError::Unavailable { why }) => {
            after.fail(why.clone());
            work.update(FAIL, KIND, subject(&before), &before, &mut after)?;
        }
    }
    service.carry_out(work).await
}

fn next_attempt(attempts: u32, now: Timestamp) -> Timestamp {
    let factor = 1_u32.checked_shl(attempts.saturating_sub(1).min(16)).unwrap_or(u32::MAX);
    now.plus(FIRST_RETRY.saturating_mul(factor).min(LONGEST_RETRY))
}

/// Draws a secret: 32 random bytes in 43 characters that need no quoting in a URL.
fn draw() -> Result<String> {
    use base64::Engine as _;
    let mut bytes = [0_u8; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(format!("no randomness: {error}")))?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

/// Returns the key of return addresses, which is drawn at its first use.
///
/// # Errors
/// When the store does not answer.
pub async fn bounce_key(service: &Service) -> Result<BounceKey> {
    service.platform_secret(&call(), PlatformSecret::BOUNCES).await.map(BounceKey::new)
}

fn call() -> Call {
    Call::by_part(SystemActor::Invitations)
}

fn actor() -> AuditActor {
    AuditActor::part(SystemActor::Invitations)
}
