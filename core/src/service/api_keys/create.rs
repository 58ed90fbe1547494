//! Creates an API key.

use super::{KIND, check_giver, check_scopes, draw, subject, view};
use crate::{
    authz::Action,
    domain::{
        ApiKey, ApiKeyView, CreateApiKey, Patch,
        api_key::{API_KEYS, API_KEYS_BY_AGE, API_KEYS_OF_TENANT, MOST_API_KEYS},
    },
    error::{Code, Error, FieldCode, FieldError, Result},
    service::{
        Call, Service,
        access::TenantReference,
        effect::ELSEWHERE,
        idempotency::{Begun, Replayable, shown_once},
        moment::Moment,
        place,
        unit_of_work::UnitOfWork,
    },
    store::{Filter, Query, Repository as _},
};

impl Service {
    /// Creates an API key. The answer has the whole key, which is shown once.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `platform_admin_required`, `granted_admin_required`, `tenant_suspended`,
    /// `api_key_limit_reached`, `secret_shown_once` or `invalid_fields`.
    pub async fn create_api_key(&self, call: &Call, input: CreateApiKey) -> Result<Replayable<ApiKeyView>> {
        self.settle(call, |moment| self.try_create_api_key(call, moment, input.clone())).await
    }

    async fn try_create_api_key(
        &self,
        call: &Call,
        moment: Moment,
        input: CreateApiKey,
    ) -> Result<Replayable<ApiKeyView>> {
        let tenant = input.tenant_id.map(TenantReference::Id);
        let actions = [Action::CreateApiKey, Action::ManagePlatformApiKeys];
        let access = self.access_to_tenant_or_platform(call, tenant.as_ref(), actions, &input.fields()).await?;
        check_scopes(set(&input.scopes), input.tenant_id.is_none())?;
        check_giver(&access, set(&input.scopes))?;
        if let Patch::Set(time) = &input.expires_at
            && *time <= moment.now()
        {
            let message = "must be in the future";
            return Err(Error::invalid(vec![FieldError::new("expiresAt", FieldCode::OUT_OF_RANGE, message)]));
        }
        let slot = match self.begin::<ApiKeyView>(call, &moment).await? {
            Begun::Before(answer) => return Err(shown_once(&answer.value.name, "rotate the key")),
            Begun::New(slot) => slot,
        };
        // Its host draws the secret of a component's request.
        self.leave_to_effect(call).await?;
        if ELSEWHERE {
            return Err(Error::internal("a component writes nothing, and nobody carries its changes out"));
        }
        let place = self.free_place(call, &input).await?;
        let secret = draw()?;
        let key = input.into_api_key(&secret, place, access.caller.user_id(), moment.now());
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        let action = if key.tenant_id.is_some() { Action::CreateApiKey } else { Action::ManagePlatformApiKeys };
        work.insert(action, KIND, subject(&key), &key)?;
        access.guard(&mut work);
        let shown = key.shown(&secret);
        let mut answer = view(&access, key, None, None);
        slot.keep(&mut work, 201, &answer)?;
        self.carry_out(work).await?;
        answer.secret = Some(shown);
        Ok(Replayable::new(answer))
    }

    /// Returns a free place among the keys of the tenant, or of the platform.
    async fn free_place(&self, call: &Call, input: &CreateApiKey) -> Result<u32> {
        let query = match input.tenant_id {
            Some(tenant) => Query::new(&API_KEYS).sort(&API_KEYS_OF_TENANT).equal("tenantId", tenant.0),
            None => {
                let places = (0..MOST_API_KEYS).map(|place| ApiKey::place_key(None, place)).collect();
                Query::new(&API_KEYS).sort(&API_KEYS_BY_AGE).filter(Filter::UniqueKeyIn(places))
            }
        };
        let others: Vec<ApiKey> = self.store.load_all(&call.context, &query.limit(MOST_API_KEYS)).await?;
        place::free(others.iter().map(|other| other.place), MOST_API_KEYS).ok_or_else(|| {
            let message = format!("there are {MOST_API_KEYS} API keys already: revoke one that is not used");
            Error::new(Code::API_KEY_LIMIT_REACHED, message)
        })
    }
}

/// Returns the value of a member that was set.
pub(super) fn set<T>(patch: &Patch<Vec<T>>) -> &[T] {
    match patch {
        Patch::Set(values) => values,
        Patch::Keep | Patch::Clear => &[],
    }
}
