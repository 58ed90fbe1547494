//! `dezky audit`.

use std::time::Duration;

use clap::Args;
use dezky::{
    clock::{Clock as _, SystemClock, Timestamp},
    context::SystemActor,
    service::{Page, access::TenantReference, audit::AuditFilter, views::AuditEventView},
};
use serde::Serialize;

use super::{
    listing::{ListFlags, list},
    output::Column,
    person,
    session::{CommonFlags, Session},
    trail::{self, TrailCommand},
};
use crate::failure::Failure;

const COLUMNS: &[Column] = &[
    ("AT", "/at"),
    ("ACTOR", "/by"),
    ("ACTION", "/action"),
    ("TENANT", "/tenantId"),
    ("RESOURCE", "/resource/id"),
    ("CHANGED", "/changedFields"),
    ("SEQ", "/seq"),
    ("REQUEST", "/requestId"),
];

/// Flags of `dezky audit`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct AuditFlags {
    #[command(subcommand)]
    command: Option<TrailCommand>,
    /// Only events of this tenant, by id or slug
    #[arg(long)]
    tenant: Option<String>,
    /// Only events about this user: id, ISSUER/SUBJECT or e-mail address
    #[arg(long)]
    user: Option<String>,
    /// Only events of this action, such as tenant.update
    #[arg(long)]
    action: Option<String>,
    /// Only events by this actor: the name of a system actor, or the id of a user. Pages are filtered after they are
    /// read, so a page may hold fewer events than --limit, or none; --all shows every one
    #[arg(id = "by", long = "actor", value_name = "NAME|ID")]
    actor: Option<String>,
    /// Only events since this time: RFC 3339, or a time ago such as 30m, 12h or 7d
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only events before this time, written as for --since
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    #[command(flatten)]
    list: ListFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Reads a time, or a time ago.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let refused = || "must be a time such as 2026-01-31T09:30:00Z, or so long ago: 30m, 12h, 7d".to_owned();
    let unit = text.chars().last().ok_or_else(refused)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(refused()),
    };
    let number: u32 = text.strip_suffix(unit).and_then(|number| number.parse().ok()).ok_or_else(refused)?;
    Ok(SystemClock.now().minus(Duration::from_secs(seconds.saturating_mul(number.into()))))
}

/// Table row of an event.
#[derive(Serialize)]
struct Row<'a> {
    by: &'a str,
    #[serde(flatten)]
    event: &'a AuditEventView,
}

/// Runs the command.
pub(crate) async fn run(flags: AuditFlags) -> Result<(), Failure> {
    if let Some(command) = flags.command {
        return trail::run(command).await;
    }
    let session = Session::open(&flags.common)?;
    let user_id = match &flags.user {
        Some(user) => Some(person::find(&session, user).await?.id),
        None => None,
    };
    let filter = AuditFilter {
        tenant: flags.tenant.as_deref().map(TenantReference::from),
        user_id,
        action: flags.action,
        from: flags.since,
        until: flags.until,
    };
    let (session, filter, actor, json) = (&session, &filter, flags.actor.as_deref(), flags.common.json);
    list(&session.output, &flags.list, COLUMNS, |request| async move {
        let page = session.service.list_audit(&session.call(), filter, &request).await?;
        let wanted = |event: &AuditEventView| actor.is_none_or(|actor| by(event) == actor);
        let items: Vec<_> = page.items.iter().filter(|event| wanted(event)).map(|event| shown(event, json)).collect();
        Ok(Page { items: collected(items)?, next_cursor: page.next_cursor })
    })
    .await
}

/// Returns the name of a system actor, or the id of a user.
fn by(event: &AuditEventView) -> String {
    let person = event.actor.user_id.map(|id| id.to_string());
    person.or_else(|| event.actor.name.clone()).unwrap_or_else(|| SystemActor::Provisioning.name().to_owned())
}

/// Programs get the view of the HTTP API; a table shows the actor in one column.
fn shown(event: &AuditEventView, json: bool) -> serde_json::Result<Box<serde_json::value::RawValue>> {
    if json {
        serde_json::value::to_raw_value(event)
    } else {
        serde_json::value::to_raw_value(&Row { by: &by(event), event })
    }
}

fn collected<T>(items: Vec<serde_json::Result<T>>) -> dezky::Result<Vec<T>> {
    items.into_iter().collect::<serde_json::Result<Vec<T>>>().map_err(|error| dezky::Error::internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn times_are_absolute_or_so_long_ago() {
        assert_eq!(moment("2026-01-31T09:30:00Z").unwrap().to_string(), "2026-01-31T09:30:00.000Z");
        let before = SystemClock.now().minus(Duration::from_secs(7 * 86_400));
        assert!(moment("7d").unwrap() >= before);
        for refused in ["", "7", "d", "-1d", "7w", "yesterday"] {
            assert!(moment(refused).is_err(), "{refused}");
        }
    }
}
