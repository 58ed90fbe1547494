//! Loading the facts that a decision rests on, and turning a decision into an answer.

use super::{Call, Principal, Service, sessions::SessionFacts, work::Work};
use crate::{
    authn::VerifiedToken,
    authz::{
        Action, Actor, Outcome, PlatformRight, Reason, Resource, TargetFacts, TenantFacts, decide, forbidden_fields,
    },
    domain::{AuditActor, AuditActorKind, Membership, MembershipRole, ObjectId, Tenant, TenantId, User, UserId},
    error::{Error, ErrorKind, FieldError, Result},
    store::{Repository, StoreResult},
};

/// Names a tenant in a path: by id or by slug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantReference {
    /// By id.
    Id(TenantId),
    /// By slug.
    Slug(String),
}

impl From<&str> for TenantReference {
    /// What looks like an id is one: a slug never does.
    fn from(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Slug(text.to_owned()), Self::Id)
    }
}

impl From<TenantId> for TenantReference {
    fn from(id: TenantId) -> Self {
        Self::Id(id)
    }
}

/// Stands in where a tenant is absent, so that the same store calls are made as where it is not.
pub(crate) const ABSENT: ObjectId = ObjectId::from_bytes([0; 12]);

/// Who calls, as the store knows them now.
#[derive(Debug, Clone)]
pub(crate) enum CallerFacts {
    /// A named system actor.
    System(String),
    /// A person, and the slug of the tenant to which the token's issuer is bound.
    Person { user: Box<User>, bound_to: Option<String> },
}

impl CallerFacts {
    pub(crate) fn actor(&self) -> Actor<'_> {
        match self {
            Self::System(_) => Actor::System,
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
        }
    }

    /// Whether the caller acts for the platform.
    pub(crate) fn is_platform(&self) -> bool {
        match self {
            Self::System(_) => true,
            Self::Person { user, bound_to } => user.platform_admin && bound_to.is_none(),
        }
    }

    pub(crate) fn user_id(&self) -> Option<UserId> {
        match self {
            Self::System(_) => None,
            Self::Person { user, .. } => Some(user.id),
        }
    }

    /// Who takes a right away, when this caller does.
    pub(crate) fn revoker(&self) -> crate::domain::RevokedBy {
        match self {
            Self::System(_) => crate::domain::RevokedBy::System,
            Self::Person { .. } => crate::domain::RevokedBy::Person,
        }
    }

    /// Makes a commit rest on the caller's user being as it was read.
    pub(crate) fn guard(&self, work: &mut Work<'_>) {
        if let Self::Person { user, .. } = self {
            work.commit.guard(&**user);
        }
    }
}

/// A caller before a tenant.
#[derive(Debug, Clone)]
pub(crate) struct TenantAccess {
    pub(crate) caller: CallerFacts,
    pub(crate) tenant: Option<Tenant>,
    pub(crate) membership: Option<Membership>,
}

impl TenantAccess {
    /// The caller's role, if in force.
    pub(crate) fn role(&self) -> Option<MembershipRole> {
        self.membership.as_ref().filter(|membership| membership.active).map(|membership| membership.role)
    }

    /// The tenant, if the caller may do `action` to it.
    pub(crate) fn authorize(&self, action: Action) -> Result<&Tenant> {
        self.authorize_with(action, TargetFacts::default(), &[])
    }

    /// The tenant, if the caller may do `action` to it, to this membership and with these fields.
    pub(crate) fn authorize_with(
        &self,
        action: Action,
        target: TargetFacts,
        fields: &[&'static str],
    ) -> Result<&Tenant> {
        let Some(tenant) = &self.tenant else {
            return Err(self.caller.disabled_error().unwrap_or_else(Error::not_found));
        };
        let facts = TenantFacts { slug: &tenant.slug, status: tenant.status.counts_as() };
        let resource = Resource { tenant: Some(facts), role: self.role(), target, fields, ..Resource::default() };
        check(&self.caller, action, &resource)?;
        Ok(tenant)
    }

    /// Makes a commit rest on the caller, their membership and the tenant being as they were read.
    pub(crate) fn guard(&self, work: &mut Work<'_>) {
        self.caller.guard(work);
        if let Some(membership) = &self.membership {
            work.commit.guard(membership);
        }
        if let Some(tenant) = &self.tenant {
            work.commit.guard(tenant);
        }
    }
}

impl CallerFacts {
    fn disabled_error(&self) -> Option<Error> {
        matches!(self.actor(), Actor::User { disabled: true, .. }).then(user_disabled)
    }
}

fn user_disabled() -> Error {
    Error::new(ErrorKind::Forbidden, "user_disabled", "this user is disabled: ask the operator of the platform")
}

/// Lets an allowed action pass, and turns any other decision into the answer that the caller may see.
pub(crate) fn check(caller: &CallerFacts, action: Action, resource: &Resource<'_>) -> Result<()> {
    let actor = caller.actor();
    let decision = decide(&actor, action, resource);
    if decision.outcome == Outcome::Allow {
        return Ok(());
    }
    tracing::debug!(action = action.name(), reason = ?decision.reason, "refused");
    let forbidden = |code, message: &'static str| Error::new(ErrorKind::Forbidden, code, message);
    Err(match decision.reason {
        Reason::Granted(_) | Reason::NotVisible => Error::not_found(),
        Reason::UserDisabled => user_disabled(),
        Reason::PlatformOnly => forbidden("platform_admin_required", "only administrators of the platform may do this"),
        Reason::RoleTooLow => forbidden("role_insufficient", "your role in this tenant does not allow this"),
        Reason::LastingAdmin => forbidden(
            "granted_admin_required",
            "you administer the platform by a group alone, and may neither make nor unmake administrators by grant: ask one \
             of those, or an operator",
        ),
        Reason::OwnerOnly => forbidden("owner_required", "only owners of the tenant may manage its owners"),
        Reason::LastOwner => Error::new(
            ErrorKind::Conflict,
            "last_owner",
            "a tenant keeps its last owner: make somebody else an owner first",
        ),
        Reason::TenantSuspended => forbidden("tenant_suspended", "the tenant is suspended and cannot be changed"),
        Reason::TenantDeleted => Error::new(ErrorKind::Conflict, "tenant_deleted", "the tenant is deleted"),
        Reason::Field(_) => {
            let fields = forbidden_fields(&actor, action, resource)
                .into_iter()
                .map(|field| FieldError::new(field, "field_forbidden", "you may not set this field: leave it out"))
                .collect();
            forbidden("field_forbidden", "the body sets fields that you may not set; see `errors`").with_fields(fields)
        }
    })
}

impl Service {
    /// Who calls.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] with `user_unknown` for a person who has never called `GET /users/me`, or
    /// `user_disabled`; [`ErrorKind::Unauthenticated`] with `session_ended` for a token of an ended session, or
    /// `token_revoked` for one of a sign-in from before `tokensValidAfter`.
    pub(crate) async fn caller(&self, call: &Call) -> Result<CallerFacts> {
        let found = self.find_caller(call).await?;
        known_caller(call, found)
    }

    /// The caller's user, read and admitted as every use case does it; none for whoever would be refused. For edges that
    /// check once more what a sandboxed component asks for.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn admitted_user(&self, call: &Call) -> Result<Option<User>> {
        match self.caller(call).await {
            Ok(CallerFacts::Person { user, .. }) => Ok(Some(*user)),
            Ok(CallerFacts::System(_)) => Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unauthenticated) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads together what is stored of the caller and of their session. The first use of a token is seen to before.
    pub(crate) async fn find_caller(&self, call: &Call) -> Result<FoundCaller> {
        let found = self.read_caller(call).await?;
        match &call.principal {
            Principal::Token(token) if self.is_first_use(token) => self.first_use(call, token, found).await,
            _ => Ok(found),
        }
    }

    /// The same as things are, whatever the token takes away.
    pub(crate) async fn read_caller(&self, call: &Call) -> StoreResult<FoundCaller> {
        match &call.principal {
            Principal::System(_) => Ok(FoundCaller::default()),
            Principal::Token(token) => {
                let key = User::subject_key(&token.issuer_id, &token.subject);
                let user = self.store.load_unique::<User>(&call.context, key);
                let (user, session) = futures_util::try_join!(user, self.session_facts(call, token))?;
                Ok(FoundCaller { user, session })
            }
        }
    }

    /// The caller before the tenant that is named. Makes the same store calls whether it exists or not.
    pub(crate) async fn tenant_access(&self, call: &Call, reference: &TenantReference) -> Result<TenantAccess> {
        let tenant = async { Ok(self.find_tenant(call, reference).await?) };
        let (found, tenant) = futures_util::try_join!(self.find_caller(call), tenant)?;
        let caller = known_caller(call, found)?;
        let membership = self.own_membership(call, &caller, tenant.as_ref()).await?;
        Ok(TenantAccess { caller, tenant, membership })
    }

    /// A person before a tenant that exists.
    pub(crate) async fn access_of(
        &self,
        call: &Call,
        caller: CallerFacts,
        reference: &TenantReference,
    ) -> Result<TenantAccess> {
        let tenant = self.find_tenant(call, reference).await?.ok_or_else(Error::not_found)?;
        let membership = self.own_membership(call, &caller, Some(&tenant)).await?;
        Ok(TenantAccess { caller, tenant: Some(tenant), membership })
    }

    async fn find_tenant(&self, call: &Call, reference: &TenantReference) -> StoreResult<Option<Tenant>> {
        match reference {
            TenantReference::Id(id) => self.store.load(&call.context, *id).await,
            TenantReference::Slug(slug) => {
                let tenant: Option<Tenant> = self.store.load_unique(&call.context, Tenant::slug_key(slug)).await?;
                // A former slug stays reserved, but names nothing.
                Ok(tenant.filter(|tenant| tenant.slug == *slug))
            }
        }
    }

    async fn own_membership(
        &self,
        call: &Call,
        caller: &CallerFacts,
        tenant: Option<&Tenant>,
    ) -> StoreResult<Option<Membership>> {
        let Some(user) = caller.user_id() else { return Ok(None) };
        let tenant = tenant.map_or(TenantId(ABSENT), |tenant| tenant.id);
        self.store.load_unique(&call.context, Membership::key(tenant, user)).await
    }

    /// The caller before something that belongs to a tenant, and that thing. Makes the same store calls whether it
    /// exists or not.
    pub(crate) async fn access_through<E: crate::store::Entity>(
        &self,
        call: &Call,
        id: ObjectId,
        tenant_of: impl Fn(&E) -> TenantId + Send + Sync,
    ) -> Result<(TenantAccess, Option<E>)> {
        let thing = async { Ok(self.store.load::<E>(&call.context, id).await?) };
        let (found, thing) = futures_util::try_join!(self.find_caller(call), thing)?;
        let caller = known_caller(call, found)?;
        let tenant_id = thing.as_ref().map_or(TenantId(ABSENT), tenant_of);
        let membership = async {
            match caller.user_id() {
                None => Ok(None),
                Some(user) => {
                    let key = Membership::key(tenant_id, user);
                    self.store.load_unique::<Membership>(&call.context, key).await
                }
            }
        };
        let (tenant, membership) =
            futures_util::try_join!(self.store.load::<Tenant>(&call.context, tenant_id), membership)?;
        Ok((TenantAccess { caller, tenant, membership }, thing))
    }
}

/// What the store has of who calls; of a system actor nothing.
#[derive(Debug, Default)]
pub(crate) struct FoundCaller {
    pub(crate) user: Option<User>,
    pub(crate) session: SessionFacts,
}

impl FoundCaller {
    /// Refuses disabled people, ended sessions, and tokens and sign-ins from before `tokensValidAfter`. A session that has
    /// ended is no session, whether its person is known here or not.
    pub(crate) fn admit(&self, token: &VerifiedToken) -> Result<()> {
        if self.session.ended {
            return Err(super::sessions::session_ended());
        }
        let Some(user) = &self.user else { return Ok(()) };
        if user.tokens_valid_after.is_some_and(|after| self.session.is_before(token, after)) {
            let message = "this token was revoked, or comes from a sign-in that was: sign in again for a new one";
            return Err(Error::new(ErrorKind::Unauthenticated, "token_revoked", message));
        }
        if !user.may_call() {
            return Err(user_disabled());
        }
        Ok(())
    }
}

fn known_caller(call: &Call, found: FoundCaller) -> Result<CallerFacts> {
    match &call.principal {
        Principal::System(name) => Ok(CallerFacts::System(name.clone())),
        Principal::Token(token) => {
            found.admit(token)?;
            let user = found.user.ok_or_else(|| {
                Error::new(
                    ErrorKind::Forbidden,
                    "user_unknown",
                    "you are not known here yet: call `GET /users/me` first",
                )
            })?;
            Ok(CallerFacts::Person { user: Box::new(user), bound_to: token.tenant.clone() })
        }
    }
}
