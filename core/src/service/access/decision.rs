//! Turns decisions of the policy into errors that callers may see.

use crate::{
    authz::{Action, Outcome, Reason, Resource, decide, forbidden_fields},
    error::{Code, Error, FieldError, Result},
    service::access::CallerFacts,
};

/// Lets an allowed action pass, and turns any other decision into the error that the caller may see.
pub(crate) fn check(caller: &CallerFacts, action: Action, resource: &Resource<'_>) -> Result<()> {
    let actor = caller.actor();
    let decision = decide(&actor, action, resource);
    if decision.outcome == Outcome::Allow {
        return Ok(());
    }
    // Only what is granted has no code, and that was let pass above; anything else is denied by default.
    let code = decision.reason.code().unwrap_or(Code::NOT_FOUND);
    tracing::debug!(action = action.name(), code = code.name(), "refused");
    let message = match decision.reason {
        Reason::Granted(_) | Reason::NotVisible => return Err(Error::not_found()),
        Reason::UserDisabled => return Err(user_disabled()),
        Reason::PlatformOnly => "only administrators of the platform may do this",
        Reason::RoleTooLow => "your role in this tenant does not allow this",
        Reason::HolderOnly => {
            "only the member whose mailbox it is may do this: whoever creates an app password can read the mail"
        }
        Reason::LastingAdmin => {
            "you administer the platform by a group alone, and may neither make nor unmake administrators by grant: ask one of \
             those, or an operator"
        }
        Reason::OwnerOnly => "only owners of the tenant may manage its owners",
        Reason::LastOwner => "a tenant keeps its last owner: make somebody else an owner first",
        Reason::TenantSuspended => "the tenant is suspended and cannot be changed",
        Reason::TenantDeleted => "the tenant is deleted",
        Reason::Scope => "the API key does not have this action among its scopes",
        Reason::Field(_) => "the body sets fields that you may not set; see `errors`",
    };
    let error = Error::new(code, message);
    if !matches!(decision.reason, Reason::Field(_)) {
        return Err(error);
    }
    let forbidden = |field| FieldError::new(field, code, "you may not set this field: leave it out");
    Err(error.with_fields(forbidden_fields(&actor, action, resource).into_iter().map(forbidden).collect()))
}

pub(super) fn user_disabled() -> Error {
    Error::new(Code::USER_DISABLED, "this user is disabled: ask the operator of the platform")
}
