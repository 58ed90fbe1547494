//! The remaining operations.

use crate::http::openapi::shape::Shape;
use crate::domain::AuditHeadView;
use crate::http::openapi::schemas::AuditPage;
use crate::http::openapi::schemas::EventPage;
use crate::http::openapi::schemas::StripeEvent;
use crate::http::routes::audit;
use crate::http::routes::evaluations;
use crate::http::routes::events;
use crate::http::routes::launcher;
use crate::http::routes::sessions;
use crate::service::views::LauncherView;

operations! {
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
