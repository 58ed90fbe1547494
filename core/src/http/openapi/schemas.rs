//! Schemas of bodies and pages for the OpenAPI document.
//!
//! `domain::input` decides what is accepted in detail; a test checks that both name the same fields.

use utoipa::ToSchema;

use crate::{
    domain::{
        ApiKeyView, AppPasswordView, EventDeliveryView, EventEndpointView, EventMessage, InvitationView, MailboxView,
        TenantDomainView,
    },
    service::export::ExportRecord,
    service::views::{AuditEventView, MembershipView, SubscriptionView, TenantView, UserView},
};

pub(crate) use crate::domain::{
    api_key::{CreateApiKeyBody, UpdateApiKeyBody},
    app_password::CreateAppPasswordBody,
    event_endpoint::{CreateEventEndpointBody, UpdateEventEndpointBody},
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

/// Deliveries that are to be made again: that of one event, or those with a status.
#[derive(ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({"status": "failed", "since": "2026-01-31T09:30:00.000Z"}))]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct ReplayBody {
    /// Id of the event.
    #[schema(nullable = true, pattern = "^[0-9a-fA-F]{24}$")]
    event_id: Option<String>,
    /// Status of the deliveries; `failed` without it and `eventId`.
    status: Option<crate::domain::DeliveryStatus>,
    /// Only deliveries of events since this time.
    #[schema(nullable = true, format = DateTime)]
    since: Option<String>,
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

/// A rotation of the secret of an API key.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct RotateApiKeyBody {
    /// Seconds for which the secret before stays accepted; a day without it.
    #[schema(nullable = true, minimum = 0, maximum = 2592000)]
    overlap_seconds: Option<u32>,
}

/// A subject or resource.
#[derive(ToSchema)]
#[schema(example = json!({"type": "tenant", "id": "dezky"}))]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct EntityReference {
    /// Its type: `user` for subjects; `tenant`, `user`, `subscription`, `mailbox`, `membership` or `platform` for resources.
    #[serde(rename = "type")]
    #[schema(min_length = 1, max_length = 512)]
    kind: String,
    /// Its id, or the slug of a tenant, or `ISSUER/SUBJECT` of a user.
    #[schema(min_length = 1, max_length = 512)]
    id: String,
}

/// A type that is searched for.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct EntityType {
    /// `user` for subjects, `tenant` for resources.
    #[serde(rename = "type")]
    #[schema(min_length = 1, max_length = 512)]
    kind: String,
}

/// An action.
#[derive(ToSchema)]
#[schema(example = json!({"name": "membership.grant", "properties": {"role": "owner"}}))]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct ActionReference {
    /// Its name in docs/authorization.md.
    #[schema(min_length = 1, max_length = 512)]
    name: String,
    /// `fields` that it sets, and the `role` that it gives.
    properties: Option<ActionProperties>,
}

/// Facts about an action that the policy distinguishes beside its name.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct ActionProperties {
    /// The fields that it sets.
    #[schema(nullable = true, max_items = 50)]
    fields: Option<Vec<String>>,
    /// The role that it gives.
    #[schema(nullable = true)]
    role: Option<crate::domain::MembershipRole>,
}

/// An evaluation that is asked for.
#[derive(ToSchema)]
#[schema(example = json!({
    "subject": {"type": "user", "id": "default/dev-member"}, "action": {"name": "tenant.read"}, "resource": {"type": "tenant", "id": "dezky"}
}))]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct EvaluationRequest {
    /// The subject.
    subject: EntityReference,
    /// The action.
    action: ActionReference,
    /// The resource.
    resource: EntityReference,
    /// Accepted, and not used.
    #[schema(value_type = Option<Object>, nullable = false)]
    context: Option<serde_json::Value>,
}

/// A page that is asked for.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct PageRequest {
    /// `next_token` of the page before.
    #[schema(nullable = true)]
    token: Option<String>,
    /// Number of candidates of a page; 50 without it, 200 at most.
    #[schema(nullable = true, minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// A search for actions.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct SearchActionsRequest {
    /// The subject.
    subject: EntityReference,
    /// The resource.
    resource: EntityReference,
}

/// A search for resources.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct SearchResourcesRequest {
    /// The subject.
    subject: EntityReference,
    /// The action.
    action: ActionReference,
    /// The type of resource.
    resource: EntityType,
    /// The page.
    page: Option<PageRequest>,
}

/// A search for subjects.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct SearchSubjectsRequest {
    /// The type of subject.
    subject: EntityType,
    /// The action.
    action: ActionReference,
    /// The resource.
    resource: EntityReference,
    /// The page.
    page: Option<PageRequest>,
}

/// Several evaluations that are asked for. Members outside of the list are defaults of those within.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct EvaluationsRequest {
    /// The subject of those without one.
    #[schema(nullable = false)]
    subject: Option<EntityReference>,
    /// The action of those without one.
    #[schema(nullable = false)]
    action: Option<ActionReference>,
    /// The resource of those without one.
    #[schema(nullable = false)]
    resource: Option<EntityReference>,
    /// The evaluations, up to 200; without them, the members outside are one.
    #[schema(nullable = false, max_items = 200, value_type = Option<Vec<Object>>)]
    evaluations: Option<Vec<serde_json::Value>>,
    /// `evaluations_semantic`.
    options: Option<EvaluationsOptions>,
}

/// Options of several evaluations.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct EvaluationsOptions {
    /// The point at which they end.
    evaluations_semantic: Option<crate::service::evaluations::EvaluationsSemantic>,
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
    ApiKeyPage of ApiKeyView;
    EventPage of EventMessage;
    EventEndpointPage of EventEndpointView;
    EventDeliveryPage of EventDeliveryView;
}
