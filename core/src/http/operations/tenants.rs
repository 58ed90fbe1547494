//! Operations below `/tenants`.

use crate::http::openapi::shape::Shape;
use crate::domain::AppPasswordView;
use crate::domain::InvitationView;
use crate::domain::MailboxView;
use crate::domain::TenantDomainView;
use crate::http::openapi::schemas::AddDomainBody;
use crate::http::openapi::schemas::AppPasswordPage;
use crate::http::openapi::schemas::CheckoutBody;
use crate::http::openapi::schemas::CreateAppPasswordBody;
use crate::http::openapi::schemas::CreateInvitationBody;
use crate::http::openapi::schemas::CreateInvitationsBody;
use crate::http::openapi::schemas::CreateMailboxBody;
use crate::http::openapi::schemas::CreateTenantBody;
use crate::http::openapi::schemas::DomainPage;
use crate::http::openapi::schemas::ExportPage;
use crate::http::openapi::schemas::GrantMembershipBody;
use crate::http::openapi::schemas::InvitationPage;
use crate::http::openapi::schemas::MailboxPage;
use crate::http::openapi::schemas::MembershipPage;
use crate::http::openapi::schemas::TenantPage;
use crate::http::openapi::schemas::UpdateMailboxBody;
use crate::http::openapi::schemas::UpdateMembershipBody;
use crate::http::openapi::schemas::UpdateTenantBody;
use crate::http::routes::mailboxes;
use crate::http::routes::members;
use crate::http::routes::tenants;
use crate::service::billing::BillingLink;
use crate::service::entitlements::EntitlementsView;
use crate::service::entitlements::PlansView;
use crate::service::invitations::BulkInvitations;
use crate::service::views::MembershipView;
use crate::service::views::TenantView;
use crate::service::workspaces::WorkspaceView;

operations! {
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
