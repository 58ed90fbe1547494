//! Shapes of bodies and pages, for the OpenAPI document. What is accepted in detail, `domain::input` decides; a test holds
//! that both name the same fields.

use utoipa::ToSchema;

use crate::{
    domain::MembershipRole,
    service::views::{AuditEventView, MembershipView, SubscriptionView, TenantView, UserView},
};

pub(crate) use crate::domain::{
    subscription::{CreateSubscriptionBody, UpdateSubscriptionBody},
    tenant::{CreateTenantBody, UpdateTenantBody},
    user::{CreateUserBody, UpdateUserBody},
};

macro_rules! pages {
    ($($name:ident of $view:ty;)+) => {$(
        /// A page of a list.
        #[derive(ToSchema)]
        #[serde(rename_all = "camelCase")]
        #[allow(dead_code, reason = "describes what is sent")]
        pub(crate) struct $name {
            /// The items.
            items: Vec<$view>,
            /// Where the next page begins; `null` on the last one.
            #[schema(required)]
            next_cursor: Option<String>,
        }
    )+};
}

pages! {
    TenantPage of TenantView;
    UserPage of UserView;
    MembershipPage of MembershipView;
    SubscriptionPage of SubscriptionView;
    AuditPage of AuditEventView;
}

/// A membership to be granted.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct GrantMembershipBody {
    /// The person.
    #[schema(pattern = "^[0-9a-fA-F]{24}$")]
    user_id: String,
    /// The role; `member` without it.
    role: Option<MembershipRole>,
}

/// Changes of a membership.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"role": "admin"}))]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct UpdateMembershipBody {
    /// The role.
    #[schema(nullable = false)]
    role: Option<MembershipRole>,
}
