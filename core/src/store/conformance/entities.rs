//! The suite's own entities: every field type, optional fields, several indexes and unique keys.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    context::RequestContext,
    domain::ObjectId,
    store::{
        Collection, Commit, Entity, Field, FieldType, Guest, Index, Repository, Scope, SharedStore, Source, StoreResult,
    },
};

/// The collections of the suite, which a fixture's store must have.
pub static COLLECTIONS: [&Collection; 2] = [&ACCOUNTS, &ACTIVITIES];

const LOCATION: &[Field] = &[Field::new("latitude", FieldType::Integer), Field::new("longitude", FieldType::Integer)];

const ADDRESS: &[Field] = &[
    Field::new("street", FieldType::Text),
    Field::new("number", FieldType::Integer),
    Field::new("primary", FieldType::Boolean),
    Field::new("ownerId", FieldType::Id),
    Field::new("since", FieldType::Time),
    Field::new("location", FieldType::Object(LOCATION)),
];

const CONTACT: &[Field] = &[
    Field::new("label", FieldType::Text),
    Field::new("personId", FieldType::Id),
    Field::new("addedAt", FieldType::Time),
];

/// The collection of [`Account`]s.
pub static ACCOUNTS: Collection = Collection {
    name: "conformance_accounts",
    fields: &[
        Field::new("version", FieldType::Integer),
        Field::new("createdAt", FieldType::Time),
        Field::new("updatedAt", FieldType::Time),
        Field::new("tenantId", FieldType::Id),
        Field::new("name", FieldType::Text),
        Field::new("rank", FieldType::Integer),
        Field::new("active", FieldType::Boolean),
        Field::new("ownerId", FieldType::Id),
        Field::new("joinedAt", FieldType::Time),
        Field::new("leftAt", FieldType::Time),
        Field::new("note", FieldType::Text),
        Field::new("email", FieldType::Text),
        Field::new("handles", FieldType::List(&FieldType::Text)),
        Field::new("scores", FieldType::List(&FieldType::Integer)),
        Field::new("friendIds", FieldType::List(&FieldType::Id)),
        Field::new("visits", FieldType::List(&FieldType::Time)),
        Field::new("contacts", FieldType::List(&FieldType::Object(CONTACT))),
        Field::new("address", FieldType::Object(ADDRESS)),
        Field::new(
            "_words",
            FieldType::Terms(&[Source { field: "name", mark: "n" }, Source { field: "note", mark: "o" }]),
        ),
    ],
    indexes: &[
        Index { name: "by_name", fields: &["name"] },
        Index { name: "by_rank", fields: &["rank"] },
        Index { name: "by_joined", fields: &["joinedAt"] },
        Index { name: "by_owner", fields: &["ownerId"] },
        Index { name: "by_tenant_name", fields: &["tenantId", "name"] },
        Index { name: "by_tenant_active_rank", fields: &["tenantId", "active", "rank"] },
        Index { name: "by_word", fields: &["_words", "name"] },
        Index { name: "by_tenant_active_word", fields: &["tenantId", "active", "_words", "rank"] },
    ],
    scope: Scope::Tenant("tenantId"),
    guest: Guest::Closed,
};

/// A document of a tenant, with fields of every type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields mean nothing beyond their types")]
pub struct Account {
    pub id: ObjectId,
    pub version: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub tenant_id: ObjectId,
    pub name: String,
    pub rank: i64,
    pub active: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<ObjectId>,
    pub joined_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default)]
    pub handles: Vec<String>,
    #[serde(default)]
    pub scores: Vec<i64>,
    #[serde(default)]
    pub friend_ids: Vec<ObjectId>,
    #[serde(default)]
    pub visits: Vec<Timestamp>,
    #[serde(default)]
    pub contacts: Vec<Contact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// An object inside an [`Account`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields mean nothing beyond their types")]
pub struct Address {
    pub street: String,
    pub number: i64,
    pub primary: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<ObjectId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

/// An object inside an [`Address`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields mean nothing beyond their types")]
pub struct Location {
    pub latitude: i64,
    pub longitude: i64,
}

/// An object in a list of an [`Account`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields mean nothing beyond their types")]
pub struct Contact {
    pub label: String,
    pub person_id: ObjectId,
    pub added_at: Timestamp,
}

impl Entity for Account {
    const COLLECTION: &'static Collection = &ACCOUNTS;

    fn id(&self) -> ObjectId {
        self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn unique_keys(&self) -> Vec<String> {
        let email = self.email.iter().map(|email| format!("email:{email}"));
        email.chain(self.handles.iter().map(|handle| format!("handle:{handle}"))).collect()
    }
}

impl Account {
    /// Creates an account of a tenant, with the optional fields unset.
    #[must_use]
    pub fn new(tenant_id: ObjectId, name: &str) -> Self {
        let now = Timestamp::from_milliseconds(1_767_225_600_000);
        Self {
            id: ObjectId::generate(),
            version: 1,
            created_at: now,
            updated_at: now,
            tenant_id,
            name: name.to_owned(),
            rank: 0,
            active: true,
            owner_id: None,
            joined_at: now,
            left_at: None,
            note: None,
            email: None,
            handles: Vec::new(),
            scores: Vec::new(),
            friend_ids: Vec::new(),
            visits: Vec::new(),
            contacts: Vec::new(),
            address: None,
        }
    }

    /// Returns a changed copy at the next version.
    #[must_use]
    pub fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        next.version += 1;
        change(&mut next);
        next
    }
}

/// The collection of [`Activity`] documents, without versions.
pub static ACTIVITIES: Collection = Collection {
    name: "conformance_activities",
    fields: &[Field::new("userId", FieldType::Id), Field::new("seenAt", FieldType::Time)],
    indexes: &[Index { name: "by_user", fields: &["userId"] }],
    scope: Scope::Person("userId"),
    guest: Guest::Closed,
};

/// A document of a person, without a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields mean nothing beyond their types")]
pub struct Activity {
    pub id: ObjectId,
    pub user_id: ObjectId,
    pub seen_at: Timestamp,
}

impl Entity for Activity {
    const COLLECTION: &'static Collection = &ACTIVITIES;

    fn id(&self) -> ObjectId {
        self.id
    }

    fn version(&self) -> u64 {
        0
    }

    fn unique_keys(&self) -> Vec<String> {
        vec![format!("email:{}", self.user_id)]
    }
}

pub(super) fn context() -> RequestContext {
    RequestContext::system("conformance")
}

/// Inserts accounts in one commit.
pub(super) async fn insert(store: &SharedStore, accounts: &[Account]) -> StoreResult<()> {
    let mut commit = Commit::new();
    for account in accounts {
        commit.insert(account)?;
    }
    store.commit(&context(), &commit).await
}

/// Updates an account from one state to the next.
pub(super) async fn update(store: &SharedStore, before: &Account, after: &Account) -> StoreResult<()> {
    let mut commit = Commit::new();
    commit.update(after, before.version)?;
    store.commit(&context(), &commit).await
}

pub(super) async fn delete(store: &SharedStore, account: &Account) -> StoreResult<()> {
    let mut commit = Commit::new();
    commit.delete(account);
    store.commit(&context(), &commit).await
}

pub(super) async fn load(store: &SharedStore, id: ObjectId) -> Option<Account> {
    store.load::<Account>(&context(), id).await.unwrap()
}
