//! Operations below `/invitations`.

use crate::http::openapi::shape::Shape;
use crate::http::openapi::schemas::InvitationSecretBody;
use crate::service::invitations::AcceptedInvitation;
use crate::service::invitations::InvitationPreview;

operations! {
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
