//! Ends sessions by a logout token.

use std::time::Duration;

use crate::{
    authn::{LogoutRequest, token::LEEWAY},
    clock::Timestamp,
    context::{RequestContext, SystemActor},
    domain::{
        EndedSession, EndedSessionId,
        session::{ENDED_SESSIONS, EndedSessionKind},
    },
    error::{Code, Error, Result},
    service::{Call, Service, conflict, moment::Moment},
    store::{Commit, Repository, StoreError},
};

/// Longest time for which an earlier sign-in may be refreshed after all sessions of its person were ended.
///
/// Browsers keep no cookie for longer than 400 days, and there is only one such record per person.
const LONGEST_SIGN_IN: Duration = Duration::from_secs(400 * 24 * 3_600);

impl Service {
    /// Ends the sessions that a validated logout token names.
    ///
    /// With a session id that is this session, remembered for as long as one of its tokens may live. Otherwise it is
    /// all sessions of the subject that began before the logout token was issued, however often their tokens are
    /// refreshed. The subject need not be known here. A logout token is accepted once among all processes on this
    /// store.
    ///
    /// # Errors
    /// [`crate::ErrorKind::BadRequest`] with `logout_token_replayed` when it was used before.
    pub async fn end_sessions(&self, context: &RequestContext, logout: &LogoutRequest) -> Result<()> {
        let mut call = Call::by_part(SystemActor::Logout);
        call.context = context.clone();
        self.settle(&call, |moment| self.try_end_sessions(&call, moment, logout)).await
    }

    async fn try_end_sessions(&self, call: &Call, moment: Moment, logout: &LogoutRequest) -> Result<()> {
        let mut commit = Commit::new();
        // First in the commit, so that a replay is reported as one, whatever else conflicts.
        let used = record(EndedSessionKind::LogoutToken, &logout.issuer_id, &logout.token_id);
        // Processes whose clocks are behind accept the token for a little longer.
        commit.insert(&EndedSession { expires_at: logout.accepted_until.plus(LEEWAY), ..used.clone() })?;
        let ended = what_ends(logout, &moment, self.settings.longest_token_life)?;
        let key = EndedSession::unique_key(ended.kind, &logout.issuer_id, name_of(logout)?);
        match self.store.load_unique::<EndedSession>(&call.context, key).await? {
            None => commit.insert(&ended)?,
            Some(before) => {
                let after = EndedSession {
                    id: before.id,
                    version: before.version.saturating_add(1),
                    // An older logout token that arrives late does not reduce what a newer one ended.
                    issued_until: ended.issued_until.max(before.issued_until),
                    expires_at: ended.expires_at.max(before.expires_at),
                    ..ended
                };
                commit.update(&after, before.version)?;
            }
        }
        let replayed = EndedSession::unique_key(used.kind, &logout.issuer_id, &logout.token_id);
        match self.store.commit(&call.context, &commit).await {
            Ok(()) => {
                tracing::info!(issuer = logout.issuer_id, one = logout.session_id.is_some(), "sessions were ended");
                Ok(())
            }
            Err(StoreError::DuplicateKey { collection, key })
                if collection == ENDED_SESSIONS.name && key == replayed =>
            {
                let message = "this logout token was used before: its `jti` counts once";
                Err(Error::new(Code::LOGOUT_TOKEN_REPLAYED, message))
            }
            // Another logout of the same session or subject came first, or its record was removed meanwhile.
            Err(error) if error.is_conflict() || matches!(error, StoreError::DuplicateKey { .. }) => {
                Err(conflict(error))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Returns the record of the ended session or subject.
fn what_ends(logout: &LogoutRequest, moment: &Moment, longest_token_life: Duration) -> Result<EndedSession> {
    let name = name_of(logout)?;
    Ok(match logout.session_id {
        Some(_) => {
            // Its last token may be issued right now by a clock that is ahead, and be used with one that is behind.
            let last_issued = moment.now().max(logout.issued_at).plus(LEEWAY);
            let record = record(EndedSessionKind::Session, &logout.issuer_id, name);
            EndedSession { expires_at: last_issued.plus(longest_token_life).plus(LEEWAY), ..record }
        }
        None => {
            let record = record(EndedSessionKind::Subject, &logout.issuer_id, name);
            EndedSession {
                issued_until: Some(logout.issued_at),
                // For as long as an earlier sign-in may be refreshed.
                expires_at: logout.issued_at.max(moment.now()).plus(LONGEST_SIGN_IN),
                ..record
            }
        }
    })
}

/// Returns the provider's name of the ended session or subject.
fn name_of(logout: &LogoutRequest) -> Result<&str> {
    let name = logout.session_id.as_deref().or(logout.subject.as_deref());
    name.ok_or_else(|| Error::internal("a logout request names neither session nor subject"))
}

/// Creates a record without its times.
pub(super) fn record(kind: EndedSessionKind, issuer_id: &str, name: &str) -> EndedSession {
    EndedSession {
        id: EndedSessionId::generate(),
        version: 1,
        kind,
        key: EndedSession::hash(issuer_id, name),
        issued_until: None,
        issued_from: None,
        expires_at: Timestamp::from_milliseconds(0),
    }
}
