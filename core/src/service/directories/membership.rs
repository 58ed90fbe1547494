//! Members of groups, and what follows for the tenant that a group belongs to.
//!
//! A group belongs to the tenant that names it in `authentikGroup`. Whoever is in it is a member by claim, by the same rules as
//! with tokens.

use std::collections::{BTreeSet, HashMap};

use super::{AT_A_TIME, Directory};
use crate::{
    context::SystemActor,
    domain::{
        AuditActor, GrantSource, Membership, ProvisionedGroup, ProvisionedMember, ProvisionedUser, Tenant, TenantId,
        TenantStatus, User, UserActivity, UserId,
        activity::USER_ACTIVITY,
        membership::MEMBERSHIPS,
        provisioned::{
            PROVISIONED_GROUPS, PROVISIONED_GROUPS_BY_NAME, PROVISIONED_MEMBERS, PROVISIONED_MEMBERS_OF_USER,
            PROVISIONED_USERS,
        },
        tenant::TENANTS,
        user::USERS,
    },
    error::{Code, Error, Result},
    service::{
        Call, Service,
        moment::Moment,
        profile::{Reconciliation, Statement},
        unit_of_work::UnitOfWork,
    },
    store::{Query, Read, Repository as _},
};

/// People who are put into a group or taken out of it.
#[derive(Debug, Default)]
pub(super) struct Moves {
    pub(super) added: Vec<UserId>,
    pub(super) removed: Vec<ProvisionedMember>,
}

impl Moves {
    pub(super) fn len(&self) -> usize {
        self.added.len() + self.removed.len()
    }

    /// Splits off as many as are moved in one commit.
    pub(super) fn take_some(&mut self) -> Self {
        let removed: Vec<_> = self.removed.drain(..self.removed.len().min(AT_A_TIME)).collect();
        let room = AT_A_TIME.saturating_sub(removed.len());
        Self { added: self.added.drain(..self.added.len().min(room)).collect(), removed }
    }
}

fn limit(values: usize) -> u32 {
    u32::try_from(values).unwrap_or(u32::MAX)
}

impl Service {
    /// Returns the tenant that a group makes people members of, if there is one and the issuer may speak for it.
    pub(super) async fn tenant_of_group(
        &self,
        call: &Call,
        name: &str,
        bound_to: Option<TenantId>,
    ) -> Result<Option<Tenant>> {
        let tenant: Option<Tenant> = self.store.load_unique(&call.context, Tenant::group_key(name)).await?;
        let may = |tenant: &Tenant| {
            tenant.status.counts_as() != TenantStatus::Deleted && bound_to.is_none_or(|bound| bound == tenant.id)
        };
        Ok(tenant.filter(may))
    }

    /// Adds the moves of some people to a unit of work.
    ///
    /// # Errors
    /// `scim_invalid_value` for somebody who is not in the directory.
    pub(super) async fn move_people(
        &self,
        call: &Call,
        work: &mut UnitOfWork<'_>,
        group: &ProvisionedGroup,
        tenant: Option<&Tenant>,
        moves: &Moves,
    ) -> Result<()> {
        let keys = moves.added.iter().map(|id| ProvisionedMember::key(group.id, *id)).collect();
        let reads: [Read; 2] = [
            Query::by_ids(&PROVISIONED_USERS, moves.added.iter().map(|id| id.0)).into(),
            Query::by_keys(&PROVISIONED_MEMBERS, keys).into(),
        ];
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let known: Vec<ProvisionedUser> = answers.all()?;
        let present: Vec<ProvisionedMember> = answers.all()?;
        let known: BTreeSet<UserId> =
            known.iter().filter(|person| person.directory == group.directory).map(|person| person.id).collect();
        if let Some(unknown) = moves.added.iter().find(|id| !known.contains(id)) {
            let message = format!("there is no person `{unknown}` in this directory: push them first");
            return Err(Error::new(Code::SCIM_INVALID_VALUE, message));
        }
        let now = work.now();
        for id in &moves.added {
            if !present.iter().any(|member| member.user_id == *id) {
                work.commit.insert(&ProvisionedMember::new(group, *id, now))?;
            }
        }
        for member in &moves.removed {
            work.commit.delete(member);
        }
        let Some(tenant) = tenant else { return Ok(()) };
        let removed: Vec<UserId> = moves.removed.iter().map(|member| member.user_id).collect();
        self.reconcile_people(call, work, tenant, &moves.added, &removed).await
    }

    /// Adds memberships of people in a tenant to a unit of work, and takes those that a claim has made.
    pub(super) async fn reconcile_people(
        &self,
        call: &Call,
        work: &mut UnitOfWork<'_>,
        tenant: &Tenant,
        given: &[UserId],
        taken: &[UserId],
    ) -> Result<()> {
        let all: Vec<UserId> = given.iter().chain(taken).copied().collect();
        let keys: Vec<String> = all.iter().map(|id| Membership::key(tenant.id, *id)).collect();
        let reads: [Read; 3] = [
            Query::by_keys(&MEMBERSHIPS, keys).into(),
            Query::by_ids(&USERS, given.iter().map(|id| id.0)).into(),
            Query::by_ids(&USER_ACTIVITY, given.iter().map(|id| id.0)).into(),
        ];
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let memberships: Vec<Membership> = answers.all()?;
        let memberships: HashMap<UserId, Membership> = memberships.into_iter().map(|one| (one.user_id, one)).collect();
        let users: Vec<User> = answers.all()?;
        let activities: Vec<UserActivity> = answers.all()?;
        let activities: HashMap<UserId, UserActivity> = activities.into_iter().map(|one| (one.id, one)).collect();
        let now = work.now();
        let reconciliation = Reconciliation { statement: Statement::Pushed, now };
        let stored = |id: &UserId| memberships.get(id).map_or(&[][..], std::slice::from_ref);
        for user in users.iter().filter(|user| !user.is_deleted()) {
            if !reconciliation.give_memberships(work, user, std::slice::from_ref(tenant), stored(&user.id))? {
                continue;
            }
            work.commit.guard(user);
            // A token from before does not know of it, and takes nothing away.
            match activities.get(&user.id) {
                None => {
                    let pushed = UserActivity { id: user.id, version: 1, last_seen_at: None, claims_iat: Some(now) };
                    work.commit.insert(&pushed)?;
                }
                Some(activity) if activity.claims_iat.is_none_or(|newest| newest < now) => {
                    let mut later = activity.clone();
                    later.version += 1;
                    later.claims_iat = Some(now);
                    work.commit.update(&later, activity.version)?;
                }
                Some(_) => {}
            }
        }
        for id in taken {
            let made = stored(id).iter().filter(|one| one.active && one.source == GrantSource::Claim);
            let made: Vec<Membership> = made.cloned().collect();
            reconciliation.take_memberships(work, *id, |_| false, &made)?;
        }
        Ok(())
    }

    /// Takes a person out of some groups. Returns `true` if there may be more.
    pub(super) async fn leave_some_groups(
        &self,
        call: &Call,
        moment: Moment,
        directory: &Directory,
        user: UserId,
    ) -> Result<bool> {
        let query = Query::new(&PROVISIONED_MEMBERS)
            .sort(&PROVISIONED_MEMBERS_OF_USER)
            .equal("userId", user.0)
            .limit(limit(AT_A_TIME));
        let members: Vec<ProvisionedMember> = self.store.load_all(&call.context, &query).await?;
        if members.is_empty() {
            return Ok(false);
        }
        let query = Query::by_ids(&PROVISIONED_GROUPS, members.iter().map(|member| member.group_id.0));
        let groups: Vec<ProvisionedGroup> = self.store.load_all(&call.context, &query).await?;
        let keys = groups.iter().map(|group| Tenant::group_key(&group.display_name)).collect();
        let query = Query::by_keys(&TENANTS, keys);
        let tenants: Vec<Tenant> = self.store.load_all(&call.context, &query).await?;
        let mut work = directory.work(call, &moment);
        for member in &members {
            work.commit.delete(member);
        }
        let may = |tenant: &&Tenant| directory.tenant().is_none_or(|bound| bound == tenant.id);
        for tenant in tenants.iter().filter(may) {
            self.reconcile_people(call, &mut work, tenant, &[], &[user]).await?;
        }
        directory.access.guard(&mut work);
        self.carry_out(work).await?;
        Ok(members.len() >= AT_A_TIME)
    }
}

/// Makes the members of a tenant follow the groups of its name that were pushed before the tenant had it.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn follow_group(service: &Service, tenant: TenantId) -> Result<()> {
    let call = Call::by_part(SystemActor::ClaimsSync);
    let found: Option<Tenant> = service.store.load(&call.context, tenant).await?;
    let Some((tenant, name)) = found.and_then(|tenant| tenant.authentik_group.clone().map(|name| (tenant, name)))
    else {
        return Ok(());
    };
    let mut after = None;
    loop {
        let query = Query::new(&PROVISIONED_GROUPS)
            .sort(&PROVISIONED_GROUPS_BY_NAME)
            .equal("displayName", name.clone())
            .after(after)
            .limit(limit(AT_A_TIME));
        let groups: Vec<ProvisionedGroup> = service.store.load_all(&call.context, &query).await?;
        let own = |group: &&ProvisionedGroup| group.tenant_id.is_none_or(|bound| bound == tenant.id);
        for group in groups.iter().filter(own) {
            follow_members(service, &call, &tenant, group).await?;
        }
        after = match groups.last() {
            Some(last) if groups.len() >= AT_A_TIME => {
                Some(crate::store::Position { values: Vec::new(), id: last.id.0 })
            }
            _ => return Ok(()),
        };
    }
}

async fn follow_members(service: &Service, call: &Call, tenant: &Tenant, group: &ProvisionedGroup) -> Result<()> {
    let mut after = None;
    loop {
        let page = service.members_page(call, group.id, after, limit(AT_A_TIME)).await?;
        let people: Vec<UserId> = page.iter().map(|member| member.user_id).collect();
        let give = |moment| give(service, call, moment, tenant.id, &people);
        service.settle(call, give).await?;
        after = match page.last() {
            Some(last) if page.len() >= AT_A_TIME => Some(crate::store::Position { values: Vec::new(), id: last.id.0 }),
            _ => return Ok(()),
        };
    }
}

async fn give(service: &Service, call: &Call, moment: Moment, tenant: TenantId, people: &[UserId]) -> Result<()> {
    let found: Option<Tenant> = service.store.load(&call.context, tenant).await?;
    let Some(tenant) = found.filter(|tenant| tenant.status.counts_as() != TenantStatus::Deleted) else { return Ok(()) };
    let mut work = UnitOfWork::new(call, AuditActor::part(SystemActor::ClaimsSync), &moment);
    service.reconcile_people(call, &mut work, &tenant, people, &[]).await?;
    service.carry_out(work).await
}
