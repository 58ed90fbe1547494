//! Whether the session of a caller has ended, and since when it is known.

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

/// How long a session that nobody uses is remembered. Providers let refresh tokens rest for 30 to 90 days.
pub(crate) const LONGEST_REST: Duration = Duration::from_secs(90 * 24 * 3_600);

/// How much of that is left when the record of a session in use is renewed: one write a month.
const RENEWED_AT: Duration = Duration::from_secs(60 * 24 * 3_600);

/// What the bearer of a token of an ended session is told.
pub(crate) fn session_ended() -> Error {
    Error::new(Code::SESSION_ENDED, "this session was ended: sign in again for a new token")
}

/// What is stored of the session of a token.
#[derive(Debug, Clone, Default)]
pub(crate) struct SessionFacts {
    /// Whether the provider has ended it.
    pub(crate) ended: bool,
    /// When its person signed in, at the latest: what the token says, else when the first token of the session was issued.
    pub(crate) signed_in_at: Option<Timestamp>,
    seen: Option<EndedSession>,
}

/// Whether nothing but having seen the session tells how old it is. Gives the provider's name of it.
fn must_be_seen(token: &VerifiedToken) -> Option<&str> {
    token.session_id.as_deref().filter(|_| token.signed_in_at.is_none())
}

impl SessionFacts {
    /// Whether the token, or the sign-in from which it was refreshed, is of before then.
    pub(crate) fn is_before(&self, token: &VerifiedToken, time: Timestamp) -> bool {
        token.issued_at < time || self.signed_in_at.is_some_and(|signed_in_at| signed_in_at < time)
    }

    /// Whether the session is yet to be remembered, or to be remembered for longer.
    pub(crate) fn is_to_be_noted(&self, token: &VerifiedToken, has_passed: impl Fn(Timestamp) -> bool) -> bool {
        let stale = |seen: &EndedSession| has_passed(seen.expires_at.minus(RENEWED_AT));
        must_be_seen(token).is_some() && self.seen.as_ref().is_none_or(stale)
    }

    /// Remembers the session, if that is to be done.
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

/// The records of the session of a token, and of the sessions of its subject.
pub(crate) fn session_records(token: &VerifiedToken) -> Query {
    let key = |kind, name: &str| EndedSession::unique_key(kind, &token.issuer_id, name);
    let mut keys = vec![key(EndedSessionKind::Subject, &token.subject)];
    keys.extend(token.session_id.iter().map(|session| key(EndedSessionKind::Session, session)));
    keys.extend(must_be_seen(token).map(|session| key(EndedSessionKind::Seen, session)));
    Query::new(&ENDED_SESSIONS).filter(Filter::UniqueKeyIn(keys)).limit(3)
}

impl Service {
    /// What these records say of the session of this token: whether the provider has ended it, or all sessions of its subject,
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
