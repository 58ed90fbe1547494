//! Sessions at the identity provider: ending them (OpenID Connect Back-Channel Logout 1.0), and their age.

mod end;
mod ended;

pub(crate) use ended::{SessionFacts, session_ended, session_records};
