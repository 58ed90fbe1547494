//! Shows an invitation to the holder of its secret, before they sign in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::unknown_secret;
use crate::{
    clock::Timestamp,
    context::RequestContext,
    domain::{Branding, Invitation, InvitationStatus, Language, MembershipRole, Tenant, TenantStatus},
    error::{Code, Error, Result},
    service::Service,
    store::Repository,
};

/// The part of an invitation that the holder of its secret sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "InvitationPreview")]
#[non_exhaustive]
pub struct InvitationPreview {
    /// Slug of the tenant
    pub tenant_slug: String,
    /// Name of the tenant
    pub tenant_name: String,
    /// Appearance of the tenant
    pub branding: Branding,
    /// The role that it gives
    pub role: MembershipRole,
    /// Language of its mail
    pub language: Language,
    /// Time at which it expires
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Address at which an account is created; `next` in its query leads back
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub enrolment_url: Option<String>,
    /// `true` if somebody has accepted it
    pub accepted: bool,
}

impl Service {
    /// Returns what the holder of a secret may see of its invitation: no address and no name of a person.
    ///
    /// # Errors
    /// `invitation_not_found` or `invitation_expired`.
    pub async fn preview_invitation(&self, context: &RequestContext, secret: &str) -> Result<InvitationPreview> {
        let key = Invitation::secret_key(&Invitation::hash(secret));
        let invitation: Option<Invitation> = self.store.load_unique(context, key).await?;
        let invitation = invitation.ok_or_else(unknown_secret)?;
        let tenant: Option<Tenant> = self.store.load(context, invitation.tenant_id).await?;
        let living = |tenant: &Tenant| tenant.status != TenantStatus::Deleted;
        let tenant = tenant.filter(living).ok_or_else(unknown_secret)?;
        let accepted = invitation.status == InvitationStatus::Accepted;
        if !accepted && (!invitation.open || self.clock.has_passed(invitation.expires_at)) {
            let message = "this invitation has expired: ask the person who invited you to send it again";
            return Err(Error::new(Code::INVITATION_EXPIRED, message));
        }
        // Whoever joins a tenant with an identity provider of its own has an account there.
        let own = self.settings.issuers_of_tenants.contains_key(&tenant.slug);
        Ok(InvitationPreview {
            enrolment_url: self.settings.enrolment_url.clone().filter(|_| !own),
            tenant_slug: tenant.slug,
            tenant_name: tenant.name,
            branding: tenant.branding.unwrap_or_default(),
            role: invitation.role,
            language: invitation.language,
            expires_at: invitation.expires_at,
            accepted,
        })
    }
}
