//! Spaces: creation, change, disabling, purging.

use http::StatusCode;
use serde_json::{Map, Value};

use super::{
    answer::{Handled, Refusal, empty, json_answer},
    request::{Request, optional_text},
    roles::SpaceRole,
    state::{DEFAULT_QUOTA, SpaceRecord, State},
    view::Api,
};

/// Members of a space that a body may have. Others are refused.
const KNOWN: &[&str] = &[
    "id",
    "name",
    "description",
    "driveAlias",
    "driveType",
    "quota",
    "owner",
    "root",
    "special",
    "items",
    "eTag",
    "webUrl",
    "createdBy",
    "createdDateTime",
    "lastModifiedBy",
    "lastModifiedDateTime",
    "parentReference",
];

/// Members of a quota that a body may have.
const KNOWN_OF_QUOTA: &[&str] = &["deleted", "remaining", "state", "total", "used", "storagePlanInformation"];

/// Length limit of a name, in bytes.
const MAXIMUM_NAME: usize = 255;

impl State {
    /// Answers `POST /drives`.
    pub(super) fn create_space(&mut self, request: &Request<'_>, account: &str) -> Handled {
        // The right is looked at before the body.
        if !self.account(account).is_some_and(|account| account.role.rules_spaces()) {
            return Err(Refusal::not_allowed("insufficient permissions to create a space."));
        }
        let schema = |_| Refusal::invalid("invalid body schema definition");
        let body = request.strict(KNOWN).map_err(schema)?;
        if !body.contains_key("name") {
            return Err(schema(String::new()));
        }
        let name = optional_text(&body, "name").map_err(schema)?.unwrap_or_default();
        let description = optional_text(&body, "description").map_err(schema)?;
        let alias = optional_text(&body, "driveAlias").map_err(schema)?;
        let kind = optional_text(&body, "driveType").map_err(schema)?.unwrap_or_default();
        let quota = quota(&body).map_err(schema)?;
        let name = valid_name(&name).map_err(|why| Refusal::invalid(format!("invalid spacename: {why}")))?;
        if !matches!(kind.as_str(), "" | "project") {
            return Err(Refusal::invalid("drives of this type cannot be created via this api"));
        }
        if self.storage_is_down() {
            return Err(Refusal::failed("could not find a provider for the space"));
        }
        let id = self.add_space(&name, account, request.now())?;
        let space = self.space(&id).ok_or_else(|| Refusal::failed("grpc error"))?;
        space.description = description.filter(|text| !text.is_empty());
        if let Some(alias) = alias {
            space.alias = alias;
        }
        // A negative quota is none, and none is the default.
        space.quota = quota.filter(|quota| *quota >= 0).unwrap_or(DEFAULT_QUOTA);
        let space = space.clone();
        Ok(json_answer(StatusCode::CREATED, &self.space_view(request, &space, Api::V1)))
    }

    /// Answers `GET /drives/{id}`.
    pub(super) fn get_space(&mut self, request: &Request<'_>, account: &str, id: &str) -> Handled {
        let view = match self.visible_space(request, account, id) {
            Some(space) => Some(self.space_view(request, &space, Api::V1)),
            None => self.visible_personal_space(request, account, id),
        };
        let view = view.ok_or_else(|| Refusal::not_found("no drive returned from storage"))?;
        Ok(json_answer(StatusCode::OK, &view))
    }

    /// Answers `PATCH /drives/{id}`.
    pub(super) fn update_space(&mut self, request: &Request<'_>, account: &str, id: &str) -> Handled {
        let invalid = |why: String| Refusal::invalid(format!("invalid request body: error: {why}"));
        let body = request.strict(KNOWN).map_err(invalid)?;
        // An empty name is none.
        let name = optional_text(&body, "name").map_err(invalid)?.filter(|name| !name.is_empty());
        let description = optional_text(&body, "description").map_err(invalid)?;
        let alias = optional_text(&body, "driveAlias").map_err(invalid)?;
        let quota = quota(&body).map_err(invalid)?;
        let name = name.map(|name| valid_name(&name)).transpose();
        let name = name.map_err(|why| Refusal::new(StatusCode::BAD_REQUEST, "generalException", why))?;
        let rules = self.account(account).is_some_and(|account| account.role.rules_spaces());
        if quota.is_some() && !rules {
            return Err(Refusal::not_allowed("user is not allowed to set the space quota"));
        }
        let restores = !self.headers_removed && request.header("restore").is_some_and(go_bool);
        let needed =
            if restores || name.is_some() || description.is_some() { SpaceRole::Manager } else { SpaceRole::Editor };
        let space = self.manageable_space(request, account, id, needed)?;
        if restores {
            space.trashed = false;
        }
        if let Some(name) = name {
            space.name = name;
        }
        if let Some(description) = description {
            space.description = Some(description).filter(|text| !text.is_empty());
        }
        if let Some(alias) = alias {
            space.alias = alias;
        }
        if let Some(quota) = quota {
            // A negative one becomes larger than any, which is no bound.
            space.quota = quota.max(0);
        }
        space.modified = request.now();
        let space = space.clone();
        Ok(json_answer(StatusCode::OK, &self.space_view(request, &space, Api::V1)))
    }

    /// Answers `DELETE /drives/{id}`, which disables, or purges by a header.
    pub(super) fn delete_space(&mut self, request: &Request<'_>, account: &str, id: &str) -> Handled {
        let purges = !self.headers_removed && request.header("purge").is_some_and(go_bool);
        let space = self.manageable_space(request, account, id, SpaceRole::Manager)?;
        if !purges {
            space.trashed = true;
        } else if space.trashed {
            let id = space.id.clone();
            self.spaces.retain(|space| space.id != id);
        } else {
            return Err(Refusal::invalid("error: bad request: can't purge enabled space"));
        }
        Ok(empty(StatusCode::NO_CONTENT))
    }

    /// Returns `true` if an account sees a space: by its role in the whole system, or as a member. Only managers see a
    /// disabled one.
    pub(super) fn sees(&self, request: &Request<'_>, account: &str, space: &SpaceRecord) -> bool {
        self.account(account).is_some_and(|account| account.role.rules_spaces())
            || match self.role_in(space, account, request.now()) {
                Some(role) => !space.trashed || role == SpaceRole::Manager,
                None => false,
            }
    }

    pub(super) fn visible_space(&mut self, request: &Request<'_>, account: &str, id: &str) -> Option<SpaceRecord> {
        let space = self.space(id)?.clone();
        self.sees(request, account, &space).then_some(space)
    }

    /// Returns a space that an account may change. One that it may not change is not found.
    fn manageable_space(
        &mut self,
        request: &Request<'_>,
        account: &str,
        id: &str,
        needed: SpaceRole,
    ) -> Result<&mut SpaceRecord, Refusal> {
        let not_found = || Refusal::not_found("drive not found");
        let space = self.visible_space(request, account, id).ok_or_else(not_found)?;
        let rules = self.account(account).is_some_and(|account| account.role.rules_spaces());
        if !rules && self.role_in(&space, account, request.now()) < Some(needed) {
            return Err(not_found());
        }
        self.space(id).ok_or_else(not_found)
    }
}

/// Reads `quota.total`: an integer without fraction and exponent.
fn quota(body: &Map<String, Value>) -> Result<Option<i64>, String> {
    let object = match body.get("quota") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(object)) => object,
        Some(_) => return Err("json: cannot unmarshal value into Go struct field .quota".to_owned()),
    };
    if let Some(key) = object.keys().find(|key| !KNOWN_OF_QUOTA.contains(&key.as_str())) {
        return Err(format!("json: unknown field \"{key}\""));
    }
    match object.get("total") {
        None | Some(Value::Null) => Ok(None),
        Some(total) => match total.as_i64() {
            Some(total) => Ok(Some(total)),
            None => Err("json: cannot unmarshal value into Go struct field .total of type int64".to_owned()),
        },
    }
}

/// Trims a name and checks it.
fn valid_name(name: &str) -> Result<String, &'static str> {
    let name = name.trim();
    if name.is_empty() {
        Err("spacename must not be empty")
    } else if name.len() > MAXIMUM_NAME {
        Err("spacename must be smaller than 255")
    } else if name.contains(['/', '\\', '.', ':', '?', '*', '"', '>', '<', '|']) {
        Err("spacenames must not contain [/ \\ . : ? * \" > < |]")
    } else {
        Ok(name.to_owned())
    }
}

/// Parses a boolean as Go does. What is none is `false`.
fn go_bool(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "TRUE" | "true" | "True")
}
