//! Reading a user.

use crate::{
    authz::{Action, Resource},
    domain::{TenantId, User, UserId},
    error::{Error, Result},
    service::{
        Call, Service,
        access::{CallerFacts, check},
        profile::PROFILE_TENANTS,
        views::UserView,
    },
    store::Repository,
};

impl Service {
    /// A user: oneself, or anybody for the platform.
    ///
    /// # Errors
    /// `not_found` when there is none or the caller may not see it.
    pub async fn read_user(&self, call: &Call, id: UserId) -> Result<UserView> {
        let (caller, user) = self.user_access(call, id, Action::ReadUser, &[]).await?;
        let tenant_ids = if caller.is_platform() {
            self.tenant_ids(call, user.id).await?
        } else {
            self.own_tenant_ids(call, &caller).await?
        };
        Ok(UserView::new(user, tenant_ids))
    }

    /// The caller's first 100 tenants by name: those that they may see, with this token.
    async fn own_tenant_ids(&self, call: &Call, caller: &CallerFacts) -> Result<Vec<TenantId>> {
        let (memberships, _) = self.own_memberships(call, caller, None, None, PROFILE_TENANTS).await?;
        let ids: Vec<TenantId> = memberships.into_iter().map(|membership| membership.tenant_id).collect();
        let living = self.tenants_by_id(call, ids.iter().copied()).await?;
        Ok(ids.into_iter().filter(|id| living.contains_key(id)).collect())
    }

    /// The caller and a user, if the caller may do `action` to it.
    pub(super) async fn user_access(
        &self,
        call: &Call,
        id: UserId,
        action: Action,
        fields: &[&'static str],
    ) -> Result<(CallerFacts, User)> {
        let user = async { Ok(self.store.load::<User>(&call.context, id).await?) };
        let (caller, user) = futures_util::try_join!(self.caller(call), user)?;
        let oneself = caller.user_id() == Some(id);
        check(&caller, action, &Resource { oneself, fields, ..Resource::default() })?;
        Ok((caller, user.ok_or_else(Error::not_found)?))
    }
}
