//! Types of events: the names of the actions that change something.

use crate::{
    authz::policy::POLICY,
    domain::{event_endpoint::selects, system_action::SYSTEM_ACTIONS},
    error::{Error, FieldCode, FieldError, Result},
};

/// Returns `true` if an action is declared: in the table of the policy, or among the platform's own.
pub(crate) fn is_declared(action: &str) -> bool {
    POLICY.iter().any(|rule| rule.name == action) || SYSTEM_ACTIONS.iter().any(|(name, _)| *name == action)
}

/// Refuses types that select none of the declared actions, since they are misspelt.
pub(super) fn check_types(types: &[String]) -> Result<()> {
    let names = || POLICY.iter().map(|rule| rule.name).chain(SYSTEM_ACTIONS.iter().map(|(name, _)| *name));
    let selects_none = |one: &String| !names().any(|name| selects(std::slice::from_ref(one), name));
    let unknown: Vec<FieldError> = types
        .iter()
        .enumerate()
        .filter(|(_, one)| selects_none(one))
        .map(|(place, _)| {
            let message = "there are no events of this type: see `webhooks` in `/openapi.json`";
            FieldError::new(format!("types[{place}]"), FieldCode::INVALID_EVENT_TYPE, message)
        })
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(Error::invalid(unknown)) }
}
