//! The operations of the API, each declared once.
//!
//! Routes, the OpenAPI document, the SDKs' methods, the portal's forwarded routes, the isolation matrix and the table
//! in the README are derived from this table.

use std::sync::Arc;

use axum::{Router, routing::MethodRouter};

pub use super::table::RESOURCES;
use super::{
    HttpState,
    openapi::{self, schemas::*, shape::Shape},
    operation::{Access, Operation},
    routes::{
        self, api_keys, audit, evaluations, event_endpoints, events, launcher, mailboxes, members, sessions,
        subscriptions, tenants, users,
    },
};
use crate::{
    domain::{
        ApiKeyView, AppPasswordView, AuditHeadView, EventEndpointView, InvitationView, MailboxView, TenantDomainView,
    },
    error::Result,
    service::{
        billing::BillingLink,
        entitlements::{EntitlementsView, PlansView},
        evaluations::{Evaluation, EvaluationsAnswer, FoundActions, FoundThings},
        event_endpoints::Replayed,
        invitations::{AcceptedInvitation, BulkInvitations, InvitationPreview},
        views::{LauncherView, MembershipView, ProfileView, SubscriptionView, TenantView, UserView},
        workspaces::WorkspaceView,
    },
};

operations! {
    /// `/users/me`.
    Profile below "/users/me" {
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
    /// `/users`.
    Users below "/users" {
        "/users" {
            get listUsers = users::list {
                summary: "List users; for the platform",
                access: May(&[ListUsers]), sdk: Some("users.list"), commands: &["user list"],
                shape: Shape::page::<UserPage>().asked_by::<users::Query>().in_pages(),
            }
            post createUser = users::create {
                summary: "Create a user before the first sign-in, or admit an erased person again; for the platform",
                access: May(&[CreateUser]), sdk: Some("users.create"), commands: &["user create"],
                shape: Shape::created::<CreateUserBody, UserView>(),
            }
        }
        "/users/{id}" {
            get readUser = users::read {
                summary: "Read a user: oneself, or anybody for the platform",
                access: May(&[ReadUser]), sdk: Some("users.get"), commands: &["user show"],
                shape: Shape::document::<UserView>(),
            }
            patch updateUser = users::update {
                summary: "Change a user; for the platform",
                access: May(&[UpdateUser]), sdk: Some("users.update"),
                commands: &["user update", "user suspend", "user restore", "user revoke"],
                shape: Shape::changed::<UpdateUserBody, UserView>(),
            }
            delete deleteUser = users::delete {
                summary: "Erase a person; a tombstone stays; for the platform",
                access: May(&[DeleteUser]), sdk: Some("users.delete"), commands: &["user delete"],
                shape: Shape::deleted(),
            }
        }
        "/users/{id}/export" {
            get exportUser = users::export {
                summary: "Export everything about a person, page by page: oneself, or anybody for the platform",
                access: May(&[ExportUser]), sdk: Some("users.export"), commands: &["user export"],
                shape: Shape::page::<ExportPage>().in_pages(),
            }
        }
    }
    /// `/tenants`.
    Tenants below "/tenants" {
        "/tenants" {
            get listTenants = tenants::list {
                summary: "List tenants by name: all for the platform, their own for everybody else",
                access: May(&[ListTenants]), sdk: Some("tenants.list"), commands: &["tenant list"],
                shape: Shape::page::<TenantPage>().asked_by::<tenants::Query>().in_pages(),
            }
            post createTenant = tenants::create {
                summary: "Create a tenant; for the platform",
                access: May(&[CreateTenant]), sdk: Some("tenants.create"), commands: &["tenant create"],
                shape: Shape::created::<CreateTenantBody, TenantView>(),
            }
        }
        "/tenants/{tenant}" {
            get readTenant = tenants::read {
                summary: "Read a tenant",
                access: May(&[ReadTenant]), sdk: Some("tenants.get"), commands: &["tenant show"],
                shape: Shape::document::<TenantView>(),
            }
            patch updateTenant = tenants::update {
                summary: "Change a tenant",
                access: May(&[UpdateTenant]), sdk: Some("tenants.update"), commands: &["tenant update"],
                shape: Shape::changed::<UpdateTenantBody, TenantView>(),
            }
            delete deleteTenant = tenants::delete {
                summary: "Delete a tenant; its slug stays reserved",
                access: May(&[DeleteTenant]), sdk: Some("tenants.delete"), commands: &["tenant delete"],
                shape: Shape::deleted(),
            }
        }
        "/tenants/{tenant}/export" {
            get exportTenant = tenants::export {
                summary: "Export everything about a tenant, page by page; for its owners and the platform",
                access: May(&[ExportTenant]), sdk: Some("tenants.export"), commands: &["tenant export"],
                shape: Shape::page::<ExportPage>().in_pages(),
            }
        }
        "/tenants/{tenant}/suspend" {
            post suspendTenant = tenants::suspend {
                summary: "Make a tenant read-only to its own people; for the platform",
                access: May(&[SuspendTenant]), sdk: Some("tenants.suspend"), commands: &["tenant suspend"],
                shape: Shape::acted::<TenantView>(),
            }
        }
        "/tenants/{tenant}/restore" {
            post restoreTenant = tenants::restore {
                summary: "End the suspension of a tenant, or undo its deletion within the grace period; for the platform",
                access: May(&[RestoreTenant]), sdk: Some("tenants.restore"), commands: &["tenant restore"],
                shape: Shape::acted::<TenantView>(),
            }
        }
        "/tenants/{tenant}/members" {
            get listMembers = members::list {
                summary: "List a tenant's members by name",
                access: May(&[ReadMembers]), sdk: Some("members.list"), commands: &["member list"],
                shape: Shape::page::<MembershipPage>().asked_by::<members::Query>().in_pages(),
            }
            post grantMember = members::grant {
                summary: "Grant a membership, anew after revocation too",
                access: May(&[GrantMembership]), sdk: Some("members.grant"), commands: &["member create"],
                shape: Shape::created::<GrantMembershipBody, MembershipView>(),
            }
        }
        "/tenants/{tenant}/members/{user}" {
            get readMember = members::read {
                summary: "Read a member",
                access: May(&[ReadMembers]), sdk: Some("members.get"), commands: &["member show"],
                shape: Shape::document::<MembershipView>(),
            }
            patch updateMember = members::update {
                summary: "Change a member's role",
                access: May(&[UpdateMembership]), sdk: Some("members.update"), commands: &["member update"],
                shape: Shape::changed::<UpdateMembershipBody, MembershipView>(),
            }
            delete revokeMember = members::revoke {
                summary: "Revoke a membership, at once",
                access: May(&[RevokeMembership]), sdk: Some("members.revoke"), commands: &["member revoke"],
                shape: Shape::deleted(),
            }
        }
        "/tenants/{tenant}/entitlements" {
            get readEntitlements = entitlements::read {
                summary: "Read what a tenant's subscription entitles to, with what is used of it",
                access: May(&[ReadEntitlements]), sdk: Some("entitlements.get"), commands: &["tenant entitlements"],
                shape: Shape::document::<EntitlementsView>(),
            }
        }
        "/tenants/{tenant}/plans" {
            get listPlans = entitlements::plans {
                summary: "List the plans that a tenant can be subscribed to",
                access: May(&[ReadEntitlements]), sdk: Some("entitlements.plans"), commands: &["tenant plans"],
                shape: Shape::document::<PlansView>(),
            }
        }
        "/tenants/{tenant}/invitations" {
            get listInvitations = invitations::list {
                summary: "List a tenant's invitations, the newest first",
                access: May(&[ReadInvitations]), sdk: Some("invitations.list"), commands: &["invitation list"],
                shape: Shape::page::<InvitationPage>().in_pages(),
            }
            post createInvitation = invitations::create {
                summary: "Invite somebody to a tenant; the invitation is mailed",
                access: May(&[CreateInvitation]), sdk: Some("invitations.create"), commands: &["invitation create"],
                shape: Shape::created::<CreateInvitationBody, InvitationView>(),
            }
        }
        "/tenants/{tenant}/invitations/bulk" {
            post createInvitations = invitations::create_many {
                summary: "Invite up to 200 people; each line has a result of its own",
                access: May(&[CreateInvitation]), sdk: Some("invitations.createMany"), commands: &["invitation import"],
                shape: Shape::sent::<CreateInvitationsBody, BulkInvitations>().once(),
            }
        }
        "/tenants/{tenant}/invitations/{id}" {
            get readInvitation = invitations::read {
                summary: "Read an invitation",
                access: May(&[ReadInvitations]), sdk: Some("invitations.get"), commands: &["invitation show"],
                shape: Shape::document::<InvitationView>(),
            }
            delete revokeInvitation = invitations::revoke {
                summary: "Revoke an invitation; its link leads nowhere any more",
                access: May(&[RevokeInvitation]), sdk: Some("invitations.revoke"), commands: &["invitation revoke"],
                shape: Shape::deleted(),
            }
        }
        "/tenants/{tenant}/invitations/{id}/resend" {
            post resendInvitation = invitations::resend {
                summary: "Mail an invitation again, with a new link",
                access: May(&[ResendInvitation]), sdk: Some("invitations.resend"), commands: &["invitation resend"],
                shape: Shape::acted::<InvitationView>(),
            }
        }
        "/tenants/{tenant}/workspace" {
            get readWorkspace = workspace::read {
                summary: "Read the state of the systems behind a tenant",
                access: May(&[ReadWorkspace]), sdk: Some("workspace.get"), commands: &["workspace show"],
                shape: Shape::followed::<WorkspaceView>(),
            }
        }
        "/tenants/{tenant}/workspace/retry" {
            post retryWorkspace = workspace::retry {
                summary: "Retry what failed in the systems behind a tenant",
                access: May(&[RetryWorkspace]), sdk: Some("workspace.retry"), commands: &["workspace retry"],
                shape: Shape::acted::<WorkspaceView>(),
            }
        }
        "/tenants/{tenant}/workspace/check" {
            post checkWorkspace = workspace::check {
                summary: "Compare the systems behind a tenant, and its DNS records, with what they should be",
                access: May(&[CheckWorkspace]), sdk: Some("workspace.check"), commands: &["workspace check"],
                shape: Shape::acted::<WorkspaceView>(),
            }
        }
        "/tenants/{tenant}/workspace/{system}/confirm" {
            post confirmWorkspace = workspace::confirm {
                summary: "Confirm that a system without a connector was set up or removed by hand; for the platform",
                access: May(&[ConfirmWorkspace]), sdk: Some("workspace.confirm"), commands: &["workspace confirm"],
                shape: Shape::acted::<WorkspaceView>(),
            }
        }
        "/tenants/{tenant}/mailboxes" {
            get listMailboxes = mailboxes::list {
                summary: "List a tenant's mailboxes by address",
                access: May(&[ReadMailboxes]), sdk: Some("mailboxes.list"), commands: &["mailbox list"],
                shape: Shape::page::<MailboxPage>().asked_by::<mailboxes::Query>().in_pages(),
            }
            post createMailbox = mailboxes::create {
                summary: "Create a mailbox of a member at a verified domain",
                access: May(&[CreateMailbox]), sdk: Some("mailboxes.create"), commands: &["mailbox create"],
                shape: Shape::created::<CreateMailboxBody, MailboxView>(),
            }
        }
        "/tenants/{tenant}/mailboxes/{id}" {
            get readMailbox = mailboxes::read {
                summary: "Read a mailbox",
                access: May(&[ReadMailboxes]), sdk: Some("mailboxes.get"), commands: &["mailbox show"],
                shape: Shape::document::<MailboxView>(),
            }
            patch updateMailbox = mailboxes::update {
                summary: "Change the aliases, the name or the quota of a mailbox",
                access: May(&[UpdateMailbox]), sdk: Some("mailboxes.update"), commands: &["mailbox update"],
                shape: Shape::changed::<UpdateMailboxBody, MailboxView>(),
            }
            delete deleteMailbox = mailboxes::delete {
                summary: "Remove a mailbox with its mail",
                access: May(&[DeleteMailbox]), sdk: Some("mailboxes.delete"), commands: &["mailbox delete"],
                shape: Shape::deleted(),
            }
        }
        "/tenants/{tenant}/mailboxes/{id}/app-passwords" {
            get listAppPasswords = app_passwords::list {
                summary: "List the app passwords of a mailbox, the oldest first",
                access: May(&[ReadAppPasswords]), sdk: Some("appPasswords.list"), commands: &["mailbox app-password list"],
                shape: Shape::page::<AppPasswordPage>().in_pages(),
            }
            post createAppPassword = app_passwords::create {
                summary: "Create an app password of one's own mailbox; only this answer has the password",
                access: May(&[CreateAppPassword]), sdk: Some("appPasswords.create"), commands: &["mailbox app-password add"],
                shape: Shape::shown_once::<CreateAppPasswordBody, AppPasswordView>(),
            }
        }
        "/tenants/{tenant}/mailboxes/{id}/app-passwords/{password}" {
            delete deleteAppPassword = app_passwords::delete {
                summary: "Revoke an app password",
                access: May(&[DeleteAppPassword]), sdk: Some("appPasswords.delete"), commands: &["mailbox app-password remove"],
                shape: Shape::deleted(),
            }
        }
        "/tenants/{tenant}/domains" {
            get listDomains = domains::list {
                summary: "List a tenant's domains by name, with the record that proves each",
                access: May(&[ReadDomains]), sdk: Some("domains.list"), commands: &["domain list"],
                shape: Shape::page::<DomainPage>().in_pages(),
            }
            post addDomain = domains::add {
                summary: "Claim a domain; the answer has the record to publish",
                access: May(&[AddDomain]), sdk: Some("domains.add"), commands: &["domain add"],
                shape: Shape::created::<AddDomainBody, TenantDomainView>(),
            }
        }
        "/tenants/{tenant}/domains/{domain}" {
            get readDomain = domains::read {
                summary: "Read a domain of a tenant",
                access: May(&[ReadDomains]), sdk: Some("domains.get"), commands: &["domain show"],
                shape: Shape::document::<TenantDomainView>(),
            }
            delete removeDomain = domains::remove {
                summary: "Take a domain from a tenant, after which another tenant may prove it",
                access: May(&[RemoveDomain]), sdk: Some("domains.remove"), commands: &["domain remove"],
                shape: Shape::deleted(),
            }
        }
        "/tenants/{tenant}/billing/checkout" {
            post beginCheckout = billing::checkout {
                summary: "Create the payment provider's page on which an owner subscribes to a plan",
                access: May(&[BeginCheckout]), sdk: Some("billing.checkout"), commands: &["billing checkout"],
                shape: Shape::made::<CheckoutBody, BillingLink>(),
            }
        }
        "/tenants/{tenant}/billing/portal" {
            post openBillingPortal = billing::portal {
                summary: "Create the payment provider's page with invoices, payments and cancellation",
                access: May(&[OpenBillingPortal]), sdk: Some("billing.portal"), commands: &["billing portal"],
                shape: Shape::opened::<BillingLink>(),
            }
        }
        "/tenants/{tenant}/domains/{domain}/check" {
            post checkDomain = domains::check {
                summary: "Ask DNS for the record of a domain now, once in 10 s",
                access: May(&[CheckDomain]), sdk: Some("domains.check"), commands: &["domain check"],
                shape: Shape::acted::<TenantDomainView>(),
            }
        }
    }
    /// `/invitations`.
    Invitations below "/invitations" {
        "/invitations/accept" {
            post acceptInvitation = invitations::accept {
                summary: "Accept an invitation by the secret of its link, and become a member",
                access: May(&[AcceptInvitation]), sdk: Some("invitations.accept"), commands: &[],
                shape: Shape::sent::<InvitationSecretBody, AcceptedInvitation>(),
            }
        }
        "/invitations/preview" {
            post previewInvitation = invitations::preview {
                summary: "What an invitation is to, by the secret of its link; public",
                access: Public, sdk: None, commands: &[],
                shape: Shape::sent::<InvitationSecretBody, InvitationPreview>(),
            }
        }
    }
    /// `/subscriptions`.
    Subscriptions below "/subscriptions" {
        "/subscriptions" {
            get listSubscriptions = subscriptions::list {
                summary: "List subscriptions: all for the platform, those of their tenants for everybody else",
                access: May(&[ListSubscriptions]), sdk: Some("subscriptions.list"), commands: &["subscription list"],
                shape: Shape::page::<SubscriptionPage>().asked_by::<subscriptions::Query>().in_pages(),
            }
            post createSubscription = subscriptions::create {
                summary: "Create a subscription; for the platform",
                access: May(&[CreateSubscription]), sdk: Some("subscriptions.create"), commands: &["subscription create"],
                shape: Shape::created::<CreateSubscriptionBody, SubscriptionView>(),
            }
        }
        "/subscriptions/{id}/billing" {
            post billSubscription = billing::bill {
                summary: "Have the payment provider bill a subscription by mail; for the platform",
                access: May(&[BillSubscription]), sdk: Some("subscriptions.bill"), commands: &["subscription bill"],
                shape: Shape::sent::<BillBody, SubscriptionView>(),
            }
        }
        "/subscriptions/{id}" {
            get readSubscription = subscriptions::read {
                summary: "Read a subscription",
                access: May(&[ReadSubscription]), sdk: Some("subscriptions.get"), commands: &["subscription show"],
                shape: Shape::document::<SubscriptionView>(),
            }
            patch updateSubscription = subscriptions::update {
                summary: "Change a subscription; for the platform",
                access: May(&[UpdateSubscription]), sdk: Some("subscriptions.update"),
                commands: &["subscription update", "subscription suspend", "subscription restore"],
                shape: Shape::changed::<UpdateSubscriptionBody, SubscriptionView>(),
            }
            delete deleteSubscription = subscriptions::delete {
                summary: "Remove a subscription; for the platform",
                access: May(&[DeleteSubscription]), sdk: Some("subscriptions.delete"), commands: &["subscription delete"],
                shape: Shape::deleted(),
            }
        }
    }
    /// `/api-keys`.
    ApiKeys below "/api-keys" {
        "/api-keys" {
            get listApiKeys = api_keys::list {
                summary: "List API keys, the oldest first: a tenant's for its owners and admins, all for the platform",
                access: May(&[ReadApiKeys, ReadPlatformApiKeys]), sdk: Some("apiKeys.list"), commands: &["api-key list"],
                shape: Shape::page::<ApiKeyPage>().asked_by::<api_keys::Query>().in_pages(),
            }
            post createApiKey = api_keys::create {
                summary: "Create an API key of a tenant, or of the platform; only this answer has the key",
                access: May(&[CreateApiKey, ManagePlatformApiKeys]), sdk: Some("apiKeys.create"), commands: &["api-key create"],
                shape: Shape::shown_once::<CreateApiKeyBody, ApiKeyView>(),
            }
        }
        "/api-keys/{id}" {
            get readApiKey = api_keys::read {
                summary: "Read an API key, without its secret",
                access: May(&[ReadApiKeys]), sdk: Some("apiKeys.get"), commands: &["api-key show"],
                shape: Shape::document::<ApiKeyView>(),
            }
            patch updateApiKey = api_keys::update {
                summary: "Change the name, scopes, networks or expiry of an API key",
                access: May(&[UpdateApiKey]), sdk: Some("apiKeys.update"), commands: &["api-key update"],
                shape: Shape::changed::<UpdateApiKeyBody, ApiKeyView>(),
            }
            delete deleteApiKey = api_keys::delete {
                summary: "Revoke an API key, from its next request on",
                access: May(&[DeleteApiKey]), sdk: Some("apiKeys.delete"), commands: &["api-key revoke"],
                shape: Shape::deleted(),
            }
        }
        "/api-keys/{id}/rotate" {
            post rotateApiKey = api_keys::rotate {
                summary: "Replace the secret of an API key; only this answer has the new one, and the old one stays accepted for a while",
                access: May(&[RotateApiKey]), sdk: Some("apiKeys.rotate"), commands: &["api-key rotate"],
                shape: Shape::shown_once::<RotateApiKeyBody, ApiKeyView>(),
            }
        }
    }
    /// `/access/v1`: for clients of the AuthZEN API, which bring their own types; in Rust `Acting::evaluations`.
    Evaluations below "/access/v1" {
        "/access/v1/evaluation" {
            post evaluateAccess = evaluations::evaluate {
                summary: "May a subject perform an action on a resource? For the platform about everybody, for people about themselves",
                access: May(&[EvaluateAccess]), sdk: None, commands: &[],
                shape: Shape::sent::<EvaluationRequest, Evaluation>(),
            }
        }
        "/access/v1/evaluations" {
            post evaluateAccesses = evaluations::evaluate_several {
                summary: "Up to 200 such questions at once; without a list, one",
                access: May(&[EvaluateAccess]), sdk: None, commands: &[],
                shape: Shape::sent::<EvaluationsRequest, EvaluationsAnswer>(),
            }
        }
        "/access/v1/search/subject" {
            post searchSubjects = evaluations::search_subjects {
                summary: "The members of a tenant who may perform an action on it; for the platform",
                access: May(&[EvaluateAccess]), sdk: None, commands: &[],
                shape: Shape::sent::<SearchSubjectsRequest, FoundThings>(),
            }
        }
        "/access/v1/search/resource" {
            post searchResources = evaluations::search_resources {
                summary: "The tenants of a subject in which it may perform an action",
                access: May(&[EvaluateAccess]), sdk: None, commands: &[],
                shape: Shape::sent::<SearchResourcesRequest, FoundThings>(),
            }
        }
        "/access/v1/search/action" {
            post searchActions = evaluations::search_actions {
                summary: "The actions that a subject may perform on a resource",
                access: May(&[EvaluateAccess]), sdk: None, commands: &[],
                shape: Shape::sent::<SearchActionsRequest, FoundActions>(),
            }
        }
    }
    /// `/event-endpoints`.
    EventEndpoints below "/event-endpoints" {
        "/event-endpoints" {
            get listEventEndpoints = event_endpoints::list {
                summary: "List the endpoints for events, of a tenant or of the platform",
                access: May(&[ReadEventEndpoints, ReadPlatformEventEndpoints]), sdk: Some("eventEndpoints.list"),
                commands: &["endpoint list"],
                shape: Shape::page::<EventEndpointPage>().asked_by::<event_endpoints::Query>().in_pages(),
            }
            post createEventEndpoint = event_endpoints::create {
                summary: "Create an endpoint for the events of a tenant, or of the platform; only this answer has its secret",
                access: May(&[CreateEventEndpoint, CreatePlatformEventEndpoint]), sdk: Some("eventEndpoints.create"),
                commands: &["endpoint create"],
                shape: Shape::shown_once::<CreateEventEndpointBody, EventEndpointView>(),
            }
        }
        "/event-endpoints/{id}" {
            get readEventEndpoint = event_endpoints::read {
                summary: "Read an endpoint for events",
                access: May(&[ReadEventEndpoints]), sdk: Some("eventEndpoints.get"), commands: &["endpoint show"],
                shape: Shape::document::<EventEndpointView>(),
            }
            patch updateEventEndpoint = event_endpoints::update {
                summary: "Change an endpoint for events",
                access: May(&[UpdateEventEndpoint]), sdk: Some("eventEndpoints.update"), commands: &["endpoint update"],
                shape: Shape::changed::<UpdateEventEndpointBody, EventEndpointView>(),
            }
            delete deleteEventEndpoint = event_endpoints::delete {
                summary: "Remove an endpoint for events",
                access: May(&[DeleteEventEndpoint]), sdk: Some("eventEndpoints.delete"), commands: &["endpoint delete"],
                shape: Shape::deleted(),
            }
        }
        "/event-endpoints/{id}/rotate" {
            post rotateEventEndpoint = event_endpoints::rotate {
                summary: "Give an endpoint another secret; the previous one stays valid for 24 hours",
                access: May(&[RotateEventEndpoint]), sdk: Some("eventEndpoints.rotate"), commands: &["endpoint rotate"],
                shape: Shape::renewed::<EventEndpointView>(),
            }
        }
        "/event-endpoints/{id}/deliveries" {
            get listEventDeliveries = event_endpoints::deliveries {
                summary: "List the deliveries to an endpoint, those of the newest events first",
                access: May(&[ReadEventEndpoints]), sdk: Some("eventEndpoints.deliveries"),
                commands: &["endpoint deliveries"],
                shape: Shape::page::<EventDeliveryPage>().asked_by::<event_endpoints::DeliveryQuery>().in_pages(),
            }
        }
        "/event-endpoints/{id}/replay" {
            post replayEvents = event_endpoints::replay {
                summary: "Have an event, or those whose delivery has failed, delivered to an endpoint again",
                access: May(&[ReplayEvents]), sdk: Some("eventEndpoints.replay"), commands: &["endpoint replay"],
                shape: Shape::made::<ReplayBody, Replayed>(),
            }
        }
    }
    /// The remaining routes: `/audit` with `/audit/head`, `/events`, `/launcher`, `/oidc`, `/openapi.json`, and unknown paths.
    Others below "" {
        "/audit" {
            get listAuditEvents = audit::list {
                summary: "List audit events, the newest first: a tenant's for its owners and admins, all for the platform",
                access: May(&[ReadTenantAudit, ReadPlatformAudit]), sdk: Some("audit.list"), commands: &["audit", "audit report"],
                shape: Shape::page::<AuditPage>().asked_by::<audit::Query>().in_pages(),
            }
        }
        "/audit/head" {
            get readAuditHead = audit::head {
                summary: "Read the end of a tenant's chain of audit events, or of the platform's: number and seal of the last one",
                access: May(&[ReadTenantAudit, ReadPlatformAudit]), sdk: Some("audit.head"), commands: &["audit head"],
                shape: Shape::document::<AuditHeadView>().asked_by::<audit::HeadQuery>(),
            }
        }
        "/.well-known/authzen-configuration" {
            get readAuthzenConfiguration = evaluations::configuration {
                summary: "Where the endpoints of the AuthZEN Authorization API are; public",
                // For clients of that API, which find the endpoints by it.
                access: Public, sdk: None, commands: &[],
                shape: Shape::document::<evaluations::AuthzenConfiguration>(),
            }
        }
        "/events" {
            get listEvents = events::list {
                summary: "List what has changed, the oldest first, or follow it as it changes: a tenant's for its owners and admins, all for the platform",
                access: May(&[ReadTenantAudit, ReadPlatformAudit]), sdk: Some("events.list"), commands: &["events"],
                shape: Shape::page::<EventPage>().asked_by::<events::Query>().in_pages().streamed(),
            }
        }
        "/launcher" {
            get readLauncher = launcher::read {
                summary: "How a tenant's launcher looks, by its host name or slug; public",
                // In the SDKs it is separate from the callers, since it needs none: `Dezky.launcher`.
                access: Public, sdk: None, commands: &[],
                shape: Shape::document::<LauncherView>().asked_by::<launcher::Query>(),
            }
        }
        "/launcher/certificate" {
            get allowCertificate = launcher::certificate {
                summary: "Tells if a launcher is at a host name, so that an ingress may get a certificate for it; public",
                // For the ingress, such as `ask` of Caddy's on-demand TLS.
                access: Public, sdk: None, commands: &[],
                shape: Shape::allowed("A launcher is there").asked_by::<launcher::HostQuery>(),
            }
        }
        "/billing/stripe/webhook" {
            post receiveStripeEvent = billing::receive {
                summary: "Receives an event of Stripe, with its signature: called by Stripe",
                // For Stripe. In-process edges receive it through `fetch` and `asgi`.
                access: Public, sdk: None, commands: &[],
                shape: Shape::bytes::<StripeEvent>("The event, byte for byte as Stripe signed it", "The event is stored"),
            }
        }
        "/oidc/backchannel-logout" {
            post endSessions = sessions::end {
                summary: "Ends sessions, as OpenID Connect Back-Channel Logout 1.0 says: called by the identity provider",
                // For the identity provider. In-process edges receive it through `fetch` and `asgi`.
                access: Public, sdk: None, commands: &[],
                shape: Shape::form::<sessions::LogoutForm>("The logout token", "The sessions have ended"),
            }
        }
    }
}

impl Section {
    /// Returns the section that the route of a path would be in.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let below = |section: &&Self| {
            path.strip_prefix(section.prefix()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        Self::ALL.iter().find(below).copied().unwrap_or(Self::Others)
    }

    /// Returns its routes.
    pub(super) fn routes(self) -> Router<Arc<HttpState>> {
        match self {
            Self::Others => {
                self.operations().route(routes::document::PATH, MethodRouter::new().get(routes::document::read))
            }
            _ => self.operations(),
        }
    }

    /// Returns the routes of all sections.
    pub(super) fn all_routes() -> Router<Arc<HttpState>> {
        Self::ALL.iter().fold(Router::new(), |all, section| all.merge(section.routes()))
    }
}

/// Generates the OpenAPI 3.1 document as JSON text.
///
/// The served document is [`super::DOCUMENT`].
///
/// # Errors
/// [`crate::ErrorKind::Internal`] when it cannot be serialized, which is a bug.
pub fn document() -> Result<String> {
    openapi::write(RESOURCES, OPERATIONS.iter().zip(shapes()))
}

/// Returns the patterns of all paths of the API, for edges that only forward requests.
#[must_use]
pub fn paths() -> Vec<&'static str> {
    let mut paths: Vec<_> = OPERATIONS.iter().map(|operation| operation.path).collect();
    // Operations on one path are adjacent.
    paths.dedup();
    paths.push(routes::document::PATH);
    paths
}
