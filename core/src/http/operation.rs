//! What an operation of the API is: its names, its route, and what it takes to call it.

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
    /// The path of its route, as the OpenAPI document has it: `/tenants/{tenant}`.
    pub path: &'static str,
    /// The resource that it belongs to: its tag in the OpenAPI document.
    pub tag: &'static str,
    /// What it does, on one line.
    pub summary: &'static str,
    /// What it takes to call it.
    pub access: Access,
    /// The method of the SDKs that calls it, such as `tenants.list`, if there is one; in Python in `snake_case`.
    pub sdk: Option<&'static str>,
    /// The commands of `dezky` that do what it does, such as `tenant list`.
    pub commands: &'static [&'static str],
}

/// What it takes to call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing: it answers everybody alike.
    Public,
    /// A good token: it is about the caller alone.
    Own,
    /// That the policy allows the action; where there are several, what the request names decides which one it is.
    May(&'static [Action]),
}

impl Access {
    /// The actions of the policy that the operation comes to.
    #[must_use]
    pub const fn actions(self) -> &'static [Action] {
        match self {
            Self::Public | Self::Own => &[],
            Self::May(actions) => actions,
        }
    }
}
