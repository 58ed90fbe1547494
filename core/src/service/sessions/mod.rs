//! Sessions at the identity provider: those that it ends (OpenID Connect Back-Channel Logout 1.0), and how old they are.

mod end;
mod ended;

pub(crate) use ended::{SessionFacts, session_ended, session_records};
