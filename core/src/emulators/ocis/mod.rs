//! Emulator of ownCloud Infinite Scale 7.
//!
//! It answers as a development build did whose requests and answers are in `core/tests/connector_ocis/recordings`, with
//! its traps: filters that are ignored, names that are not unique, a changing order, statuses without bodies.

mod accounts;
mod answer;
mod authentication;
mod groups;
mod hand;
mod odata;
mod permissions;
mod request;
mod roles;
mod spaces;
mod state;
mod view;

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use self::{
    answer::{Answer, Handled, empty, json_answer, unauthenticated, unknown_path},
    request::Request,
    state::State,
    view::{Api, Scope},
};
use super::{Emulated, Exchange};

pub use roles::{AppRole, SpaceRole};
pub use state::{SpaceMember, SpaceRecord};

/// The emulated system. It starts with one account, which administers everything, and without spaces and groups.
pub struct OcisSystem(Mutex<State>);

impl fmt::Debug for OcisSystem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OcisSystem").finish_non_exhaustive()
    }
}

impl Emulated for OcisSystem {
    fn answer(&self, exchange: &Exchange) -> Response<Bytes> {
        let mut state = self.lock();
        state.requests += 1;
        let request = Request::new(exchange);
        let answer = state.route(&request).unwrap_or_else(|refusal| refusal.render(exchange.now, state.requests));
        state.storage_down = state.storage_down.saturating_sub(1);
        state.renamed(answer)
    }
}

impl OcisSystem {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn route(&mut self, request: &Request<'_>) -> Handled {
        let segments = request.segments();
        if segments.as_slice() == ["status.php"] {
            return Ok(self.status());
        }
        // Before everything else, so that an unknown path is told to accounts only.
        let Some(account) = self.authenticate(request) else { return Ok(unauthenticated()) };
        match segments.as_slice() {
            ["graph", "v1.0", rest @ ..] => self.route_v1(request, &account, rest),
            ["graph", "v1beta1", rest @ ..] => self.route_beta(request, &account, rest),
            ["auth-app", "tokens"] => Ok(self.tokens_of(request, &account)),
            _ => Ok(unknown_path()),
        }
    }

    fn route_v1(&mut self, request: &Request<'_>, account: &str, path: &[&str]) -> Handled {
        match (request.method().as_str(), path) {
            ("GET", ["me"]) => self.me(request, account),
            ("GET", ["me", "drives"]) => self.list_spaces(request, account, Scope::Own, Api::V1),
            ("GET", ["drives"]) => self.list_spaces(request, account, Scope::Everything, Api::V1),
            ("POST", ["drives"]) => self.create_space(request, account),
            ("GET", ["drives", id]) => self.get_space(request, account, id),
            ("PATCH", ["drives", id]) => self.update_space(request, account, id),
            ("DELETE", ["drives", id]) => self.delete_space(request, account, id),
            ("GET", ["groups"]) => self.list_groups(request, account),
            ("GET", ["groups", id]) => self.get_group(request, id),
            ("GET", ["users"]) => self.list_accounts(request, account),
            ("GET", ["users", id]) => self.get_account(request, id),
            ("GET", ["applications"]) => self.list_applications(),
            (_, ["groups" | "users", ..]) => {
                self.administers(account)?;
                self.route_directory(request, account, path)
            }
            (_, ["me" | "drives" | "applications"] | ["me", "drives"] | ["drives", _]) => Ok(not_allowed_here()),
            _ => Ok(unknown_path()),
        }
    }

    fn route_directory(&mut self, request: &Request<'_>, account: &str, path: &[&str]) -> Handled {
        match (request.method().as_str(), path) {
            ("POST", ["groups"]) => self.create_group(request),
            ("PATCH", ["groups", id]) => self.update_group(request, id),
            ("DELETE", ["groups", id]) => self.delete_group(id),
            ("GET", ["groups", id, "members"]) => self.list_members(id),
            ("POST", ["groups", id, "members", "$ref"]) => self.add_member(request, id),
            ("DELETE", ["groups", id, "members", member, "$ref"]) => self.remove_member(id, member),
            ("POST", ["users"]) => self.create_account(request),
            ("PATCH", ["users", id]) => self.update_account(request, id),
            ("DELETE", ["users", id]) => self.delete_account(account, id),
            ("GET" | "POST", ["users", id, "appRoleAssignments"]) => self.assignments(request, id),
            (_, ["groups" | "users"] | ["groups" | "users", _]) => Ok(not_allowed_here()),
            _ => Ok(unknown_path()),
        }
    }

    fn route_beta(&mut self, request: &Request<'_>, account: &str, path: &[&str]) -> Handled {
        match (request.method().as_str(), path) {
            ("GET", ["drives"]) => self.list_spaces(request, account, Scope::Everything, Api::V1Beta1),
            ("POST", ["drives", id, "root", "invite"]) => self.invite(request, account, id),
            ("GET", ["drives", id, "root", "permissions"]) => self.list_permissions(request, account, id),
            ("PATCH", ["drives", id, "root", "permissions", key]) => self.update_permission(request, account, id, key),
            ("DELETE", ["drives", id, "root", "permissions", key]) => self.delete_permission(request, account, id, key),
            (_, ["drives", _, "root", "invite"] | ["drives", _, "root", "permissions", ..]) => Ok(not_allowed_here()),
            ("GET", ["roleManagement", "permissions", "roleDefinitions"]) => {
                Ok(json_answer(StatusCode::OK, &Value::Array(self.role_definitions())))
            }
            ("GET", ["roleManagement", "permissions", "roleDefinitions", id]) => self.role_definition(id),
            _ => Ok(unknown_path()),
        }
    }

    fn status(&self) -> Answer {
        let status = json!({
            "installed": true,
            "maintenance": false,
            "needsDbUpgrade": false,
            "version": "10.11.0.0",
            "versionstring": "10.11.0",
            "edition": "Community",
            "productname": self.product,
            "product": self.product,
            "productversion": self.version,
        });
        json_answer(StatusCode::OK, &status)
    }

    /// Renames members of an answer, as an update of the system might.
    fn renamed(&self, answer: Answer) -> Answer {
        if self.renamed.is_empty() {
            return answer;
        }
        let Ok(mut value) = serde_json::from_slice::<Value>(answer.body()) else { return answer };
        self.renamed.iter().for_each(|(from, to)| rename(&mut value, from, to));
        answer.map(|_| Bytes::from(value.to_string()))
    }
}

/// Creates the answer to a method that a path does not have: no body at all.
fn not_allowed_here() -> Answer {
    empty(StatusCode::METHOD_NOT_ALLOWED)
}

fn rename(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| rename(value, from, to)),
        Value::Object(object) => {
            if let Some(moved) = object.remove(from) {
                object.insert(to.to_owned(), moved);
            }
            object.values_mut().for_each(|value| rename(value, from, to));
        }
        _ => {}
    }
}
