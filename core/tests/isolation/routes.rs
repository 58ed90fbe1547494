//! The routes, what each does, and how it is called.

use dezky::{
    authz::{Action, TargetFacts},
    domain::MembershipRole,
};
use serde_json::{Value, json};

use crate::world::World;

/// A route of the API.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// As in the OpenAPI document.
    pub(crate) path: &'static str,
    pub(crate) does: Does,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Does {
    /// Answers everybody alike.
    Public,
    /// Answers whoever has a good token, about themselves.
    Own,
    /// The platform's own: no tenant is involved.
    Platform(Action),
    /// Concerns the tenant.
    Tenant(Action),
}

const fn route(method: &'static str, path: &'static str, does: Does) -> Route {
    Route { method, path, does }
}

pub(crate) const ROUTES: &[Route] = &[
    route("get", "/launcher", Does::Public),
    route("post", "/oidc/backchannel-logout", Does::Public),
    route("get", "/users/me", Does::Own),
    route("get", "/users/me/tenants", Does::Own),
    route("get", "/users", Does::Platform(Action::ListUsers)),
    route("post", "/users", Does::Platform(Action::CreateUser)),
    route("get", "/users/{id}", Does::Platform(Action::ReadUser)),
    route("patch", "/users/{id}", Does::Platform(Action::UpdateUser)),
    route("delete", "/users/{id}", Does::Platform(Action::DeleteUser)),
    route("get", "/tenants", Does::Platform(Action::ListTenants)),
    route("post", "/tenants", Does::Platform(Action::CreateTenant)),
    route("get", "/tenants/{tenant}", Does::Tenant(Action::ReadTenant)),
    route("patch", "/tenants/{tenant}", Does::Tenant(Action::UpdateTenant)),
    route("delete", "/tenants/{tenant}", Does::Tenant(Action::DeleteTenant)),
    route("post", "/tenants/{tenant}/suspend", Does::Tenant(Action::SuspendTenant)),
    route("post", "/tenants/{tenant}/restore", Does::Tenant(Action::RestoreTenant)),
    route("get", "/tenants/{tenant}/members", Does::Tenant(Action::ReadMembers)),
    route("post", "/tenants/{tenant}/members", Does::Tenant(Action::GrantMembership)),
    route("get", "/tenants/{tenant}/members/{user}", Does::Tenant(Action::ReadMembers)),
    route("patch", "/tenants/{tenant}/members/{user}", Does::Tenant(Action::UpdateMembership)),
    route("delete", "/tenants/{tenant}/members/{user}", Does::Tenant(Action::RevokeMembership)),
    route("get", "/subscriptions", Does::Platform(Action::ListSubscriptions)),
    route("post", "/subscriptions", Does::Tenant(Action::CreateSubscription)),
    route("get", "/subscriptions/{id}", Does::Tenant(Action::ReadSubscription)),
    route("patch", "/subscriptions/{id}", Does::Tenant(Action::UpdateSubscription)),
    route("delete", "/subscriptions/{id}", Does::Tenant(Action::DeleteSubscription)),
    route("get", "/audit", Does::Tenant(Action::ReadTenantAudit)),
];

/// The ids that a call names.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// Id or slug.
    pub(crate) tenant: String,
    /// For bodies, which take no slug.
    pub(crate) tenant_id: String,
    pub(crate) subscription: String,
    pub(crate) user: String,
    pub(crate) former: String,
}

impl World {
    pub(crate) fn names(&self) -> Names {
        Names {
            tenant: self.slug.clone(),
            tenant_id: self.tenant.to_string(),
            subscription: self.subscription.to_string(),
            user: self.target.to_string(),
            former: self.revoked.to_string(),
        }
    }
}

impl Route {
    pub(crate) fn is_read(&self) -> bool {
        self.method == "get"
    }

    pub(crate) fn path(&self, names: &Names) -> String {
        let id = if self.path.starts_with("/users") { &names.user } else { &names.subscription };
        let path = self.path.replace("{tenant}", &names.tenant).replace("{user}", &names.user).replace("{id}", id);
        if self.path == "/audit" { format!("{path}?tenant={}", names.tenant) } else { path }
    }

    pub(crate) fn body(&self, names: &Names) -> Option<Value> {
        let unique = || dezky::domain::ObjectId::generate().to_string();
        Some(match (self.method, self.path) {
            ("post", "/users") => json!({"authentikSubjectId": unique()}),
            ("post", "/tenants") => json!({"slug": format!("new-{}", unique()), "name": "New"}),
            ("post", "/tenants/{tenant}/members") => json!({"userId": names.former}),
            ("post", "/subscriptions") => json!({"tenantId": names.tenant_id, "plan": "starter"}),
            ("patch", "/tenants/{tenant}/members/{user}") => json!({"role": "admin"}),
            ("patch", "/subscriptions/{id}") => json!({"seats": 9}),
            ("patch", _) => json!({"name": "New name"}),
            _ => return None,
        })
    }

    /// Query strings with which it is asked for less; in braces stand names.
    pub(crate) fn filters(&self) -> &'static [&'static str] {
        match (self.method, self.path) {
            ("get", "/users/me/tenants" | "/tenants") => &[
                "status=active",
                "status=suspended",
                "status=deleted",
                "plan=starter",
                "search=ACME",
                "search={tenant}",
                "plan=starter&search={tenant}",
            ],
            ("get", "/users") => &["status=disabled", "search=member", "email=member", "search={tenant}"],
            ("get", "/tenants/{tenant}/members") => {
                &["role=owner", "role=member", "search=target", "search={tenant}", "role=admin&search=a"]
            }
            ("get", "/subscriptions") => {
                &["tenantId={tenantId}", "status=active", "plan=starter", "tenantId={tenantId}&status=active"]
            }
            ("get", "/audit") => &[
                "userId={user}",
                "userId={former}&action=membership.revoke",
                "action=membership.grant",
                "from=2020-01-01T00:00:00Z",
                "until=2020-01-01T00:00:00Z",
                "from=2020-01-01T00:00:00Z&userId={user}",
            ],
            _ => &[],
        }
    }

    /// The path with one of its filters, if it has any.
    pub(crate) fn filtered(&self, names: &Names, choice: Option<usize>) -> String {
        let path = self.path(names);
        let Some(filter) = choice.and_then(|choice| self.filters().get(choice % self.filters().len().max(1))) else {
            return path;
        };
        let filter = filter
            .replace("{tenant}", &names.tenant)
            .replace("{tenantId}", &names.tenant_id)
            .replace("{user}", &names.user)
            .replace("{former}", &names.former);
        format!("{path}{}{filter}", if path.contains('?') { '&' } else { '?' })
    }

    /// Whether it answers in pages.
    pub(crate) fn is_list(&self) -> bool {
        const LISTS: [&str; 6] =
            ["/users/me/tenants", "/users", "/tenants", "/tenants/{tenant}/members", "/subscriptions", "/audit"];
        self.is_read() && LISTS.contains(&self.path)
    }

    /// The membership that the call changes.
    pub(crate) fn target(&self) -> TargetFacts {
        let (current, wanted) = match self.does {
            Does::Tenant(Action::GrantMembership) => (None, Some(MembershipRole::Member)),
            Does::Tenant(Action::UpdateMembership) => (Some(MembershipRole::Member), Some(MembershipRole::Admin)),
            Does::Tenant(Action::RevokeMembership) => (Some(MembershipRole::Member), None),
            _ => (None, None),
        };
        TargetFacts { current, wanted, last_owner: false }
    }
}
