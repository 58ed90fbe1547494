//! What a user's requests leave behind: unaudited, and apart from the user so that the user's version stands still.

use dezky_derive::entity;

use super::UserId;
use crate::{clock::Timestamp, store::Scope};

/// Activity of a user. Its id is the user's.
///
/// `version` is the store's own, so that the sync can guard `claimsIat`; nothing shows it.
#[entity(
    /// The collection of activity.
    collection USER_ACTIVITY = "user_activity",
    scope = Scope::Person("id"),
)]
#[derive(Debug)]
pub struct UserActivity {
    /// The user.
    pub id: UserId,
    /// For the guard of the claims sync only.
    pub version: u64,
    /// When the user was last seen; at most 5 minutes behind.
    pub last_seen_at: Timestamp,
    /// The `iat` of the newest token whose claims were synced.
    pub claims_iat: Option<Timestamp>,
}
