//! API keys of tenants and of the platform.

pub(crate) mod bearer;
mod create;
mod delete;
mod list;
mod read;
pub mod rotate;
mod update;

pub use list::ApiKeyFilter;
pub use rotate::RotateSecret;

use super::{
    Service,
    access::TenantAccess,
    call::Call,
    unit_of_work::Subject,
    views::{check_if_match, viewer},
};
use crate::{
    authz::Action,
    domain::{
        ApiKey, ApiKeyId, ApiKeyUse, ApiKeyView, OneTimeSecret,
        api_key::{API_KEY_USES, NewSecret},
    },
    error::{Error, FieldCode, FieldError, Result},
    store::{Query, Read, Repository as _},
};

/// The kind of resource in audit events.
const KIND: &str = "api_key";

fn subject(key: &ApiKey) -> Subject {
    Subject { tenant: key.tenant_id, user: None }
}

/// Draws a secret.
fn draw() -> Result<NewSecret> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| Error::internal(format!("the system has no randomness: {error}")))?;
    Ok(NewSecret::of(&random))
}

fn uses(ids: impl IntoIterator<Item = ApiKeyId>) -> Read {
    Query::by_ids(&API_KEY_USES, ids.into_iter().map(|id| id.0)).into()
}

fn view(access: &TenantAccess, key: ApiKey, last: Option<&ApiKeyUse>, secret: Option<OneTimeSecret>) -> ApiKeyView {
    let viewer = viewer(access.role(), access.caller.is_platform());
    ApiKeyView::shown_to(key, viewer, last.map(|last| last.last_used_at), secret)
}

/// Refuses to change a key that is not as the caller last saw it, be it used since or not.
fn check_seen(call: &Call, access: &TenantAccess, key: &ApiKey, last: Option<&ApiKeyUse>) -> Result<()> {
    let tagged = |last| check_if_match(call, &view(access, key.clone(), last, None));
    tagged(None).or_else(|_| tagged(last))
}

impl ApiKeyView {
    /// Returns what an entity tag is of: the view without the last use, which is no change of the key.
    #[must_use]
    pub fn tagged(&self) -> Self {
        Self { last_used_at: None, ..self.clone() }
    }
}

/// Refuses scopes that only owners give to a key, if the caller is none.
fn check_giver(access: &TenantAccess, scopes: &[String]) -> Result<()> {
    let mut of_owners =
        scopes.iter().filter_map(|name| Action::named(name)).filter(|action| action.is_given_by_owners());
    match of_owners.next() {
        Some(action) if access.tenant.is_some() => access.authorize(action).map(drop),
        _ => Ok(()),
    }
}

/// Refuses scopes that the key could never use, and a key without any.
fn check_scopes(scopes: &[String], of_platform: bool) -> Result<()> {
    let refuse = |field: String, code, message: String| FieldError::new(field, code, message);
    let wrong = scopes.iter().enumerate().filter_map(|(position, name)| {
        let known = Action::named(name).is_some_and(|action| action.is_for_api_keys(of_platform));
        let message = || {
            let whose = if of_platform { "the platform" } else { "a tenant" };
            format!("an API key of {whose} has no action `{name}`: use names of `docs/authorization.md`, such as `membership.read`")
        };
        (!known).then(|| refuse(format!("scopes[{position}]"), FieldCode::INVALID_CHOICE, message()))
    });
    let mut errors: Vec<FieldError> = wrong.collect();
    if scopes.is_empty() {
        let message = "an API key needs the names of the actions that it may perform".to_owned();
        errors.push(refuse("scopes".to_owned(), FieldCode::REQUIRED, message));
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
}

impl Service {
    /// Loads the caller and a key, if the caller may perform `action` on it.
    async fn key_access(
        &self,
        call: &Call,
        id: ApiKeyId,
        action: Action,
        fields: &[&'static str],
    ) -> Result<(TenantAccess, ApiKey)> {
        let of_platform = match action {
            Action::ReadApiKeys => Action::ReadPlatformApiKeys,
            _ => Action::ManagePlatformApiKeys,
        };
        self.access_to_owned(call, id.0, |key: &ApiKey| key.tenant_id, [action, of_platform], fields).await
    }

    async fn last_use(&self, call: &Call, id: ApiKeyId) -> Result<Option<ApiKeyUse>> {
        Ok(self.store.load(&call.context, id).await?)
    }
}
