//! Creates a mailbox.

use super::{KIND, subject};
use crate::{
    authz::{Action, TargetFacts},
    domain::{
        CreateMailbox, Mailbox, MailboxView, Membership, MembershipRole,
        mailbox::{MAILBOXES, MAILBOXES_OF_MEMBER, MOST_MAILBOXES, check_reserved},
    },
    error::{Code, Error, FieldCode, FieldError, Result},
    service::{
        Call, Service,
        access::TenantReference,
        idempotency::{Begun, Replayable},
        moment::Moment,
        unit_of_work::UnitOfWork,
    },
    store::{Query, Repository},
};

impl Service {
    /// Creates a mailbox of a member at one of the tenant's verified domains.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `tenant_suspended`, `address_taken`, `mailbox_limit_reached`, or `invalid_fields` with
    /// `unknown_user`, `unknown_domain` or `reserved`.
    pub async fn create_mailbox(
        &self,
        call: &Call,
        reference: &TenantReference,
        input: CreateMailbox,
    ) -> Result<Replayable<MailboxView>> {
        self.settle(call, |moment| self.try_create_mailbox(call, moment, reference, input.clone())).await
    }

    async fn try_create_mailbox(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        input: CreateMailbox,
    ) -> Result<Replayable<MailboxView>> {
        let access = self.tenant_access(call, reference).await?;
        let tenant = access.authorize_with(Action::CreateMailbox, TargetFacts::default(), &input.fields())?;
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        if !tenant.has_verified(&input.domain) {
            let message = "must be one of the tenant's verified domains";
            return Err(Error::invalid(vec![FieldError::new("domain", FieldCode::UNKNOWN_DOMAIN, message)]));
        }
        let key = Membership::key(tenant.id, input.user_id);
        let membership: Option<Membership> = self.store.load_unique(&call.context, key).await?;
        let Some(membership) = membership.filter(|membership| membership.active) else {
            let message = "must be the id of a member of the tenant";
            return Err(Error::invalid(vec![FieldError::new("userId", FieldCode::UNKNOWN_USER, message)]));
        };
        let of_member = Query::new(&MAILBOXES)
            .sort(&MAILBOXES_OF_MEMBER)
            .equal("tenantId", tenant.id.0)
            .equal("userId", input.user_id.0)
            .limit(MOST_MAILBOXES);
        let others: Vec<Mailbox> = self.store.load_all(&call.context, &of_member).await?;
        if others.len() >= usize::try_from(MOST_MAILBOXES).unwrap_or(usize::MAX) {
            let message =
                format!("a member has at most {MOST_MAILBOXES} mailboxes: add an alias to one of them instead");
            return Err(Error::new(Code::MAILBOX_LIMIT_REACHED, message));
        }
        let mailbox = input.into_mailbox(tenant.id, moment.now());
        check_reserved(&mailbox, membership.role == MembershipRole::Owner)?;
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.insert(Action::CreateMailbox, KIND, subject(&mailbox), &mailbox)?;
        work.commit.guard(&membership);
        access.guard(&mut work);
        let view = MailboxView::through(&access, mailbox);
        slot.showing(view.user_id).keep(&mut work, 201, &view)?;
        self.carry_out(work).await?;
        Ok(Replayable::new(view))
    }
}
