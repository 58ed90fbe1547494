//! Grants a membership.

use super::{KIND, subject};
use crate::{
    authz::Action,
    domain::{GrantMembership, GrantSource, Membership, User},
    error::{Code, Error, FieldCode, FieldError, Result},
    service::{
        Call, Service,
        access::TenantReference,
        idempotency::{Begun, Replayable},
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::MembershipView,
    },
    store::Repository,
};

impl Service {
    /// Adds a person to a tenant, or restores a revoked membership.
    ///
    /// The platform may name anybody. Owners and admins may name only people whom the tenant knows, which are those
    /// with a revoked membership: naming a stranger by id would disclose that person's name and address. Of a former
    /// member they see what the tenant knew before, until that person calls `GET /users/me`.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `owner_required`, `tenant_suspended`, `already_member`, or `invalid_fields` with
    /// `unknown_user`.
    pub async fn grant_membership(
        &self,
        call: &Call,
        reference: &TenantReference,
        input: GrantMembership,
    ) -> Result<Replayable<MembershipView>> {
        self.settle(call, |moment| self.try_grant(call, moment, reference, &input)).await
    }

    async fn try_grant(
        &self,
        call: &Call,
        moment: Moment,
        reference: &TenantReference,
        input: &GrantMembership,
    ) -> Result<Replayable<MembershipView>> {
        let member = self.member_access(call, reference, input.user_id, Action::GrantMembership).await?;
        let facts = member.facts(Some(input.role));
        let tenant = member.access.authorize_with(Action::GrantMembership, facts, &[])?;
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        if facts.current.is_some() {
            let message = "this person is a member already: change the role with `PATCH`";
            return Err(Error::new(Code::ALREADY_MEMBER, message));
        }
        let known = member.access.caller.is_platform() || member.target.is_some();
        let user: Option<User> = self.store.load(&call.context, input.user_id).await?;
        let Some(user) = user.filter(|user| known && !user.is_deleted()) else {
            let message = "must be the id of a user whom you may see";
            return Err(Error::invalid(vec![FieldError::new("userId", FieldCode::UNKNOWN_USER, message)]));
        };
        let now = moment.now();
        let mut work = UnitOfWork::new(call, member.access.caller.audit_actor(), &moment);
        let granted = match &member.target {
            Some(tombstone) => {
                let mut granted = tombstone.clone();
                granted.grant(input.role, GrantSource::Grant, now);
                granted.copy_tenant(tenant);
                // The tenant's own people learn nothing new about a former member who has not returned yet.
                match member.access.caller.is_platform() {
                    true => granted.show_person(&user),
                    false => granted.regranted_at = Some(now),
                }
                work.update(Action::GrantMembership, KIND, subject(tombstone), tombstone, &mut granted)?;
                granted
            }
            None => {
                let granted = Membership::new(tenant, &user, input.role, GrantSource::Grant, now);
                work.insert(Action::GrantMembership, KIND, subject(&granted), &granted)?;
                granted
            }
        };
        self.take_seats(call, &mut work, tenant.id, 1).await?;
        work.commit.guard(&user);
        member.access.guard(&mut work);
        let view = MembershipView::through(&member.access, granted);
        slot.showing(view.user_id).keep(&mut work, 201, &view)?;
        self.carry_out(work).await?;
        Ok(Replayable::new(view))
    }
}
