//! `dezky invitation bounce`: a report of mail that came back.

use std::io::Read as _;

use clap::Args;
use dezky::{mail::bounce::LARGEST_REPORT, work::invitations::bounce_key};
use serde_json::json;

use super::super::session::{CommonFlags, Session, settled};
use crate::failure::Failure;

/// Flags of `dezky invitation bounce`.
#[derive(Debug, Args)]
pub(crate) struct BounceFlags {
    #[command(flatten)]
    common: CommonFlags,
}

/// Succeeds for what is no such report too: a failure would make the mail server report it in turn.
pub(super) async fn run(flags: BounceFlags) -> Result<(), Failure> {
    let most = u64::try_from(LARGEST_REPORT).unwrap_or(u64::MAX);
    let mut message = Vec::new();
    std::io::stdin().lock().take(most).read_to_end(&mut message)?;
    let session = Session::open(&flags.common)?;
    let key = settled(bounce_key(&session.service).await)?;
    let Some(bounce) = key.bounce(&message) else {
        return session.output.done("this is no report of a mail of ours that failed", &json!({ "noted": false }));
    };
    let returned = bounce.returned;
    let noted = session.service.bounce_invitation(returned.invitation, returned.attempt, &bounce.reason).await;
    let noted = settled(noted)?;
    let sentence = match noted {
        true => format!("the invitation `{}` has failed: {}", returned.invitation, bounce.reason),
        false => format!("the invitation `{}` has moved on; nothing is changed", returned.invitation),
    };
    session.output.done(&sentence, &json!({ "id": returned.invitation, "noted": noted }))
}
