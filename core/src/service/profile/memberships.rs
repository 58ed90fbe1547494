//! The caller's active memberships, by the name of their tenants.

use std::collections::HashMap;

use super::OwnMembership;
use crate::{
    domain::{
        Membership, Subscription, Tenant, TenantId, TenantStatus, UserId,
        membership::{MEMBERSHIPS, TENANTS_OF_USER, TENANTS_OF_USER_BY_WORD},
        subscription::SUBSCRIPTIONS,
        tenant::TENANTS,
    },
    error::Result,
    service::{Call, Service, access::CallerFacts},
    store::{Answers, Follow, KeyPart, Origin, Position, Query, Read, Repository, StoreResult},
};

/// Returns the position of a membership in its person's list of tenants.
pub(crate) fn membership_position(membership: &Membership) -> Position {
    Position { values: vec![membership.tenant_name_key.clone().into()], id: membership.id.0 }
}

/// A person whose memberships are read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Person {
    /// The user with this id.
    Known(UserId),
    /// The user that an earlier read of the same call finds.
    Read(Origin),
}

impl From<UserId> for Person {
    fn from(user: UserId) -> Self {
        Self::Known(user)
    }
}

/// The reads of a person's active memberships, by the names of their tenants.
///
/// The token of a tenant's own issuer shows only that tenant.
pub(crate) struct MembershipReads<'a> {
    reads: Vec<Read>,
    bound_to: Option<&'a str>,
}

impl<'a> MembershipReads<'a> {
    /// Creates the reads of up to `limit` memberships after a position.
    ///
    /// `base` is the index of the first of them in a store call.
    pub(crate) fn new(
        bound_to: Option<&'a str>,
        person: impl Into<Person>,
        search: Option<&str>,
        position: Option<Position>,
        limit: u32,
        base: usize,
    ) -> Self {
        let person = person.into();
        let reads = match bound_to {
            Some(slug) => {
                let tenant = KeyPart::First(Origin { read: base, field: "id" });
                let person = match person {
                    Person::Known(user) => KeyPart::Text(user.to_string()),
                    Person::Read(origin) => KeyPart::First(origin),
                };
                let key = Membership::key_of(tenant, person);
                // All of them are on the first page.
                let limit = u32::from(position.is_none());
                vec![
                    Query::unique(&TENANTS, Tenant::slug_key(slug)).into(),
                    Query::new(&MEMBERSHIPS).limit(limit).follow(Follow::UniqueKey(key)),
                ]
            }
            None => vec![memberships_of(person, search, position, limit)],
        };
        Self { reads, bound_to }
    }

    /// Appends these reads to others. Returns the memberships' tenants, for reads that follow.
    pub(crate) fn add_to(&self, others: &mut Vec<Read>) -> Origin {
        others.extend(self.reads.iter().cloned());
        Origin { read: others.len().saturating_sub(1), field: "tenantId" }
    }

    /// Takes the answers of these reads.
    pub(crate) fn take(&self, answers: &mut Answers) -> StoreResult<Vec<OwnMembership>> {
        let own = |answers: &mut Answers| answers.documents().into_iter().map(OwnMembership::read).collect();
        let Some(slug) = self.bound_to else { return own(answers) };
        let tenant: Option<Tenant> = answers.first()?;
        let mut memberships: Vec<OwnMembership> = own(answers)?;
        let tenant = tenant.filter(|tenant| tenant.slug == slug);
        memberships.retain(|membership| membership.active && tenant.is_some());
        Ok(memberships)
    }
}

fn memberships_of(person: Person, search: Option<&str>, position: Option<Position>, limit: u32) -> Read {
    let query = Query::new(&MEMBERSHIPS).sort(&TENANTS_OF_USER).equal("active", true).after(position).limit(limit);
    let query = match search {
        None => query,
        Some(search) => match query.clone().words("_wordsOfTenant", "", search) {
            Some(searched) => searched.sort(&TENANTS_OF_USER_BY_WORD),
            None => query.begins("tenantNameKey", search),
        },
    };
    match person {
        Person::Known(user) => query.equal("userId", user.0).into(),
        Person::Read(origin) => query.follow(Follow::First("userId", origin)),
    }
}

/// Returns the read of up to `limit` tenants that another read names.
pub(crate) fn tenants_named(origin: Origin, limit: u32) -> Read {
    Query::new(&TENANTS).limit(limit).follow(Follow::Any("id", origin))
}

/// Returns the read of the current subscriptions of such tenants.
pub(crate) fn subscriptions_named(origin: Origin, limit: u32) -> Read {
    Query::new(&SUBSCRIPTIONS).limit(limit).follow(Follow::UniqueKey(Subscription::current_keys_of(origin)))
}

/// Returns the tenants that are not deleted, by id.
pub(crate) fn living(tenants: Vec<Tenant>) -> HashMap<TenantId, Tenant> {
    let living = tenants.into_iter().filter(|tenant| tenant.status != TenantStatus::Deleted);
    living.map(|tenant| (tenant.id, tenant)).collect()
}

/// A page of the caller's memberships with their tenants and, if requested, these tenants' current subscriptions.
pub(crate) struct OwnPage {
    pub(crate) memberships: Vec<OwnMembership>,
    /// Position after the last of them, if there are more.
    pub(crate) next: Option<Position>,
    pub(crate) tenants: HashMap<TenantId, Tenant>,
    pub(crate) subscriptions: Vec<Subscription>,
}

impl Service {
    /// Reads up to `limit` memberships of the caller after `position`.
    pub(crate) async fn own_page(
        &self,
        call: &Call,
        caller: &CallerFacts,
        search: Option<&str>,
        position: Option<Position>,
        limit: u32,
        with_subscriptions: bool,
    ) -> Result<OwnPage> {
        let CallerFacts::Person { user, bound_to } = caller else {
            return Ok(OwnPage {
                memberships: Vec::new(),
                next: None,
                tenants: HashMap::new(),
                subscriptions: Vec::new(),
            });
        };
        let mut reads = Vec::new();
        let own = MembershipReads::new(bound_to.as_deref(), user.id, search, position, limit.saturating_add(1), 0);
        let tenants = own.add_to(&mut reads);
        reads.push(tenants_named(tenants, limit.saturating_add(1)));
        if with_subscriptions {
            reads.push(subscriptions_named(tenants, limit.saturating_add(1)));
        }
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let mut memberships = own.take(&mut answers)?;
        let tenants = living(answers.all()?);
        let subscriptions = answers.all()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = memberships.len() > limit;
        memberships.truncate(limit);
        let next = match memberships.last() {
            Some(last) if more => Some(last.position()?),
            _ => None,
        };
        Ok(OwnPage { memberships, next, tenants, subscriptions })
    }
}
