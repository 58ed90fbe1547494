//! Shapes of bodies and pages, for the OpenAPI document. What is accepted in detail, `domain::input` decides; a test holds
//! that both name the same fields.

use utoipa::ToSchema;

use crate::{
    clock::Timestamp,
    domain::{MembershipRole, UserRole, UserStatus},
    service::views::{AuditEventView, MembershipView, SubscriptionView, TenantView, UserView},
};

pub(crate) use crate::domain::{
    subscription::{CreateSubscriptionBody, UpdateSubscriptionBody},
    tenant::{CreateTenantBody, UpdateTenantBody},
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

/// A user to be created.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"authentikSubjectId": "0b7c", "email": "bea@example.eu", "name": "Bea Example"}))]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct CreateUserBody {
    /// Id of the issuer that knows this person; `default` without it.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$")]
    issuer_id: Option<String>,
    /// The person's subject at the issuer.
    #[schema(min_length = 1, max_length = 255)]
    authentik_subject_id: String,
    /// E-mail address.
    #[schema(min_length = 3, max_length = 254)]
    email: Option<String>,
    /// Name.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Informative role; `user` without it.
    role: Option<UserRole>,
    /// Whether the user administers the platform.
    platform_admin: Option<bool>,
    /// Whether the user may call at all; `active` without it.
    status: Option<UserStatus>,
}

/// Changes of a user.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Bea Beispiel", "role": "support"}))]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct UpdateUserBody {
    /// E-mail address.
    #[schema(min_length = 3, max_length = 254)]
    email: Option<String>,
    /// Name.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Informative role.
    #[schema(nullable = false)]
    role: Option<UserRole>,
    /// Whether the user administers the platform.
    #[schema(nullable = false)]
    platform_admin: Option<bool>,
    /// Whether the user may call at all.
    #[schema(nullable = false)]
    status: Option<UserStatus>,
    /// Tokens issued before this are refused; an issuer's clock may be ahead by 30 seconds.
    #[schema(value_type = Option<String>, format = DateTime)]
    tokens_valid_after: Option<Timestamp>,
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
