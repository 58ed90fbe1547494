//! Lists the invitations of a tenant, and reads one.

use crate::{
    authz::Action,
    domain::{
        Invitation, InvitationId, InvitationView,
        invitation::{INVITATIONS, INVITATIONS_OF_TENANT},
    },
    error::Result,
    service::{Call, ListRequest, Page, Service, access::TenantReference, cursor::CursorScope},
    store::{Position, Query, Repository},
};

impl Service {
    /// Lists a tenant's invitations, the newest first. Closed ones are kept for 90 days.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `invalid_cursor` or `invalid_fields`.
    pub async fn list_invitations(
        &self,
        call: &Call,
        reference: &TenantReference,
        request: &ListRequest,
    ) -> Result<Page<InvitationView>> {
        let access = self.tenant_access(call, reference).await?;
        let tenant = access.authorize(Action::ReadInvitations)?.id;
        let scope = CursorScope::new(call, "invitations", &[("tenant", Some(tenant.to_string().as_str()))]);
        let limit = request.limit()?;
        let position = scope.decode(request.cursor.as_deref(), 1)?;
        let query = Query::new(&INVITATIONS)
            .sort(&INVITATIONS_OF_TENANT)
            .descending()
            .equal("tenantId", tenant.0)
            .after(position)
            .limit(limit.saturating_add(1));
        let invitations: Vec<Invitation> = self.store.load_all(&call.context, &query).await?;
        let position =
            |invitation: &Invitation| Position { values: vec![invitation.created_at.into()], id: invitation.id.0 };
        let now = self.attempt(async |moment| moment.now()).await;
        scope.page(invitations, limit, position, |invitation| InvitationView::through(&access, invitation, now))
    }

    /// Returns one invitation of a tenant.
    ///
    /// # Errors
    /// `not_found` or `role_insufficient`.
    pub async fn read_invitation(
        &self,
        call: &Call,
        reference: &TenantReference,
        id: InvitationId,
    ) -> Result<InvitationView> {
        let found = self.invitation_access(call, reference, id, Action::ReadInvitations).await?;
        let now = self.attempt(async |moment| moment.now()).await;
        Ok(InvitationView::through(&found.access, found.invitation, now))
    }
}
