//! Handles the first use of a token on any route: rights that its claims revoke are gone before the request is decided.

use std::sync::Arc;

use super::{
    OwnMembership,
    memberships::MembershipReads,
    reconcile::{Reconciliation, Statement},
    sync::{ClaimReads, actor, write_activity},
};
use crate::{
    authn::VerifiedToken,
    authz::Action,
    domain::{
        GrantSource, Membership, User, UserActivity, UserId,
        activity::USER_ACTIVITY,
        membership::{MEMBERSHIPS, MEMBERSHIPS_BY_SOURCE},
    },
    error::{Code, ErrorKind, Result},
    service::{
        Call, Principal, Service,
        access::FoundCaller,
        moment::Moment,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::{Answers, Position, Query, Read, Repository, StoreResult},
};

/// Number of memberships that are read, and at most revoked in one commit, at a time.
const PAGE: u32 = 200;

/// The result of one page of memberships by claim.
struct Page {
    /// The caller's user after it.
    user: User,
    /// Position of the next page; `None` if there is none or the token is not the newest.
    next: Option<Position>,
    /// `true` if all of the page's changes are stored.
    written: bool,
}

impl Service {
    /// Handles the first use of a token.
    ///
    /// For edges that verify tokens in one place and answer requests in another. It refuses nobody; that is left to the
    /// code that answers.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn see_to_first_use(&self, call: &Call) -> Result<()> {
        match &call.principal {
            Principal::Token(token) if self.is_first_use(token) => self.find_caller(call).await.map(drop),
            _ => Ok(()),
        }
    }

    /// Returns `true` if this token's revocations have not been handled yet.
    pub(crate) fn is_first_use(&self, token: &VerifiedToken) -> bool {
        self.sees_to_first_uses && !token.first_use.is_seen_to_by(self.number)
    }

    /// Runs the revoking half of the claims sync.
    ///
    /// It also records the session, if nothing else tells the session's age. Returns `false` if the token has no
    /// effect, so that the reads made with `found` are still valid.
    pub(crate) async fn first_use(&self, call: &Call, token: &Arc<VerifiedToken>, found: &FoundCaller) -> Result<bool> {
        let said = token.groups.is_some() || found.session.is_to_be_noted(token, |time| self.clock.has_passed(time));
        // The token of a refused caller changes nothing.
        if found.user.is_none() || found.admit(token).is_err() || !said {
            return Ok(false);
        }
        if self.take_by_claims(call, token, found.clone()).await? {
            token.first_use.seen_to_by(self.number);
        }
        Ok(true)
    }

    /// Revokes what the claims no longer grant, page by page.
    ///
    /// Returns `false` if not everything could be written, or the token is no longer accepted.
    pub(super) async fn take_by_claims(
        &self,
        call: &Call,
        token: &VerifiedToken,
        mut found: FoundCaller,
    ) -> Result<bool> {
        let (mut next, mut written, mut attempts) = (None, true, 1);
        loop {
            let Some(user) = found.user.take() else { return Ok(false) };
            let page = self.attempt(|moment| self.take_page(call, moment, token, &user, &found, next.clone())).await;
            let page = match page {
                Err(error) if error.is(Code::CONFLICT) && attempts < Self::MAXIMUM_ATTEMPTS => {
                    attempts += 1;
                    // Another writer came first: read everything again.
                    found = self.read_caller(call).await?;
                    if found.admit(token).is_err() {
                        return Ok(false);
                    }
                    continue;
                }
                outcome => outcome?,
            };
            found.user = Some(page.user);
            written &= page.written;
            next = page.next;
            if next.is_none() {
                return Ok(written);
            }
            attempts = 1;
        }
    }

    async fn take_page(
        &self,
        call: &Call,
        moment: Moment,
        token: &VerifiedToken,
        user: &User,
        found: &FoundCaller,
        after: Option<Position>,
    ) -> Result<Page> {
        let claims = ClaimReads::new(token);
        let mut reads = vec![Query::new(&USER_ACTIVITY).equal("id", user.id.0).limit(1).into()];
        claims.add_to(&mut reads);
        let made = MadeByClaim::new(token, user.id, after, reads.len());
        made.add_to(&mut reads);
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let activity: Option<UserActivity> = answers.first()?;
        let claimed = claims.take(&mut answers)?;
        let made = made.take(&mut answers)?;
        let newest = activity.as_ref().and_then(|activity| activity.claims_iat);
        let counts = token.groups.is_some() && newest.is_none_or(|newest| token.issued_at >= newest);
        let mut work = UnitOfWork::new(call, actor(), &moment);
        let now = work.now();
        let mut synced = user.clone();
        if counts {
            let reconciliation = Reconciliation { statement: Statement::Token(token, self.settings.leeway), now };
            let claims = |tenant| claimed.iter().any(|claimed| claimed.id == tenant);
            reconciliation.take_memberships(&mut work, user.id, claims, &made)?;
            reconciliation.take_platform_admin(&mut synced, self.settings.platform_admin_group.as_deref());
            let about = Subject { tenant: None, user: Some(user.id) };
            work.update(Action::UpdateUser, "user", about, user, &mut synced)?;
        }
        let takes = !work.commit.is_empty();
        if counts {
            write_activity(&mut work, user.id, activity.as_ref(), Some(token.issued_at), now)?;
        }
        found.session.note(&mut work.commit, token, now)?;
        let full = made.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        let last = made.last().filter(|_| counts && full);
        let next = last.map(|membership| Position { values: Vec::new(), id: membership.id.0 });
        if work.commit.is_empty() {
            return Ok(Page { user: synced, next, written: true });
        }
        // Nothing is written about a person who is erased or disabled meanwhile.
        work.commit.guard(user);
        let written = match self.carry_out(work).await {
            Ok(()) => true,
            // If nothing is revoked, an unavailable store does not fail the request; the next use tries again.
            Err(error) if !takes && error.kind() == ErrorKind::Unavailable => false,
            Err(error) => return Err(error),
        };
        Ok(Page { user: synced, next, written })
    }
}

/// The reads of a page of a person's active memberships by claim.
///
/// They are restricted to tenants that the token's issuer may speak for.
enum MadeByClaim<'a> {
    /// The token has no groups claim.
    None,
    Bound(MembershipReads<'a>),
    All(Read),
}

impl<'a> MadeByClaim<'a> {
    fn new(token: &'a VerifiedToken, user: UserId, after: Option<Position>, base: usize) -> Self {
        if token.groups.is_none() {
            return Self::None;
        }
        if let Some(slug) = &token.tenant {
            return Self::Bound(MembershipReads::new(Some(slug), user, None, None, 1, base));
        }
        let query = Query::new(&MEMBERSHIPS)
            .sort(&MEMBERSHIPS_BY_SOURCE)
            .equal("userId", user.0)
            .equal("active", true)
            .equal("source", "claim")
            .after(after)
            .limit(PAGE);
        Self::All(query.into())
    }

    fn add_to(&self, others: &mut Vec<Read>) {
        match self {
            Self::None => {}
            Self::Bound(reads) => {
                reads.add_to(others);
            }
            Self::All(read) => others.push(read.clone()),
        }
    }

    fn take(&self, answers: &mut Answers) -> StoreResult<Vec<Membership>> {
        match self {
            Self::None => Ok(Vec::new()),
            Self::Bound(reads) => {
                let bound = reads.take(answers)?;
                let claimed = bound.iter().filter(|membership| membership.source == GrantSource::Claim);
                claimed.map(OwnMembership::decode).collect()
            }
            Self::All(_) => answers.all(),
        }
    }
}
