//! Schemas of bodies and pages for the OpenAPI document.
//!
//! `domain::input` decides what is accepted in detail; a test checks that both name the same fields.

use utoipa::ToSchema;

use crate::{
    domain::{AppPasswordView, InvitationView, MailboxView, TenantDomainView},
    service::export::ExportRecord,
    service::views::{AuditEventView, MembershipView, SubscriptionView, TenantView, UserView},
};

pub(crate) use crate::domain::{
    app_password::CreateAppPasswordBody,
    invitation::CreateInvitationBody,
    mailbox::{CreateMailboxBody, UpdateMailboxBody},
    membership::{GrantMembershipBody, UpdateMembershipBody},
    subscription::{CreateSubscriptionBody, UpdateSubscriptionBody},
    tenant::{CreateTenantBody, UpdateTenantBody},
    tenant_domain::AddDomainBody,
    user::{CreateUserBody, UpdateUserBody},
};

/// People to be invited.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"invitations": [{"email": "anna@example.eu"}, {"email": "ben@example.eu", "role": "admin"}]}))]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct CreateInvitationsBody {
    /// The invitations, up to 200.
    #[schema(min_items = 1, max_items = 200)]
    invitations: Vec<CreateInvitationBody>,
}

/// The secret of an invitation.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct InvitationSecretBody {
    /// The part of the link after `#`.
    #[schema(min_length = 1, max_length = 128)]
    secret: String,
}

/// A plan to subscribe to, with its seats.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"plan": "team", "seats": 10}))]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct CheckoutBody {
    /// Name of the plan.
    #[schema(min_length = 1, max_length = 200)]
    plan: String,
    /// Id of its price; needed if it has several.
    #[schema(nullable = true, min_length = 1, max_length = 200)]
    price: Option<String>,
    /// Number of seats; those of the subscription or the plan without it.
    #[schema(nullable = true, minimum = 1, maximum = 1000000)]
    seats: Option<u32>,
}

/// The price to bill.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct BillBody {
    /// Id of the plan's price; needed if it has several.
    #[schema(nullable = true, min_length = 1, max_length = 200)]
    price: Option<String>,
}

/// An event of Stripe (<https://docs.stripe.com/api/events/object>). Other members are ignored.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct StripeEvent {
    /// Id of the event.
    #[schema(min_length = 1, max_length = 255)]
    id: String,
    /// `event`.
    object: String,
    /// Kind of the event.
    #[serde(rename = "type")]
    #[schema(min_length = 1, max_length = 255)]
    kind: String,
    /// `object`: what has changed.
    data: serde_json::Map<String, serde_json::Value>,
}

macro_rules! pages {
    ($($name:ident of $view:ty;)+) => {$(
        /// A page of a list.
        #[derive(ToSchema)]
        #[serde(rename_all = "camelCase")]
        #[allow(dead_code, reason = "describes what is sent")]
        pub(crate) struct $name {
            /// The items.
            items: Vec<$view>,
            /// Cursor of the next page; `null` on the last page.
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
    MailboxPage of MailboxView;
    AppPasswordPage of AppPasswordView;
    DomainPage of TenantDomainView;
    ExportPage of ExportRecord;
    InvitationPage of InvitationView;
}
