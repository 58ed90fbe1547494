//! Groups, which come from the identity system.

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{
    OcisFiles,
    exchange::{code, is_not_found, read, refused, rejected, required},
    spaces::{List, bounded},
};
use crate::{
    connectors::{ConnectorError, ConnectorResult},
    context::RequestContext,
    outbound::Request,
};

#[derive(Debug, Deserialize)]
struct GroupEntry {
    id: Option<String>,
    #[serde(rename = "displayName")]
    name: Option<String>,
}

impl OcisFiles {
    /// Returns the id of the group of exactly this name.
    ///
    /// The path takes ids and names of any case, a search finds parts of names and of ids, and filters are ignored: each
    /// answer is compared here.
    pub(super) async fn group_called(&self, context: &RequestContext, name: &str) -> ConnectorResult<Option<String>> {
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(rejected("a group without a name, or with a control character in it, cannot be looked for"));
        }
        // Names that a path cannot end in are searched for.
        if !matches!(name, "." | "..") {
            let request = Request::get("/graph/v1.0/groups").segment(name.to_owned());
            let response = self.exchanges.send(context, &request).await?;
            if response.status() == StatusCode::OK {
                let group: GroupEntry = read(response, StatusCode::OK, "cannot read the group")?;
                if required(group.name.as_deref(), "displayName")? == name {
                    return required(group.id, "id").map(Some);
                }
            } else if !is_not_found(&response) && !is_refused_search(response.status()) {
                return Err(refused(response, "cannot read the group"));
            }
        }
        self.search_group(context, name).await
    }

    /// Creates a group of this name. Signing in finds it by the same name later.
    pub(super) async fn make_group(&self, context: &RequestContext, name: &str) -> ConnectorResult<String> {
        let request = Request::post("/graph/v1.0/groups").json(&json!({ "displayName": name }));
        let failure = "cannot create the group";
        let response = self.exchanges.send(context, &request).await?;
        if response.status() == StatusCode::FORBIDDEN {
            let why = format!("{failure}: give the account of the file system the role Admin");
            return Err(ConnectorError::Unauthorized { why });
        }
        if response.status() == StatusCode::CONFLICT {
            let existing = self.group_called(context, name).await?;
            let why = format!("the file system has a group `{name}` in other letters: rename that one");
            return Err(ConnectorError::Conflict { existing, why });
        }
        let created: GroupEntry = read(response, StatusCode::CREATED, failure)?;
        required(created.id, "id")
    }

    async fn search_group(&self, context: &RequestContext, name: &str) -> ConnectorResult<Option<String>> {
        // A search has no way to write these.
        let text: String = name.split(['"', '\\']).max_by_key(|part| part.len()).unwrap_or_default().to_owned();
        let request = Request::get("/graph/v1.0/groups").query("$search", format!("\"{text}\""));
        let response = self.exchanges.send(context, &request).await?;
        if response.status() == StatusCode::FORBIDDEN {
            let failure = "cannot search for the group; a name of less than three characters needs the role Admin";
            return Err(match code(&response) {
                Some(_) => ConnectorError::Unauthorized { why: failure.to_owned() },
                None => refused(response, failure),
            });
        }
        let list: List = read(response, StatusCode::OK, "cannot search for the group")?;
        let entries = bounded(required(list.value, "value")?, "groups")?;
        let groups: Vec<GroupEntry> =
            entries.iter().filter_map(|entry| serde_json::from_str(entry.get()).ok()).collect();
        if !groups.is_empty() && groups.iter().all(|group| group.name.is_none()) {
            required(None::<&str>, "displayName")?;
        }
        match groups.into_iter().find(|group| group.name.as_deref() == Some(name)) {
            Some(group) => required(group.id, "id").map(Some),
            None => Ok(None),
        }
    }
}

/// Returns `true` if a look by name fails in a way that a search may not.
fn is_refused_search(status: StatusCode) -> bool {
    matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
}
