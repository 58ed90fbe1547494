//! Roles: those of a space, of files in it, and of accounts.

use serde_json::{Value, json};

/// Role of a member of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpaceRole {
    /// Reads.
    Viewer,
    /// Reads and writes.
    Editor,
    /// Reads, writes, and manages the space and its members.
    Manager,
}

impl SpaceRole {
    pub(super) const ALL: [Self; 3] = [Self::Viewer, Self::Editor, Self::Manager];

    /// Returns the name in lists of spaces.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Manager => "manager",
        }
    }

    /// Returns the id in permissions.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Viewer => "a8d5fe5e-96e3-418d-825b-534dbdf22b99",
            Self::Editor => "58c63c02-1d89-4572-916a-870abc5a1b7d",
            Self::Manager => "312c0871-5ef7-4b3a-85b6-0e4074c64049",
        }
    }

    pub(super) fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.id() == id)
    }

    fn display(self) -> (&'static str, &'static str) {
        match self {
            Self::Viewer => ("Can view", "View and download."),
            Self::Editor => ("Can edit", "View, download, upload, edit, add, delete including the history."),
            Self::Manager => ("Can manage", "View, download, upload, edit, add, delete and manage members."),
        }
    }

    fn actions(self) -> &'static str {
        match self {
            Self::Viewer => "path/read quota/read content/read permissions/read children/read deleted/read basic/read",
            Self::Editor => {
                "children/create standard/delete path/read quota/read content/read upload/create permissions/read \
                 children/read versions/read deleted/read path/update versions/update deleted/update basic/read"
            }
            Self::Manager => {
                "permissions/create children/create standard/delete path/read quota/read content/read upload/create \
                 permissions/read children/read versions/read deleted/read path/update permissions/delete \
                 deleted/delete versions/update deleted/update basic/read permissions/update permissions/deny"
            }
        }
    }

    /// Returns what a member of this role may do in a space.
    pub(super) fn allowed_actions(self) -> Value {
        expanded(self.actions())
    }

    /// Returns the roles that a member of this role can see, by weight.
    pub(super) fn allowed_roles(self) -> Value {
        let roles = Self::ALL.into_iter().filter(|role| *role <= self).zip(1..);
        roles.map(|(role, weight)| role.described(weight, None)).collect()
    }

    fn described(self, weight: u8, permissions: Option<Value>) -> Value {
        let (name, description) = self.display();
        described(weight, description, name, self.id(), permissions)
    }

    fn definition(self) -> Value {
        self.described(0, Some(json!([permission(self.actions(), "exists @Resource.Root")])))
    }
}

/// Ids of the roles for files, which a space does not take.
const FILE_VIEWER: &str = "b1e2218d-eef8-4d4c-b82d-0f1a1b48f3b5";
const FOLDER_EDITOR: &str = "fb6c3e19-e378-47e5-b277-9732f9de6e21";
const FILE_EDITOR: &str = "2d00ce52-1fc2-4dbc-8b95-a73b73395f5a";
const UPLOADER: &str = "1c996275-f1c9-4e71-abdf-a42f6495e960";

/// Returns `true` if a role has this id, for spaces or for files.
pub(super) fn is_known(id: &str) -> bool {
    SpaceRole::of_id(id).is_some() || [FILE_VIEWER, FOLDER_EDITOR, FILE_EDITOR, UPLOADER].contains(&id)
}

/// Returns the definitions of all roles.
pub(super) fn definitions() -> Vec<Value> {
    let viewer = "path/read quota/read content/read children/read deleted/read basic/read";
    let folder = "children/create standard/delete path/read quota/read content/read upload/create children/read \
                  deleted/read path/update deleted/update basic/read";
    let file = "path/read quota/read content/read upload/create children/read deleted/read deleted/update basic/read";
    let upload = "children/create path/read content/read upload/create children/read path/update basic/read";
    let federated = |kind: &str| format!("exists @Resource.{kind} && @Subject.UserType==\"Federated\"");
    let of = |kind: &str| format!("exists @Resource.{kind}");
    let four = json!([
        permission(viewer, &of("File")),
        permission(viewer, &of("Folder")),
        permission(viewer, &federated("File")),
        permission(viewer, &federated("Folder")),
    ]);
    let two =
        |actions: &str, kind: &str| json!([permission(actions, &of(kind)), permission(actions, &federated(kind))]);
    let editor = "View, download, upload, edit, add and delete.";
    vec![
        described(0, "View and download.", "Can view", FILE_VIEWER, Some(four)),
        SpaceRole::Viewer.definition(),
        described(0, editor, "Can edit", FOLDER_EDITOR, Some(two(folder, "Folder"))),
        SpaceRole::Editor.definition(),
        described(0, "View, download and edit.", "Can edit", FILE_EDITOR, Some(two(file, "File"))),
        described(
            0,
            "View, download and upload.",
            "Can upload",
            UPLOADER,
            Some(json!([permission(upload, &of("Folder"))])),
        ),
        SpaceRole::Manager.definition(),
    ]
}

fn described(weight: u8, description: &str, name: &str, id: &str, permissions: Option<Value>) -> Value {
    let mut role = json!({ "@libre.graph.weight": weight, "description": description, "displayName": name, "id": id });
    if let (Some(permissions), Some(role)) = (permissions, role.as_object_mut()) {
        role.insert("rolePermissions".to_owned(), permissions);
    }
    role
}

fn permission(actions: &str, condition: &str) -> Value {
    json!({ "allowedResourceActions": expanded(actions), "condition": condition })
}

fn expanded(actions: &str) -> Value {
    actions.split_whitespace().map(|action| format!("libre.graph/driveItem/{action}")).collect()
}

/// Role of an account in the whole system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppRole {
    /// Everything.
    Admin,
    /// All spaces, but neither people nor groups.
    SpaceAdmin,
    /// Its own files and what is shared with it.
    User,
    /// What is shared with it.
    Guest,
}

impl AppRole {
    pub(super) const ALL: [Self; 4] = [Self::Admin, Self::SpaceAdmin, Self::User, Self::Guest];

    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Admin => "71881883-1768-46bd-a24d-a356a2afdf7f",
            Self::SpaceAdmin => "2aadd357-682c-406b-8874-293091995fdd",
            Self::User => "d7beeea8-8ff4-406b-8fb6-ab2dd81e6b11",
            Self::Guest => "38071a68-456a-4553-846a-fa67bf5596cc",
        }
    }

    pub(super) fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.id() == id)
    }

    fn display(self) -> &'static str {
        match self {
            Self::Admin => "Admin",
            Self::SpaceAdmin => "Space Admin",
            Self::User => "User",
            Self::Guest => "User Light",
        }
    }

    /// Returns `true` if the role may create spaces, see all of them, and set quotas.
    pub(super) fn rules_spaces(self) -> bool {
        matches!(self, Self::Admin | Self::SpaceAdmin)
    }

    /// Returns the roles as the application lists them.
    pub(super) fn listed() -> Value {
        Self::ALL.into_iter().map(|role| json!({ "displayName": role.display(), "id": role.id() })).collect()
    }
}
