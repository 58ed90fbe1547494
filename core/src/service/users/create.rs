//! Creates a user before the first sign-in, or admits an erased person again.

use super::{KIND, subject};
use crate::{
    authz::{Action, Resource},
    domain::{CreateUser, Issuer},
    error::{Error, FieldCode, FieldError, Result},
    service::{
        Call, Service,
        access::check,
        idempotency::{Begun, Replayable},
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::UserView,
    },
    store::Repository as _,
};

impl Service {
    /// Creates a user. Platform only. This is the only way to admit an erased subject again.
    ///
    /// # Errors
    /// `user_exists`, `platform_admin_required`, `granted_admin_required` or `invalid_fields`.
    pub async fn create_user(&self, call: &Call, input: CreateUser) -> Result<Replayable<UserView>> {
        self.settle(call, |moment| self.try_create_user(call, moment, input.clone())).await
    }

    /// Returns `true` if an issuer is configured, or is that of a tenant's own login.
    async fn knows_issuer(&self, call: &Call, name: &str) -> Result<bool> {
        if self.settings.issuer_ids.iter().any(|id| id == name) {
            return Ok(true);
        }
        let Some(tenant) = Issuer::tenant_of(name) else { return Ok(false) };
        let issuer: Option<Issuer> = self.store.load_unique(&call.context, Issuer::tenant_key(tenant)).await?;
        Ok(issuer.is_some())
    }

    async fn try_create_user(&self, call: &Call, moment: Moment, input: CreateUser) -> Result<Replayable<UserView>> {
        let caller = self.caller(call).await?;
        let lasting_admin = input.makes_admin();
        let resource = Resource { fields: &input.fields(), lasting_admin, ..Resource::default() };
        check(&caller, Action::CreateUser, &resource)?;
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        if !self.knows_issuer(call, input.issuer_id()).await? {
            let message = match self.settings.issuer_ids.as_slice() {
                [] => "must be the id of a configured issuer, and none is configured: configure one first".to_owned(),
                known => format!("must be the id of a configured issuer: {}", known.join(", ")),
            };
            return Err(Error::invalid(vec![FieldError::new("issuerId", FieldCode::UNKNOWN_ISSUER, message)]));
        }
        let now = moment.now();
        let hash = self.subject_hash(call, input.issuer_id(), input.subject()).await?;
        let tombstone = self.find_tombstone(call, input.issuer_id(), &hash).await?;
        let mut user = input.into_user(now);
        user.subject_hash = Some(hash);
        let mut work = UnitOfWork::new(call, caller.audit_actor(), &moment);
        if let Some(tombstone) = tombstone {
            let mut opened = tombstone.clone();
            opened.subject_hash = None;
            work.update(Action::UpdateUser, KIND, subject(&tombstone), &tombstone, &mut opened)?;
        }
        work.insert(Action::CreateUser, KIND, subject(&user), &user)?;
        caller.guard(&mut work);
        let view = UserView::new(user, Vec::new());
        slot.showing(view.id).keep(&mut work, 201, &view)?;
        self.carry_out(work).await?;
        Ok(Replayable::new(view))
    }
}
