//! Determines if a caller's session has ended, and how old it is.

use std::time::Duration;

use super::end::record;
use crate::{
    authn::VerifiedToken,
    clock::Timestamp,
    domain::{
        EndedSession,
        session::{ENDED_SESSIONS, EndedSessionKind},
    },
    error::{Code, Error, Result},
    service::Service,
    store::{Commit, Filter, Query},
};

/// Time for which an unused session is remembered. Providers let refresh tokens rest for 30 to 90 days.
pub(crate) const LONGEST_REST: Duration = Duration::from_secs(90 * 24 * 3_600);

/// Remaining time at which the record of a session in use is renewed: one write a month.
const RENEWED_AT: Duration = Duration::from_secs(60 * 24 * 3_600);

/// Returns the error for a token of an ended session.
pub(crate) fn session_ended() -> Error {
    Error::new(Code::SESSION_ENDED, "this session was ended: sign in again for a new token")
}

/// Stored facts about the session of a token.
#[derive(Debug, Clone, Default)]
pub(crate) struct SessionFacts {
    /// `true` if the provider has ended it.
    pub(crate) ended: bool,
    /// Latest possible time of the sign-in: from the token, or else when the session's first token was issued.
    pub(crate) signed_in_at: Option<Timestamp>,
    seen: Option<EndedSession>,
}

/// Returns the provider's name of a session whose age is known only from having seen it before.
fn must_be_seen(token: &VerifiedToken) -> Option<&str> {
    token.session_id.as_deref().filter(|_| token.signed_in_at.is_none())
}

impl SessionFacts {
    /// Returns `true` if the token, or the sign-in that it was refreshed from, is older than `time`.
    pub(crate) fn is_before(&self, token: &VerifiedToken, time: Timestamp) -> bool {
        token.issued_at < time || self.signed_in_at.is_some_and(|signed_in_at| signed_in_at < time)
    }

    /// Returns `true` if the session is to be recorded, or its record extended.
    pub(crate) fn is_to_be_noted(&self, token: &VerifiedToken, has_passed: impl Fn(Timestamp) -> bool) -> bool {
        let stale = |seen: &EndedSession| has_passed(seen.expires_at.minus(RENEWED_AT));
        must_be_seen(token).is_some() && self.seen.as_ref().is_none_or(stale)
    }

    /// Records the session, if necessary.
    pub(crate) fn note(&self, commit: &mut Commit, token: &VerifiedToken, now: Timestamp) -> Result<()> {
        let Some(session) = must_be_seen(token).filter(|_| self.is_to_be_noted(token, |time| time <= now)) else {
            return Ok(());
        };
        let expires_at = now.plus(LONGEST_REST);
        match &self.seen {
            None => {
                let seen = record(EndedSessionKind::Seen, &token.issuer_id, session);
                commit.insert(&EndedSession { issued_from: Some(token.issued_at), expires_at, ..seen })?;
            }
            Some(before) => {
                let version = before.version.saturating_add(1);
                commit.update(&EndedSession { version, expires_at, ..before.clone() }, before.version)?;
            }
        }
        Ok(())
    }
}

/// Returns the query of the records of a token's session, and of all sessions of its subject.
pub(crate) fn session_records(token: &VerifiedToken) -> Query {
    let key = |kind, name: &str| EndedSession::unique_key(kind, &token.issuer_id, name);
    let mut keys = vec![key(EndedSessionKind::Subject, &token.subject)];
    keys.extend(token.session_id.iter().map(|session| key(EndedSessionKind::Session, session)));
    keys.extend(must_be_seen(token).map(|session| key(EndedSessionKind::Seen, session)));
    Query::new(&ENDED_SESSIONS).filter(Filter::UniqueKeyIn(keys)).limit(3)
}

impl Service {
    /// Evaluates these records for the session of this token: whether it, or all sessions of its subject, were ended,
    /// and since when it is known.
    pub(crate) fn session_facts(&self, token: &VerifiedToken, records: &[EndedSession]) -> SessionFacts {
        let seen = records.iter().find(|record| record.kind == EndedSessionKind::Seen).cloned();
        let signed_in_at = token.signed_in_at.or_else(|| seen.as_ref().and_then(|seen| seen.issued_from));
        let facts = SessionFacts { ended: false, signed_in_at, seen };
        let until = |time: Timestamp| time.plus(Duration::from_millis(1));
        let mut lasting = records.iter().filter(|record| !self.clock.has_passed(record.expires_at));
        let ended = lasting.any(|record| match record.kind {
            EndedSessionKind::Session => true,
            EndedSessionKind::Subject => record.issued_until.is_some_and(|time| facts.is_before(token, until(time))),
            EndedSessionKind::Seen | EndedSessionKind::LogoutToken => false,
        });
        SessionFacts { ended, ..facts }
    }
}
