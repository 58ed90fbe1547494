//! Diagnosis: is it the right system, in a known version, and may the account do what is needed?

use http::StatusCode;
use serde::Deserialize;

use super::{
    OcisFiles,
    drive::EDITOR,
    exchange::{incompatible, read, required},
};
use crate::{
    connectors::{ConnectorError, ConnectorResult, SystemReport},
    context::RequestContext,
    outbound::Request,
};

/// Version that this client knows.
const MAJOR: &str = "7";

/// Name by which the system calls itself.
const PRODUCT: &str = "Infinite Scale";

#[derive(Debug, Deserialize)]
struct Status {
    product: Option<String>,
    #[serde(rename = "productversion")]
    version: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Me {
    id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RoleDefinition {
    id: Option<String>,
}

impl OcisFiles {
    pub(super) async fn diagnose(&self, context: &RequestContext) -> ConnectorResult<SystemReport> {
        let version = self.version(context).await?;
        // Ready is who answers this, and not who answers `/readyz`, which was an error while everything worked.
        self.read_own_id(context).await?;
        self.find_editor_role(context, &version).await?;
        let mut missing_rights = Vec::new();
        self.see_own_space(context).await?;
        if !self.may_create_spaces(context).await? {
            let right = "creating spaces, seeing all of them, setting quotas and purging: give the account the role Space Admin";
            missing_rights.push(right.to_owned());
        }
        Ok(SystemReport { version: Some(format!("ownCloud {PRODUCT} {version}")), missing_rights })
    }

    /// Returns the id of the account, read once.
    pub(super) async fn own_id(&self, context: &RequestContext) -> ConnectorResult<&str> {
        Ok(self.account.get_or_try_init(|| self.read_own_id(context)).await?)
    }

    async fn read_own_id(&self, context: &RequestContext) -> ConnectorResult<String> {
        let response = self.exchanges.send(context, &Request::get("/graph/v1.0/me")).await?;
        let me: Me = read(response, StatusCode::OK, "cannot read the account of the file system")?;
        required(me.id, "id")
    }

    async fn version(&self, context: &RequestContext) -> ConnectorResult<String> {
        let response = self.exchanges.send_plain(context, &Request::get("/status.php")).await?;
        let status: Status = read(response, StatusCode::OK, "cannot read the version of the file system")?;
        let product = required(status.product, "product")?;
        let version = required(status.version, "productversion")?;
        if product != PRODUCT {
            let why = format!("this client is for ownCloud {PRODUCT}, and the URL leads to another product");
            return Err(ConnectorError::Incompatible { version: Some(short(&version)), why });
        }
        if version.split('.').next() != Some(MAJOR) {
            let version = short(&version);
            let why = format!("this client is for {PRODUCT} {MAJOR}, and this is version `{version}`");
            return Err(ConnectorError::Incompatible { version: Some(version), why });
        }
        Ok(short(&version))
    }

    /// Looks for the role that tenants get.
    async fn find_editor_role(&self, context: &RequestContext, version: &str) -> ConnectorResult<()> {
        let request = Request::get("/graph/v1beta1/roleManagement/permissions/roleDefinitions");
        let response = self.exchanges.send(context, &request).await?;
        let roles: Vec<RoleDefinition> = read(response, StatusCode::OK, "cannot read the roles of the file system")?;
        if roles.iter().all(|role| role.id.is_none()) {
            return Err(incompatible("the roles of the file system lack `id`".to_owned()));
        }
        if roles.iter().any(|role| role.id.as_deref() == Some(EDITOR)) {
            return Ok(());
        }
        let why = format!("the file system has no role `{EDITOR}` (space editor): add it to `GRAPH_AVAILABLE_ROLES`");
        Err(ConnectorError::Incompatible { version: Some(version.to_owned()), why })
    }
}

/// Returns a text that a system tells, bounded and without control characters.
fn short(text: &str) -> String {
    text.chars().filter(|character| !character.is_control() && *character != '`').take(60).collect()
}
