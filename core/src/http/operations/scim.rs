//! Operations below `/scim/v2`.

#[cfg(feature = "authn")]
use crate::http::openapi::{
    scim::{ScimGroup, ScimUser},
    shape::Shape,
};

#[cfg(feature = "authn")]
operations! {
    "/scim/v2/{directory}/ServiceProviderConfig" {
        get readScimConfig = scim::service_provider_config {
            summary: "What the SCIM service supports",
            access: Public, sdk: None, commands: &[],
            shape: Shape::scim_discovery(),
        }
    }
    "/scim/v2/{directory}/ResourceTypes" {
        get listScimResourceTypes = scim::resource_types {
            summary: "The types of resources",
            access: Public, sdk: None, commands: &[],
            shape: Shape::scim_discovery(),
        }
    }
    "/scim/v2/{directory}/ResourceTypes/{type}" {
        get readScimResourceType = scim::resource_type {
            summary: "A type of resources",
            access: Public, sdk: None, commands: &[],
            shape: Shape::scim_discovery(),
        }
    }
    "/scim/v2/{directory}/Schemas" {
        get listScimSchemas = scim::schemas {
            summary: "The attributes of resources",
            access: Public, sdk: None, commands: &[],
            shape: Shape::scim_discovery(),
        }
    }
    "/scim/v2/{directory}/Schemas/{schema}" {
        get readScimSchema = scim::schema {
            summary: "The attributes of a type of resources",
            access: Public, sdk: None, commands: &[],
            shape: Shape::scim_discovery(),
        }
    }
    "/scim/v2/{directory}/.search" {
        post searchScim = scim::search_all {
            summary: "People and groups, asked for by a body",
            access: May(&[ReadDirectory, ReadPlatformDirectory]), sdk: None, commands: &[],
            shape: Shape::scim_search(),
        }
    }
    "/scim/v2/{directory}/Users" {
        get listScimUsers = scim::list_users {
            summary: "The people that the identity provider has pushed",
            access: May(&[ReadDirectory, ReadPlatformDirectory]), sdk: None, commands: &[],
            shape: Shape::scim_list(),
        }
        post createScimUser = scim::create_user {
            summary: "Push a person",
            access: May(&[ProvisionDirectory, ProvisionPlatformDirectory]), sdk: None, commands: &[],
            shape: Shape::scim_created::<ScimUser>(),
        }
    }
    "/scim/v2/{directory}/Users/.search" {
        post searchScimUsers = scim::list_users {
            summary: "The same list, asked for by a body",
            access: May(&[ReadDirectory, ReadPlatformDirectory]), sdk: None, commands: &[],
            shape: Shape::scim_search(),
        }
    }
    "/scim/v2/{directory}/Users/{user}" {
        get readScimUser = scim::read_user {
            summary: "A person that the identity provider has pushed",
            access: May(&[ReadDirectory, ReadPlatformDirectory]), sdk: None, commands: &[],
            shape: Shape::scim_read(),
        }
        put replaceScimUser = scim::replace_user {
            summary: "Replace a person",
            access: May(&[ProvisionDirectory, ProvisionPlatformDirectory]), sdk: None, commands: &[],
            shape: Shape::scim_replaced::<ScimUser>(),
        }
        patch patchScimUser = scim::patch_user {
            summary: "Change a person; `active: false` ends every access at the next request",
            access: May(&[ProvisionDirectory, ProvisionPlatformDirectory]), sdk: None, commands: &[],
            shape: Shape::scim_patched(),
        }
        delete deleteScimUser = scim::delete_user {
            summary: "Remove a person: every access ends, and the user stays, disabled",
            access: May(&[ProvisionDirectory, ProvisionPlatformDirectory]), sdk: None, commands: &[],
            shape: Shape::scim_deleted(),
        }
    }
    "/scim/v2/{directory}/Groups" {
        get listScimGroups = scim::list_groups {
            summary: "The groups that the identity provider has pushed",
            access: May(&[ReadDirectory, ReadPlatformDirectory]), sdk: None, commands: &[],
            shape: Shape::scim_list(),
        }
        post createScimGroup = scim::create_group {
            summary: "Push a group",
            access: May(&[ProvisionDirectory, ProvisionPlatformDirectory]), sdk: None, commands: &[],
            shape: Shape::scim_created::<ScimGroup>(),
        }
    }
    "/scim/v2/{directory}/Groups/.search" {
        post searchScimGroups = scim::list_groups {
            summary: "The same list, asked for by a body",
            access: May(&[ReadDirectory, ReadPlatformDirectory]), sdk: None, commands: &[],
            shape: Shape::scim_search(),
        }
    }
    "/scim/v2/{directory}/Groups/{group}" {
        get readScimGroup = scim::read_group {
            summary: "A group that the identity provider has pushed",
            access: May(&[ReadDirectory, ReadPlatformDirectory]), sdk: None, commands: &[],
            shape: Shape::scim_read(),
        }
        put replaceScimGroup = scim::replace_group {
            summary: "Replace a group and its members",
            access: May(&[ProvisionDirectory, ProvisionPlatformDirectory]), sdk: None, commands: &[],
            shape: Shape::scim_replaced::<ScimGroup>(),
        }
        patch patchScimGroup = scim::patch_group {
            summary: "Change a group, or its members one by one",
            access: May(&[ProvisionDirectory, ProvisionPlatformDirectory]), sdk: None, commands: &[],
            shape: Shape::scim_patched_silently(),
        }
        delete deleteScimGroup = scim::delete_group {
            summary: "Remove a group, and the memberships that it has made",
            access: May(&[ProvisionDirectory, ProvisionPlatformDirectory]), sdk: None, commands: &[],
            shape: Shape::scim_deleted(),
        }
    }
}

/// Components have no routes of SCIM: their host answers them.
#[cfg(not(feature = "authn"))]
mod absent {
    use std::sync::Arc;

    use axum::Router;

    use crate::http::{HttpState, Operation, openapi::shape::Shape};

    pub(in crate::http::operations) const OPERATIONS: &[Operation] = &[];

    pub(in crate::http::operations) fn routes() -> Router<Arc<HttpState>> {
        Router::new()
    }

    pub(in crate::http::operations) fn shapes() -> Vec<Shape> {
        Vec::new()
    }
}
#[cfg(not(feature = "authn"))]
pub(super) use absent::{OPERATIONS, routes, shapes};
