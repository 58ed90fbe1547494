//! Shapes of bodies and pages, for the OpenAPI document. What is accepted in detail, `domain::input` decides; a test holds
//! that both name the same fields.

use utoipa::ToSchema;

use crate::service::views::{AuditEventView, MembershipView, SubscriptionView, TenantView, UserView};

pub(crate) use crate::domain::{
    membership::{GrantMembershipBody, UpdateMembershipBody},
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
