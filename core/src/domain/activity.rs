//! A user's activity: unaudited, and separate from the user so that the user's version does not change.

use dezky_derive::entity;

use super::UserId;
use crate::{clock::Timestamp, store::Scope};

/// The activity of a user. Its id is that of the user.
///
/// `version` is for the store, so that the sync can guard `claimsIat`; the API does not show it.
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
    /// Time of the user's last request, at most 5 minutes behind; absent for one who has made none.
    #[field(read = SELF)]
    pub last_seen_at: Option<Timestamp>,
    /// The `iat` of the newest token whose claims were synced, or the time at which the identity provider pushed them.
    pub claims_iat: Option<Timestamp>,
}
