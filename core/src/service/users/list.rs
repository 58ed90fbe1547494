//! Listing users.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    authz::{Action, Resource},
    domain::{
        Open, User, UserStatus,
        user::{USERS, USERS_BY_EMAIL, USERS_BY_NAME, USERS_BY_STATUS, USERS_BY_WORD},
    },
    error::Result,
    service::{Call, ListRequest, Page, Service, access::check, cursor::CursorScope, views::UserView},
    store::{Position, Query, Repository},
};

/// Which users are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// In this state.
    pub status: Option<Open<UserStatus>>,
    /// Of whose name or e-mail address some words begin with those of this, whatever the case.
    pub search: Option<String>,
    /// Whose e-mail address begins with this, whatever the case and the script of its domain. The list is then by address.
    pub email: Option<String>,
}

impl Service {
    /// Users by name. For the platform.
    ///
    /// # Errors
    /// `platform_admin_required`, `invalid_cursor` or `invalid_fields`.
    pub async fn list_users(&self, call: &Call, filter: &UserFilter, request: &ListRequest) -> Result<Page<UserView>> {
        let caller = self.caller(call).await?;
        check(&caller, Action::ListUsers, &Resource::default())?;
        self.check_status(call, &USERS, filter.status.as_ref(), true).await?;
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
        let users: Vec<User> = self.store.load_all(&call.context, &query).await?;
        let by_email = filter.email.is_some();
        let position = |user: &User| {
            let key = if by_email { &user.email_key } else { &user.name_key };
            Position { values: vec![key.clone().into()], id: user.id.0 }
        };
        let page = scope.page(users, limit, position, |user| user)?;
        let caller = &caller;
        let views = page.items.into_iter().map(|user| async move {
            let tenant_ids = self.tenant_ids(call, caller, user.id).await?;
            Ok::<_, crate::Error>(UserView::new(user, tenant_ids))
        });
        // A few at a time: one list does not take the store from everybody else.
        let items = stream::iter(views).buffered(4).try_collect().await?;
        Ok(Page { items, next_cursor: page.next_cursor })
    }
}
