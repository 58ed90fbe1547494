//! Invitations to a tenant.
//!
//! A use case only stores an invitation. The worker that mails it (`work::invitations`) draws its secret, of which the
//! store has the hash alone. Whoever has the secret accepts; no address in a token is compared with that of the mail.

mod accept;
mod bounce;
mod bulk;
mod create;
mod list;
mod preview;
mod resend;
mod revoke;

pub use accept::AcceptedInvitation;
pub use bulk::{BulkInvitations, BulkLine, BulkOutcome, MOST_LINES, read_lines};
#[cfg(feature = "authn")]
pub(crate) use create::LAPSE;
pub use preview::InvitationPreview;

use super::{
    Service,
    access::{TenantAccess, TenantReference},
    call::Call,
    unit_of_work::Subject,
};
use crate::{
    authz::{Action, TargetFacts},
    clock::Timestamp,
    domain::{Invitation, InvitationId, InvitationView, MembershipRole, invitation::INVITATIONS},
    error::{Code, Error, FieldCode, FieldError, Result},
    store::Query,
};

/// The kind of resource in audit events.
pub(crate) const KIND: &str = "invitation";

pub(crate) fn subject(invitation: &Invitation) -> Subject {
    Subject { tenant: Some(invitation.tenant_id), user: invitation.accepted_by }
}

impl InvitationView {
    /// Returns what the caller of `access` sees of an invitation at this time.
    fn through(access: &TenantAccess, mut invitation: Invitation, now: Timestamp) -> Self {
        invitation.lapse(now);
        Self::shown_to(invitation, super::views::viewer(access.role(), access.caller.is_platform()))
    }
}

/// Returns the facts of inviting somebody to a role: as of granting it.
fn invited_to(role: MembershipRole) -> TargetFacts {
    TargetFacts { wanted: Some(role), ..TargetFacts::default() }
}

/// An invitation of a tenant.
struct OfTenant {
    access: TenantAccess,
    invitation: Invitation,
}

impl Service {
    /// Loads the caller and an invitation of a tenant, if the caller may perform `action` on it.
    ///
    /// Invitations to the role of an owner are an owner's, like owners themselves.
    async fn invitation_access(
        &self,
        call: &Call,
        reference: &TenantReference,
        id: InvitationId,
        action: Action,
    ) -> Result<OfTenant> {
        let read = Query::new(&INVITATIONS).equal("id", id.0).limit(1);
        let (access, mut answers) = self.tenant_access_and(call, reference, |_| Some(read.clone().into())).await?;
        let found: Option<Invitation> = answers.first()?;
        let of_tenant = access.tenant.as_ref().map(|tenant| tenant.id);
        let found = found.filter(|found| Some(found.tenant_id) == of_tenant);
        access.authorize(action)?;
        let invitation = found.ok_or_else(Error::not_found)?;
        if action != Action::ReadInvitations {
            access.authorize_with(action, invited_to(invitation.role), &[])?;
        }
        Ok(OfTenant { access, invitation })
    }
}

/// Returns the error for an invitation that is not open any more.
fn closed() -> Error {
    let message = "the invitation was accepted or revoked, or has expired: create another one";
    Error::new(Code::INVITATION_CLOSED, message)
}

/// Returns the error for an address that was mailed too often today.
fn mailed_too_often() -> Error {
    let message = format!(
        "this address was sent {} invitations within a day: try again tomorrow",
        crate::domain::invitation::MOST_MAILS_A_DAY
    );
    Error::new(Code::INVITATION_LIMIT_REACHED, message)
}

/// Returns the error for a secret that belongs to no invitation, or none that the caller may accept.
fn unknown_secret() -> Error {
    let message =
        "no invitation has this secret: use the whole link of the latest mail, or ask the person who invited you";
    Error::new(Code::INVITATION_NOT_FOUND, message)
}

/// Reads the secret of a body: `{"secret": "…"}`.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] naming each invalid field.
pub fn read_secret(body: serde_json::Value) -> Result<String> {
    let mut reader = crate::domain::Reader::new(body)?;
    let secret = reader.required("secret", |value| crate::domain::fields::text(value, LONGEST_SECRET));
    reader.finish()?;
    secret.ok_or_else(|| Error::invalid(vec![FieldError::new("secret", FieldCode::REQUIRED, "this field is required")]))
}

/// Length of the longest secret that is looked up.
const LONGEST_SECRET: usize = 128;
