//! The claims sync of `GET /users/me`. Apart from its revoking half (`first_use.rs`), nothing reads a token's groups.

use std::{borrow::Cow, sync::Arc, time::Duration};

use serde_json::value::RawValue;

use super::{
    OwnMembership, PROFILE_TENANTS,
    memberships::{MembershipReads, Person, subscriptions_named, tenants_named},
    reconcile::{Reconciliation, Statement},
};
use crate::{
    authn::VerifiedToken,
    authz::Action,
    clock::Timestamp,
    context::SystemActor,
    domain::{
        AuditActor, GrantSource, Membership, MembershipRole, Open, Tenant, TenantId, TenantStatus, User, UserActivity,
        UserId,
        activity::USER_ACTIVITY,
        fields,
        membership::{MEMBERSHIPS, MEMBERSHIPS_BY_SOURCE},
        tenant::TENANTS,
    },
    error::{Code, Error, Result},
    service::{
        Call, Principal, Service,
        access::{ABSENT, CALLER, FoundCaller, own_reads},
        moment::Moment,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::{
        Answers, Document, Follow, Origin, Position, Query, Read, Repository, StoreError, StoreResult,
        error::not_upgraded,
    },
};

/// A caller whose claims are synced.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct SyncedCaller {
    /// The caller's user.
    pub user: User,
    /// The tenants in which the caller is an active member, by their names, and the roles there: the first 100.
    pub roles: Vec<(TenantId, MembershipRole)>,
    /// The position of the last of them, if there are more.
    pub next: Option<Position>,
    /// The documents of the profile, if they were read with the claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<ProfileDocuments>,
}

/// The documents of a profile, as JSON texts.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct ProfileDocuments {
    /// The tenants.
    pub tenants: Vec<Box<RawValue>>,
    /// Their current subscriptions.
    pub subscriptions: Vec<Box<RawValue>>,
}

/// Largest delay of `lastSeenAt`.
const SEEN_INTERVAL: Duration = Duration::from_secs(300);

/// The name of the sync in the audit trail.
const ACTOR: SystemActor = SystemActor::ClaimsSync;

/// A caller whose claims are synced, with everything that the profile shows.
pub(super) struct Synced {
    pub(super) user: User,
    pub(super) memberships: Vec<OwnMembership>,
    pub(super) tenants: Vec<Document>,
    pub(super) subscriptions: Vec<Document>,
}

impl Synced {
    /// Returns the caller, and the documents that were read with them: tenants, and their subscriptions.
    pub(super) fn into_caller(self) -> Result<(SyncedCaller, Vec<Document>, Vec<Document>)> {
        let Self { user, memberships, tenants, subscriptions } = self;
        let shown = usize::try_from(PROFILE_TENANTS).unwrap_or(usize::MAX);
        let next = match memberships.get(shown.saturating_sub(1)) {
            Some(last) if memberships.len() > shown => Some(last.position()?),
            _ => None,
        };
        let roles = memberships.iter().take(shown).map(|membership| (membership.tenant_id, membership.role));
        Ok((SyncedCaller { user, roles: roles.collect(), next, documents: None }, tenants, subscriptions))
    }
}

/// The documents that the sync reads together with the user.
struct Known {
    memberships: Vec<OwnMembership>,
    activity: Option<UserActivity>,
    claimed: Vec<ClaimedTenant>,
    /// The tenants of the memberships.
    tenants: Vec<Document>,
    /// Their current subscriptions.
    subscriptions: Vec<Document>,
}

impl Known {
    /// Returns `true` if these are all memberships of the user.
    fn is_complete(&self) -> bool {
        self.memberships.len() <= usize::try_from(PROFILE_TENANTS).unwrap_or(usize::MAX)
    }

    /// Returns `true` if the token claims this tenant.
    fn claims(&self, tenant: TenantId) -> bool {
        self.claimed.iter().any(|claimed| claimed.id == tenant)
    }

    fn shown_to(self, user: User) -> Synced {
        let Self { memberships, tenants, subscriptions, .. } = self;
        Synced { user, memberships, tenants, subscriptions }
    }
}

/// The memberships that the claims may change.
struct Due {
    /// The tenants that the token claims and in which the user is no active member.
    missing: Vec<Tenant>,
    /// The memberships in these, which are tombstones unless another request was faster.
    stored: Vec<Membership>,
    /// The active memberships that were made by a claim, those that still are left out where all are known.
    claim_made: Vec<Membership>,
    /// `true` if another request of this person has created one of them since the memberships were read.
    overtaken: bool,
}

impl Service {
    /// Creates or updates the caller's user, and syncs `platformAdmin` and memberships with the token's groups.
    ///
    /// A right that was revoked by a person or the system stays revoked.
    ///
    /// # Errors
    /// `user_disabled`, `user_deleted`, `session_ended`, `token_revoked`, or `person_required` for a system actor.
    pub(super) async fn sync(&self, call: &Call) -> Result<Synced> {
        let Principal::Token(token) = &call.principal else {
            // A key that is over is refused as such, as on all other routes.
            self.caller(call).await?;
            let message = "only a person has a profile: send the access token of one";
            return Err(Error::new(Code::PERSON_REQUIRED, message));
        };
        let synced = self.settle(call, |moment| self.try_sync(call, moment, token)).await?;
        token.first_use.seen_to_by(self.number);
        Ok(synced)
    }

    async fn try_sync(&self, call: &Call, moment: Moment, token: &Arc<VerifiedToken>) -> Result<Synced> {
        // Checked before the reads, so that they see the revocations of a request that has already handled the first
        // use.
        let first = self.is_first_use(token);
        let (found, known) = self.known(call, token).await?;
        found.admit(token)?;
        let Some(user) = found.user.clone() else {
            self.create_caller(call, &moment, token).await?;
            // The new user is read back like any other, so that claims are synced in one way only.
            return Err(anew());
        };
        // If there are more memberships than are shown, those by claim are checked page by page, once for each token.
        if !known.is_complete() && first {
            if self.take_by_claims(call, token, found).await? {
                token.first_use.seen_to_by(self.number);
                return Err(anew());
            }
            return Err(Error::new(Code::STORE_UNAVAILABLE, "the store takes no changes now, try again"));
        }
        let changed = self.write_sync(call, &moment, token, &found, &user, &known).await?;
        Ok(match changed {
            // Memberships changed: read them again in their order.
            Some((user, true)) => self.known(call, token).await?.1.shown_to(user),
            Some((user, false)) => known.shown_to(user),
            None => known.shown_to(user),
        })
    }

    async fn create_caller(&self, call: &Call, moment: &Moment, token: &VerifiedToken) -> Result<()> {
        let hash = self.subject_hash(call, &token.issuer_id, &token.subject).await?;
        if self.find_tombstone(call, &token.issuer_id, &hash).await?.is_some() {
            return Err(Error::new(
                Code::USER_DELETED,
                "this person was deleted: only the operator of the platform can admit them again",
            ));
        }
        let now = moment.now();
        let mut user = User::blank(token.issuer_id.clone(), Some(token.subject.clone()), now);
        user.subject_hash = Some(hash);
        take_profile(&mut user, token);
        let mut work = UnitOfWork::new(call, actor(), moment);
        let about = Subject { tenant: None, user: Some(user.id) };
        work.insert(Action::CreateUser, "user", about, &user)?;
        match self.carry_out(work).await {
            // Another first request of the same person was faster; the person may even be erased again.
            Err(error) if error.is(Code::USER_EXISTS) => Ok(()),
            // The replaced service has this person in a document that was not upgraded, or its index forbids what is
            // allowed now.
            Err(error) if error.is(Code::FOREIGN_INDEX) => {
                tracing::error!(%error, "the database of the replaced service is in the way of a sign-in");
                Err(not_upgraded().with_source(error))
            }
            outcome => outcome,
        }
    }

    /// Reads the caller, and everything that the sync needs to know about them, in one round trip.
    async fn known(&self, call: &Call, token: &VerifiedToken) -> StoreResult<(FoundCaller, Known)> {
        let most = PROFILE_TENANTS.saturating_add(1);
        let before = own_reads(call);
        let claims = ClaimReads::new(token);
        let mut reads = vec![Query::new(&USER_ACTIVITY).limit(1).follow(Follow::First("id", CALLER))];
        claims.add_to(&mut reads);
        let base = before + reads.len();
        let own = MembershipReads::new(token.tenant.as_deref(), Person::Read(CALLER), None, None, most, base);
        let last = own.add_to(&mut reads);
        let tenants = Origin { read: before + last.read, ..last };
        reads.push(tenants_named(tenants, most));
        reads.push(subscriptions_named(tenants, most));
        let (found, mut answers) = self.read_caller_and(call, reads).await?;
        let known = Known {
            activity: answers.first()?,
            claimed: claims.take(&mut answers)?,
            memberships: own.take(&mut answers)?,
            tenants: answers.documents(),
            subscriptions: answers.documents(),
        };
        Ok((found, known))
    }

    /// Writes the changes of the sync, if any. Returns the user after it, and `true` if the memberships changed.
    async fn write_sync(
        &self,
        call: &Call,
        moment: &Moment,
        token: &VerifiedToken,
        found: &FoundCaller,
        user: &User,
        known: &Known,
    ) -> Result<Option<(User, bool)>> {
        let now = moment.now();
        let fresh = known
            .activity
            .as_ref()
            .and_then(|activity| activity.claims_iat)
            .is_none_or(|newest| token.issued_at >= newest);
        let mut work = UnitOfWork::new(call, actor(), moment);
        let mut synced = user.clone();
        let mut memberships_changed = false;
        let mut overtaken = false;
        if fresh {
            take_profile(&mut synced, token);
            let reconciliation = Reconciliation { statement: Statement::Token(token, self.settings.leeway), now };
            let group = self.settings.platform_admin_group.as_deref();
            reconciliation.take_platform_admin(&mut synced, group);
            reconciliation.give_platform_admin(&mut synced, group);
            if token.groups.is_some() {
                let due = self.memberships_to_reconcile(call, token, user.id, known).await?;
                overtaken = due.overtaken;
                let given = reconciliation.give_memberships(&mut work, &synced, &due.missing, &due.stored)?;
                let claims = |tenant| known.claims(tenant);
                let taken = reconciliation.take_memberships(&mut work, user.id, claims, &due.claim_made)?;
                memberships_changed = given || taken > 0;
            }
            let about = Subject { tenant: None, user: Some(user.id) };
            work.update(Action::UpdateUser, "user", about, user, &mut synced)?;
        }
        for waiting in known.memberships.iter().filter(|membership| membership.regranted) {
            let before = waiting.decode()?;
            let mut shown = before.clone();
            shown.show_person(&synced);
            work.refresh(&before, &mut shown)?;
        }
        write_activity(&mut work, user.id, known.activity.as_ref(), fresh.then_some(token.issued_at), now)?;
        found.session.note(&mut work.commit, token, now)?;
        if work.commit.is_empty() {
            return Ok(overtaken.then_some((synced, true)));
        }
        // Nothing is written about a person who is erased or disabled meanwhile.
        work.commit.guard(user);
        self.carry_out(work).await?;
        Ok(Some((synced, memberships_changed || overtaken)))
    }

    /// Reads the memberships that the claims are to be compared with.
    async fn memberships_to_reconcile(
        &self,
        call: &Call,
        token: &VerifiedToken,
        user: UserId,
        known: &Known,
    ) -> Result<Due> {
        let complete = known.is_complete();
        let is_member = |tenant| known.memberships.iter().any(|membership| membership.tenant_id == tenant);
        let missing = known.claimed.iter().filter(|tenant| !is_member(tenant.id));
        let missing = missing.map(ClaimedTenant::decode).collect::<StoreResult<Vec<_>>>()?;
        let keys: Vec<String> = missing.iter().map(|tenant| Membership::key(tenant.id, user)).collect();
        let tombstones = async {
            let mut found = Vec::new();
            for keys in keys.chunks(Query::MAXIMUM_VALUES) {
                let query = Query::by_keys(&MEMBERSHIPS, keys.to_vec());
                found.extend(self.store.load_all::<Membership>(&call.context, &query).await?);
            }
            Ok::<_, Error>(found)
        };
        let claim_made = async {
            if complete || token.tenant.is_some() {
                let made = known.memberships.iter().filter(|one| one.source == GrantSource::Claim);
                let made = made.filter(|one| !known.claims(one.tenant_id));
                return Ok(made.map(OwnMembership::decode).collect::<StoreResult<Vec<_>>>()?);
            }
            let query = Query::new(&MEMBERSHIPS)
                .sort(&MEMBERSHIPS_BY_SOURCE)
                .equal("userId", user.0)
                .equal("active", true)
                .equal("source", "claim")
                .limit(u32::try_from(Query::MAXIMUM_VALUES).unwrap_or(u32::MAX));
            Ok(self.store.load_all(&call.context, &query).await?)
        };
        let (stored, claim_made) = futures_util::try_join!(tombstones, claim_made)?;
        let overtaken = complete && stored.iter().any(|membership| membership.revoked_at.is_none());
        Ok(Due { missing, stored, claim_made, overtaken })
    }
}

/// The reads of the tenants whose groups a token names.
pub(super) struct ClaimReads<'a> {
    token: &'a VerifiedToken,
    reads: Vec<Read>,
}

impl<'a> ClaimReads<'a> {
    pub(super) fn new(token: &'a VerifiedToken) -> Self {
        let mut keys: Vec<String> = token.groups.iter().flatten().map(|group| Tenant::group_key(group)).collect();
        keys.sort_unstable();
        keys.dedup();
        let reads = keys.chunks(Query::MAXIMUM_VALUES).map(|keys| Query::by_keys(&TENANTS, keys.to_vec()).into());
        Self { token, reads: reads.collect() }
    }

    pub(super) fn add_to(&self, others: &mut Vec<Read>) {
        others.extend(self.reads.iter().cloned());
    }

    /// Takes the answers of these reads: the tenants that the token's issuer may speak for.
    pub(super) fn take(&self, answers: &mut Answers) -> StoreResult<Vec<ClaimedTenant>> {
        let mut tenants = Vec::new();
        for document in self.reads.iter().flat_map(|_| answers.documents()) {
            let Fields { slug, status } = document.decode(&TENANTS)?;
            if status != TenantStatus::Deleted && self.token.tenant.as_ref().is_none_or(|bound| *bound == slug) {
                tenants.push(ClaimedTenant { id: TenantId(document.id), document });
            }
        }
        Ok(tenants)
    }
}

/// A tenant that a token claims. It is decoded when somebody joins it.
pub(super) struct ClaimedTenant {
    pub(super) id: TenantId,
    document: Document,
}

impl ClaimedTenant {
    fn decode(&self) -> StoreResult<Tenant> {
        self.document.decode(&TENANTS)
    }
}

/// The fields of a tenant that decide whether an issuer may speak for it.
#[derive(serde::Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    slug: Cow<'a, str>,
    status: Open<TenantStatus>,
}

/// Returns the error that makes the sync read and decide again.
fn anew() -> Error {
    super::super::conflict(StoreError::VersionConflict { collection: "users", id: ABSENT })
}

pub(super) fn actor() -> AuditActor {
    AuditActor::part(ACTOR)
}

/// Takes e-mail and name from the token. Absent or invalid values never clear stored ones.
///
/// Values identical to the stored ones are not parsed again, which would be the most expensive part of the sync.
fn take_profile(user: &mut User, token: &VerifiedToken) {
    let new_email = token.email.as_deref().filter(|email| user.email.as_deref() != Some(*email));
    let email = new_email.and_then(|email| fields::email::parse(email.trim()));
    if email.is_some() && email != user.email {
        user.set_email(email);
    }
    let new_name = token.name.as_deref().filter(|name| user.name.as_deref() != Some(*name));
    let name = new_name.and_then(fields::sanitised_label);
    if name.is_some() && name != user.name {
        user.set_name(name);
    }
}

/// Advances `claimsIat` with each newer token, and `lastSeenAt` at most every five minutes.
pub(super) fn write_activity(
    work: &mut UnitOfWork<'_>,
    user: UserId,
    stored: Option<&UserActivity>,
    issued_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let Some(stored) = stored else {
        work.commit.insert(&UserActivity { id: user, version: 1, last_seen_at: Some(now), claims_iat: issued_at })?;
        return Ok(());
    };
    let newer = issued_at.is_some_and(|issued| stored.claims_iat.is_none_or(|newest| issued > newest));
    let unseen = stored.last_seen_at.is_none_or(|seen| seen.plus(SEEN_INTERVAL) <= now);
    if newer || unseen {
        let mut activity = stored.clone();
        activity.version = activity.version.saturating_add(1);
        activity.last_seen_at = Some(now);
        if newer {
            activity.claims_iat = issued_at;
        }
        work.commit.update(&activity, stored.version)?;
    } else if !work.commit.is_empty() {
        // The commit fails if a newer token has been synced meanwhile.
        work.commit.guard(stored);
    }
    Ok(())
}
