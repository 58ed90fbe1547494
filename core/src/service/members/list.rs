//! Lists the members of a tenant, and reads one.

use crate::{
    authz::Action,
    domain::{
        Choice as _, Membership, MembershipRole, UserId,
        membership::{ADDRESSED, MEMBERS_BY_NAME, MEMBERS_BY_ROLE, MEMBERS_BY_WORD, MEMBERSHIPS, NAMED},
    },
    error::{Error, Result},
    service::{
        Call, ListRequest, Page, Service,
        access::{TenantAccess, TenantReference},
        cursor::CursorScope,
        views::MembershipView,
    },
    store::{Filter, Follow, KeyPart, Position, Query, Repository, terms},
};

/// Selects members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberFilter {
    /// Only members with this role.
    pub role: Option<MembershipRole>,
    /// Only members with words in their name that begin with the words of this search, ignoring case. For callers who
    /// see addresses, words of the address match too.
    pub search: Option<String>,
}

impl Service {
    /// Lists a tenant's active members by name.
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
        let members = match &filter.search {
            Some(search) => self.search_members(call, query, search, sees_addresses(&access)).await?,
            None => self.store.load_all(&call.context, &query).await?,
        };
        let position = |membership: &Membership| Position {
            values: vec![membership.user_name_key.clone().into()],
            id: membership.id.0,
        };
        scope.page(members, limit, position, |membership| MembershipView::through(&access, membership))
    }

    /// Lists the members whose name, or address if visible to the caller, matches a search.
    async fn search_members(
        &self,
        call: &Call,
        query: Query,
        search: &str,
        addresses: bool,
    ) -> Result<Vec<Membership>> {
        let words = terms::searched(search);
        let Some((first, others)) = words.split_first() else {
            return Ok(self.store.load_all(&call.context, &query.begins("userNameKey", search)).await?);
        };
        let query = query.sort(&MEMBERS_BY_WORD);
        if !addresses {
            let named = words.iter().fold(query, |query, word| query.equal("_words", format!("{NAMED}{word}")));
            return Ok(self.store.load_all(&call.context, &named).await?);
        }
        // No document has a word both as a name's and as only an address's, so these are two disjoint lists in one
        // order.
        let either = others.iter().fold(query, |query, word| {
            let terms = [NAMED, ADDRESSED].map(|mark| format!("{mark}{word}").into());
            query.filter(Filter::In("_words", terms.to_vec()))
        });
        let [named, addressed] =
            [NAMED, ADDRESSED].map(|mark| either.clone().equal("_words", format!("{mark}{first}")));
        let mut answers = self.store.load_together(&call.context, &[named.into(), addressed.into()]).await?;
        let (mut found, addressed): (Vec<Membership>, Vec<Membership>) = (answers.all()?, answers.all()?);
        found.extend(addressed);
        found.sort_by(|one, other| (&one.user_name_key, one.id.0).cmp(&(&other.user_name_key, other.id.0)));
        found.truncate(usize::try_from(either.limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// Returns one member of a tenant.
    ///
    /// # Errors
    /// `not_found` when there is no such member or the caller may not see it.
    pub async fn read_member(&self, call: &Call, reference: &TenantReference, user: UserId) -> Result<MembershipView> {
        let member = |tenant| {
            let key = Membership::key_of(KeyPart::First(tenant), KeyPart::Text(user.to_string()));
            Some(Query::new(&MEMBERSHIPS).limit(1).follow(Follow::UniqueKey(key)))
        };
        let (access, mut answers) = self.tenant_access_and(call, reference, member).await?;
        let member: Option<Membership> = answers.first()?;
        access.authorize(Action::ReadMembers)?;
        let member = member.filter(|membership| membership.active).ok_or_else(Error::not_found)?;
        Ok(MembershipView::through(&access, member))
    }
}

/// Returns `true` if the caller sees the addresses of all members, as [`MembershipView`] shows them.
fn sees_addresses(access: &TenantAccess) -> bool {
    access.caller.is_platform() || access.role() >= Some(MembershipRole::Admin)
}
