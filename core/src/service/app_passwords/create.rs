//! Creates an app password.

use super::{KIND, MailPasswords, MailboxPlace, OfMailbox, of_mailbox, subject};
use crate::{
    authz::Action,
    context::RequestContext,
    domain::{
        AppPassword, AppPasswordStatus, AppPasswordView, CreateAppPassword, Mailbox, MailboxId, MailboxStatus,
        SystemState,
        app_password::{CREATION, MOST_APP_PASSWORDS},
        workspace::{SYSTEM_STATES, SystemKind},
    },
    error::{Code, Error, ErrorKind, Result},
    service::{
        Call, Service,
        access::TenantReference,
        effect::ELSEWHERE,
        idempotency::{Begun, Replayable, shown_once},
        moment::Moment,
        place,
        unit_of_work::UnitOfWork,
    },
    store::{Query, Read, Repository},
};

/// An app password whose entry is stored, and which the mail system does not have yet.
struct Pending {
    password: AppPassword,
    place: MailboxPlace,
}

impl Service {
    /// Creates an app password of the caller's own mailbox. The answer has the password, which is shown once.
    ///
    /// A creation that breaks off leaves nothing: the controllers remove what nobody was shown. A repeated
    /// `Idempotency-Key` is refused, since the password is not stored with the answer.
    ///
    /// # Errors
    /// `not_found`, `holder_required`, `tenant_suspended`, `mailbox_suspended`, `mailbox_removing`, `mailbox_not_ready`,
    /// `app_password_limit_reached`, `mail_not_configured`, `mail_refused`, `secret_shown_once`, `invalid_fields`, or
    /// `upstream_unavailable` while the mail system does not answer.
    pub async fn create_app_password(
        &self,
        call: &Call,
        reference: &TenantReference,
        mailbox: MailboxId,
        input: CreateAppPassword,
    ) -> Result<Replayable<AppPasswordView>> {
        let begun =
            self.settle(call, |moment| self.begin_app_password(call, moment, reference, mailbox, input.clone()));
        let Pending { password, place } = begun.await?;
        if ELSEWHERE {
            return Err(Error::internal("a component asks no mail system, and nobody carries the request out"));
        }
        let mail = self.mail()?;
        let context = bounded(&call.context);
        let created = match mail.create(&context, &place, &password.mark(), &password.name).await {
            Ok(created) => created,
            Err(error) => {
                // Otherwise it is not known what happened, and the controllers look.
                if error.kind() == ErrorKind::Conflict {
                    self.forget_app_password(call, &password).await;
                }
                return Err(error);
            }
        };
        let confirmed =
            self.settle(call, |moment| self.confirm_app_password(call, moment, reference, &password, &created.id));
        match confirmed.await {
            Ok(mut view) => {
                view.secret = Some(created.secret);
                Ok(Replayable::new(view))
            }
            Err(error) => {
                if let Err(left) = mail.delete(&context, &place, &created.id).await {
                    tracing::debug!(error = %left, "an app password that nobody was shown is left to the controllers");
                }
                Err(error)
            }
        }
    }

    /// Stores the entry, before the mail system is asked for anything.
    async fn begin_app_password(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        mailbox: MailboxId,
        input: CreateAppPassword,
    ) -> Result<Pending> {
        let of = self.passwords_access(call, reference, mailbox, Action::CreateAppPassword, &input.fields()).await?;
        let OfMailbox { access, mailbox } = of;
        check_in_use(&mailbox)?;
        if let Begun::Before(answer) = self.begin::<AppPasswordView>(call, &moment).await? {
            return Err(shown_once(&answer.value.name, "revoke it and create another"));
        }
        // A component has no mail system: its host carries the request out.
        self.leave_to_effect(call).await?;
        if ELSEWHERE {
            return Err(Error::internal("a component writes nothing, and nobody carries its changes out"));
        }
        let reads: [Read; 2] = [
            Query::unique(&SYSTEM_STATES, SystemState::key(mailbox.tenant_id, SystemKind::Mail, None)).into(),
            of_mailbox(&mailbox).into(),
        ];
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let domains: Option<SystemState> = answers.first()?;
        let others: Vec<AppPassword> = answers.all()?;
        let Some(place) = place::free(others.iter().map(|other| other.place), MOST_APP_PASSWORDS) else {
            let message =
                format!("a mailbox has at most {MOST_APP_PASSWORDS} app passwords: revoke one that is not used");
            return Err(Error::new(Code::APP_PASSWORD_LIMIT_REACHED, message));
        };
        self.mail()?;
        let object = SystemState::domain_object(&mailbox.domain);
        let Some(domain_id) = domains.as_ref().and_then(|state| state.external_id(&object)) else {
            return Err(not_ready());
        };
        let password = input.into_app_password(&mailbox, place, moment.now());
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.insert(Action::CreateAppPassword, KIND, subject(&password), &password)?;
        work.commit.guard(&mailbox);
        access.guard(&mut work);
        self.carry_out(work).await?;
        let place = MailboxPlace {
            domain_id: domain_id.to_owned(),
            domain: mailbox.domain.clone(),
            local_part: mailbox.local_part.clone(),
        };
        Ok(Pending { password, place })
    }

    /// Stores that the mail system has it, if the caller may still create it and nobody has revoked it meanwhile.
    async fn confirm_app_password(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        password: &AppPassword,
        external_id: &str,
    ) -> Result<AppPasswordView> {
        let of = self.passwords_access(call, reference, password.mailbox_id, Action::CreateAppPassword, &[]).await?;
        let OfMailbox { access, mailbox } = of;
        check_in_use(&mailbox)?;
        let slot = match self.begin::<AppPasswordView>(call, &moment).await? {
            Begun::Before(answer) => return Err(shown_once(&answer.value.name, "revoke it and create another")),
            Begun::New(slot) => slot,
        };
        let stored: Option<AppPassword> = self.store.load(&call.context, password.id).await?;
        let pending = |stored: &AppPassword| stored.status == AppPasswordStatus::Pending;
        let before = stored.filter(pending).ok_or_else(Error::not_found)?;
        let mut after = before.clone();
        after.status = AppPasswordStatus::Active;
        after.external_id = Some(external_id.to_owned());
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        // Its creation is in the audit trail since the entry was stored.
        work.refresh(&before, &mut after)?;
        work.commit.guard(&mailbox);
        access.guard(&mut work);
        let view = AppPasswordView::through(&access, after);
        slot.showing(view.user_id).keep(&mut work, 201, &view)?;
        self.carry_out(work).await?;
        Ok(view)
    }

    /// Removes the entry of one that the mail system has refused. The controllers remove it otherwise.
    async fn forget_app_password(&self, call: &Call, password: &AppPassword) {
        let forgotten = self.settle(call, |moment| async move {
            let stored: Option<AppPassword> = self.store.load(&call.context, password.id).await?;
            let Some(stored) = stored else { return Ok(()) };
            let caller = self.caller(call).await?;
            let mut work = UnitOfWork::new(call, caller.audit_actor(), &moment);
            work.delete(Action::DeleteAppPassword, KIND, subject(&stored), &stored)?;
            self.carry_out(work).await
        });
        if let Err(error) = forgotten.await {
            tracing::debug!(%error, "the entry of a refused app password is left to the controllers");
        }
    }

    /// Returns the mail system.
    fn mail(&self) -> Result<&dyn MailPasswords> {
        self.mail.as_deref().ok_or_else(|| {
            let message = "this process reaches no mail system: set `DEZKY_STALWART_URL` with its credential here, or send \
                           the request to a process that has it";
            Error::new(Code::MAIL_NOT_CONFIGURED, message)
        })
    }
}

/// Returns the context of requests to the mail system, which end before the controllers take a creation for broken off.
fn bounded(context: &RequestContext) -> RequestContext {
    context.clone().with_timeout(context.remaining().min(CREATION / 2))
}

fn check_in_use(mailbox: &Mailbox) -> Result<()> {
    match mailbox.status {
        MailboxStatus::Active => Ok(()),
        MailboxStatus::Suspended => {
            Err(Error::new(Code::MAILBOX_SUSPENDED, "the mailbox is suspended, so that nobody signs in to it"))
        }
        MailboxStatus::Removing => {
            Err(Error::new(Code::MAILBOX_REMOVING, "the mailbox is being removed: create another one"))
        }
    }
}

/// Returns the error for a mailbox that the mail system does not have yet.
pub(crate) fn not_ready() -> Error {
    let message = "the mail system does not have the mailbox yet: see the tenant's workspace, and try again";
    Error::new(Code::MAILBOX_NOT_READY, message)
}
