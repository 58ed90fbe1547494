//! The use cases by resource, under the names of the packages for Node and Python.
//!
//! Errors are those of the use cases in [`crate::service`].

use super::acting::Acting;
use crate::{
    domain::{
        AddDomain, ApiKeyId, ApiKeyView, AppPasswordId, AppPasswordView, CreateApiKey, CreateAppPassword,
        CreateEventEndpoint, CreateMailbox, CreateSubscription, CreateTenant, CreateUser, EventDeliveryView,
        EventEndpointId, EventEndpointView, EventMessage, GrantMembership, MailboxId, MailboxView, SubscriptionId,
        TenantDomainView, UpdateApiKey, UpdateEventEndpoint, UpdateMailbox, UpdateMembership, UpdateSubscription,
        UpdateTenant, UpdateUser, UserId,
    },
    error::Result,
    service::{
        self, ListRequest, Page,
        access::TenantReference,
        api_keys::{ApiKeyFilter, RotateSecret},
        audit::AuditFilter,
        billing::{BillingLink, Checkout},
        entitlements::{EntitlementsView, PlansView},
        evaluations::{Evaluation, FoundActions, FoundThings, Question, Search, Several},
        event_endpoints::{DeliveryFilter, Replay, Replayed},
        events::EventFilter,
        export::ExportRecord,
        mailboxes::MailboxFilter,
        members::MemberFilter,
        subscriptions::SubscriptionFilter,
        tenants::TenantFilter,
        users::UserFilter,
        views::{AuditEventView, AuditHeadView, MembershipView, SubscriptionView, TenantView, UserView},
        workspaces::WorkspaceView,
    },
};

/// Declares the use cases of a resource, each of which makes a new call.
macro_rules! resource {
    (
        $(#[$what:meta])* $name:ident {
            $($(#[$does:meta])* $method:ident = $use_case:ident($($argument:ident: $kind:ty),*) -> $result:ty $(, $part:ident)?;)*
        }
    ) => {
        $(#[$what])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name<'a>(pub(super) &'a Acting);

        impl $name<'_> {
            $(
                $(#[$does])*
                ///
                /// # Errors
                /// As the use case of that name.
                pub async fn $method(&self, $($argument: $kind),*) -> Result<$result> {
                    let call = self.0.call_of(stringify!($use_case), &($(&$argument,)*));
                    self.0.service.$use_case(&call, $($argument),*).await$(.map(|answer| answer.$part))?
                }
            )*
        }
    };
}

resource! {
    /// The caller's own tenants.
    MyTenants {
        /// Lists the caller's own tenants, even if the caller may see all.
        list = list_my_tenants(filter: &TenantFilter, request: &ListRequest) -> Page<TenantView>;
    }
}

resource! {
    /// Tenants: the caller's, or all for the platform.
    Tenants {
        /// Lists tenants.
        list = list_tenants(filter: &TenantFilter, request: &ListRequest) -> Page<TenantView>;
        /// Reads a tenant.
        get = read_tenant(tenant: &TenantReference) -> TenantView;
        /// Creates a tenant.
        create = create_tenant(input: CreateTenant) -> TenantView, value;
        /// Changes a tenant.
        update = update_tenant(tenant: &TenantReference, input: UpdateTenant) -> TenantView;
        /// Suspends a tenant.
        suspend = suspend_tenant(tenant: &TenantReference) -> TenantView, value;
        /// Restores a suspended tenant, or undoes the deletion of one.
        restore = restore_tenant(tenant: &TenantReference) -> TenantView, value;
        /// Deletes a tenant.
        delete = delete_tenant(tenant: &TenantReference) -> ();
        /// Exports everything about a tenant.
        export = export_tenant(tenant: &TenantReference, request: &ListRequest) -> Page<ExportRecord>;
    }
}

resource! {
    /// Members of a tenant.
    Members {
        /// Lists the members of a tenant.
        list = list_members(tenant: &TenantReference, filter: &MemberFilter, request: &ListRequest) -> Page<MembershipView>;
        /// Reads a member.
        get = read_member(tenant: &TenantReference, user: UserId) -> MembershipView;
        /// Grants a membership.
        grant = grant_membership(tenant: &TenantReference, input: GrantMembership) -> MembershipView, value;
        /// Changes the role of a member.
        update = update_membership(tenant: &TenantReference, user: UserId, input: UpdateMembership) -> MembershipView;
        /// Revokes a membership.
        revoke = revoke_membership(tenant: &TenantReference, user: UserId) -> ();
    }
}

resource! {
    /// Entitlements of tenants.
    Entitlements {
        /// Reads what it entitles to, with what is used of it.
        get = read_entitlements(tenant: &TenantReference) -> EntitlementsView;
        /// Lists the plans that a tenant can be subscribed to.
        plans = list_plans(tenant: &TenantReference) -> PlansView;
    }
}

resource! {
    /// The systems behind a tenant.
    Workspace {
        /// Reads the state of the systems.
        get = read_workspace(tenant: &TenantReference) -> WorkspaceView;
        /// Retries what failed.
        retry = retry_workspace(tenant: &TenantReference) -> WorkspaceView, value;
        /// Confirms that a system without a connector was set up or removed by hand.
        confirm = confirm_workspace(tenant: &TenantReference, system: &str) -> WorkspaceView, value;
        /// Compares the systems with what they should be.
        check = check_workspace(tenant: &TenantReference) -> WorkspaceView, value;
    }
}

resource! {
    /// Mailboxes of a tenant.
    Mailboxes {
        /// Lists the mailboxes of a tenant.
        list = list_mailboxes(tenant: &TenantReference, filter: &MailboxFilter, request: &ListRequest) -> Page<MailboxView>;
        /// Reads a mailbox.
        get = read_mailbox(tenant: &TenantReference, mailbox: MailboxId) -> MailboxView;
        /// Creates a mailbox.
        create = create_mailbox(tenant: &TenantReference, input: CreateMailbox) -> MailboxView, value;
        /// Changes a mailbox.
        update = update_mailbox(tenant: &TenantReference, mailbox: MailboxId, input: UpdateMailbox) -> MailboxView;
        /// Removes a mailbox.
        delete = delete_mailbox(tenant: &TenantReference, mailbox: MailboxId) -> ();
    }
}

resource! {
    /// App passwords of mailboxes.
    AppPasswords {
        /// Lists the app passwords of a mailbox.
        list = list_app_passwords(tenant: &TenantReference, mailbox: MailboxId, request: &ListRequest) -> Page<AppPasswordView>;
        /// Creates an app password of the caller's own mailbox. Only this answer has the password.
        create = create_app_password(tenant: &TenantReference, mailbox: MailboxId, input: CreateAppPassword) -> AppPasswordView, value;
        /// Revokes an app password.
        delete = delete_app_password(tenant: &TenantReference, mailbox: MailboxId, password: AppPasswordId) -> ();
    }
}

resource! {
    /// Domains of a tenant.
    Domains {
        /// Lists the domains of a tenant.
        list = list_domains(tenant: &TenantReference, request: &ListRequest) -> Page<TenantDomainView>;
        /// Reads a domain.
        get = read_domain(tenant: &TenantReference, domain: &str) -> TenantDomainView;
        /// Claims a domain.
        add = add_domain(tenant: &TenantReference, input: AddDomain) -> TenantDomainView, value;
        /// Asks DNS for the record of a domain.
        check = check_domain(tenant: &TenantReference, domain: &str) -> TenantDomainView, value;
        /// Takes a domain from a tenant.
        remove = remove_domain(tenant: &TenantReference, domain: &str) -> ();
    }
}

resource! {
    /// Links to the payment provider.
    Billing {
        /// Creates the page on which a tenant is subscribed to a plan.
        checkout = begin_checkout(tenant: &TenantReference, input: Checkout) -> BillingLink, value;
        /// Creates the page with invoices, payments and cancellation.
        portal = open_billing_portal(tenant: &TenantReference) -> BillingLink, value;
    }
}

resource! {
    /// Users, which only the platform writes.
    Users {
        /// Lists users.
        list = list_users(filter: &UserFilter, request: &ListRequest) -> Page<UserView>;
        /// Reads a user.
        get = read_user(user: UserId) -> UserView;
        /// Creates a user.
        create = create_user(input: CreateUser) -> UserView, value;
        /// Changes a user.
        update = update_user(user: UserId, input: UpdateUser) -> UserView;
        /// Erases a user.
        delete = delete_user(user: UserId) -> ();
        /// Exports everything about a person.
        export = export_user(user: UserId, request: &ListRequest) -> Page<ExportRecord>;
    }
}

resource! {
    /// Subscriptions, which only the platform writes.
    Subscriptions {
        /// Lists subscriptions.
        list = list_subscriptions(filter: &SubscriptionFilter, request: &ListRequest) -> Page<SubscriptionView>;
        /// Reads a subscription.
        get = read_subscription(subscription: SubscriptionId) -> SubscriptionView;
        /// Creates a subscription.
        create = create_subscription(input: CreateSubscription) -> SubscriptionView, value;
        /// Changes a subscription.
        update = update_subscription(subscription: SubscriptionId, input: UpdateSubscription) -> SubscriptionView;
        /// Has the payment provider bill a subscription.
        bill = bill_subscription(subscription: SubscriptionId, price: Option<String>) -> SubscriptionView;
        /// Deletes a subscription.
        delete = delete_subscription(subscription: SubscriptionId) -> ();
    }
}

resource! {
    /// API keys of tenants and of the platform.
    ApiKeys {
        /// Lists API keys, the oldest first.
        list = list_api_keys(filter: &ApiKeyFilter, request: &ListRequest) -> Page<ApiKeyView>;
        /// Reads an API key.
        get = read_api_key(key: ApiKeyId) -> ApiKeyView;
        /// Creates an API key. Only this answer has the whole key.
        create = create_api_key(input: CreateApiKey) -> ApiKeyView, value;
        /// Changes an API key.
        update = update_api_key(key: ApiKeyId, input: UpdateApiKey) -> ApiKeyView;
        /// Replaces the secret of an API key. Only this answer has the whole key.
        rotate = rotate_api_key(key: ApiKeyId, input: RotateSecret) -> ApiKeyView, value;
        /// Revokes an API key.
        delete = delete_api_key(key: ApiKeyId) -> ();
    }
}

resource! {
    /// Changes, as events.
    Events {
        /// Lists events, the oldest first.
        list = list_events(filter: &EventFilter, request: &ListRequest) -> Page<EventMessage>;
    }
}

resource! {
    /// The policy's decisions, as the AuthZEN Authorization API 1.0 asks for them.
    Evaluations {
        /// Evaluates a question.
        evaluate = evaluate(question: Question) -> Evaluation;
        /// Evaluates several questions, with as many reads as for one.
        evaluate_many = evaluate_several(asked: Several) -> service::evaluations::Evaluations;
        /// Returns the members of a tenant who may perform an action on it.
        search_subjects = search_subjects(search: &Search) -> FoundThings;
        /// Returns the tenants of a subject in which it may perform an action.
        search_resources = search_resources(search: &Search) -> FoundThings;
        /// Returns the actions that a subject may perform on a resource.
        search_actions = search_actions(search: &Search) -> FoundActions;
    }
}

resource! {
    /// Endpoints to which events are delivered as signed webhooks.
    EventEndpoints {
        /// Lists the endpoints of a tenant, or of the platform.
        list = list_event_endpoints(tenant: Option<&TenantReference>, request: &ListRequest) -> Page<EventEndpointView>;
        /// Reads an endpoint.
        get = read_event_endpoint(endpoint: EventEndpointId) -> EventEndpointView;
        /// Creates an endpoint. Only this answer has its secret.
        create = create_event_endpoint(input: CreateEventEndpoint) -> EventEndpointView, value;
        /// Changes an endpoint.
        update = update_event_endpoint(endpoint: EventEndpointId, input: UpdateEventEndpoint) -> EventEndpointView;
        /// Gives an endpoint another secret.
        rotate = rotate_event_endpoint(endpoint: EventEndpointId) -> EventEndpointView, value;
        /// Lists the deliveries to an endpoint.
        deliveries = list_event_deliveries(endpoint: EventEndpointId, filter: &DeliveryFilter, request: &ListRequest) -> Page<EventDeliveryView>;
        /// Has events delivered again.
        replay = replay_events(endpoint: EventEndpointId, replay: Replay) -> Replayed, value;
        /// Removes an endpoint.
        delete = delete_event_endpoint(endpoint: EventEndpointId) -> ();
    }
}

resource! {
    /// The audit trail.
    Audit {
        /// Lists events, the newest first.
        list = list_audit(filter: &AuditFilter, request: &ListRequest) -> Page<AuditEventView>;
        /// Reads the end of the chain of a tenant, or of the platform.
        head = read_audit_head(tenant: Option<&TenantReference>) -> AuditHeadView;
    }
}
