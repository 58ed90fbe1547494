//! Stored people and groups as SCIM resources.

use serde_json::{Value, json};

use crate::{
    domain::{ProvisionedGroup, ProvisionedGroupId, ProvisionedUser, User, UserId},
    error::{Error, Result},
    scim::{GROUP, Resource, Schema, USER},
};

/// A resource with its version, an entity tag. Its address is added where it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// The resource.
    pub resource: Resource,
    /// Its entity tag.
    pub version: String,
}

/// A group that a person is in.
#[derive(Debug, Clone)]
pub(super) struct InGroup {
    pub(super) id: ProvisionedGroupId,
    pub(super) name: String,
}

/// Returns the entity tag of a person.
pub(super) fn version_of_user(record: &ProvisionedUser, user: &User) -> String {
    format!("W/\"{}.{}\"", record.version, user.version)
}

/// Returns the entity tag of a group.
pub(super) fn version_of_group(group: &ProvisionedGroup) -> String {
    format!("W/\"{}\"", group.version)
}

/// Returns the attributes of a person that were pushed, without those that the service sets.
pub(super) fn pushed(record: &ProvisionedUser, user: &User) -> Result<Resource> {
    let mut resource: Resource = serde_json::from_str(&record.attributes)
        .map_err(|error| Error::internal(format!("the attributes of a person cannot be read: {error}")))?;
    resource.insert("userName".to_owned(), record.user_name.clone().into());
    if let Some(external) = &record.external_id {
        resource.insert("externalId".to_owned(), external.clone().into());
    }
    resource.insert("active".to_owned(), user.may_call().into());
    Ok(resource)
}

/// Returns a person as a resource.
pub(super) fn of_user(record: &ProvisionedUser, user: &User, groups: &[InGroup]) -> Result<Found> {
    let mut resource = pushed(record, user)?;
    if !groups.is_empty() {
        let group = |group: &InGroup| json!({ "value": group.id, "display": group.name, "type": "direct" });
        resource.insert("groups".to_owned(), groups.iter().map(group).collect());
    }
    let version = version_of_user(record, user);
    let changed = record.updated_at.max(user.updated_at);
    complete(
        &mut resource,
        &USER,
        &record.id.to_string(),
        [record.created_at, changed].map(|time| time.to_string()),
        &version,
    );
    Ok(Found { resource, version })
}

/// Returns a group as a resource; with its members, if they were read.
pub(super) fn of_group(group: &ProvisionedGroup, members: Option<&[UserId]>) -> Found {
    let mut resource = Resource::new();
    resource.insert("displayName".to_owned(), group.display_name.clone().into());
    if let Some(external) = &group.external_id {
        resource.insert("externalId".to_owned(), external.clone().into());
    }
    if let Some(members) = members.filter(|members| !members.is_empty()) {
        let member = |user: &UserId| json!({ "value": user, "type": "User" });
        resource.insert("members".to_owned(), members.iter().map(member).collect());
    }
    let version = version_of_group(group);
    let times = [group.created_at, group.updated_at].map(|time| time.to_string());
    complete(&mut resource, &GROUP, &group.id.to_string(), times, &version);
    Found { resource, version }
}

fn complete(resource: &mut Resource, schema: &Schema, id: &str, [created, changed]: [String; 2], version: &str) {
    resource.insert("schemas".to_owned(), json!([schema.urn]));
    resource.insert("id".to_owned(), id.into());
    let meta = json!({ "resourceType": schema.name, "created": created, "lastModified": changed, "version": version });
    resource.insert("meta".to_owned(), meta);
}

/// Returns the text of an attribute.
pub(super) fn text<'a>(resource: &'a Resource, name: &str) -> Option<&'a str> {
    resource.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}
