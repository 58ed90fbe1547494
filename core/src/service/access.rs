//! Loads the facts that a decision rests on, and turns a decision into an answer.

use super::{
    Call, Principal, Service,
    api_keys::bearer::{FoundKey, key_reads},
    sessions::{SessionFacts, session_records},
    unit_of_work::UnitOfWork,
};
use crate::{
    authn::VerifiedToken,
    authz::{
        Action, Actor, Outcome, PlatformRight, Reason, Resource, TargetFacts, TenantFacts, decide, forbidden_fields,
    },
    callers::Callers,
    domain::{
        ApiKey, ApiKeyId, AuditActor, AuditActorKind, Membership, MembershipRole, ObjectId, Tenant, TenantId, User,
        UserId, membership::MEMBERSHIPS, tenant::TENANTS, user::USERS,
    },
    error::{Code, Error, ErrorKind, FieldError, Result},
    store::{Answers, Entity, Follow, KeyPart, Origin, Query, Read, Repository, StoreResult},
};

/// A tenant as a path names it: by id or by slug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantReference {
    /// By id.
    Id(TenantId),
    /// By slug.
    Slug(String),
}

impl From<&str> for TenantReference {
    /// Reads text in the form of an id as an id; no slug has that form.
    fn from(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Slug(text.to_owned()), Self::Id)
    }
}

impl From<TenantId> for TenantReference {
    fn from(id: TenantId) -> Self {
        Self::Id(id)
    }
}

/// Stands in for an absent tenant, so that the store calls do not differ.
pub(crate) use crate::store::read::ABSENT;

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
    pub(crate) fn revoker(&self) -> crate::domain::RevokedBy {
        match self {
            Self::System(_) | Self::ApiKey(_) => crate::domain::RevokedBy::System,
            Self::Person { .. } => crate::domain::RevokedBy::Person,
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

impl CallerFacts {
    fn disabled_error(&self) -> Option<Error> {
        matches!(self.actor(), Actor::User { disabled: true, .. }).then(user_disabled)
    }
}

fn user_disabled() -> Error {
    Error::new(Code::USER_DISABLED, "this user is disabled: ask the operator of the platform")
}

/// Lets an allowed action pass, and turns any other decision into the error that the caller may see.
pub(crate) fn check(caller: &CallerFacts, action: Action, resource: &Resource<'_>) -> Result<()> {
    let actor = caller.actor();
    let decision = decide(&actor, action, resource);
    if decision.outcome == Outcome::Allow {
        return Ok(());
    }
    // Only what is granted has no code, and that was let pass above; anything else is denied by default.
    let code = decision.reason.code().unwrap_or(Code::NOT_FOUND);
    tracing::debug!(action = action.name(), code = code.name(), "refused");
    let message = match decision.reason {
        Reason::Granted(_) | Reason::NotVisible => return Err(Error::not_found()),
        Reason::UserDisabled => return Err(user_disabled()),
        Reason::PlatformOnly => "only administrators of the platform may do this",
        Reason::RoleTooLow => "your role in this tenant does not allow this",
        Reason::HolderOnly => {
            "only the member whose mailbox it is may do this: whoever creates an app password can read the mail"
        }
        Reason::LastingAdmin => {
            "you administer the platform by a group alone, and may neither make nor unmake administrators by grant: ask one of \
             those, or an operator"
        }
        Reason::OwnerOnly => "only owners of the tenant may manage its owners",
        Reason::LastOwner => "a tenant keeps its last owner: make somebody else an owner first",
        Reason::TenantSuspended => "the tenant is suspended and cannot be changed",
        Reason::TenantDeleted => "the tenant is deleted",
        Reason::Scope => "the API key does not have this action among its scopes",
        Reason::Field(_) => "the body sets fields that you may not set; see `errors`",
    };
    let error = Error::new(code, message);
    if !matches!(decision.reason, Reason::Field(_)) {
        return Err(error);
    }
    let forbidden = |field| FieldError::new(field, code, "you may not set this field: leave it out");
    Err(error.with_fields(forbidden_fields(&actor, action, resource).into_iter().map(forbidden).collect()))
}

impl Service {
    /// Loads and admits the caller.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] with `user_unknown` for a person who has never called `GET /users/me`, or
    /// `user_disabled`; [`ErrorKind::Unauthenticated`] with `session_ended` for a token of an ended session, or
    /// `token_revoked` for a token or sign-in from before `tokensValidAfter`.
    pub(crate) async fn caller(&self, call: &Call) -> Result<CallerFacts> {
        let found = self.find_caller(call).await?;
        known_caller(call, found)
    }

    /// Returns the caller's user, read and admitted as in every use case. Returns `None` for a caller who would be
    /// refused.
    ///
    /// For edges that check again what a sandboxed component asks for.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn admitted_user(&self, call: &Call) -> Result<Option<User>> {
        match self.caller(call).await {
            Ok(CallerFacts::Person { user, .. }) => Ok(Some(*user)),
            Ok(CallerFacts::System(_) | CallerFacts::ApiKey(_)) => Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unauthenticated) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads the caller and their session, after handling the first use of the token.
    pub(crate) async fn find_caller(&self, call: &Call) -> Result<FoundCaller> {
        self.find_caller_and(call, Vec::new()).await.map(|(found, _)| found)
    }

    /// Does the same as [`Service::find_caller`], with further reads in the same store call. Their positions start at
    /// [`own_reads`]; among the reads before them, [`CALLER`] is the caller if it is a person.
    pub(crate) async fn find_caller_and(&self, call: &Call, others: Vec<Read>) -> Result<(FoundCaller, Answers)> {
        // Checked before the reads, so that the answers contain all revocations by other requests that have handled the
        // first use before this check.
        let first = match &call.principal {
            Principal::Token(token) if self.is_first_use(token) => Some(token),
            _ => None,
        };
        let Some(token) = first else {
            let (found, answers) = self.read_caller_and(call, others).await?;
            self.note_use(call, &found).await;
            return Ok((found, answers));
        };
        let (found, answers) = self.read_caller_and(call, others.clone()).await?;
        if self.first_use(call, token, &found).await? {
            // This request or another may have revoked rights since they were read.
            return Ok(self.read_caller_and(call, others).await?);
        }
        Ok((found, answers))
    }

    /// Reads the caller as stored, without applying the claims of their token.
    pub(crate) async fn read_caller(&self, call: &Call) -> StoreResult<FoundCaller> {
        self.read_caller_and(call, Vec::new()).await.map(|(found, _)| found)
    }

    async fn read_caller_and(&self, call: &Call, others: Vec<Read>) -> StoreResult<(FoundCaller, Answers)> {
        let mut reads = Vec::with_capacity(own_reads(call) + others.len());
        match &call.principal {
            Principal::System(_) => {}
            Principal::Token(token) => {
                reads.push(Query::unique(&USERS, User::subject_key(&token.issuer_id, &token.subject)).into());
                reads.push(session_records(token).into());
            }
            Principal::ApiKey(key) => reads.extend(key_reads(key)),
        }
        reads.extend(others);
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let found = match &call.principal {
            Principal::System(_) => FoundCaller::default(),
            Principal::Token(token) => {
                let user = answers.first()?;
                FoundCaller { user, session: self.session_facts(token, &answers.all()?), key: None }
            }
            Principal::ApiKey(presented) => {
                let key = self.admit_key(call, presented, answers.first()?);
                FoundCaller { key: Some(FoundKey { key, last_use: answers.first()? }), ..FoundCaller::default() }
            }
        };
        Ok((found, answers))
    }

    /// Loads the caller and the named tenant. Makes the same store calls whether the tenant exists or not.
    pub(crate) async fn tenant_access(&self, call: &Call, reference: &TenantReference) -> Result<TenantAccess> {
        self.tenant_access_and(call, reference, |_| None).await.map(|(access, _)| access)
    }

    /// Does the same, and returns the answer of a further read that may depend on the tenant's id.
    pub(crate) async fn tenant_access_and(
        &self,
        call: &Call,
        reference: &TenantReference,
        other: impl Fn(Origin) -> Option<Read> + Send,
    ) -> Result<(TenantAccess, Answers)> {
        let tenant = Origin { read: own_reads(call), field: "id" };
        let mut reads = vec![tenant_query(reference).into()];
        reads.extend(own_membership_in(call, tenant));
        reads.extend(other(tenant));
        let (found, mut answers) = self.find_caller_and(call, reads).await?;
        let tenant = named(reference, answers.first()?);
        let membership = membership(call, &mut answers)?;
        let caller = known_caller(call, found)?;
        let membership = tenant.as_ref().and(membership);
        Ok((TenantAccess { caller, tenant, membership }, answers))
    }

    /// Loads a person's access to an existing tenant.
    pub(crate) async fn access_of(
        &self,
        call: &Call,
        caller: CallerFacts,
        reference: &TenantReference,
    ) -> Result<TenantAccess> {
        let found = self.store.find(&call.context, &tenant_query(reference)).await?;
        let found = found.first().map(|document| document.decode(&TENANTS)).transpose()?;
        let tenant = named(reference, found).ok_or_else(Error::not_found)?;
        let membership = self.own_membership(call, &caller, Some(&tenant)).await?;
        Ok(TenantAccess { caller, tenant: Some(tenant), membership })
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

    /// Loads the caller, and the tenant that is named if the first action may be performed on it.
    ///
    /// Without one, the second must be allowed, which is an action on the platform.
    pub(crate) async fn access_to_tenant_or_platform(
        &self,
        call: &Call,
        reference: Option<&TenantReference>,
        [of_tenant, of_platform]: [Action; 2],
        fields: &[&'static str],
    ) -> Result<TenantAccess> {
        let Some(reference) = reference else {
            let caller = self.caller(call).await?;
            check(&caller, of_platform, &Resource { fields, ..Resource::default() })?;
            return Ok(TenantAccess { caller, tenant: None, membership: None });
        };
        let access = self.tenant_access(call, reference).await?;
        access.authorize_with(of_tenant, TargetFacts::default(), fields)?;
        Ok(access)
    }

    /// Loads a document of a tenant, or of the platform, if the first action may be performed on it.
    ///
    /// For one of the platform, the second must be allowed as well. To those who may not see it, it seems absent.
    pub(crate) async fn access_to_owned<E: Entity>(
        &self,
        call: &Call,
        id: ObjectId,
        owner: impl Fn(&E) -> Option<TenantId>,
        [of_tenant, of_platform]: [Action; 2],
        fields: &[&'static str],
    ) -> Result<(TenantAccess, E)> {
        let (access, found) = self.access_through::<E>(call, id, "tenantId").await?;
        match found {
            Some(found) if owner(&found).is_none() => {
                let resource = Resource { fields, ..Resource::default() };
                check(&access.caller, of_tenant, &resource)?;
                check(&access.caller, of_platform, &resource)?;
                Ok((access, found))
            }
            found => {
                access.authorize_with(of_tenant, TargetFacts::default(), fields)?;
                Ok((access, found.ok_or_else(Error::not_found)?))
            }
        }
    }

    /// Loads a document that names its tenant in a field, and the caller's access to that tenant. Makes the same store
    /// calls whether the document exists or not.
    pub(crate) async fn access_through<E: Entity>(
        &self,
        call: &Call,
        id: ObjectId,
        field: &'static str,
    ) -> Result<(TenantAccess, Option<E>)> {
        let tenant = Origin { read: own_reads(call), field };
        let mut reads = vec![
            Query::new(E::COLLECTION).equal("id", id).limit(1).into(),
            Query::new(&TENANTS).limit(1).follow(Follow::First("id", tenant)),
        ];
        reads.extend(own_membership_in(call, tenant));
        let (found, mut answers) = self.find_caller_and(call, reads).await?;
        let thing = answers.first()?;
        let tenant: Option<Tenant> = answers.first()?;
        let membership = membership(call, &mut answers)?;
        let caller = known_caller(call, found)?;
        Ok((TenantAccess { caller, tenant, membership }, thing))
    }
}

/// Number of reads that [`Service::find_caller_and`] makes before those that were asked for.
pub(crate) fn own_reads(call: &Call) -> usize {
    match &call.principal {
        Principal::System(_) => 0,
        Principal::Token(_) | Principal::ApiKey(_) => 2,
    }
}

/// Refers to the caller's user among those reads.
pub(crate) const CALLER: Origin = Origin { read: 0, field: "id" };

fn tenant_query(reference: &TenantReference) -> Query {
    match reference {
        TenantReference::Id(id) => Query::new(&TENANTS).equal("id", id.0).limit(1),
        TenantReference::Slug(slug) => Query::unique(&TENANTS, Tenant::slug_key(slug)),
    }
}

/// Returns the tenant if the reference still names it. A former slug stays reserved but names no tenant.
fn named(reference: &TenantReference, tenant: Option<Tenant>) -> Option<Tenant> {
    tenant.filter(|tenant| match reference {
        TenantReference::Id(_) => true,
        TenantReference::Slug(slug) => tenant.slug == *slug,
    })
}

/// Returns the read of the caller's membership in the tenant that an earlier read names.
fn own_membership_in(call: &Call, tenant: Origin) -> Option<Read> {
    let Principal::Token(_) = &call.principal else { return None };
    let key = Membership::key_of(KeyPart::First(tenant), KeyPart::First(CALLER));
    Some(Query::new(&MEMBERSHIPS).limit(1).follow(Follow::UniqueKey(key)))
}

/// Takes the answer of [`own_membership_in`].
fn membership(call: &Call, answers: &mut Answers) -> StoreResult<Option<Membership>> {
    match &call.principal {
        Principal::System(_) | Principal::ApiKey(_) => Ok(None),
        Principal::Token(_) => answers.first(),
    }
}

/// The caller as stored; empty for a system actor.
#[derive(Debug, Clone, Default)]
pub(crate) struct FoundCaller {
    pub(crate) user: Option<User>,
    pub(crate) session: SessionFacts,
    pub(crate) key: Option<FoundKey>,
}

impl FoundCaller {
    /// Refuses disabled people, ended sessions, and tokens and sign-ins from before `tokensValidAfter`. An ended
    /// session is refused whether its person is known here or not.
    pub(crate) fn admit(&self, token: &VerifiedToken) -> Result<()> {
        if self.session.ended {
            return Err(super::sessions::session_ended());
        }
        let Some(user) = &self.user else { return Ok(()) };
        if user.tokens_valid_after.is_some_and(|after| self.session.is_before(token, after)) {
            let message = "this token was revoked, or comes from a sign-in that was: sign in again for a new one";
            return Err(Error::new(Code::TOKEN_REVOKED, message));
        }
        if !user.may_call() {
            return Err(user_disabled());
        }
        Ok(())
    }
}

pub(crate) fn known_caller(call: &Call, found: FoundCaller) -> Result<CallerFacts> {
    match &call.principal {
        Principal::System(name) => Ok(CallerFacts::System(name.clone())),
        Principal::ApiKey(_) => match found.key {
            Some(found) => Ok(CallerFacts::ApiKey(Box::new(found.key?))),
            None => Err(Error::internal("an API key was not read")),
        },
        Principal::Token(token) => {
            found.admit(token)?;
            let user = found.user.ok_or_else(|| {
                Error::new(Code::USER_UNKNOWN, "you are not known here yet: call `GET /users/me` first")
            })?;
            Ok(CallerFacts::Person { user: Box::new(user), bound_to: token.tenant.clone() })
        }
    }
}
