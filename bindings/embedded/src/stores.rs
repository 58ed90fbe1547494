//! What operators' programs need of stores as such: which one is configured, copies, and what tells two apart.

use dezky::{
    Error, Result,
    domain::{CreateSubscription, CreateTenant, CreateUser, GrantMembership},
    migration::{Copied, CopyProgress, Fingerprint},
    store::Transfer,
};
use dezky_configuration::{STORE, Sources, StoreLocation, refuse};
use serde::Serialize;
use serde_json::Value;

/// Where everything is that is configured.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SettingsView {
    /// The store, as the setting is written. It may hold a password.
    pub store: String,
    /// The same without a password.
    pub store_identity: String,
    /// The issuers.
    pub issuers: Vec<IssuerView>,
}

/// An issuer of the configuration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuerView {
    /// Its stable name.
    pub id: String,
    /// Values of `iss`.
    pub urls: Vec<String>,
    /// Slug of the only tenant that its people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

impl std::fmt::Debug for SettingsView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SettingsView").field("store", &self.store_identity).finish_non_exhaustive()
    }
}

fn location(argument: &'static str, text: String) -> Result<StoreLocation> {
    StoreLocation::read(&Sources { options: vec![(&STORE, argument, text)], ..Sources::default() })
}

fn open(argument: &'static str, location: &StoreLocation, must_be_there: bool) -> Result<Box<dyn Transfer>> {
    if let StoreLocation::Sqlite(path) = location
        && must_be_there
        && !path.is_file()
    {
        return Err(refuse(format!("the option `{argument}`: there is no file `{}`", path.display())));
    }
    location.open_for_transfer().map_err(|error| refuse(format!("the option `{argument}`: {error}")))
}

/// Copies all documents of one store into another, which must be empty, and compares both. Neither may be written meanwhile.
///
/// # Errors
/// As [`dezky::migration::copy()`]; kind `Configuration` when a location names no store.
pub async fn copy_store(
    source: String,
    target: String,
    progress: &(dyn Fn(CopyProgress) + Sync),
) -> Result<Vec<Copied>> {
    let (source, target) = (location("source", source)?, location("target", target)?);
    let (from, to) = (open("source", &source, true)?, open("target", &target, false)?);
    dezky::migration::copy(from.as_ref(), to.as_ref(), &source.identity(), dezky::COLLECTIONS, progress).await
}

/// Counts and hashes of all collections of a store: equal where two stores hold the same, of whatever kind they are.
///
/// # Errors
/// What the store says; kind `Configuration` when the location names no store.
pub async fn fingerprint(store: String, progress: &(dyn Fn(CopyProgress) + Sync)) -> Result<Vec<Fingerprint>> {
    let store = open("store", &location("store", store)?, true)?;
    dezky::migration::fingerprint(store.as_ref(), dezky::COLLECTIONS, progress).await
}

/// Reads an input as the operation of this name does, with no store: `tenants.create`, `users.create`, `members.grant` or
/// `subscriptions.create`.
///
/// # Errors
/// Kind `Invalid` naming each bad field.
pub fn check_input(operation: &str, input: Value) -> Result<()> {
    match operation {
        "tenants.create" => CreateTenant::read(input).map(drop),
        "users.create" => CreateUser::read(input).map(drop),
        "members.grant" => GrantMembership::read(input).map(drop),
        "subscriptions.create" => CreateSubscription::read(input).map(drop),
        other => {
            let message = format!("`{other}` is none of the operations whose input can be checked");
            Err(Error::new(dezky::Code::UNKNOWN_OPERATION, message))
        }
    }
}
