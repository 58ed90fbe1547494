//! The routes, their actions, and calls of them.

use std::sync::LazyLock;

use dezky::{
    authz::{Action, TargetFacts},
    domain::MembershipRole,
    http::{Access, Operation, operations::OPERATIONS},
};
use serde_json::{Value, json};

use crate::estate::World;

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
    /// Gives everybody the same answer.
    Public,
    /// Answers the bearer of any valid token, about themselves.
    Own,
    /// Of the platform: no tenant is involved.
    Platform(Action),
    /// Concerns a tenant.
    Tenant(Action),
}

/// Returns the routes of an operation, one for each action that it may perform.
fn of(operation: &'static Operation) -> Vec<Route> {
    let does = |action: &Action| {
        if action.concerns_tenant() { Does::Tenant(*action) } else { Does::Platform(*action) }
    };
    let all = match operation.access {
        Access::Public => vec![Does::Public],
        Access::Own => vec![Does::Own],
        Access::May(actions) => actions.iter().map(does).collect(),
    };
    let route = |does| Route { method: operation.method.as_str(), path: operation.path, does };
    all.into_iter().map(route).collect()
}

/// All declared operations, but for those that a secret decides on and no role: `core/tests/invitations` holds them.
pub(crate) static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let by_secret = ["acceptInvitation", "previewInvitation"];
    OPERATIONS.iter().filter(|operation| !by_secret.contains(&operation.id)).flat_map(of).collect()
});

/// The names used in a call.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// Id or slug.
    pub(crate) tenant: String,
    /// For bodies, which do not accept slugs.
    pub(crate) tenant_id: String,
    pub(crate) subscription: String,
    pub(crate) user: String,
    pub(crate) former: String,
    pub(crate) mailbox: String,
    pub(crate) password: String,
    pub(crate) invitation: String,
    pub(crate) api_key: String,
    /// An endpoint for events.
    pub(crate) endpoint: String,
    /// A verified domain of the tenant.
    pub(crate) domain: String,
    /// A person and a group of the tenant's own identity provider.
    pub(crate) pushed: Pushed,
    /// Those of the platform's.
    pub(crate) pushed_for_platform: Pushed,
}

/// A person and a group of a directory.
#[derive(Debug, Clone)]
pub(crate) struct Pushed {
    pub(crate) person: String,
    pub(crate) user_name: String,
    pub(crate) group: String,
}

/// Returns the verified domain of a tenant.
pub(crate) fn domain(slug: &str) -> String {
    format!("{slug}.eu")
}

/// Returns the domain of a tenant that has no mailboxes, by the one that has.
pub(crate) fn spare(domain: &str) -> String {
    format!("spare.{domain}")
}

impl World {
    pub(crate) fn names(&self) -> Names {
        Names {
            tenant: self.slug.clone(),
            tenant_id: self.tenant.to_string(),
            subscription: self.subscription.to_string(),
            user: self.target.to_string(),
            former: self.revoked.to_string(),
            mailbox: self.mailbox.to_string(),
            password: self.password.to_string(),
            invitation: self.invitation.to_string(),
            api_key: self.api_key.to_string(),
            endpoint: self.endpoint.to_string(),
            domain: domain(&self.slug),
            pushed: self.pushed.clone(),
            pushed_for_platform: self.pushed_for_platform.clone(),
        }
    }
}

impl Route {
    pub(crate) fn is_read(&self) -> bool {
        self.method == "GET"
    }

    /// Returns the directory of a route of SCIM, and what was pushed to it.
    pub(crate) fn directory<'a>(&self, names: &'a Names) -> (&'a str, &'a Pushed) {
        match self.does {
            Does::Tenant(_) => (&names.tenant, &names.pushed),
            _ => ("default", &names.pushed_for_platform),
        }
    }

    pub(crate) fn path(&self, names: &Names) -> String {
        if self.path.starts_with("/scim/") {
            let (directory, pushed) = self.directory(names);
            let path = self.path.replace("{directory}", directory).replace("{user}", &pushed.person);
            let path = path.replace("{group}", &pushed.group).replace("{type}", "User");
            return path.replace("{schema}", dezky::scim::GROUP.urn);
        }
        let id = match self.path {
            path if path.starts_with("/users") => &names.user,
            path if path.contains("/mailboxes/") => &names.mailbox,
            path if path.contains("/invitations/") => &names.invitation,
            path if path.starts_with("/api-keys") => &names.api_key,
            path if path.starts_with("/event-endpoints/") => &names.endpoint,
            _ => &names.subscription,
        };
        let path = self.path.replace("{tenant}", &names.tenant).replace("{user}", &names.user).replace("{id}", id);
        let path = path.replace("{system}", "chat").replace("{domain}", &spare(&names.domain));
        let path = path.replace("{password}", &names.password);
        let of_tenant = matches!(self.does, Does::Tenant(Action::ReadTenantAudit))
            || ["/api-keys", "/event-endpoints"].contains(&self.path) && self.is_read();
        if of_tenant && matches!(self.does, Does::Tenant(_)) { format!("{path}?tenant={}", names.tenant) } else { path }
    }

    pub(crate) fn body(&self, names: &Names) -> Option<Value> {
        let unique = || dezky::domain::ObjectId::generate().to_string();
        Some(match (self.method, self.path) {
            ("POST", "/users") => json!({"authentikSubjectId": unique()}),
            ("POST", "/tenants") => json!({"slug": format!("new-{}", unique()), "name": "New"}),
            ("POST", "/tenants/{tenant}/members") => json!({"userId": names.former}),
            ("POST", "/subscriptions") => json!({"tenantId": names.tenant_id, "plan": "starter"}),
            ("PATCH", "/tenants/{tenant}/members/{user}") => json!({"role": "admin"}),
            ("POST", "/tenants/{tenant}/mailboxes") => {
                json!({"userId": names.user, "localPart": unique(), "domain": names.domain})
            }
            ("POST", "/tenants/{tenant}/invitations") => json!({"email": format!("{}@example.eu", unique())}),
            ("POST", "/tenants/{tenant}/invitations/bulk") => {
                json!({"invitations": [{"email": format!("{}@example.eu", unique())}]})
            }
            ("POST", "/api-keys") => match self.does {
                Does::Tenant(_) => {
                    json!({"tenantId": names.tenant_id, "name": "Report", "scopes": ["membership.read"]})
                }
                _ => json!({"name": "Report", "scopes": ["tenant.list"]}),
            },
            ("POST", path) if path.starts_with("/access/v1/") => {
                let subject = json!({"type": "user", "id": names.user});
                let (action, resource) =
                    (json!({"name": "tenant.read"}), json!({"type": "tenant", "id": names.tenant}));
                match path {
                    "/access/v1/evaluations" => json!({
                        "subject": subject, "action": action, "evaluations": [{"resource": resource}],
                    }),
                    "/access/v1/search/action" => json!({"subject": subject, "resource": resource}),
                    _ => json!({"subject": subject, "action": action, "resource": resource}),
                }
            }
            ("POST", "/api-keys/{id}/rotate") => json!({}),
            ("POST", "/event-endpoints") => match self.does {
                Does::Tenant(_) => json!({"tenantId": names.tenant_id, "url": "https://hooks.example/"}),
                _ => json!({"url": "https://hooks.example/"}),
            },
            ("POST" | "PUT", path)
                if path.starts_with("/scim/") && path.contains("/Users") && !path.ends_with(".search") =>
            {
                let (_, pushed) = self.directory(names);
                let user_name = if self.method == "PUT" { pushed.user_name.clone() } else { unique() };
                json!({"userName": user_name, "displayName": "New name"})
            }
            ("POST" | "PUT", path) if path.starts_with("/scim/") && !path.ends_with(".search") => {
                json!({"displayName": unique()})
            }
            ("POST", path) if path.starts_with("/scim/") => json!({"count": 1}),
            ("PATCH", path) if path.starts_with("/scim/") => {
                json!({"Operations": [{"op": "replace", "path": "displayName", "value": unique()}]})
            }
            ("PATCH", "/event-endpoints/{id}") => json!({"types": ["tenant.*"]}),
            ("POST", "/event-endpoints/{id}/replay") => json!({"since": "2020-01-01T00:00:00Z"}),
            ("POST", "/tenants/{tenant}/mailboxes/{id}/app-passwords") => json!({"name": "Phone"}),
            ("POST", "/tenants/{tenant}/domains") => json!({"name": format!("{}.example", unique())}),
            ("POST", "/tenants/{tenant}/billing/checkout") => json!({"plan": "starter"}),
            ("POST", "/subscriptions/{id}/billing") => json!({"price": "price_1"}),
            ("PATCH", "/tenants/{tenant}/mailboxes/{id}") => json!({"displayName": "New name"}),
            ("PATCH", "/subscriptions/{id}") => json!({"seats": 9}),
            ("PATCH", _) => json!({"name": "New name"}),
            _ => return None,
        })
    }

    /// Returns query strings that filter the answer, with names in braces.
    pub(crate) fn filters(&self) -> &'static [&'static str] {
        match (self.method, self.path) {
            ("GET", "/users/me/tenants" | "/tenants") => &[
                "status=active",
                "status=suspended",
                "status=deleted",
                "plan=starter",
                "search=ACME",
                "search={tenant}",
                "plan=starter&search={tenant}",
            ],
            ("GET", "/users") => &["status=disabled", "search=member", "email=member", "search={tenant}"],
            ("GET", "/tenants/{tenant}/members") => {
                &["role=owner", "role=member", "search=target", "search={tenant}", "role=admin&search=a"]
            }
            ("GET", "/tenants/{tenant}/mailboxes") => &["userId={user}", "userId={former}"],
            ("GET", "/subscriptions") => {
                &["tenantId={tenantId}", "status=active", "plan=starter", "tenantId={tenantId}&status=active"]
            }
            ("GET", "/events") => &["types=tenant.*", "types=tenant.update,membership.grant"],
            ("GET", "/event-endpoints/{id}/deliveries") => &["status=failed", "status=waiting"],
            ("GET", "/audit") => &[
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

    /// Returns the path with one of its filters, if it has any.
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

    /// Returns `true` if it answers in pages.
    pub(crate) fn is_list(&self) -> bool {
        const LISTS: [&str; 16] = [
            "/api-keys",
            "/tenants/{tenant}/domains",
            "/users/me/tenants",
            "/users",
            "/tenants",
            "/tenants/{tenant}/members",
            "/tenants/{tenant}/invitations",
            "/tenants/{tenant}/mailboxes",
            "/tenants/{tenant}/mailboxes/{id}/app-passwords",
            "/subscriptions",
            "/audit",
            "/events",
            "/event-endpoints",
            "/event-endpoints/{id}/deliveries",
            "/tenants/{tenant}/export",
            "/users/{id}/export",
        ];
        self.is_read() && LISTS.contains(&self.path)
    }

    /// Returns the membership that the call changes.
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
