//! Invites somebody.

use super::{KIND, invited_to, mailed_too_often, subject};
use crate::{
    authz::Action,
    domain::{
        CreateInvitation, Invitation, InvitationView, Mailbox, MembershipRole, Tenant,
        invitation::{DAY, INVITATIONS, INVITATIONS_OF_ADDRESS, MOST_MAILS_A_DAY},
        mailbox::RESERVED_LOCAL_PARTS,
        membership::{MEMBERS_BY_EMAIL, MEMBERSHIPS},
    },
    error::{Code, Error, FieldCode, FieldError, Result},
    service::{
        Call, Service,
        access::{TenantAccess, TenantReference},
        effect::ELSEWHERE,
        idempotency::{Begun, Replayable},
        moment::Moment,
        unit_of_work::UnitOfWork,
    },
    store::{Filter, Query, Repository},
};

impl Service {
    /// Invites somebody to a tenant. A worker mails the invitation.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `owner_required`, `tenant_suspended`, `already_member`, `already_invited`,
    /// `invitation_limit_reached`, `seats_exhausted`, `subscription_inactive`, or `invalid_fields` with `unknown_domain`, `reserved` or `address_taken`.
    pub async fn create_invitation(
        &self,
        call: &Call,
        reference: &TenantReference,
        input: CreateInvitation,
    ) -> Result<Replayable<InvitationView>> {
        self.settle(call, |moment| self.try_create_invitation(call, moment, reference, input.clone())).await
    }

    async fn try_create_invitation(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        input: CreateInvitation,
    ) -> Result<Replayable<InvitationView>> {
        let access = self.tenant_access(call, reference).await?;
        access.authorize_with(Action::CreateInvitation, invited_to(input.role), &input.fields())?;
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        // A component may look for nobody by an address, whether they are members or are invited: its host does.
        self.leave_to_effect(call).await?;
        if ELSEWHERE {
            return Err(Error::internal("a component writes nothing, and nobody carries its changes out"));
        }
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        let invitation = self.add_invitation(call, &access, &mut work, input).await?;
        let view = InvitationView::through(&access, invitation, moment.now());
        slot.keep(&mut work, 201, &view)?;
        self.carry_out(work).await?;
        Ok(Replayable::new(view))
    }

    /// Adds an invitation to a unit of work, if nothing is in its way.
    pub(super) async fn add_invitation(
        &self,
        call: &Call,
        access: &TenantAccess,
        work: &mut UnitOfWork<'_>,
        input: CreateInvitation,
    ) -> Result<Invitation> {
        let tenant = access.authorize_with(Action::CreateInvitation, invited_to(input.role), &input.fields())?;
        let now = work.now();
        let mut new = input.into_invitation(tenant.id, access.caller.user_id(), self.settings.invitation_life, now);
        new.invited_by_key = access.caller.api_key_id();
        self.check_invited_mailbox(call, tenant, &new).await?;
        let members = Query::new(&MEMBERSHIPS)
            .sort(&MEMBERS_BY_EMAIL)
            .equal("tenantId", tenant.id.0)
            .equal("active", true)
            .equal("userEmailKey", address(&MEMBERSHIPS, "userEmailKey", &new.email))
            .limit(1);
        let earlier = Query::new(&INVITATIONS)
            .sort(&INVITATIONS_OF_ADDRESS)
            .equal("tenantId", tenant.id.0)
            .equal("emailKey", address(&INVITATIONS, "emailKey", &new.email))
            .filter(Filter::Range { field: "createdAt", from: Some(now.minus(DAY).into()), until: None })
            .limit(MOST_MAILS_A_DAY);
        let key = Invitation::address_key(tenant.id, &new.email);
        let reads = [members.into(), earlier.into(), Query::unique(&INVITATIONS, key).into()];
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        if answers.any() {
            let message = "a member of the tenant has this address: change the role with `PATCH`";
            return Err(Error::new(Code::ALREADY_MEMBER, message));
        }
        let earlier: Vec<Invitation> = answers.all()?;
        if let Some(open) = answers.first::<Invitation>()? {
            let mut lapsed = open.clone();
            if !lapsed.lapse(now) {
                let message = "this address has an open invitation already: resend or revoke that one";
                return Err(Error::new(Code::ALREADY_INVITED, message));
            }
            work.update(LAPSE, KIND, subject(&open), &open, &mut lapsed)?;
        }
        if earlier.len() >= usize::try_from(MOST_MAILS_A_DAY).unwrap_or(usize::MAX) {
            return Err(mailed_too_often());
        }
        // It holds a seat like a member does, so that accepting it needs none.
        self.take_seats(call, work, tenant.id, 1).await?;
        work.insert(Action::CreateInvitation, KIND, subject(&new), &new)?;
        access.guard(work);
        Ok(new)
    }

    /// Checks the mailbox that comes with an invitation, so that a mistake is told to the person who can mend it.
    async fn check_invited_mailbox(&self, call: &Call, tenant: &Tenant, invitation: &Invitation) -> Result<()> {
        let Some(wanted) = &invitation.mailbox else { return Ok(()) };
        let refused =
            |code: FieldCode, message: String| Err(Error::invalid(vec![FieldError::new("mailbox", code, message)]));
        if !tenant.domain_verifications.iter().any(|verified| verified.name == wanted.domain) {
            return refused(
                FieldCode::UNKNOWN_DOMAIN,
                "`domain` must be one of the tenant's verified domains".to_owned(),
            );
        }
        let parts = || std::iter::once(&wanted.local_part).chain(&wanted.aliases);
        let reserved = parts().find(|part| RESERVED_LOCAL_PARTS.contains(&part.as_str()));
        if let Some(name) = reserved.filter(|_| invitation.role != MembershipRole::Owner) {
            return refused(FieldCode::RESERVED, format!("`{name}` is for an owner of the tenant"));
        }
        let keys = parts().map(|part| Mailbox::key(part, &wanted.domain)).collect();
        let query = Query::new(&crate::domain::mailbox::MAILBOXES).filter(Filter::UniqueKeyIn(keys)).limit(1);
        if self.store.load_all::<Mailbox>(&call.context, &query).await?.is_empty() {
            return Ok(());
        }
        let message = "a mailbox has this address, or one of the aliases, already: choose another";
        Err(Error::new(Code::ADDRESS_TAKEN, message).with_fields(vec![FieldError::new(
            "mailbox",
            Code::ADDRESS_TAKEN,
            message,
        )]))
    }
}

/// Name in the audit trail of the expiry of an invitation.
pub(crate) const LAPSE: &str = crate::domain::system_action::INVITATION_EXPIRE;

/// Returns an address in the form of the field that it is compared with.
fn address(collection: &'static crate::store::Collection, field: &str, address: &str) -> String {
    collection.field(field).map_or_else(|| address.to_owned(), |field| field.compared(address))
}
