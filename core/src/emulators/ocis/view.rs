//! Spaces in JSON, alone and in lists.

use std::{collections::HashMap, sync::Arc};

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    answer::{Handled, Refusal, json_text},
    odata::{self, SpaceFilter},
    request::Request,
    state::{Account, PersonalSpace, SpaceMember, SpaceRecord, State},
};
use crate::clock::Timestamp;

/// Version of the interface, which decides how members are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    /// Names of roles.
    V1,
    /// Ids of permissions and roles.
    V1Beta1,
}

/// What a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything that the account may see.
    Everything,
    /// What the account owns or is a member of.
    Own,
}

/// Id of the space of what others share, which every account sees.
const SHARES: &str = "a0ca6a90-a365-4782-871e-d44447bbc668$a0ca6a90-a365-4782-871e-d44447bbc668";

/// An entry of a list.
struct Shown {
    id: String,
    name: String,
    modified: Timestamp,
    json: Arc<str>,
}

impl Shown {
    fn of(modified: Timestamp, view: &Value) -> Self {
        let text = |name: &str| view.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { id: text("id"), name: text("name"), modified, json: view.to_string().into() }
    }
}

/// Entries of lists as they were shown last. A list of thousands costs as much as the requests that it is emulated for.
#[derive(Debug, Default)]
pub(super) struct Rendered(HashMap<String, (SpaceRecord, String, Api, Arc<str>)>);

impl Rendered {
    /// Drops entries of spaces that are no more, once they are most of all.
    fn forget_removed(&mut self, spaces: &[SpaceRecord]) {
        if self.0.len() > spaces.len() * 2 {
            self.0.retain(|id, _| spaces.iter().any(|space| space.id == *id));
        }
    }

    fn of(
        &mut self,
        request: &Request<'_>,
        space: &SpaceRecord,
        api: Api,
        view: impl FnOnce(&SpaceRecord) -> Value,
    ) -> Arc<str> {
        let base = request.base();
        if let Some((of, at, with, json)) = self.0.get(&space.id)
            && of == space
            && *at == base
            && *with == api
        {
            return Arc::clone(json);
        }
        let json: Arc<str> = view(space).to_string().into();
        self.0.insert(space.id.clone(), (space.clone(), base, api, Arc::clone(&json)));
        json
    }
}

impl State {
    /// Answers `GET /drives` and `GET /me/drives`: no pages, and an order that changes.
    pub(super) fn list_spaces(&mut self, request: &Request<'_>, account: &str, scope: Scope, api: Api) -> Handled {
        let filter = odata::space_filter(request.parameter("$filter"))?;
        let Some(account) = self.account(account).cloned() else { return Err(Refusal::denied("invalid user")) };
        let of_type = |name: &str| match &filter {
            SpaceFilter::All | SpaceFilter::Id(_) => true,
            SpaceFilter::Type(kind) => kind == name,
        };
        let mut shown = Vec::new();
        if of_type("project") && !self.storage_is_down() {
            let mut rendered = std::mem::take(&mut self.rendered);
            let visible = |space: &&SpaceRecord| match scope {
                Scope::Everything => self.sees(request, &account.id, space),
                Scope::Own => self.role_in(space, &account.id, request.now()).is_some(),
            };
            let spaces = self.spaces.iter().filter(|space| request.lists(space.created)).filter(visible);
            shown.extend(spaces.map(|space| Shown {
                id: space.id.clone(),
                name: space.name.clone(),
                modified: space.modified,
                json: rendered.of(request, space, api, |space| self.space_view(request, space, api)),
            }));
            rendered.forget_removed(&self.spaces);
            self.rendered = rendered;
            shown.extend(self.odd_entries.iter().map(|entry| Shown::of(request.now(), entry)));
        }
        if of_type("personal") && !self.storage_is_down() {
            let all = scope == Scope::Everything && account.role.rules_spaces();
            let owners = self.accounts.iter().filter(|owner| all || owner.id == account.id);
            shown.extend(owners.filter_map(|owner| {
                let space = owner.personal.as_ref()?;
                Some(Shown::of(space.since, &self.personal_view(request, owner, space)))
            }));
        }
        if of_type("virtual") {
            shown.push(Shown::of(request.now(), &shares_view(request)));
        }
        if let SpaceFilter::Id(id) = &filter {
            shown.retain(|space| space.id == *id);
        }
        self.order(&mut shown, request.parameter("$orderby"))?;
        let entries: Vec<&str> = shown.iter().map(|space| &*space.json).collect();
        Ok(json_text(StatusCode::OK, format!(r#"{{"value":[{}]}}"#, entries.join(","))))
    }

    /// Orders a list as asked; otherwise differently each time, as parallel work of the real system does.
    fn order(&self, shown: &mut [Shown], text: Option<&str>) -> Result<(), Refusal> {
        let Some((property, descending)) = odata::order(text) else {
            let turn = usize::try_from(self.requests).unwrap_or(0) % shown.len().max(1);
            shown.rotate_left(turn);
            return Ok(());
        };
        match property {
            "name" => shown.sort_by_key(|space| space.name.to_lowercase()),
            "lastModifiedDateTime" => shown.sort_by_key(|space| space.modified),
            other => return Err(Refusal::invalid(format!("we do not support <{other}> as a order parameter"))),
        }
        if descending {
            shown.reverse();
        }
        Ok(())
    }

    /// Returns a space in JSON.
    pub(super) fn space_view(&self, request: &Request<'_>, space: &SpaceRecord, api: Api) -> Value {
        let mut view = base_view(request, &space.id, "project", &space.alias, &space.name);
        let owner = json!({ "user": { "displayName": "", "id": space.short_id() } });
        insert(&mut view, "owner", owner);
        insert(&mut view, "lastModifiedDateTime", Value::from(space.modified.to_string()));
        insert(&mut view, "quota", quota_view(space));
        if let Some(description) = &space.description {
            insert(&mut view, "description", Value::from(description.clone()));
        }
        if let Some(root) = view.get_mut("root").and_then(Value::as_object_mut) {
            let members = space.members.iter().map(|member| match api {
                Api::V1 => named_member(member),
                Api::V1Beta1 => permission(member),
            });
            root.insert("permissions".to_owned(), members.collect());
            if space.trashed {
                root.insert("deleted".to_owned(), json!({ "state": "trashed" }));
            }
        }
        Value::Object(view)
    }

    /// Returns the personal space with this id in JSON, if the account may see it.
    pub(super) fn visible_personal_space(&self, request: &Request<'_>, account: &str, id: &str) -> Option<Value> {
        let owner = self.account(id.strip_prefix(self.storage.as_str())?.strip_prefix('$')?)?;
        let rules = self.account(account)?.role.rules_spaces();
        let shown = !self.storage_is_down() && (rules || owner.id == account);
        owner.personal.as_ref().filter(|_| shown).map(|space| self.personal_view(request, owner, space))
    }

    fn personal_view(&self, request: &Request<'_>, owner: &Account, space: &PersonalSpace) -> Value {
        let id = format!("{}${}", self.storage, owner.id);
        let mut view = base_view(request, &id, "personal", &space.alias, &owner.display);
        insert(&mut view, "owner", json!({ "user": { "displayName": "", "id": owner.id } }));
        insert(&mut view, "lastModifiedDateTime", Value::from(space.since.to_string()));
        insert(&mut view, "quota", json!({ "remaining": i64::MAX, "state": "normal", "total": 0, "used": 0 }));
        Value::Object(view)
    }
}

fn shares_view(request: &Request<'_>) -> Value {
    let mut view = base_view(request, SHARES, "virtual", "virtual/shares", "Shares");
    if let Some(root) = view.get_mut("root").and_then(Value::as_object_mut) {
        root.insert("eTag".to_owned(), Value::from("DECAFC00FEE"));
    }
    Value::Object(view)
}

/// Returns the members that spaces of all types have.
fn base_view(request: &Request<'_>, id: &str, kind: &str, alias: &str, name: &str) -> Map<String, Value> {
    let (base, tag) = (request.base(), format!("\"{:032x}\"", request.now().milliseconds()));
    let view = json!({
        "id": id,
        "driveType": kind,
        "driveAlias": alias,
        "name": name,
        "root": { "eTag": tag, "id": id, "webDavUrl": format!("{base}/dav/spaces/{id}") },
        "webUrl": format!("{base}/f/{id}"),
    });
    match view {
        Value::Object(view) => view,
        _ => Map::new(),
    }
}

fn insert(view: &mut Map<String, Value>, name: &str, value: Value) {
    view.insert(name.to_owned(), value);
}

fn quota_view(space: &SpaceRecord) -> Value {
    if space.trashed {
        // What is in use cannot be read from a disabled space.
        return json!({ "total": space.quota });
    }
    let bound = if space.quota == 0 { i64::MAX } else { space.quota };
    let remaining = if space.quota == 0 { i64::MAX } else { bound.saturating_sub(space.used).max(0) };
    let hundredfold = i128::from(space.used) * 100;
    let state = [("normal", 75), ("nearing", 90), ("critical", 99)].into_iter();
    let state = state.into_iter().find(|(_, percent)| hundredfold <= i128::from(bound) * percent);
    let state = state.map_or("exceeded", |(state, _)| state);
    json!({ "remaining": remaining, "state": state, "total": space.quota, "used": space.used })
}

/// Returns whom a permission is for; of neither kind, nobody.
fn grantee(member: &SpaceMember) -> Value {
    match (member.group(), member.person()) {
        (Some(id), _) => json!({ "group": { "displayName": member.name, "id": id } }),
        (_, Some(id)) => json!({ "user": person(id, &member.name) }),
        _ => json!({}),
    }
}

/// Returns a person as permissions name one.
pub(super) fn person(id: &str, name: &str) -> Value {
    json!({ "@libre.graph.userType": "Member", "displayName": name, "id": id })
}

/// Returns a member as version 1 lists it: without the permission's id, and with the role's name.
fn named_member(member: &SpaceMember) -> Value {
    let mut view = json!({
        "grantedToIdentities": [grantee(member)],
        "grantedToV2": grantee(member),
        "roles": [member.role.name()],
    });
    with_expiration(&mut view, member);
    view
}

/// Returns a member as a permission.
pub(super) fn permission(member: &SpaceMember) -> Value {
    let mut view = json!({ "grantedToV2": grantee(member), "id": member.id, "roles": [member.role.id()] });
    with_expiration(&mut view, member);
    view
}

fn with_expiration(view: &mut Value, member: &SpaceMember) {
    if let (Some(end), Some(view)) = (&member.expires, view.as_object_mut()) {
        view.insert("expirationDateTime".to_owned(), Value::from(end.clone()));
    }
}
