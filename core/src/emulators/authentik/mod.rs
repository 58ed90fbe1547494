//! Emulator of Authentik 2026.8, and of 2025.12 to 2026.11 where those differ.
//!
//! It has what Dezky's client uses of the API and keeps its state in memory. Tests hold every answer to the published
//! OpenAPI document. See `docs/design/connectors-authentik.md`.

mod answer;
mod input;
mod lists;
mod render;
mod resource;
mod routes;
mod state;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value, json};

use super::{Emulated, Exchange};
use crate::clock::Timestamp;
pub use resource::Kind;
use state::{Access, State};

/// A person as a test creates them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmulatedPerson {
    /// Primary key, which is the subject in the mode `user_id`.
    pub pk: i64,
    /// UUID, which is the subject in the mode `user_uuid`.
    pub uuid: String,
    /// Hash, which is the subject in the mode `hashed_user_id`.
    pub uid: String,
}

/// An emulated Authentik with the flows, the key pair and the scope mappings of a fresh installation.
pub struct AuthentikSystem(Mutex<State>);

impl fmt::Debug for AuthentikSystem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AuthentikSystem").field("release", &self.lock().release_text).finish_non_exhaustive()
    }
}

impl Emulated for AuthentikSystem {
    fn answer(&self, exchange: &Exchange) -> Response<Bytes> {
        routes::answer(&mut self.lock(), exchange)
    }
}

impl AuthentikSystem {
    /// Creates a system of version 2026.8.3 in which this API token has every right.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self(Mutex::new(State::new(token.into())))
    }

    /// Changes the version, such as `2025.12.6` or `2026.11.0-rc1`.
    #[must_use]
    pub fn with_version(self, version: &str) -> Self {
        self.lock().set_release(version);
        self
    }

    /// Changes the version of a running system, as an update does.
    pub fn set_version(&self, version: &str) {
        self.lock().set_release(version);
    }

    /// Lets the token expire.
    pub fn expire_token(&self) {
        self.lock().access = Access::Expired;
    }

    /// Limits the token to these rights, such as `authentik_core.view_group`.
    pub fn limit_rights<R: Into<String>>(&self, rights: impl IntoIterator<Item = R>) {
        self.lock().access = Access::Role(rights.into_iter().map(Into::into).collect());
    }

    /// Sets the largest page of lists. Default: 100.
    pub fn set_largest_page(&self, entries: usize) {
        self.lock().largest_page = entries.max(1);
    }

    /// Lets the filter on attributes give everything, as it does when the database refuses it.
    pub fn ignore_attribute_filter(&self) {
        self.lock().ignores_attribute_filter = true;
    }

    /// Renames a field in all answers, as an incompatible update does.
    pub fn rename_field(&self, from: &str, to: &str) {
        self.lock().renamed.push((from.to_owned(), to.to_owned()));
    }

    /// Ignores a field of requests, as the API does with every field that it does not know.
    pub fn ignore_field(&self, field: &str) {
        self.lock().ignored.insert(field.to_owned());
    }

    /// Creates a person.
    pub fn add_person(&self, username: &str) -> EmulatedPerson {
        let mut state = self.lock();
        let fields = json!({ "username": username, "name": username, "email": format!("{username}@acme.example") });
        let id = state.create(Kind::Person, fields, Timestamp::from_seconds(0));
        let pk = id.parse().unwrap_or_default();
        EmulatedPerson { pk, uuid: state.uuid_of(pk), uid: state.uid_of(pk) }
    }

    /// Creates a group by hand, with these attributes.
    pub fn add_group(&self, name: &str, attributes: &Value) -> String {
        self.add(Kind::Group, json!({ "name": name, "attributes": attributes }))
    }

    /// Creates an object by hand, without the checks of the API.
    pub fn add(&self, kind: Kind, fields: Value) -> String {
        self.lock().create(kind, fields, Timestamp::from_seconds(0))
    }

    /// Changes a field of an object by hand; `false` if there is no such object.
    pub fn set(&self, kind: Kind, id: &str, field: &str, value: Value) -> bool {
        let mut state = self.lock();
        let object = state.objects_mut(kind).get_mut(id);
        object.map(|object| object.fields.insert(field.to_owned(), value)).is_some()
    }

    /// Lets a field of an object be absent from answers, as in an object that the system cannot read itself.
    pub fn break_field(&self, kind: Kind, id: &str, field: &str) {
        self.lock().broken.insert((kind, id.to_owned(), field.to_owned()));
    }

    /// Deletes an object by hand, and what Authentik deletes with it; `false` if there is no such object.
    pub fn remove(&self, kind: Kind, id: &str) -> bool {
        self.lock().remove(kind, id)
    }

    /// Returns the ids of the objects of a kind, in order of creation.
    #[must_use]
    pub fn ids(&self, kind: Kind) -> Vec<String> {
        let state = self.lock();
        let mut objects: Vec<_> = state.objects(kind).iter().map(|(id, object)| (object.number, id.clone())).collect();
        objects.sort_unstable();
        objects.into_iter().map(|(_, id)| id).collect()
    }

    /// Returns the stored fields of an object.
    #[must_use]
    pub fn fields(&self, kind: Kind, id: &str) -> Option<Map<String, Value>> {
        self.lock().objects(kind).get(id).map(|object| object.fields.clone())
    }

    /// Returns the members of a group by primary key.
    #[must_use]
    pub fn members(&self, group: &str) -> BTreeSet<i64> {
        self.lock().members(group)
    }

    /// Adds a member to a group by hand.
    pub fn add_member(&self, group: &str, person: i64) {
        self.lock().set_member(group, person, true);
    }

    /// Removes a member from a group by hand.
    pub fn remove_member(&self, group: &str, person: i64) {
        self.lock().set_member(group, person, false);
    }

    /// Returns `true` if a person may sign in to an application, by its provider and bindings.
    #[must_use]
    pub fn may_sign_in(&self, application: &str, person: i64) -> bool {
        self.lock().admits(application, person)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
