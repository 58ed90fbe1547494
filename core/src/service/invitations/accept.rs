//! Accepts an invitation: whoever has its secret becomes a member.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{KIND, invited_to, subject, unknown_secret};
use crate::{
    authz::{Action, Actor, Outcome, PlatformRight, Resource, TenantFacts, decide},
    clock::Timestamp,
    domain::{
        ApiKey, ApiKeyId, CreateMailbox, GrantSource, Invitation, InvitationStatus, InvitedMailbox, Mailbox,
        MailboxOutcome, Membership, MembershipRole, Tenant, TenantId, TenantStatus, User, UserId,
        mailbox::{MAILBOXES, MAILBOXES_OF_MEMBER, MOST_MAILBOXES, check_reserved},
    },
    error::{Code, Error, Result},
    service::{
        Call, Principal, Service, access::CallerFacts, mailboxes, members, moment::Moment, unit_of_work::UnitOfWork,
    },
    store::{Filter, Query, Repository},
};

/// An accepted invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "AcceptedInvitation")]
#[non_exhaustive]
pub struct AcceptedInvitation {
    /// The tenant
    #[schema(value_type = String)]
    pub tenant_id: TenantId,
    /// Its slug
    pub tenant_slug: String,
    /// Its name
    pub tenant_name: String,
    /// The person's role in it
    pub role: MembershipRole,
    /// Time at which it was accepted
    #[schema(value_type = String, format = DateTime)]
    pub accepted_at: Timestamp,
    /// Address of the mailbox that came with it
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mailbox_address: Option<String>,
    /// Result of that mailbox
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mailbox_outcome: Option<MailboxOutcome>,
}

impl AcceptedInvitation {
    fn of(tenant: &Tenant, invitation: &Invitation, role: MembershipRole) -> Self {
        Self {
            tenant_id: tenant.id,
            tenant_slug: tenant.slug.clone(),
            tenant_name: tenant.name.clone(),
            role,
            accepted_at: invitation.accepted_at.unwrap_or(invitation.updated_at),
            mailbox_address: invitation.mailbox.as_ref().map(address),
            mailbox_outcome: invitation.mailbox_outcome,
        }
    }
}

/// Documents that an acceptance rests on.
struct Found {
    invitation: Invitation,
    tenant: Tenant,
    user: User,
    membership: Option<Membership>,
}

impl Service {
    /// Accepts an invitation for the caller. Possession of its secret is the proof; no claim of the token is compared.
    ///
    /// A person who has accepted it before gets the same answer.
    ///
    /// # Errors
    /// `invitation_not_found`, `invitation_expired`, `invitation_used`, `tenant_issuer_required`, `tenant_suspended`,
    /// `user_disabled`, `user_unknown`, or `person_required` for a system actor.
    pub async fn accept_invitation(&self, call: &Call, secret: &str) -> Result<AcceptedInvitation> {
        let accepted = self.settle(call, |moment| self.try_accept(call, moment, secret, true)).await;
        match accepted {
            // Another mailbox took the address between the look and the commit.
            Err(error) if error.is(Code::ADDRESS_TAKEN) => {
                self.settle(call, |moment| self.try_accept(call, moment, secret, false)).await
            }
            outcome => outcome,
        }
    }

    async fn try_accept(
        &self,
        call: &Call,
        moment: Moment,
        secret: &str,
        address_free: bool,
    ) -> Result<AcceptedInvitation> {
        let (CallerFacts::Person { user, bound_to }, Principal::Token(token)) =
            (self.caller(call).await?, &call.principal)
        else {
            let message = "only a person accepts an invitation: send the access token of one";
            return Err(Error::new(Code::PERSON_REQUIRED, message));
        };
        // A component may not read what the caller is not a member of.
        self.leave_to_effect(call).await?;
        let found = self.find_invited(call, secret, *user).await?;
        let Found { invitation, tenant, user, membership } = &found;
        if bound_to.as_ref().is_some_and(|slug| *slug != tenant.slug) {
            return Err(unknown_secret());
        }
        if !self.may_join(tenant, &token.issuer_id, bound_to.is_some()) {
            let message = "this tenant has an identity provider of its own: sign in there to accept the invitation";
            return Err(Error::new(Code::TENANT_ISSUER_REQUIRED, message));
        }
        let now = moment.now();
        let current = membership.as_ref().filter(|membership| membership.active);
        if invitation.accepted_by == Some(user.id) {
            let role = current.map(|membership| membership.role).ok_or_else(unknown_secret)?;
            return Ok(AcceptedInvitation::of(tenant, invitation, role));
        }
        check_open(invitation, now)?;
        if tenant.status.counts_as() == TenantStatus::Suspended {
            return Err(Error::new(Code::TENANT_SUSPENDED, "the tenant is suspended and takes nobody in"));
        }
        // A revocation is newer than what was promised before it.
        let barred = membership.as_ref().and_then(|membership| membership.revoked_at);
        if barred.is_some_and(|revoked| revoked >= invitation.created_at) {
            return Err(unknown_secret());
        }
        let mut work = UnitOfWork::new(
            call,
            CallerFacts::Person { user: Box::new(user.clone()), bound_to }.audit_actor(),
            &moment,
        );
        self.check_inviter(call, &found, &mut work).await?;
        let role = self.join(&found, &mut work, now)?;
        let outcome = self.make_mailbox(call, &found, role, address_free, &mut work).await?;
        let mut accepted = invitation.clone();
        accepted.accept(user.id, outcome, now);
        work.update(Action::AcceptInvitation, KIND, subject(&accepted), invitation, &mut accepted)?;
        work.commit.guard(user);
        work.commit.guard(tenant);
        self.carry_out(work).await?;
        Ok(AcceptedInvitation::of(tenant, &accepted, role))
    }

    /// Loads the invitation of a secret, its tenant, and the caller's membership in it.
    async fn find_invited(&self, call: &Call, secret: &str, user: User) -> Result<Found> {
        let key = Invitation::secret_key(&Invitation::hash(secret));
        let invitation: Option<Invitation> = self.store.load_unique(&call.context, key).await?;
        let invitation = invitation.ok_or_else(unknown_secret)?;
        let (tenant, membership) = futures_util::try_join!(
            self.store.load::<Tenant>(&call.context, invitation.tenant_id),
            self.store.load_unique::<Membership>(&call.context, Membership::key(invitation.tenant_id, user.id)),
        )?;
        let living = |tenant: &Tenant| tenant.status != TenantStatus::Deleted;
        let tenant = tenant.filter(living).ok_or_else(unknown_secret)?;
        Ok(Found { invitation, tenant, user, membership })
    }

    /// Returns `true` if people of this issuer may join the tenant.
    ///
    /// A configured issuer that is bound to the tenant is its identity provider, and only its people join.
    fn may_join(&self, tenant: &Tenant, issuer: &str, bound: bool) -> bool {
        match self.settings.issuers_of_tenants.get(&tenant.slug) {
            Some(issuers) => bound || issuers.iter().any(|own| own == issuer),
            None => true,
        }
    }

    /// Checks that the person or key that invited may still do so, and makes the commit rest on that.
    async fn check_inviter(&self, call: &Call, found: &Found, work: &mut UnitOfWork<'_>) -> Result<()> {
        if let Some(id) = found.invitation.invited_by_key {
            return self.check_inviting_key(call, found, id, work).await;
        }
        let Some(id) = found.invitation.invited_by else { return Ok(()) };
        let key = Membership::key(found.tenant.id, id);
        let (inviter, membership) = futures_util::try_join!(
            self.store.load::<User>(&call.context, id),
            self.store.load_unique::<Membership>(&call.context, key),
        )?;
        let Some(inviter) = inviter.filter(|inviter| !inviter.is_deleted()) else { return Err(unknown_secret()) };
        let actor =
            Actor::User { disabled: !inviter.may_call(), platform: PlatformRight::of(&inviter), bound_to: None };
        let role = membership.as_ref().filter(|membership| membership.active).map(|membership| membership.role);
        let facts = TenantFacts { slug: &found.tenant.slug, status: found.tenant.status.counts_as() };
        let target = invited_to(found.invitation.role);
        let resource = Resource { tenant: Some(facts), role, target, ..Resource::default() };
        if decide(&actor, Action::CreateInvitation, &resource).outcome != Outcome::Allow {
            return Err(unknown_secret());
        }
        // A person does not accept their own, whose documents this commit changes anyway.
        if inviter.id != found.user.id {
            work.commit.guard(&inviter);
            if let Some(membership) = &membership {
                work.commit.guard(membership);
            }
        }
        Ok(())
    }

    /// Checks that an API key that invited is in force, so that what it began ends with it.
    async fn check_inviting_key(
        &self,
        call: &Call,
        found: &Found,
        id: ApiKeyId,
        work: &mut UnitOfWork<'_>,
    ) -> Result<()> {
        let key: Option<ApiKey> = self.store.load(&call.context, id).await?;
        let in_force = |key: &ApiKey| key.expires_at.is_none_or(|end| end > work.now());
        let key = key.filter(in_force).ok_or_else(unknown_secret)?;
        let actor = Actor::ApiKey { platform: key.tenant_id.is_none(), scopes: &key.scopes };
        let role = (key.tenant_id == Some(found.tenant.id)).then_some(MembershipRole::Admin);
        let facts = TenantFacts { slug: &found.tenant.slug, status: found.tenant.status.counts_as() };
        let target = invited_to(found.invitation.role);
        let resource = Resource { tenant: Some(facts), role, target, ..Resource::default() };
        if decide(&actor, Action::CreateInvitation, &resource).outcome != Outcome::Allow {
            return Err(unknown_secret());
        }
        work.commit.guard(&key);
        Ok(())
    }

    /// Creates or restores the membership. Returns its role, which is never lower than before.
    fn join(&self, found: &Found, work: &mut UnitOfWork<'_>, now: Timestamp) -> Result<MembershipRole> {
        let Found { invitation, tenant, user, membership } = found;
        let Some(before) = membership else {
            let mut joined = Membership::new(tenant, user, invitation.role, GrantSource::Invitation, now);
            joined.language = Some(invitation.language);
            work.insert(Action::AcceptInvitation, members::KIND, members::subject(&joined), &joined)?;
            return Ok(joined.role);
        };
        let role = if before.active { before.role.max(invitation.role) } else { invitation.role };
        let mut joined = before.clone();
        // Who is a member by a grant stays one by a grant.
        let by = if before.active && before.source == GrantSource::Grant {
            GrantSource::Grant
        } else {
            GrantSource::Invitation
        };
        if !before.active || before.role != role || before.source != by {
            joined.grant(role, by, now);
            joined.language = Some(invitation.language);
            joined.copy_tenant(tenant);
            joined.show_person(user);
            work.update(Action::AcceptInvitation, members::KIND, members::subject(before), before, &mut joined)?;
        } else {
            work.commit.guard(before);
        }
        Ok(role)
    }

    /// Creates the mailbox that came with the invitation, if it still can be.
    async fn make_mailbox(
        &self,
        call: &Call,
        found: &Found,
        role: MembershipRole,
        address_free: bool,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Option<MailboxOutcome>> {
        let Some(wanted) = &found.invitation.mailbox else { return Ok(None) };
        if !found.tenant.domain_verifications.iter().any(|verified| verified.name == wanted.domain) {
            return Ok(Some(MailboxOutcome::DomainUnverified));
        }
        let mailbox = mailbox_of(wanted, found.tenant.id, found.user.id, work.now())?;
        if check_reserved(&mailbox, role == MembershipRole::Owner).is_err() {
            return Ok(Some(MailboxOutcome::Reserved));
        }
        let keys = mailbox.local_parts().map(|part| Mailbox::key(part, &mailbox.domain)).collect();
        let same = Query::new(&MAILBOXES).filter(Filter::UniqueKeyIn(keys)).limit(1);
        let own = Query::new(&MAILBOXES)
            .sort(&MAILBOXES_OF_MEMBER)
            .equal("tenantId", found.tenant.id.0)
            .equal("userId", found.user.id.0)
            .limit(MOST_MAILBOXES);
        let mut answers = self.store.load_together(&call.context, &[same.into(), own.into()]).await?;
        if answers.any() || !address_free {
            return Ok(Some(MailboxOutcome::AddressTaken));
        }
        if answers.all::<Mailbox>()?.len() >= usize::try_from(MOST_MAILBOXES).unwrap_or(usize::MAX) {
            return Ok(Some(MailboxOutcome::LimitReached));
        }
        work.insert(Action::AcceptInvitation, mailboxes::KIND, mailboxes::subject(&mailbox), &mailbox)?;
        Ok(Some(MailboxOutcome::Created))
    }
}

fn check_open(invitation: &Invitation, now: Timestamp) -> Result<()> {
    match invitation.status {
        InvitationStatus::Accepted => {
            let message = "somebody has accepted this invitation: ask the person who invited you for another one";
            Err(Error::new(Code::INVITATION_USED, message))
        }
        _ if invitation.is_open(now) => Ok(()),
        _ => {
            let message = "this invitation has expired: ask the person who invited you to send it again";
            Err(Error::new(Code::INVITATION_EXPIRED, message))
        }
    }
}

fn address(mailbox: &InvitedMailbox) -> String {
    format!("{}@{}", mailbox.local_part, mailbox.domain)
}

fn mailbox_of(wanted: &InvitedMailbox, tenant: TenantId, user: UserId, now: Timestamp) -> Result<Mailbox> {
    let input = CreateMailbox::build(user, wanted.local_part.as_str(), wanted.domain.as_str());
    Ok(input.aliases(wanted.aliases.clone()).finish()?.into_mailbox(tenant, now))
}
