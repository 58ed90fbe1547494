//! The declaration of an operation of the API: its names, its route and its access rule.

use http::Method;

use crate::authz::Action;

/// An operation of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// Its `operationId` in the OpenAPI document.
    pub id: &'static str,
    /// The method of its route.
    pub method: Method,
    /// The path of its route in the form of the OpenAPI document: `/tenants/{tenant}`.
    pub path: &'static str,
    /// The resource that it belongs to, which is its tag in the OpenAPI document.
    pub tag: &'static str,
    /// One-line summary.
    pub summary: &'static str,
    /// The access rule.
    pub access: Access,
    /// The SDK method that calls it, such as `tenants.list`, if any; in `snake_case` in Python.
    pub sdk: Option<&'static str>,
    /// The commands of `dezky` that do the same, such as `tenant list`.
    pub commands: &'static [&'static str],
}

/// The access rule of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Public: it gives everybody the same answer.
    Public,
    /// A valid token: it only concerns the caller.
    Own,
    /// Permission by the policy. If there are several actions, the content of the request determines which one applies.
    May(&'static [Action]),
}

impl Access {
    /// Returns the actions of the policy that the operation performs.
    #[must_use]
    pub const fn actions(self) -> &'static [Action] {
        match self {
            Self::Public | Self::Own => &[],
            Self::May(actions) => actions,
        }
    }
}
