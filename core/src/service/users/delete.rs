//! Erases a user.

use super::{KIND, subject};
use crate::{
    authz::Action,
    domain::{UserId, UserStatus, user::USERS},
    error::{Code, Error, Result},
    service::{
        Call, Service,
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::{UserView, check_if_match},
    },
};

impl Service {
    /// Erases a person.
    ///
    /// Personal fields are cleared and a tombstone stays, so that their tokens do not recreate them. Their memberships
    /// and the personal values in the audit trail follow through the outbox.
    ///
    /// # Errors
    /// `not_found`, `platform_admin_required`, `granted_admin_required`, `already_deleted` or `version_changed`.
    pub async fn delete_user(&self, call: &Call, id: UserId) -> Result<()> {
        self.settle(call, |moment| self.try_delete_user(call, moment, id)).await
    }

    async fn try_delete_user(&self, call: &Call, moment: Moment, id: UserId) -> Result<()> {
        let (caller, before) = self.user_access(call, id, Action::DeleteUser, &[], false).await?;
        let tenant_ids = self.tenant_ids(call, &caller, id).await?;
        check_if_match(call, &UserView::new(before.clone(), tenant_ids))?;
        if before.is_deleted() {
            return Err(Error::new(Code::ALREADY_DELETED, "this person was deleted before"));
        }
        // A user of the replaced service may have no subject; then there is no token to keep out.
        let hash = match &before.authentik_subject_id {
            Some(subject) => Some(self.subject_hash(call, &before.issuer_id, subject).await?),
            None => None,
        };
        let now = moment.now();
        let mut after = before.clone();
        after.authentik_subject_id = None;
        after.subject_hash = hash;
        after.set_email(None);
        after.set_name(None);
        after.status = UserStatus::Disabled.into();
        after.platform_admin = false;
        after.deleted_at = Some(now);
        let mut work = UnitOfWork::new(call, caller.audit_actor(), &moment).without_details();
        work.removing(USERS.name, 1);
        work.update(Action::DeleteUser, KIND, subject(&before), &before, &mut after)?;
        caller.guard(&mut work);
        self.carry_out(work).await
    }
}
