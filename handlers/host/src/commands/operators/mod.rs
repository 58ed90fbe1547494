//! Operators' commands: the service's use cases run by a system actor, without rules of their own.

pub(crate) mod api_key;
pub(crate) mod app_password;
pub(crate) mod audit;
pub(crate) mod billing;
mod body;
mod confirmation;
pub(crate) mod domain;
pub(crate) mod endpoint;
pub(crate) mod events;
pub(crate) mod invitation;
mod listing;
pub(crate) mod mailbox;
pub(crate) mod member;
mod output;
mod person;
pub(crate) mod session;
pub(crate) mod subscription;
mod table;
pub(crate) mod tenant;
pub(crate) mod trail;
pub(crate) mod user;
pub(crate) mod workspace;

use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// Converts a name of an enumeration, which the command line has validated.
fn choice<T: DeserializeOwned>(name: &str) -> Result<T, Failure> {
    serde_json::from_value(name.into()).map_err(|error| Failure::usage(error.to_string()))
}
