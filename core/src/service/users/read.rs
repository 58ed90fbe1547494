//! Reads a user.

use crate::{
    authz::{Action, PlatformRight, Resource},
    domain::{Membership, User, UserId, user::USERS},
    error::{Error, Result},
    service::{
        Call, Service,
        access::{CallerFacts, check, known_caller},
        views::UserView,
    },
    store::{Origin, Query, Repository},
};

use super::memberships_of_each;

impl Service {
    /// Returns a user: the caller's own, or any for the platform.
    ///
    /// # Errors
    /// `not_found` when there is no such user or the caller may not see it.
    pub async fn read_user(&self, call: &Call, id: UserId) -> Result<UserView> {
        let (caller, user) = self.user_access(call, id, Action::ReadUser, &[], false).await?;
        let tenant_ids = self.tenant_ids(call, &caller, user.id).await?;
        Ok(UserView::new(user, tenant_ids))
    }

    /// Returns the user that an issuer knows by this subject. Platform only.
    ///
    /// # Errors
    /// `not_found` when there is no such user, or `platform_admin_required`.
    pub async fn read_user_by_subject(&self, call: &Call, issuer_id: &str, subject: &str) -> Result<UserView> {
        let caller = self.caller(call).await?;
        check(&caller, Action::ListUsers, &Resource::default())?;
        let key = User::subject_key(issuer_id, subject);
        let reads = [Query::unique(&USERS, key).into(), memberships_of_each(Origin { read: 0, field: "id" })];
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let user: User = answers.first()?.ok_or_else(Error::not_found)?;
        let tenant_ids = answers.all::<Membership>()?.iter().map(|membership| membership.tenant_id).collect();
        Ok(UserView::new(user, tenant_ids))
    }

    /// Loads the caller and a user, if the caller may perform `action` on it.
    ///
    /// `makes_admin` is `true` if the user is to get a lasting right to administer the platform.
    pub(in crate::service) async fn user_access(
        &self,
        call: &Call,
        id: UserId,
        action: Action,
        fields: &[&'static str],
        makes_admin: bool,
    ) -> Result<(CallerFacts, User)> {
        let user = Query::new(&USERS).equal("id", id.0).limit(1).into();
        let (found, mut answers) = self.find_caller_and(call, vec![user]).await?;
        let caller = known_caller(call, found)?;
        let user: Option<User> = answers.first()?;
        let oneself = caller.user_id() == Some(id);
        let lasting = user.as_ref().is_some_and(|user| PlatformRight::of(user) == PlatformRight::Lasting);
        let lasting_admin = makes_admin || lasting;
        check(&caller, action, &Resource { oneself, fields, lasting_admin, ..Resource::default() })?;
        Ok((caller, user.ok_or_else(Error::not_found)?))
    }
}
