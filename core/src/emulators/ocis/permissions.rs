//! Permissions of a space's root: list, invitation, change, removal.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    answer::{Handled, Refusal, empty, json_answer},
    request::{Request, optional_text},
    roles::{SpaceRole, definitions, is_known},
    state::{SpaceMember, SpaceRecord, State},
    view::{permission, person},
};
use crate::clock::Timestamp;

impl State {
    /// Answers `GET …/root/permissions`.
    pub(super) fn list_permissions(&mut self, request: &Request<'_>, account: &str, id: &str) -> Handled {
        let (space, role) = self.entered_space(request, account, id)?;
        let members: Value = space.members.iter().map(permission).collect();
        let answer = json!({
            "@libre.graph.permissions.actions.allowedValues": role.allowed_actions(),
            "@libre.graph.permissions.roles.allowedValues": role.allowed_roles(),
            "value": members,
        });
        Ok(json_answer(StatusCode::OK, &answer))
    }

    /// Answers `POST …/root/invite`.
    pub(super) fn invite(&mut self, request: &Request<'_>, account: &str, id: &str) -> Handled {
        let known = &["recipients", "roles", "expirationDateTime", "@libre.graph.permissions.actions"];
        let body = request.strict(known).map_err(|_| Refusal::invalid("invalid request body"))?;
        let invitation = Invitation::read(&body, request.now())?;
        let (space, own) = self.entered_space(request, account, id)?;
        let Some(role) = SpaceRole::of_id(&invitation.role) else {
            return Err(Refusal::invalid("role not applicable to this resource"));
        };
        let unknown = || Refusal::invalid("itemNotFound: not found");
        let name = if invitation.group {
            // By id only: a name is not looked up here.
            self.groups.iter().find(|group| group.id == invitation.recipient).map(|group| group.name.clone())
        } else {
            self.account(&invitation.recipient).map(|account| account.display.clone())
        };
        let name = name.ok_or_else(unknown)?;
        if own < SpaceRole::Manager {
            let place = format!("{}!{}", space.id, space.short_id());
            return Err(Refusal::denied(format!("add grant: error: permission denied: {place}")));
        }
        let kind = if invitation.group { 'g' } else { 'u' };
        let member =
            SpaceMember { id: format!("{kind}:{}", invitation.recipient), name, role, expires: invitation.expires };
        if space.members.iter().any(|other| other.id == member.id) {
            return Err(Refusal::exists(format!("add grant: error: already exists: {}", space.name)));
        }
        let mut answer = permission(&member);
        let inviter = self.account(account).map(|account| person(&account.id, &account.display));
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("invitation".to_owned(), json!({ "invitedBy": { "user": inviter } }));
        }
        if self.lost_invitations > 0 {
            // What parallel invitations to one space do to each other: an answer of success, and nothing there.
            self.lost_invitations -= 1;
        } else if let Some(space) = self.space(id) {
            space.members.push(member);
        }
        Ok(json_answer(StatusCode::OK, &json!({ "value": [answer] })))
    }

    /// Answers `PATCH …/root/permissions/{id}`.
    pub(super) fn update_permission(&mut self, request: &Request<'_>, account: &str, id: &str, key: &str) -> Handled {
        let known = &["roles", "expirationDateTime", "id", "@libre.graph.permissions.actions"];
        let body = request.strict(known).map_err(|_| Refusal::invalid("invalid request body"))?;
        let role = match texts(&body, "roles")?.as_slice() {
            [] => None,
            [role] if is_known(role) => Some(role.clone()),
            [_] => return Err(Refusal::invalid(validation("Permission.Roles", "Roles", "available_role"))),
            _ => return Err(Refusal::invalid(validation("Permission.Roles", "Roles", "max"))),
        };
        let role = match role.map(|role| SpaceRole::of_id(&role)) {
            Some(None) => return Err(Refusal::invalid("role not applicable to this resource")),
            role => role.flatten(),
        };
        let expires =
            optional_text(&body, "expirationDateTime").map_err(|_| Refusal::invalid("invalid request body"))?;
        let (space, own) = self.entered_space(request, account, id)?;
        let Some(member) = space.members.iter().find(|member| member.id == key) else {
            let message = format!("error: not found: no shares found by id:opaque_id:\"{key}\"");
            return Err(Refusal::not_found(message));
        };
        if own < SpaceRole::Manager {
            return Err(Refusal::denied("permission denied"));
        }
        if role.is_some_and(|role| role < SpaceRole::Manager) {
            keep_a_manager(&space, member)?;
        }
        let Some(member) = self.space(id).and_then(|space| space.members.iter_mut().find(|member| member.id == key))
        else {
            return Err(Refusal::failed("grpc error"));
        };
        member.role = role.unwrap_or(member.role);
        member.expires = expires.or_else(|| member.expires.take());
        Ok(json_answer(StatusCode::OK, &permission(member)))
    }

    /// Answers `DELETE …/root/permissions/{id}`. An absent one is an error of the server.
    pub(super) fn delete_permission(&mut self, request: &Request<'_>, account: &str, id: &str, key: &str) -> Handled {
        let space = self.visible_space(request, account, id).ok_or_else(|| Refusal::not_found("getting space"))?;
        if !key.starts_with("u:") && !key.starts_with("g:") {
            return Err(Refusal::invalid("invalid space permission id"));
        }
        let member = space.members.iter().find(|member| member.id == key).filter(|_| !space.trashed);
        let Some(member) = member else {
            let message = "rpc error: code = Unknown desc = gateway: error getting grant to remove from storage";
            return Err(Refusal::failed(message));
        };
        if self.role_in(&space, account, request.now()) < Some(SpaceRole::Manager) {
            return Err(Refusal::denied("permission denied"));
        }
        keep_a_manager(&space, member)?;
        if let Some(space) = self.space(id) {
            space.members.retain(|member| member.id != key);
        }
        Ok(empty(StatusCode::NO_CONTENT))
    }

    /// Returns the definitions of the available roles.
    pub(super) fn role_definitions(&self) -> Vec<Value> {
        let hidden = |role: &Value| self.hidden_roles.iter().any(|id| role.get("id") == Some(&Value::from(id.clone())));
        definitions().into_iter().filter(|role| !hidden(role)).collect()
    }

    /// Answers `GET …/roleDefinitions/{id}`.
    pub(super) fn role_definition(&self, id: &str) -> Handled {
        let definitions = self.role_definitions();
        match definitions.into_iter().find(|role| role.get("id").and_then(Value::as_str) == Some(id)) {
            Some(definition) => Ok(json_answer(StatusCode::OK, &definition)),
            None => Err(Refusal::not_found("role not found")),
        }
    }

    /// Returns a space whose root an account can look at, and its role there. Ruling all spaces does not suffice.
    fn entered_space(
        &mut self,
        request: &Request<'_>,
        account: &str,
        id: &str,
    ) -> Result<(SpaceRecord, SpaceRole), Refusal> {
        let space = self.visible_space(request, account, id).ok_or_else(|| Refusal::not_found("getting space"))?;
        if space.trashed {
            return Err(Refusal::not_found(format!("stat: error: not found: {}", space.short_id())));
        }
        match self.role_in(&space, account, request.now()) {
            Some(role) => Ok((space, role)),
            None => {
                let place = format!("{}!{}", space.id, space.short_id());
                Err(Refusal::not_found(format!("stat: error: not found: {place}")))
            }
        }
    }
}

/// What an invitation asks for, once it is valid.
struct Invitation {
    recipient: String,
    group: bool,
    role: String,
    expires: Option<String>,
}

impl Invitation {
    fn read(body: &Map<String, Value>, now: Timestamp) -> Result<Self, Refusal> {
        let broken = |_| Refusal::invalid("invalid request body");
        let mut wrong = Vec::new();
        let recipients = body.get("recipients").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut recipient = None;
        match recipients.as_slice() {
            [Value::Object(only)] => {
                let kind = optional_text(only, "@libre.graph.recipient.type").map_err(broken)?.unwrap_or_default();
                if !matches!(kind.as_str(), "user" | "group") {
                    let place = "DriveItemInvite.Recipients[0].LibreGraphRecipientType";
                    wrong.push(validation(place, "LibreGraphRecipientType", "oneof"));
                }
                let id = optional_text(only, "objectId").map_err(broken)?.unwrap_or_default();
                recipient = Some((id, kind == "group"));
            }
            _ => wrong.push(validation("DriveItemInvite.Recipients", "Recipients", "len")),
        }
        let roles = texts(body, "roles")?;
        match roles.as_slice() {
            [] => {
                wrong.push(validation("DriveItemInvite.Roles", "Roles", "one_or_another"));
                let field = "LibreGraphPermissionsActions";
                wrong.push(validation(&format!("DriveItemInvite.{field}"), field, "one_or_another"));
            }
            [role] if is_known(role) => {}
            [_] => wrong.push(validation("DriveItemInvite.Roles", "Roles", "available_role")),
            _ => wrong.push(validation("DriveItemInvite.Roles", "Roles", "max")),
        }
        let expires = optional_text(body, "expirationDateTime").map_err(broken)?;
        let end = expires.as_deref().map(str::parse::<Timestamp>).transpose();
        if end.map_err(|_| Refusal::invalid("invalid request body"))?.is_some_and(|end| end <= now) {
            wrong.push(validation("DriveItemInvite.ExpirationDateTime", "ExpirationDateTime", "gt"));
        }
        match (wrong.is_empty(), recipient, roles.into_iter().next()) {
            (true, Some((recipient, group)), Some(role)) => Ok(Self { recipient, group, role, expires }),
            _ => Err(Refusal::invalid(wrong.join("\n"))),
        }
    }
}

fn validation(place: &str, field: &str, tag: &str) -> String {
    format!("Key: '{place}' Error:Field validation for '{field}' failed on the '{tag}' tag")
}

fn texts(body: &Map<String, Value>, name: &str) -> Result<Vec<String>, Refusal> {
    let list = match body.get(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(Refusal::invalid("invalid request body")),
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    list.iter().map(|value| text(value).ok_or_else(|| Refusal::invalid("invalid request body"))).collect()
}

/// Refuses to take the last manager from a space.
fn keep_a_manager(space: &SpaceRecord, member: &SpaceMember) -> Result<(), Refusal> {
    let managers = space.members.iter().filter(|member| member.role == SpaceRole::Manager).count();
    if member.role == SpaceRole::Manager && managers == 1 {
        return Err(Refusal::denied("can't remove the last manager"));
    }
    Ok(())
}
