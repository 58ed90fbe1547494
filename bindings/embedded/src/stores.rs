//! Store functions for operators' programs: the configured store, copies, and fingerprints.

use dezky::{
    Error, Result,
    domain::{CreateSubscription, CreateTenant, CreateUser, GrantMembership},
    migration::{Copied, CopyProgress, Fingerprint},
    store::Transfer,
};
use dezky_configuration::{STORE, Sources, StoreLocation, refuse};
use serde::Serialize;
use serde_json::Value;

/// The configured store and issuers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SettingsView {
    /// The location of the store. It may contain a password.
    pub store: String,
    /// The store without a password.
    pub store_identity: String,
    /// The issuers.
    pub issuers: Vec<IssuerView>,
}

/// An issuer of the configuration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuerView {
    /// Its stable id.
    pub id: String,
    /// Values of `iss`.
    pub urls: Vec<String>,
    /// Slug of the only tenant that its users see.
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

/// Copies all documents between stores and compares both. The target must be empty, and neither may be written to.
///
/// # Errors
/// As [`dezky::migration::copy()`]; kind `Configuration` when a location does not name a store.
pub async fn copy_store(
    source: String,
    target: String,
    progress: &(dyn Fn(CopyProgress) + Sync),
) -> Result<Vec<Copied>> {
    let (source, target) = (location("source", source)?, location("target", target)?);
    let (from, to) = (open("source", &source, true)?, open("target", &target, false)?);
    dezky::migration::copy(from.as_ref(), to.as_ref(), &source.identity(), dezky::COLLECTIONS, progress).await
}

/// Counts and hashes all collections of a store. Stores of any kind with the same content give the same result.
///
/// # Errors
/// Those of the store; kind `Configuration` when the location does not name a store.
pub async fn fingerprint(store: String, progress: &(dyn Fn(CopyProgress) + Sync)) -> Result<Vec<Fingerprint>> {
    let store = open("store", &location("store", store)?, true)?;
    dezky::migration::fingerprint(store.as_ref(), dezky::COLLECTIONS, progress).await
}

/// Validates an input as the named operation does, without a store.
///
/// Operations are `tenants.create`, `users.create`, `members.grant` and `subscriptions.create`.
///
/// # Errors
/// Kind `Invalid` naming each invalid field.
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
