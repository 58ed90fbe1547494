//! Listing the members of a tenant, and reading one.

use crate::{
    authz::Action,
    domain::{
        Membership, MembershipRole, TenantId, UserId,
        fields::search_key,
        membership::{MEMBERS_BY_NAME, MEMBERS_BY_ROLE, MEMBERSHIPS},
    },
    error::{Error, Result},
    service::{
        Call, ListRequest, Page, Service,
        access::{ABSENT, TenantReference},
        cursor::CursorScope,
        views::MembershipView,
    },
    store::{Filter, Position, Query, Repository},
};

/// Which members are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberFilter {
    /// In this role.
    pub role: Option<MembershipRole>,
    /// Whose name begins with this, whatever the case.
    pub search: Option<String>,
}

impl Service {
    /// A tenant's members in force, by name.
    ///
    /// # Errors
    /// `not_found`, `invalid_cursor` or `invalid_fields`.
    pub async fn list_members(
        &self,
        call: &Call,
        reference: &TenantReference,
        filter: &MemberFilter,
        request: &ListRequest,
    ) -> Result<Page<MembershipView>> {
        let access = self.tenant_access(call, reference).await?;
        let tenant = access.authorize(Action::ReadMembers)?;
        let id = tenant.id.to_string();
        let role = filter.role.map(MembershipRole::name);
        let filters = [("tenant", Some(id.as_str())), ("role", role), ("search", filter.search.as_deref())];
        let scope = CursorScope::new(call, "members", &filters);
        let limit = request.limit()?;
        let position = scope.decode(request.cursor.as_deref(), 1)?;
        let mut query = Query::new(&MEMBERSHIPS)
            .equal("tenantId", tenant.id.0)
            .equal("active", true)
            .after(position)
            .limit(limit.saturating_add(1));
        query = match role {
            Some(role) => query.sort(&MEMBERS_BY_ROLE).equal("role", role),
            None => query.sort(&MEMBERS_BY_NAME),
        };
        if let Some(search) = &filter.search {
            query = query.filter(Filter::Prefix("userNameKey", search_key(search)));
        }
        let members: Vec<Membership> = self.store.load_all(&call.context, &query).await?;
        let position = |membership: &Membership| Position {
            values: vec![membership.user_name_key.clone().into()],
            id: membership.id.0,
        };
        scope.page(members, limit, position, |membership| MembershipView::through(&access, membership))
    }

    /// One member of a tenant.
    ///
    /// # Errors
    /// `not_found` when there is none or the caller may not see it.
    pub async fn read_member(&self, call: &Call, reference: &TenantReference, user: UserId) -> Result<MembershipView> {
        let access = self.tenant_access(call, reference).await?;
        let tenant = access.tenant.as_ref().map_or(TenantId(ABSENT), |tenant| tenant.id);
        let member: Option<Membership> = self.store.load_unique(&call.context, Membership::key(tenant, user)).await?;
        access.authorize(Action::ReadMembers)?;
        let member = member.filter(|membership| membership.active).ok_or_else(Error::not_found)?;
        Ok(MembershipView::through(&access, member))
    }
}
