//! Loads and admits callers.

use crate::{
    authn::VerifiedToken,
    domain::{User, user::USERS},
    error::{Code, Error, ErrorKind, Result},
    service::{
        Call, Principal, Service,
        access::{CallerFacts, decision::user_disabled},
        api_keys::bearer::{FoundKey, key_reads},
        sessions::{SessionFacts, session_ended, session_records},
    },
    store::{Answers, Origin, Query, Read, Repository, StoreResult},
};

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

    /// Reads the caller as stored, without applying the claims of their token. Further reads are those of
    /// [`Service::find_caller_and`].
    pub(crate) async fn read_caller_and(&self, call: &Call, others: Vec<Read>) -> StoreResult<(FoundCaller, Answers)> {
        let mut reads = Vec::with_capacity(own_reads(call) + others.len());
        match &call.principal {
            Principal::System(_) => {}
            Principal::Token(token) => {
                let user = Query::unique(&USERS, User::subject_key(&token.issuer_id, &token.subject));
                reads.push(Read::from(user).expected());
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
            return Err(session_ended());
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
