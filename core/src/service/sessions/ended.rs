//! Whether the session of a caller has ended.

use crate::{
    authn::VerifiedToken,
    domain::{
        EndedSession,
        session::{ENDED_SESSIONS, EndedSessionKind},
    },
    error::{Error, ErrorKind},
    service::{Call, Service},
    store::{Filter, Query, Repository, StoreResult},
};

/// What the bearer of a token of an ended session is told.
pub(crate) fn session_ended() -> Error {
    Error::new(ErrorKind::Unauthenticated, "session_ended", "this session was ended: sign in again for a new token")
}

impl Service {
    /// Whether the provider has ended the session of this token, or all sessions of its subject until then. One read,
    /// to be made together with that of the caller.
    pub(crate) async fn session_has_ended(&self, call: &Call, token: &VerifiedToken) -> StoreResult<bool> {
        let key = |kind, name: &str| EndedSession::unique_key(kind, &token.issuer_id, name);
        let mut keys = vec![key(EndedSessionKind::Subject, &token.subject)];
        keys.extend(token.session_id.iter().map(|session| key(EndedSessionKind::Session, session)));
        let query = Query::new(&ENDED_SESSIONS).filter(Filter::UniqueKeyIn(keys)).limit(2);
        let records: Vec<EndedSession> = self.store.load_all(&call.context, &query).await?;
        let now = self.now();
        Ok(records.iter().filter(|record| record.expires_at > now).any(|record| match record.kind {
            EndedSessionKind::Session => true,
            EndedSessionKind::Subject => record.issued_until.is_some_and(|until| token.issued_at <= until),
            EndedSessionKind::LogoutToken => false,
        }))
    }
}
