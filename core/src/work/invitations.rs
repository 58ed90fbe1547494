//! Mails invitations, and closes and removes those whose time has passed.
//!
//! The secret of an invitation is drawn here, and nowhere else: its hash is stored by the commit that claims the invitation, and the
//! secret itself goes into the mail. A worker that ends in between leaves a claim that runs out; the next attempt draws another
//! secret, so that at most one mail is doubled, and the link in the last one leads somewhere.

use std::{sync::Arc, time::Duration};

use url::Url;

use super::{
    due,
    mail::{self, CLAIM, LONGEST_ATTEMPT, MOST_ATTEMPTS, next_attempt},
};
use crate::{
    context::SystemActor,
    domain::{
        AuditActor, Invitation, InvitationId, InvitationStatus, PlatformSecret, Tenant, TenantStatus,
        invitation::{INVITATIONS_BY_DUE, SECRET_BYTES},
    },
    error::{Error, Result},
    mail::{
        Brand, MailError, Mailer, Message,
        bounce::{BounceKey, Returned},
        letters, render, without_addresses,
    },
    service::{
        Call, Service,
        invitations::{KIND, LAPSE, subject},
        unit_of_work::UnitOfWork,
    },
    store::Repository,
};

/// Wait before a look at an invitation of a tenant that is suspended.
const WHILE_SUSPENDED: Duration = Duration::from_secs(60 * 60);

/// Names in the audit trail.
const SEND: &str = crate::domain::system_action::INVITATION_SEND;
const FAIL: &str = crate::domain::system_action::INVITATION_FAIL;
const WITHDRAW: &str = crate::domain::system_action::INVITATION_WITHDRAW;

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

/// Work on an invitation that is due.
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
        let due_at = |invitation: &Invitation| invitation.due_at;
        due::next_due(service, SystemActor::Invitations, &INVITATIONS_BY_DUE, due_at).await
    }

    /// Deals with all invitations that are due. Returns their number.
    ///
    /// Any number of processes may do so at the same time: a claim rests on the version of the invitation.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn run_due(&self, service: &Service) -> Result<usize> {
        let deal_with = |id| self.deal_with(service, InvitationId(id));
        mail::run_due::<Invitation, _>(service, SystemActor::Invitations, &INVITATIONS_BY_DUE, deal_with).await
    }

    async fn deal_with(&self, service: &Service, id: InvitationId) -> Result<()> {
        let claim = call();
        let due = service.settle(&claim, |moment| self.claim(service, &claim, moment, id)).await?;
        let Due::Send(invitation, tenant, secret) = due else { return Ok(()) };
        let message = self.message(service, &invitation, &tenant, &secret).await?;
        let context = call().context.with_timeout(LONGEST_ATTEMPT);
        let sent = self.mailer.send(&context, &message).await;
        if let Err(error) = &sent {
            let reason = without_addresses(&error.to_string());
            tracing::info!(invitation = %invitation.id, attempt = invitation.attempts, reason, "the mail of an invitation was not taken");
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
        let mut link = mail::page(&self.portal, PAGE)?;
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
