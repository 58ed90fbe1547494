//! Groups of the directory.

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    answer::{Handled, Refusal, empty, json_answer},
    odata,
    request::{Request, optional_text},
    state::{Group, State},
};

/// Members of a group that a body may have.
const KNOWN: &[&str] =
    &["id", "displayName", "description", "members", "members@odata.bind", "groupTypes", "onPremisesDomainName"];

/// Number of members that one request adds.
const MAXIMUM_BOUND: usize = 20;

/// Length limit of a name, in bytes.
const MAXIMUM_NAME: usize = 255;

/// Shortest search of an account that does not administer the directory.
const SHORTEST_SEARCH: usize = 3;

impl State {
    /// Answers `GET /groups`. A filter is ignored, and a search finds parts of ids too.
    pub(super) fn list_groups(&mut self, request: &Request<'_>, account: &str) -> Handled {
        let search = self.allowed_search(request, account)?;
        let found = |group: &&Group| match &search {
            Some(text) => group.name.to_lowercase().contains(text) || group.id.contains(text),
            None => true,
        };
        let mut groups: Vec<&Group> =
            self.groups.iter().filter(|group| request.lists(group.created)).filter(found).collect();
        if odata::order(request.parameter("$orderby")).is_some() {
            groups.sort_by_key(|group| group.name.to_lowercase());
        }
        let value: Value = groups.into_iter().map(view).collect();
        Ok(json_answer(StatusCode::OK, &json!({ "value": value })))
    }

    /// Returns the text to search for. Only administrators list everything.
    pub(super) fn allowed_search(&self, request: &Request<'_>, account: &str) -> Result<Option<String>, Refusal> {
        let search = odata::search(request.parameter("$search"))?;
        let long = search.as_ref().is_some_and(|text| text.len() >= SHORTEST_SEARCH);
        if self.administers(account).is_err() && !long {
            return Err(Refusal::denied("search term too short"));
        }
        Ok(search)
    }

    /// Answers `POST /groups`.
    pub(super) fn create_group(&mut self, request: &Request<'_>) -> Handled {
        let invalid = |why: String| Refusal::invalid(format!("invalid request body: {why}"));
        let body = request.strict(KNOWN).map_err(invalid)?;
        let name = optional_text(&body, "displayName").map_err(invalid)?;
        let name = name.ok_or_else(|| Refusal::invalid("Missing Required Attribute"))?;
        if body.contains_key("id") {
            return Err(Refusal::invalid("group id is a read-only attribute"));
        }
        if name.is_empty() || name.len() > MAXIMUM_NAME {
            return Err(Refusal::invalid("Invalid displayName"));
        }
        let folded = name.to_lowercase();
        if self.groups.iter().any(|group| group.name.to_lowercase() == folded) {
            return Err(Refusal::exists("group already exists"));
        }
        let id = self.add_group(&name, request.now())?;
        let group = json!({ "displayName": name, "groupTypes": [], "id": id });
        Ok(json_answer(StatusCode::CREATED, &group))
    }

    /// Answers `GET /groups/{id or name}`.
    pub(super) fn get_group(&mut self, request: &Request<'_>, id: &str) -> Handled {
        let group = self.group_called(id).ok_or_else(|| Refusal::not_found("not found"))?.clone();
        let mut answer = view(&group);
        if request.parameter("$expand") == Some("members")
            && let Some(answer) = answer.as_object_mut()
        {
            answer.insert("members".to_owned(), self.member_views(&group));
        }
        Ok(json_answer(StatusCode::OK, &answer))
    }

    /// Answers `PATCH /groups/{id}`: another name, or up to 20 members more.
    pub(super) fn update_group(&mut self, request: &Request<'_>, id: &str) -> Handled {
        let invalid = |why: String| Refusal::invalid(format!("invalid request body: {why}"));
        let body = request.strict(KNOWN).map_err(invalid)?;
        let name = optional_text(&body, "displayName").map_err(invalid)?;
        let references = body.get("members@odata.bind").and_then(Value::as_array).cloned().unwrap_or_default();
        if references.len() > MAXIMUM_BOUND {
            return Err(Refusal::invalid("Request is limited to 20 members"));
        }
        let references: Vec<String> = references.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let own = self.group_called(id).ok_or_else(|| Refusal::not_found("not found"))?.id.clone();
        if let Some(name) = name {
            let folded = name.to_lowercase();
            if self.groups.iter().any(|group| group.id != own && group.name.to_lowercase() == folded) {
                return Err(Refusal::exists("Group name already in use"));
            }
            if let Some(group) = self.group_called(&own) {
                group.name = name;
            }
        }
        self.add_members(&own, &references)?;
        Ok(empty(StatusCode::NO_CONTENT))
    }

    /// Answers `DELETE /groups/{id}`. Permissions of the group stay.
    pub(super) fn delete_group(&mut self, id: &str) -> Handled {
        let own = self.group_called(id).ok_or_else(|| Refusal::not_found("not found"))?.id.clone();
        self.groups.retain(|group| group.id != own);
        Ok(empty(StatusCode::NO_CONTENT))
    }

    /// Answers `GET /groups/{id}/members`: a bare array.
    pub(super) fn list_members(&mut self, id: &str) -> Handled {
        let group = self.group_called(id).ok_or_else(|| Refusal::not_found("not found"))?.clone();
        Ok(json_answer(StatusCode::OK, &self.member_views(&group)))
    }

    /// Answers `POST /groups/{id}/members/$ref`.
    pub(super) fn add_member(&mut self, request: &Request<'_>, id: &str) -> Handled {
        let invalid = |why: String| Refusal::invalid(format!("invalid request body: {why}"));
        let body = request.strict(&["@odata.id"]).map_err(invalid)?;
        let reference = optional_text(&body, "@odata.id").map_err(invalid)?;
        let reference = reference.ok_or_else(|| Refusal::invalid("@odata.id reference is missing"))?;
        self.add_members(id, &[reference])?;
        Ok(empty(StatusCode::NO_CONTENT))
    }

    /// Adds all or none. Of a reference only the last two parts of its path count.
    fn add_members(&mut self, id: &str, references: &[String]) -> Result<(), Refusal> {
        let mut members = Vec::new();
        for reference in references {
            let mut parts = reference.rsplit('/');
            let (member, kind) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            if kind != "users" {
                return Err(Refusal::invalid("Only users are allowed as group members"));
            }
            let account = self.account_called(member).ok_or_else(|| Refusal::not_found("not found"))?;
            members.push(account.id.clone());
        }
        let group = self.group_called(id).ok_or_else(|| Refusal::not_found("not found"))?;
        members.retain(|member| !group.members.contains(member));
        group.members.extend(members);
        Ok(())
    }

    /// Answers `DELETE /groups/{id}/members/{member}/$ref`.
    pub(super) fn remove_member(&mut self, id: &str, member: &str) -> Handled {
        let group = self.group_called(id).ok_or_else(|| Refusal::not_found("not found"))?;
        let index = group.members.iter().position(|other| other == member);
        group.members.remove(index.ok_or_else(|| Refusal::not_found("not found"))?);
        Ok(empty(StatusCode::NO_CONTENT))
    }

    fn member_views(&self, group: &Group) -> Value {
        let members = group.members.iter().filter_map(|id| self.account(id));
        members.map(|account| account.view(true, None)).collect()
    }
}

pub(super) fn view(group: &Group) -> Value {
    json!({ "displayName": group.name, "groupTypes": [], "id": group.id })
}
