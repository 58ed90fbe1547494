//! The state of an emulated Authentik.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::resource::{Id, Kind};
use crate::clock::Timestamp;

/// Number of objects of each kind.
pub(super) const MAXIMUM_OBJECTS: usize = 20_000;

/// Rights of the token.
#[derive(Debug, Clone)]
pub(super) enum Access {
    Superuser,
    /// Rights of the only role.
    Role(BTreeSet<String>),
    Expired,
}

/// A stored object.
#[derive(Debug, Clone)]
pub(super) struct Object {
    /// Order of creation.
    pub(super) number: i64,
    /// Primary key: a UUID or a number.
    pub(super) pk: Value,
    pub(super) created: Timestamp,
    pub(super) fields: Map<String, Value>,
}

impl Object {
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str)
    }

    pub(super) fn flag(&self, field: &str) -> bool {
        self.fields.get(field).and_then(Value::as_bool).unwrap_or_default()
    }
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) token: String,
    pub(super) access: Access,
    pub(super) release: (u16, u16),
    pub(super) release_text: String,
    pub(super) largest_page: usize,
    pub(super) ignores_attribute_filter: bool,
    pub(super) renamed: Vec<(String, String)>,
    pub(super) broken: BTreeSet<(Kind, String, String)>,
    pub(super) ignored: BTreeSet<String>,
    objects: BTreeMap<Kind, BTreeMap<String, Object>>,
    seed: [u8; 16],
    last: i64,
    /// Id of the role of the token.
    pub(super) role: String,
    /// Primary key of the account of the token.
    pub(super) account: String,
}

impl State {
    pub(super) fn new(token: String) -> Self {
        let mut seed = [0; 16];
        // Without randomness, two emulators have the same ids.
        let _ = getrandom::fill(&mut seed);
        let mut state = Self {
            token,
            access: Access::Superuser,
            release: (2026, 8),
            release_text: "2026.8.3".to_owned(),
            largest_page: 100,
            ignores_attribute_filter: false,
            renamed: Vec::new(),
            broken: BTreeSet::new(),
            ignored: BTreeSet::new(),
            objects: BTreeMap::new(),
            seed,
            last: 0,
            role: String::new(),
            account: String::new(),
        };
        state.role = state.uuid(0);
        state.install();
        state
    }

    /// Creates what a fresh installation has.
    fn install(&mut self) {
        let start = Timestamp::from_seconds(0);
        for (slug, designation) in [
            ("default-authentication-flow", "authentication"),
            ("default-invalidation-flow", "invalidation"),
            ("default-recovery-flow", "recovery"),
            ("default-provider-authorization-implicit-consent", "authorization"),
            ("default-provider-invalidation-flow", "invalidation"),
        ] {
            self.create(Kind::Flow, json!({ "name": slug, "slug": slug, "designation": designation }), start);
        }
        self.create(Kind::KeyPair, json!({ "name": "authentik Self-signed Certificate" }), start);
        for scope in ["openid", "email", "profile", "offline_access"] {
            let fields = json!({
                "name": format!("authentik default OAuth Mapping: OpenID '{scope}'"),
                "managed": format!("goauthentik.io/providers/oauth2/scope-{scope}"),
                "scope_name": scope,
            });
            self.create(Kind::ScopeMapping, fields, start);
        }
        let flow = |slug: &str| self.objects(Kind::Flow).get(slug).map(|flow| flow.pk.clone());
        let fields = json!({
            "domain": "authentik-default",
            "default": true,
            "flow_authentication": flow("default-authentication-flow"),
            "flow_invalidation": flow("default-invalidation-flow"),
            "flow_recovery": flow("default-recovery-flow"),
        });
        self.create(Kind::Brand, fields, start);
        let account = json!({ "username": "dezky", "name": "Dezky", "type": "service_account" });
        self.account = self.create(Kind::Person, account, start);
    }

    pub(super) fn set_release(&mut self, text: &str) {
        let mut numbers = text.split('.').map(|number| number.parse().unwrap_or(0));
        self.release = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        text.clone_into(&mut self.release_text);
    }

    pub(super) fn objects(&self, kind: Kind) -> &BTreeMap<String, Object> {
        static NONE: BTreeMap<String, Object> = BTreeMap::new();
        self.objects.get(&kind).unwrap_or(&NONE)
    }

    pub(super) fn objects_mut(&mut self, kind: Kind) -> &mut BTreeMap<String, Object> {
        self.objects.entry(kind).or_default()
    }

    /// Returns the object of a kind with this primary key, and its id in paths.
    pub(super) fn by_pk(&self, kind: Kind, pk: &Value) -> Option<(&String, &Object)> {
        let id = pk.as_str().map(str::to_owned).unwrap_or_else(|| pk.to_string());
        let objects = self.objects(kind);
        let direct = objects.get_key_value(&id).filter(|(_, object)| object.pk == *pk);
        direct.or_else(|| objects.iter().find(|(_, object)| object.pk == *pk))
    }

    /// Creates an object with defaults for what is not given, and returns its id in paths.
    pub(super) fn create(&mut self, kind: Kind, fields: Value, created: Timestamp) -> String {
        let Some(resource) = kind.resource() else { return String::new() };
        self.last += 1;
        let number = self.last;
        let Value::Object(mut fields) = fields else { return String::new() };
        for field in resource.fields.iter().filter(|field| field.is_in(self.release)) {
            let default = || serde_json::from_str(field.default).unwrap_or_default();
            fields.entry(field.name).or_insert_with(default);
        }
        if kind == Kind::Provider {
            self.complete_client(&mut fields, number, created);
        }
        let pk = match resource.id {
            Id::Number => json!(number),
            Id::Uuid | Id::Field(_) => json!(self.uuid(number)),
        };
        let id = match resource.id {
            Id::Field(name) => fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned(),
            Id::Number => number.to_string(),
            Id::Uuid => self.uuid(number),
        };
        self.objects_mut(kind).insert(id.clone(), Object { number, pk, created, fields });
        id
    }

    /// Generates what a provider has from the system: the client's id and secret.
    fn complete_client(&mut self, fields: &mut Map<String, Value>, number: i64, created: Timestamp) {
        if fields.get("client_id").is_none_or(Value::is_null) {
            fields.insert("client_id".to_owned(), json!(self.hash(&format!("client {number}"))));
        }
        if self.release < (2026, 11) {
            if fields.get("client_secret").is_none_or(Value::is_null) {
                fields.insert("client_secret".to_owned(), json!(self.hash(&format!("secret {number}"))));
            }
        } else if fields.get("secret").is_none_or(Value::is_null) {
            let name = fields.get("name").and_then(Value::as_str).unwrap_or_default();
            let id = self.create(Kind::Secret, json!({ "name": format!("{name} client secret") }), created);
            fields.insert("secret".to_owned(), json!(id));
        }
    }

    /// Deletes an object, and does to others what the database does then.
    pub(super) fn remove(&mut self, kind: Kind, id: &str) -> bool {
        let Some(removed) = self.objects_mut(kind).remove(id) else { return false };
        let pk = removed.pk;
        let forget = |objects: &mut BTreeMap<String, Object>, field: &str| {
            for object in objects.values_mut().filter(|object| object.fields.get(field) == Some(&pk)) {
                object.fields.insert(field.to_owned(), Value::Null);
            }
        };
        match kind {
            Kind::Group => {
                self.objects_mut(Kind::Binding).retain(|_, binding| binding.fields.get("group") != Some(&pk))
            }
            Kind::Application => {
                self.objects_mut(Kind::Binding).retain(|_, binding| binding.fields.get("target") != Some(&pk));
                forget(self.objects_mut(Kind::Brand), "default_application");
            }
            Kind::Provider => forget(self.objects_mut(Kind::Application), "provider"),
            Kind::KeyPair => forget(self.objects_mut(Kind::Provider), "signing_key"),
            Kind::Person => {
                self.objects_mut(Kind::Binding).retain(|_, binding| binding.fields.get("user") != Some(&pk));
                let groups: Vec<String> = self.objects(Kind::Group).keys().cloned().collect();
                for group in groups {
                    self.set_member(&group, pk.as_i64().unwrap_or_default(), false);
                }
            }
            _ => {}
        }
        true
    }

    pub(super) fn members(&self, group: &str) -> BTreeSet<i64> {
        let users = self.objects(Kind::Group).get(group).and_then(|group| group.fields.get("users"));
        users.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64).collect()
    }

    pub(super) fn set_member(&mut self, group: &str, person: i64, member: bool) {
        let mut members = self.members(group);
        let changed = if member { members.insert(person) } else { members.remove(&person) };
        if let Some(group) = self.objects_mut(Kind::Group).get_mut(group).filter(|_| changed) {
            group.fields.insert("users".to_owned(), json!(members));
        }
    }

    /// Returns `true` if the policy engine admits a person: any binding that is in force, or none at all.
    pub(super) fn admits(&self, application: &str, person: i64) -> bool {
        let Some(application) = self.objects(Kind::Application).get(application) else { return false };
        if application.fields.get("provider").is_none_or(Value::is_null) {
            return false;
        }
        let bindings = self.objects(Kind::Binding).values();
        let mut bindings = bindings
            .filter(|binding| binding.fields.get("target") == Some(&application.pk) && binding.flag("enabled"))
            .peekable();
        let passes = |binding: &Object| {
            let in_group = binding.text("group").is_some_and(|group| self.members(group).contains(&person));
            let is_user = binding.fields.get("user").and_then(Value::as_i64) == Some(person);
            (in_group || is_user) != binding.flag("negate")
        };
        bindings.peek().is_none() || bindings.any(passes)
    }

    pub(super) fn has_right(&self, right: &str) -> bool {
        match &self.access {
            Access::Superuser => true,
            Access::Role(rights) => rights.contains(right),
            Access::Expired => false,
        }
    }

    pub(super) fn uid_of(&self, pk: i64) -> String {
        self.hash(&format!("{pk}-uid"))
    }

    /// Returns the UUID of a person, which is not their primary key.
    pub(super) fn uuid_of(&self, pk: i64) -> String {
        self.uuid(pk)
    }

    /// Returns the UUID (version 4 by its form) of a number.
    fn uuid(&self, number: i64) -> String {
        let hex = self.hash(&format!("uuid {number}"));
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
    }

    fn hash(&self, text: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(text);
        hex::encode(hash.finalize())
    }
}
