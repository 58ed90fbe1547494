//! Schemas of bodies and pages for the OpenAPI document.
//!
//! `domain::input` decides what is accepted in detail; a test checks that both name the same fields.

use utoipa::ToSchema;

use crate::{
    domain::{AppPasswordView, MailboxView, TenantDomainView},
    service::export::ExportRecord,
    service::views::{AuditEventView, MembershipView, SubscriptionView, TenantView, UserView},
};

pub(crate) use crate::domain::{
    app_password::CreateAppPasswordBody,
    mailbox::{CreateMailboxBody, UpdateMailboxBody},
    membership::{GrantMembershipBody, UpdateMembershipBody},
    subscription::{CreateSubscriptionBody, UpdateSubscriptionBody},
    tenant::{CreateTenantBody, UpdateTenantBody},
    tenant_domain::AddDomainBody,
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
}
