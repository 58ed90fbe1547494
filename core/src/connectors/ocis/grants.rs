//! Access to spaces: who has it, and giving and taking it.

use http::StatusCode;
use serde_json::{json, value::RawValue};

use super::{
    OcisFiles,
    drive::{EDITOR, HeldGrant, Permission},
    exchange::{explained, incompatible, is_not_found, read, refused, rejected, required},
    spaces::{List, bounded},
};
use crate::{
    connectors::{ConnectorError, ConnectorResult, Grant, Space, SpaceState},
    context::RequestContext,
    outbound::{Request, Response},
};

/// Number of times that a grant is given and looked for again. Another writer may undo each.
const ATTEMPTS: usize = 4;

/// The grants of a space.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) grants: Vec<HeldGrant>,
    /// Grants of a disabled space can be read, but not changed.
    pub(super) state: SpaceState,
}

impl Held {
    pub(super) fn into_grants(self) -> Vec<Grant> {
        self.grants.into_iter().map(|held| held.grant).collect()
    }
}

fn root(space: &str, method: fn(&'static str) -> Request) -> Request {
    method("/graph/v1beta1/drives").segment(space.to_owned()).segment("root")
}

fn permission(space: &str, grant: &str, method: fn(&'static str) -> Request) -> Request {
    root(space, method).segment("permissions").segment(grant.to_owned())
}

impl OcisFiles {
    /// Returns the grants of a space, disabled or not.
    pub(super) async fn held(&self, context: &RequestContext, space: &str) -> ConnectorResult<Held> {
        let request = root(space, Request::get).segment("permissions");
        let response = self.exchanges.send(context, &request).await?;
        if !is_not_found(&response) {
            let list: List = read(response, StatusCode::OK, "cannot read who has access to the space")?;
            let entries = bounded(required(list.value, "value")?, "grants")?;
            return Ok(Held { grants: readable(&entries)?, state: SpaceState::Enabled });
        }
        // Disabled, or the account is no member, or gone: the space itself shows its members in any state.
        let Some(drive) = self.drive(context, space).await? else {
            return Err(rejected(format!("space `{space}` does not exist any more")));
        };
        match drive.space()?.state {
            SpaceState::Disabled => Ok(Held { grants: drive.members()?, state: SpaceState::Disabled }),
            SpaceState::Enabled => {
                let why = format!(
                    "the account of the file system is not a member of space `{space}` any more: make it a manager again"
                );
                Err(ConnectorError::Unauthorized { why })
            }
        }
    }

    /// Returns a space with its grants.
    ///
    /// The space itself shows its members. The permissions are read only if one of those has an unknown form, or the account is
    /// not a manager among them: it may manage through a group, and otherwise the error tells what to do.
    pub(super) async fn space_and_members(
        &self,
        context: &RequestContext,
        id: &str,
    ) -> ConnectorResult<Option<(Space, Vec<Grant>)>> {
        let Some(drive) = self.drive(context, id).await? else { return Ok(None) };
        let space = drive.space()?;
        if space.state == SpaceState::Disabled {
            return Ok(Some((space, Vec::new())));
        }
        let held = match drive.members_if_managed_by(self.own_id(context).await?) {
            Some(grants) => Held { grants, state: space.state },
            None => self.held(context, id).await?,
        };
        Ok(Some((space, held.into_grants())))
    }

    /// Makes a group an editor of a space, and sees that it is one.
    pub(super) async fn give(&self, context: &RequestContext, space: &str, group: &str) -> ConnectorResult<()> {
        let _turn = self.turns.of(context, space).await?;
        for _ in 0..ATTEMPTS {
            let held = self.held(context, space).await?;
            let own = held.grants.iter().find(|held| held.grant.group.as_deref() == Some(group));
            if own.is_some_and(|own| own.grant.editor) {
                return Ok(());
            }
            if held.state == SpaceState::Disabled {
                return Err(rejected(format!("space `{space}` is disabled: restore it before its members change")));
            }
            // The result of each is looked at by the next turn of the loop: two at a time lose each other's.
            match own {
                None => self.invite(context, space, group).await?,
                // An end cannot be taken from a grant, but the grant can be given anew.
                Some(own) if own.expires => self.remove(context, space, &own.grant.id).await?,
                Some(own) => self.make_editor(context, space, &own.grant.id).await?,
            }
        }
        Err(retried(format!(
            "group `{group}` does not stay an editor of space `{space}`: does something else remove it?"
        )))
    }

    /// Takes a grant, and sees that it is gone.
    pub(super) async fn take(&self, context: &RequestContext, space: &str, grant: &str) -> ConnectorResult<()> {
        let _turn = self.turns.of(context, space).await?;
        for _ in 0..ATTEMPTS {
            let held = self.held(context, space).await?;
            if held.grants.iter().all(|held| held.grant.id != grant) {
                return Ok(());
            }
            if held.state == SpaceState::Disabled {
                return Err(rejected(format!("space `{space}` is disabled: restore it before its members change")));
            }
            self.remove(context, space, grant).await?;
        }
        Err(retried(format!("grant `{grant}` of space `{space}` comes back each time it is removed")))
    }

    async fn invite(&self, context: &RequestContext, space: &str, group: &str) -> ConnectorResult<()> {
        let recipient = json!({ "objectId": group, "@libre.graph.recipient.type": "group" });
        let body = json!({ "recipients": [recipient], "roles": [EDITOR] });
        let request = root(space, Request::post).segment("invite").json(&body);
        let response = self.exchanges.send(context, &request).await?;
        match response.status() {
            // There already, perhaps in another role: the next look tells.
            StatusCode::OK | StatusCode::CONFLICT => Ok(()),
            StatusCode::BAD_REQUEST => {
                let failure = format!("cannot invite group `{group}`, which the file system does not know by this id");
                Err(refused(response, &failure))
            }
            _ => Err(self.unchanged(context, space, response).await),
        }
    }

    async fn make_editor(&self, context: &RequestContext, space: &str, grant: &str) -> ConnectorResult<()> {
        let request = permission(space, grant, Request::patch).json(&json!({ "roles": [EDITOR] }));
        let response = self.exchanges.send(context, &request).await?;
        match response.status() {
            StatusCode::OK => Ok(()),
            _ => Err(self.unchanged(context, space, response).await),
        }
    }

    /// Removes a grant that was there a moment ago. If it is gone by now, the answer is an error of the server.
    async fn remove(&self, context: &RequestContext, space: &str, grant: &str) -> ConnectorResult<()> {
        let response = self.exchanges.send(context, &permission(space, grant, Request::delete)).await?;
        match response.status() {
            StatusCode::NO_CONTENT | StatusCode::INTERNAL_SERVER_ERROR => Ok(()),
            _ => Err(self.unchanged(context, space, response).await),
        }
    }

    /// Makes the error of a change of members that was refused.
    async fn unchanged(&self, context: &RequestContext, space: &str, response: Response) -> ConnectorError {
        if is_not_found(&response) {
            return match self.held(context, space).await {
                Err(error) => error,
                // Another writer was faster.
                Ok(_) => retried(format!("members of space `{space}` have just changed")),
            };
        }
        let failure = "cannot change who has access to the space; its account must be one of its managers, and not the last \
                       one that is removed";
        refused(response, failure)
    }
}

/// Reads the grants of a list. One that cannot be read is left out, unless that is so of all: there is always a manager.
fn readable(entries: &[Box<RawValue>]) -> ConnectorResult<Vec<HeldGrant>> {
    let mut grants = Vec::new();
    let mut unreadable = None;
    for entry in entries {
        match serde_json::from_str::<Permission>(entry.get()) {
            Ok(permission) if permission.is_link() => {}
            Ok(permission) => match permission.by_id() {
                Ok(grant) => grants.push(grant),
                Err(error) => unreadable = Some(error),
            },
            Err(_) => {
                unreadable = Some(incompatible("a grant of the space has a member of an unexpected form".to_owned()));
            }
        }
    }
    match unreadable {
        Some(error) if grants.is_empty() => Err(explained(error, "cannot read who has access to the space")),
        _ if grants.is_empty() => {
            Err(incompatible("the file system lists a space without a manager in `value`".to_owned()))
        }
        _ => Ok(grants),
    }
}

fn retried(why: String) -> ConnectorError {
    ConnectorError::Retryable { after: None, why }
}
