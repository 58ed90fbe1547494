//! Sessions that the identity provider ends (OpenID Connect Back-Channel Logout 1.0).

mod end;
mod ended;

pub(crate) use ended::session_ended;
