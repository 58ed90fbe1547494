//! Back-channel logout tokens (OpenID Connect Back-Channel Logout 1.0).

use crate::clock::Timestamp;

/// What a validated logout token asks for. At least one of subject and session is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRequest {
    /// The stable `id` of the configured issuer.
    pub issuer_id: String,
    /// `sub`: whose sessions end; with a session id, whose session it is.
    pub subject: Option<String>,
    /// `sid`: the session that ends. Without it all sessions of the subject end.
    pub session_id: Option<String>,
    /// `iat`: without a session id, tokens issued until then are refused from now on.
    pub issued_at: Timestamp,
    /// `exp`, if it is there.
    pub expires_at: Option<Timestamp>,
    /// `jti`: a logout token counts once.
    pub token_id: String,
}
