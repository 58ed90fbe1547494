//! The facts about a caller, and about their place in a tenant.

use crate::{
    authz::{Action, Actor, PlatformRight, Resource, TargetFacts, TenantFacts},
    callers::Callers,
    domain::{
        ApiKey, ApiKeyId, AuditActor, AuditActorKind, Membership, MembershipRole, RevokedBy, Tenant, User, UserId,
    },
    error::{Error, Result},
    service::{
        access::decision::{check, user_disabled},
        unit_of_work::UnitOfWork,
    },
};

/// The caller, with the user that the store has for them now.
#[derive(Debug, Clone)]
pub(crate) enum CallerFacts {
    /// A named system actor.
    System(String),
    /// A person, and the slug of the tenant to which the token's issuer is bound.
    Person { user: Box<User>, bound_to: Option<String> },
    /// An API key.
    ApiKey(Box<ApiKey>),
}

impl CallerFacts {
    pub(crate) fn actor(&self) -> Actor<'_> {
        match self {
            Self::System(_) => Actor::System,
            Self::ApiKey(key) => Actor::ApiKey { platform: key.tenant_id.is_none(), scopes: &key.scopes },
            Self::Person { user, bound_to } => Actor::User {
                disabled: !user.may_call(),
                platform: PlatformRight::of(user),
                bound_to: bound_to.as_deref(),
            },
        }
    }

    pub(crate) fn audit_actor(&self) -> AuditActor {
        match self {
            Self::System(name) => AuditActor { kind: AuditActorKind::System, user_id: None, name: Some(name.clone()) },
            Self::Person { user, .. } => AuditActor { kind: AuditActorKind::User, user_id: Some(user.id), name: None },
            Self::ApiKey(key) => AuditActor { kind: AuditActorKind::ApiKey, user_id: None, name: Some(key.prefix()) },
        }
    }

    /// Returns `true` if the caller acts for the platform.
    pub(crate) fn is_platform(&self) -> bool {
        match self {
            Self::System(_) => true,
            Self::ApiKey(key) => key.tenant_id.is_none(),
            Self::Person { user, bound_to } => user.platform_admin && bound_to.is_none(),
        }
    }

    pub(crate) fn user_id(&self) -> Option<UserId> {
        match self {
            Self::System(_) | Self::ApiKey(_) => None,
            Self::Person { user, .. } => Some(user.id),
        }
    }

    /// Returns the API key that calls.
    pub(crate) fn api_key_id(&self) -> Option<ApiKeyId> {
        match self {
            Self::System(_) | Self::Person { .. } => None,
            Self::ApiKey(key) => Some(key.id),
        }
    }

    /// The party that is recorded as the revoker of a right that this caller revokes.
    pub(crate) fn revoker(&self) -> RevokedBy {
        match self {
            Self::System(_) | Self::ApiKey(_) => RevokedBy::System,
            Self::Person { .. } => RevokedBy::Person,
        }
    }

    /// Makes a commit fail if the caller's user or key has changed since it was read.
    pub(crate) fn guard(&self, work: &mut UnitOfWork<'_>) {
        match self {
            Self::System(_) => {}
            Self::Person { user, .. } => work.commit.guard(&**user),
            Self::ApiKey(key) => work.commit.guard(&**key),
        }
    }

    fn disabled_error(&self) -> Option<Error> {
        matches!(self.actor(), Actor::User { disabled: true, .. }).then(user_disabled)
    }
}

/// A caller, a tenant, and the caller's membership in it.
#[derive(Debug, Clone)]
pub(crate) struct TenantAccess {
    pub(crate) caller: CallerFacts,
    pub(crate) tenant: Option<Tenant>,
    pub(crate) membership: Option<Membership>,
}

impl TenantAccess {
    /// Returns the caller's role, if their membership is in force. A tenant's API key has that of an administrator.
    pub(crate) fn role(&self) -> Option<MembershipRole> {
        if let CallerFacts::ApiKey(key) = &self.caller {
            let tenant = self.tenant.as_ref().map(|tenant| tenant.id);
            return (tenant.is_some() && key.tenant_id == tenant).then_some(MembershipRole::Admin);
        }
        self.membership.as_ref().filter(|membership| membership.active).map(|membership| membership.role)
    }

    /// Returns the tenant if the caller may perform `action` on it.
    pub(crate) fn authorize(&self, action: Action) -> Result<&Tenant> {
        self.authorize_with(action, TargetFacts::default(), &[])
    }

    /// Returns the tenant if the caller may perform `action` on it, on this membership and with these fields.
    pub(crate) fn authorize_with(
        &self,
        action: Action,
        target: TargetFacts,
        fields: &[&'static str],
    ) -> Result<&Tenant> {
        self.decide(&self.caller, action, false, target, fields)
    }

    /// Returns the tenant if the caller may perform `action` on something in it that belongs to `owner`, such as a mailbox.
    pub(crate) fn authorize_of(
        &self,
        action: Action,
        owner: Option<UserId>,
        fields: &[&'static str],
    ) -> Result<&Tenant> {
        let own = owner.is_some() && owner == self.caller.user_id() && action.rule().allowed.includes(Callers::ONESELF);
        let target = TargetFacts::default();
        let decided = self.decide(&self.caller, action, own, target, fields);
        match &self.caller {
            // What only the owner may do, an administrator of the platform does as the member that they are.
            CallerFacts::Person { user, bound_to } if own && user.platform_admin && decided.is_err() => {
                let mut member = user.clone();
                member.platform_admin = false;
                let member = CallerFacts::Person { user: member, bound_to: bound_to.clone() };
                self.decide(&member, action, own, target, fields)
            }
            _ => decided,
        }
    }

    fn decide(
        &self,
        caller: &CallerFacts,
        action: Action,
        oneself: bool,
        target: TargetFacts,
        fields: &[&'static str],
    ) -> Result<&Tenant> {
        let Some(tenant) = &self.tenant else {
            return Err(self.caller.disabled_error().unwrap_or_else(Error::not_found));
        };
        let facts = TenantFacts { slug: &tenant.slug, status: tenant.status.counts_as() };
        let role = self.role();
        let resource = Resource { tenant: Some(facts), role, oneself, target, fields, ..Resource::default() };
        check(caller, action, &resource)?;
        Ok(tenant)
    }

    /// Makes a commit fail if the caller, their membership or the tenant has changed since it was read.
    pub(crate) fn guard(&self, work: &mut UnitOfWork<'_>) {
        self.caller.guard(work);
        if let Some(membership) = &self.membership {
            work.commit.guard(membership);
        }
        if let Some(tenant) = &self.tenant {
            work.commit.guard(tenant);
        }
    }
}
