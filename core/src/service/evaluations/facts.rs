//! The facts that questions rest on, read together whatever their number.

use std::collections::{HashMap, HashSet};

use super::{Named, Question};
use crate::{
    authz::{Actor, PlatformRight, TenantFacts},
    domain::{
        Issuer, Mailbox, Membership, MembershipId, MembershipRole, ObjectId, Subscription, Tenant, TenantId, User,
        UserId, mailbox::MAILBOXES, membership::MEMBERSHIPS, subscription::SUBSCRIPTIONS, tenant::TENANTS, user::USERS,
    },
    error::Result,
    service::{Call, Service, access::ABSENT},
    store::{Query, Repository as _},
};

/// The type of subjects.
pub(super) const USER: &str = "user";

/// The id of a user in the form `ISSUER/SUBJECT`, or by id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Person {
    Id(UserId),
    Subject(String, String),
}

impl Person {
    pub(super) fn of(subject: &Named) -> Option<Self> {
        if subject.kind != USER {
            return None;
        }
        match subject.id.split_once('/') {
            Some((issuer, subject)) => Some(Self::Subject(issuer.to_owned(), subject.to_owned())),
            None => subject.id.parse().ok().map(Self::Id),
        }
    }

    pub(super) fn is(&self, user: &User) -> bool {
        match self {
            Self::Id(id) => *id == user.id,
            Self::Subject(issuer, subject) => {
                *issuer == user.issuer_id && user.authentik_subject_id.as_deref() == Some(subject)
            }
        }
    }
}

/// A resource of the policy.
#[derive(Debug)]
pub(super) enum Thing {
    /// The platform itself, outside of tenants.
    Platform,
    Tenant(Box<Tenant>),
    /// A part of a tenant; with the person to whom it belongs, if it belongs to one, and the first
    /// parts of the names of its actions.
    Part {
        tenant: Box<Tenant>,
        owner: Option<UserId>,
        actions: &'static [&'static str],
    },
    /// A membership.
    Membership {
        tenant: Box<Tenant>,
        membership: Box<Membership>,
    },
    User(Box<User>),
}

impl Thing {
    pub(super) fn tenant(&self) -> Option<&Tenant> {
        match self {
            Self::Platform | Self::User(_) => None,
            Self::Tenant(tenant) | Self::Part { tenant, .. } | Self::Membership { tenant, .. } => Some(tenant),
        }
    }
}

/// Facts that were read for some questions.
#[derive(Debug, Default)]
pub(super) struct Facts {
    users: Vec<User>,
    tenants: Vec<Tenant>,
    subscriptions: Vec<Subscription>,
    mailboxes: Vec<Mailbox>,
    memberships: HashMap<(TenantId, UserId), Membership>,
    by_id: Vec<Membership>,
    last_owners: HashSet<MembershipId>,
}

fn ids(resources: &HashSet<&Named>, kind: &str) -> Vec<ObjectId> {
    let of_kind = resources.iter().filter(|resource| resource.kind == kind);
    of_kind.filter_map(|resource| resource.id.parse().ok()).collect()
}

impl Facts {
    /// Reads everything in three round trips, and more for each membership that is asked about.
    pub(super) async fn read(service: &Service, call: &Call, questions: &[Question]) -> Result<Self> {
        let resources: HashSet<&Named> = questions.iter().map(|question| &question.resource).collect();
        let people: HashSet<Person> = questions.iter().filter_map(|question| Person::of(&question.subject)).collect();
        let mut user_ids = ids(&resources, USER);
        user_ids.extend(people.iter().filter_map(|person| match person {
            Person::Id(id) => Some(id.0),
            Person::Subject(..) => None,
        }));
        let subjects = people.iter().filter_map(|person| match person {
            Person::Id(_) => None,
            Person::Subject(issuer, subject) => Some(User::subject_key(issuer, subject)),
        });
        let slugs = resources.iter().filter(|resource| resource.kind == "tenant");
        let slugs = slugs.filter(|resource| resource.id.parse::<ObjectId>().is_err());
        let slugs = slugs.map(|resource| Tenant::slug_key(&resource.id)).collect();
        let first = [
            Query::by_ids(&USERS, user_ids).into(),
            Query::by_keys(&USERS, subjects.collect()).into(),
            Query::by_ids(&TENANTS, ids(&resources, "tenant")).into(),
            Query::by_keys(&TENANTS, slugs).into(),
            Query::by_ids(&SUBSCRIPTIONS, ids(&resources, "subscription")).into(),
            Query::by_ids(&MAILBOXES, ids(&resources, "mailbox")).into(),
            Query::by_ids(&MEMBERSHIPS, ids(&resources, "membership")).into(),
        ];
        let mut answers = service.store.load_together(&call.context, &first).await?;
        let mut facts = Self { users: answers.all()?, ..Self::default() };
        facts.users.extend(answers.all::<User>()?);
        facts.tenants = answers.all()?;
        facts.tenants.extend(answers.all::<Tenant>()?);
        facts.subscriptions = answers.all()?;
        facts.mailboxes = answers.all()?;
        facts.by_id = answers.all()?;
        facts.read_tenants(service, call).await?;
        facts.read_memberships(service, call, questions).await?;
        facts.read_owners(service, call, questions).await?;
        Ok(facts)
    }

    /// Reads the tenants of what was named, and of people's own issuers.
    async fn read_tenants(&mut self, service: &Service, call: &Call) -> Result<()> {
        let known: HashSet<TenantId> = self.tenants.iter().map(|tenant| tenant.id).collect();
        let of_parts = self.subscriptions.iter().map(|one| one.tenant_id);
        let of_parts = of_parts.chain(self.mailboxes.iter().map(|one| one.tenant_id));
        let of_parts = of_parts.chain(self.by_id.iter().map(|one| one.tenant_id));
        let of_people = self.users.iter().filter_map(|user| Issuer::tenant_of(&user.issuer_id));
        let missing: HashSet<TenantId> = of_parts.chain(of_people).filter(|id| !known.contains(id)).collect();
        let query = Query::by_ids(&TENANTS, missing.iter().map(|id| id.0).chain([ABSENT]));
        self.tenants.extend(service.store.load_all::<Tenant>(&call.context, &query).await?);
        Ok(())
    }

    async fn read_memberships(&mut self, service: &Service, call: &Call, questions: &[Question]) -> Result<()> {
        let pairs = questions.iter().filter_map(|question| {
            let user = self.user(&Person::of(&question.subject)?)?;
            Some((self.thing(&question.resource)?.tenant()?.id, user.id))
        });
        let pairs: HashSet<(TenantId, UserId)> = pairs.collect();
        // Something is always asked for, so that what does not exist takes as long as what is hidden.
        let nobody = [Membership::key(TenantId(ABSENT), UserId(ABSENT))];
        let keys = pairs.iter().map(|(tenant, user)| Membership::key(*tenant, *user)).chain(nobody).collect();
        let query = Query::by_keys(&MEMBERSHIPS, keys);
        let found: Vec<Membership> = service.store.load_all(&call.context, &query).await?;
        self.memberships = found.into_iter().map(|one| ((one.tenant_id, one.user_id), one)).collect();
        Ok(())
    }

    /// Reads if the memberships that subjects see are those of last owners, each once.
    async fn read_owners(&mut self, service: &Service, call: &Call, questions: &[Question]) -> Result<()> {
        let mut seen: HashMap<MembershipId, Membership> = HashMap::new();
        for question in questions {
            let Some(Thing::Membership { tenant, membership }) = self.thing(&question.resource) else { continue };
            let Some(user) = Person::of(&question.subject).and_then(|person| self.user(&person)) else { continue };
            if self.role(tenant.id, user.id).is_some() || user.platform_admin {
                seen.insert(membership.id, *membership);
            }
        }
        for (id, membership) in seen {
            if service.is_last_owner(call, &membership).await? {
                self.last_owners.insert(id);
            }
        }
        Ok(())
    }

    /// Returns `true` if a membership is that of the only owner of its tenant who can act.
    pub(super) fn is_last_owner(&self, membership: MembershipId) -> bool {
        self.last_owners.contains(&membership)
    }

    pub(super) fn user(&self, person: &Person) -> Option<&User> {
        self.users.iter().find(|user| person.is(user))
    }

    fn tenant_of(&self, id: TenantId) -> Option<Box<Tenant>> {
        self.tenants.iter().find(|tenant| tenant.id == id).cloned().map(Box::new)
    }

    /// Returns the resource that is named, if there is one.
    pub(super) fn thing(&self, named: &Named) -> Option<Thing> {
        let id: Option<ObjectId> = named.id.parse().ok();
        match named.kind.as_str() {
            "platform" => Some(Thing::Platform),
            "tenant" => {
                let is_it = |tenant: &&Tenant| id.map_or_else(|| tenant.slug == named.id, |id| tenant.id.0 == id);
                self.tenants.iter().find(is_it).cloned().map(|tenant| Thing::Tenant(Box::new(tenant)))
            }
            "subscription" => {
                let found = self.subscriptions.iter().find(|one| Some(one.id.0) == id)?;
                let tenant = self.tenant_of(found.tenant_id)?;
                Some(Thing::Part { tenant, owner: None, actions: &["subscription"] })
            }
            "mailbox" => {
                let found = self.mailboxes.iter().find(|one| Some(one.id.0) == id)?;
                let (tenant, owner) = (self.tenant_of(found.tenant_id)?, Some(found.user_id));
                Some(Thing::Part { tenant, owner, actions: &["mailbox", "app_password"] })
            }
            "membership" => {
                // A revoked one is a tombstone, which use cases do not find.
                let found = self.by_id.iter().find(|one| Some(one.id.0) == id && one.active)?.clone();
                Some(Thing::Membership { tenant: self.tenant_of(found.tenant_id)?, membership: Box::new(found) })
            }
            USER => {
                let found = self.users.iter().find(|user| Some(user.id.0) == id)?;
                Some(Thing::User(Box::new(found.clone())))
            }
            _ => None,
        }
    }

    /// Returns a person's role in a tenant, if in force.
    pub(super) fn role(&self, tenant: TenantId, user: UserId) -> Option<MembershipRole> {
        self.memberships.get(&(tenant, user)).filter(|one| one.active).map(|one| one.role)
    }

    /// Returns the slug of the tenant to which a person's issuer is bound. An empty one is that of no tenant.
    pub(super) fn bound_to(&self, service: &Service, user: &User) -> Option<String> {
        if let Some(tenant) = Issuer::tenant_of(&user.issuer_id) {
            return Some(self.tenant_of(tenant).map(|tenant| tenant.slug).unwrap_or_default());
        }
        service.settings.tenant_of_issuer(&user.issuer_id).map(str::to_owned)
    }
}

/// Returns the facts of a tenant.
pub(super) fn tenant_facts(tenant: &Tenant) -> TenantFacts<'_> {
    TenantFacts { slug: &tenant.slug, status: tenant.status.counts_as() }
}

/// Returns the actor that a person is.
pub(super) fn actor<'a>(user: &User, bound_to: Option<&'a str>) -> Actor<'a> {
    Actor::User { disabled: !user.may_call(), platform: PlatformRight::of(user), bound_to }
}
