//! The check of an installation: reachable, known, and with the rights that this client needs.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Authentik, answer::entry, list::List, release::Release};
use crate::{
    connectors::{ConnectorError, ConnectorResult, SystemReport},
    context::RequestContext,
    outbound::Request,
};

/// Rights that this client needs: application and permission in Authentik, and what is missing without it.
const RIGHTS: &[(&str, &str, &str)] = &[
    ("authentik_core", "view_group", "see groups"),
    ("authentik_core", "add_group", "create groups"),
    ("authentik_core", "change_group", "rename groups"),
    ("authentik_core", "delete_group", "delete groups"),
    ("authentik_core", "add_user_to_group", "add people to groups"),
    ("authentik_core", "remove_user_from_group", "remove people from groups"),
    ("authentik_core", "view_user", "see people"),
    ("authentik_core", "view_application", "see applications"),
    ("authentik_core", "add_application", "create applications"),
    ("authentik_core", "change_application", "change applications"),
    ("authentik_core", "delete_application", "delete applications"),
    ("authentik_providers_oauth2", "view_oauth2provider", "see providers"),
    ("authentik_providers_oauth2", "add_oauth2provider", "create providers"),
    ("authentik_providers_oauth2", "change_oauth2provider", "change providers"),
    ("authentik_providers_oauth2", "delete_oauth2provider", "delete providers"),
    ("authentik_providers_oauth2", "view_scopemapping", "see scope mappings"),
    ("authentik_policies", "view_policybinding", "see policy bindings"),
    ("authentik_policies", "add_policybinding", "create policy bindings"),
    ("authentik_policies", "change_policybinding", "change policy bindings"),
    ("authentik_brands", "view_brand", "see brands"),
    ("authentik_brands", "add_brand", "create brands"),
    ("authentik_brands", "change_brand", "change brands"),
    ("authentik_brands", "delete_brand", "delete brands"),
    ("authentik_flows", "view_flow", "see flows"),
    ("authentik_crypto", "view_certificatekeypair", "see key pairs"),
];

/// Rights that are needed where the secret of a provider is an object of its own.
const SECRET_RIGHTS: &[(&str, &str, &str)] = &[
    ("authentik_secrets", "view_secret", "see secrets"),
    ("authentik_secrets", "add_secret", "create secrets"),
    ("authentik_secrets", "delete_secret", "delete secrets"),
    ("authentik_secrets", "view_secret_value", "give providers their secrets"),
];

#[derive(Deserialize)]
struct Session {
    user: SelfObject,
}

#[derive(Deserialize)]
struct SelfObject {
    is_superuser: bool,
    roles: Vec<Role>,
}

#[derive(Deserialize)]
struct Role {
    pk: String,
}

#[derive(Deserialize)]
struct Permission {
    app_label: String,
    codename: String,
}

impl Authentik {
    pub(super) async fn report(&self, context: &RequestContext) -> ConnectorResult<SystemReport> {
        let release = self.release(context).await?;
        let request = Request::get("/api/v3/core/users/me/");
        let Some(Session { user }) = self.read(context, "the credential's own account", &request).await? else {
            let why = "Authentik does not tell whose the credential is".to_owned();
            return Err(ConnectorError::Incompatible { version: Some(release.to_string()), why });
        };
        let missing_rights =
            if user.is_superuser { Vec::new() } else { self.missing(context, &release, &user).await? };
        Ok(SystemReport { version: Some(format!("Authentik {release}")), missing_rights })
    }

    async fn missing(
        &self,
        context: &RequestContext,
        release: &Release,
        user: &SelfObject,
    ) -> ConnectorResult<Vec<String>> {
        let mut held = BTreeSet::new();
        for role in &user.roles {
            let request = Request::get("/api/v3/rbac/permissions/").query("role", role.pk.as_str());
            let permissions = self.entries(&List { context, what: "permissions", request }).await?;
            for value in &permissions {
                let Permission { app_label, codename } = entry(value, "a permission")?;
                held.insert((app_label, codename));
            }
        }
        let secret_rights = if release.has_secrets() { SECRET_RIGHTS } else { &[] };
        let missing = RIGHTS.iter().chain(secret_rights).filter(|(application, permission, _)| {
            !held.contains(&((*application).to_owned(), (*permission).to_owned()))
        });
        Ok(missing
            .map(|(application, permission, may)| format!("may not {may} (`{application}.{permission}`)"))
            .collect())
    }
}
