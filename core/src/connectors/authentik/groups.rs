//! Groups of tenants.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Authentik, MARKER,
    answer::{Reply, confirmed, entry, ignored, matching, object},
    list::List,
};
use crate::{
    connectors::{ConnectorError, ConnectorResult, Group},
    context::RequestContext,
    domain::TenantId,
    outbound::Request,
};

#[derive(Deserialize)]
pub(super) struct GroupObject {
    pk: String,
    name: String,
    attributes: Map<String, Value>,
}

impl From<GroupObject> for Group {
    fn from(object: GroupObject) -> Self {
        Self { id: object.pk, name: object.name, tenant: tenant_of(object.attributes.get(MARKER)) }
    }
}

/// Returns the tenant that the value of a marker names.
pub(super) fn tenant_of(marker: Option<&Value>) -> Option<TenantId> {
    marker?.as_str()?.parse().ok()
}

/// Creates the error for a group that is not there.
pub(super) fn no_such_group(id: &str) -> ConnectorError {
    ConnectorError::Rejected {
        why: format!("the group `{id}` does not exist in Authentik, or the credential does not see it"),
    }
}

/// Returns a request for one group, without its members.
fn one(id: &str) -> Request {
    Request::get("/api/v3/core/groups/").segment(id.to_owned()).trailing_slash().query("include_users", "false")
}

impl Authentik {
    pub(super) async fn read_group(&self, context: &RequestContext, id: &str) -> ConnectorResult<Option<Group>> {
        Ok(self.read::<GroupObject>(context, "a group", &one(id)).await?.map(Group::from))
    }

    pub(super) async fn marked_groups(
        &self,
        context: &RequestContext,
        tenant: TenantId,
    ) -> ConnectorResult<Vec<Group>> {
        let marker = json!({ MARKER: tenant.to_string() }).to_string();
        let entries = self.groups_by(context, "attributes", marker).await?;
        // The filter gives all groups when the database refuses it.
        let marked = |attributes: &Value| tenant_of(attributes.get(MARKER)) == Some(tenant);
        let marked = matching(&entries, "attributes", "a group", marked)?;
        marked.into_iter().map(|value| entry::<GroupObject>(value, "a group").map(Group::from)).collect()
    }

    pub(super) async fn find_group(&self, context: &RequestContext, name: &str) -> ConnectorResult<Option<Group>> {
        let name = name.trim();
        let entries = self.groups_by(context, "name", name.to_owned()).await?;
        let named = matching(&entries, "name", "a group", |found| found == name)?;
        named.first().map(|value| entry::<GroupObject>(value, "a group").map(Group::from)).transpose()
    }

    async fn groups_by(
        &self,
        context: &RequestContext,
        filter: &'static str,
        value: String,
    ) -> ConnectorResult<Vec<Value>> {
        let request = Request::get("/api/v3/core/groups/").query(filter, value).query("include_users", "false");
        self.entries(&List { context, what: "groups", request: request.query("ordering", "name") }).await
    }

    pub(super) async fn add_group(
        &self,
        context: &RequestContext,
        name: &str,
        tenant: TenantId,
    ) -> ConnectorResult<Group> {
        const WHAT: &str = "create a group";
        let body = json!({ "name": group_name(name)?, "attributes": { MARKER: tenant.to_string() } });
        let request = Request::post("/api/v3/core/groups/").json(&body);
        match self.send(context, WHAT, &request).await? {
            Reply::Done(response) => {
                let group = Group::from(object::<GroupObject>(response.body(), "a new group")?);
                if group.tenant == Some(tenant) {
                    return Ok(group);
                }
                // Left there: what it is, is no longer known.
                let why = format!(
                    "Authentik created the group `{}` without the attribute `{MARKER}`, by which it is found again: \
                     delete the group and report this",
                    group.id
                );
                Err(ConnectorError::Incompatible { version: None, why })
            }
            Reply::Invalid(invalid) if invalid.names("name") => match self.find_group(context, name).await? {
                // The answer to an earlier creation was lost.
                Some(group) if group.tenant == Some(tenant) => Ok(group),
                Some(group) => Err(name_taken(&group)),
                None => Err(invalid.rejected(WHAT)),
            },
            Reply::Invalid(invalid) => Err(invalid.rejected(WHAT)),
            Reply::Absent => Err(no_such_group(name)),
        }
    }

    pub(super) async fn change_group_name(
        &self,
        context: &RequestContext,
        id: &str,
        name: &str,
    ) -> ConnectorResult<()> {
        const WHAT: &str = "rename a group";
        let name = group_name(name)?;
        // Never `PUT`: it would empty the group.
        let request = Request::patch("/api/v3/core/groups/").segment(id.to_owned()).trailing_slash();
        match self.send(context, WHAT, &request.json(&json!({ "name": name }))).await? {
            Reply::Done(response) => match object::<GroupObject>(response.body(), "a renamed group")?.name {
                stored if stored == name => Ok(()),
                _ => Err(ignored("name", WHAT)),
            },
            Reply::Absent => Err(no_such_group(id)),
            Reply::Invalid(invalid) if invalid.names("name") => match self.find_group(context, name).await? {
                Some(group) if group.id != id => Err(name_taken(&group)),
                _ => Err(invalid.rejected(WHAT)),
            },
            Reply::Invalid(invalid) => Err(invalid.rejected(WHAT)),
        }
    }

    pub(super) async fn remove_group(&self, context: &RequestContext, id: &str) -> ConnectorResult<()> {
        self.delete(context, "delete a group", Request::delete("/api/v3/core/groups/"), id).await
    }

    /// Deletes an object. An absent one is deleted.
    pub(super) async fn delete(
        &self,
        context: &RequestContext,
        what: &str,
        collection: Request,
        id: &str,
    ) -> ConnectorResult<()> {
        let request = collection.segment(id.to_owned()).trailing_slash();
        match self.send(context, what, &request).await?.found(what)? {
            Some(response) => confirmed(&response, what),
            None => Ok(()),
        }
    }
}

/// Returns the name as Authentik stores it.
fn group_name(name: &str) -> ConnectorResult<&str> {
    match name.trim() {
        "" => Err(ConnectorError::Rejected { why: "a group in Authentik needs a name".to_owned() }),
        name => Ok(name),
    }
}

fn name_taken(group: &Group) -> ConnectorError {
    ConnectorError::Conflict {
        existing: Some(group.id.clone()),
        why: format!(
            "another group in Authentik has the name `{}`: choose another name, or rename that group",
            group.name
        ),
    }
}
