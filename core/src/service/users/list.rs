//! Lists users.

use std::collections::HashMap;

use super::memberships_of_each;
use crate::{
    authz::{Action, Resource},
    domain::{
        Membership, Open, TenantId, User, UserId, UserStatus,
        user::{USERS, USERS_BY_EMAIL, USERS_BY_NAME, USERS_BY_STATUS, USERS_BY_WORD},
    },
    error::Result,
    service::{
        Call, ListRequest, Page, Service, access::check, cursor::CursorScope, filter::StatusCheck, views::UserView,
    },
    store::{Origin, Position, Query, Repository},
};

/// Selects users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Only users with this status.
    pub status: Option<Open<UserStatus>>,
    /// Only users with words in their name or e-mail address that begin with the words of this search, ignoring case.
    pub search: Option<String>,
    /// Only users whose e-mail address begins with this, ignoring case and the script of the domain. The list is then
    /// ordered by address.
    pub email: Option<String>,
}

impl Service {
    /// Lists users by name. Platform only.
    ///
    /// # Errors
    /// `platform_admin_required`, `invalid_cursor` or `invalid_fields`.
    pub async fn list_users(&self, call: &Call, filter: &UserFilter, request: &ListRequest) -> Result<Page<UserView>> {
        let caller = self.caller(call).await?;
        check(&caller, Action::ListUsers, &Resource::default())?;
        let status_check = StatusCheck::new(&USERS, filter.status.as_ref(), true)?;
        let status = filter.status.as_ref().map(Open::name);
        let filters = [("status", status), ("search", filter.search.as_deref()), ("email", filter.email.as_deref())];
        let scope = CursorScope::new(call, "users", &filters);
        let limit = request.limit()?;
        let position = scope.decode(request.cursor.as_deref(), 1)?;
        let mut query = Query::new(&USERS).after(position).limit(limit.saturating_add(1));
        let mut order = if status.is_some() { &USERS_BY_STATUS } else { &USERS_BY_NAME };
        if let Some(status) = status {
            query = query.equal("status", status);
        }
        if let Some(search) = &filter.search {
            query = match query.clone().words("_words", "", search) {
                Some(searched) => {
                    order = &USERS_BY_WORD;
                    searched
                }
                None => query.begins("nameKey", search),
            };
        }
        if let Some(email) = &filter.email {
            order = &USERS_BY_EMAIL;
            query = query.begins("emailKey", email);
        }
        query = query.sort(order);
        let mut reads = vec![query.into(), memberships_of_each(Origin { read: 0, field: "id" })];
        status_check.add_to(&mut reads);
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let users: Vec<User> = answers.all()?;
        let mut tenants: HashMap<UserId, Vec<TenantId>> = HashMap::new();
        for membership in answers.all::<Membership>()? {
            tenants.entry(membership.user_id).or_default().push(membership.tenant_id);
        }
        status_check.finish::<UserStatus>(&mut answers)?;
        let by_email = filter.email.is_some();
        let position = |user: &User| {
            let key = if by_email { &user.email_key } else { &user.name_key };
            Position { values: vec![key.clone().into()], id: user.id.0 }
        };
        scope.page(users, limit, position, |user| {
            let tenant_ids = tenants.remove(&user.id).unwrap_or_default();
            UserView::new(user, tenant_ids)
        })
    }
}
