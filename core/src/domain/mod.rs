//! Entities of the platform and their validation rules. No I/O.

pub mod activity;
pub mod api_key;
pub mod app_password;
pub mod audit;
pub mod billing;
pub mod branding;
pub mod entitlement;
pub mod event;
pub mod event_delivery;
pub mod event_endpoint;
pub mod fields;
pub mod id;
pub mod idempotency;
pub mod input;
pub mod invitation;
pub mod issuer;
pub mod lifecycle;
pub mod mailbox;
pub mod membership;
pub mod notice;
pub mod open;
pub mod outbox;
pub mod plan;
pub mod provisioned;
pub mod seal;
pub mod seat;
pub mod secret;
pub mod session;
pub mod subscription;
pub mod system_action;
pub mod task;
pub mod tenant;
pub mod tenant_domain;
pub mod trail;
pub mod user;
pub mod webhook;
pub mod workspace;

pub use activity::UserActivity;
pub use api_key::{ApiKey, ApiKeyUse, ApiKeyView, CreateApiKey, UpdateApiKey};
pub use app_password::{AppPassword, AppPasswordStatus, AppPasswordView, CreateAppPassword, OneTimeSecret};
pub use audit::{AuditActor, AuditActorKind, AuditDetails, AuditEvent, AuditResource, AuditValue};
pub use billing::ProviderEvent;
pub use branding::{Branding, LauncherLink};
pub use event::{Cursor, DeferredEvent, Event};
pub use event_delivery::{DeliveryStatus, EventDelivery, EventDeliveryView};
pub use event_endpoint::{CreateEventEndpoint, EventEndpoint, EventEndpointView, UpdateEventEndpoint};
pub use id::*;
pub use idempotency::IdempotencyRecord;
pub use input::{Patch, Problem, Reader};
pub use invitation::{
    CreateInvitation, Invitation, InvitationStatus, InvitationView, InvitedMailbox, Language, MailboxOutcome,
};
pub use issuer::Issuer;
pub use mailbox::{CreateMailbox, Mailbox, MailboxStatus, MailboxView, UpdateMailbox};
pub use membership::{GrantMembership, Membership, MembershipRole, MembershipView, UpdateMembership};
pub use notice::{Notice, NoticeKind, NoticeStatus};
pub use open::{Choice, Open};
pub use outbox::OutboxEvent;
pub use plan::Terms;
pub use provisioned::{ProvisionedGroup, ProvisionedMember, ProvisionedUser};
pub use seat::SeatLedger;
pub use secret::PlatformSecret;
pub use session::EndedSession;
pub use subscription::{CreateSubscription, Subscription, SubscriptionStatus, SubscriptionView, UpdateSubscription};
pub use task::TaskRecord;
pub use tenant::{
    BillingInfo, CancelledSubscription, CreateTenant, DomainVerification, Tenant, TenantStatus, TenantView,
    UpdateTenant,
};
pub use tenant_domain::{AddDomain, DomainStatus, TenantDomain, TenantDomainView};
pub use trail::{AuditChain, AuditHeadView, AuditStub, Checkpoint, Expired, Removed};
pub use user::{CreateUser, GrantSource, RevokedBy, UpdateUser, User, UserRole, UserStatus, UserView};
pub use webhook::{EventData, EventMessage, WebhookSecret};

pub use workspace::{DomainRecords, DomainRecordsView, SystemState, SystemStateView};

/// A document with a version that counts its writes.
pub trait Versioned {
    /// Advances to the next version, written at `now`.
    fn advance(&mut self, now: crate::clock::Timestamp);
}
