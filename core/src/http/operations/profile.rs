//! Operations below `/users/me`.

use crate::http::openapi::shape::Shape;
use crate::http::openapi::schemas::TenantPage;
use crate::http::routes::tenants;
use crate::service::views::ProfileView;

operations! {
    "/users/me" {
        get readProfile = profile::read {
            summary: "The caller's profile, tenants and subscriptions; brings memberships in line with the token's groups",
            access: Own, sdk: Some("me"), commands: &[],
            shape: Shape::document::<ProfileView>(),
        }
    }
    "/users/me/tenants" {
        get listOwnTenants = profile::tenants {
            summary: "The caller's own tenants by name",
            access: Own, sdk: Some("myTenants.list"), commands: &[],
            shape: Shape::page::<TenantPage>().asked_by::<tenants::Query>().in_pages(),
        }
    }
}
