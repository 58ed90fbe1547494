//! Changes a user.

use super::{KIND, subject};
use crate::{
    authz::Action,
    clock::Timestamp,
    domain::{UpdateUser, User, UserId},
    error::{Code, Error, Result},
    service::{
        Call, Service,
        access::CallerFacts,
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::{UserView, check_if_match},
    },
};

impl Service {
    /// Changes a user. Platform only.
    ///
    /// # Errors
    /// `not_found`, `platform_admin_required`, `granted_admin_required`, `already_deleted`, `version_changed` or
    /// `invalid_fields`.
    pub async fn update_user(&self, call: &Call, id: UserId, input: UpdateUser) -> Result<UserView> {
        self.settle(call, |moment| self.try_update_user(call, moment, id, input.clone())).await
    }

    async fn try_update_user(&self, call: &Call, moment: Moment, id: UserId, input: UpdateUser) -> Result<UserView> {
        let (fields, makes_admin) = (input.fields(), input.makes_admin());
        let change = |user: &mut User, caller: &CallerFacts, now| input.apply(user, caller.revoker(), now);
        self.change_user(call, moment, id, &fields, makes_admin, change).await
    }

    /// Changes these fields of a user, if the caller may and no other writer comes first.
    pub(super) async fn change_user(
        &self,
        call: &Call,
        moment: Moment,
        id: UserId,
        fields: &[&'static str],
        makes_admin: bool,
        change: impl FnOnce(&mut User, &CallerFacts, Timestamp) + Send,
    ) -> Result<UserView> {
        let (caller, before) = self.user_access(call, id, Action::UpdateUser, fields, makes_admin).await?;
        let tenant_ids = self.tenant_ids(call, &caller, id).await?;
        check_if_match(call, &UserView::new(before.clone(), tenant_ids.clone()))?;
        if before.is_deleted() {
            return Err(Error::new(Code::ALREADY_DELETED, "this person was deleted"));
        }
        let mut work = UnitOfWork::new(call, caller.audit_actor(), &moment);
        let mut after = before.clone();
        change(&mut after, &caller, work.now());
        if work.update(Action::UpdateUser, KIND, subject(&before), &before, &mut after)? {
            caller.guard(&mut work);
            self.carry_out(work).await?;
        }
        Ok(UserView::new(after, tenant_ids))
    }
}
