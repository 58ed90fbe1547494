//! What a user's requests leave behind: unaudited, and apart from the user so that the user's version stands still.

use serde::{Deserialize, Serialize};

use super::{ObjectId, UserId};
use crate::{
    clock::Timestamp,
    store::{Collection, Entity, Field, FieldType, Guest, Scope},
};

/// Activity of a user. Its id is the user's.
///
/// `version` is the store's own, so that the sync can guard `claimsIat`; nothing shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserActivity {
    /// The user.
    pub id: UserId,
    /// For the guard of the claims sync only.
    pub version: u64,
    /// When the user was last seen; at most 5 minutes behind.
    pub last_seen_at: Timestamp,
    /// The `iat` of the newest token whose claims were synced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims_iat: Option<Timestamp>,
}

/// The collection of activity.
pub static USER_ACTIVITY: Collection = Collection {
    name: "user_activity",
    fields: &[
        Field::new("version", FieldType::Integer),
        Field::new("lastSeenAt", FieldType::Time),
        Field::new("claimsIat", FieldType::Time),
    ],
    indexes: &[],
    scope: Scope::Person("id"),
    guest: Guest::Closed,
};

impl Entity for UserActivity {
    const COLLECTION: &'static Collection = &USER_ACTIVITY;

    fn id(&self) -> ObjectId {
        self.id.0
    }

    fn version(&self) -> u64 {
        self.version
    }
}
