//! `dezky events`.

use std::sync::Arc;

use clap::Args;
use dezky::{
    domain::event::EVENTS,
    http::live::PACE,
    service::{
        access::TenantReference,
        events::EventFilter,
        live::{Live as _, Tick},
    },
    store::Collection,
    work::StoreChanges,
};
use futures_util::StreamExt as _;

use super::{
    listing::{ListFlags, list},
    output::Column,
    session::{CommonFlags, Session, settled},
};
use crate::failure::Failure;

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("AT", "/timestamp"),
    ("TYPE", "/type"),
    ("TENANT", "/tenantId"),
    ("RESOURCE", "/data/resource/id"),
    ("CHANGED", "/data/changedFields"),
];

/// Collections whose changes are looked at.
static FOLLOWED: [&Collection; 1] = [&EVENTS];

/// Flags of `dezky events`.
#[derive(Debug, Args)]
pub(crate) struct EventsFlags {
    /// Only events of this tenant, by id or slug
    #[arg(long)]
    tenant: Option<String>,
    /// Only events of this type, such as tenant.update or membership.*; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Print events as they happen, until it is stopped; from the event on whose id --cursor gives, if it is there
    #[arg(long, conflicts_with_all = ["all", "limit"])]
    follow: bool,
    #[command(flatten)]
    list: ListFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Runs the command.
pub(crate) async fn run(flags: EventsFlags) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let filter = EventFilter { tenant: flags.tenant.as_deref().map(TenantReference::from), types: flags.types };
    if flags.follow {
        return follow(&session, &filter, flags.list.cursor.as_deref()).await;
    }
    let (session, filter) = (&session, &filter);
    list(&session.output, &flags.list, COLUMNS, |request| async move {
        session.service.list_events(&session.call(), filter, &request).await
    })
    .await
}

/// Prints events as they happen. Ends with an error, or when the process is stopped.
async fn follow(session: &Session, filter: &EventFilter, last: Option<&str>) -> Result<(), Failure> {
    let changes = StoreChanges::of(Arc::clone(session.service.store()));
    let mut position = settled(session.service.event_position(&session.call(), filter, last).await)?;
    let mut first = true;
    loop {
        // Followed before each look, so that no event falls in between.
        let mut ticks = changes.follow(&FOLLOWED, PACE);
        loop {
            let batch = settled(session.service.events_after(&session.call(), filter, position).await)?;
            position = batch.position;
            let events: Vec<_> = batch.events.into_iter().map(|(_, event)| event).collect();
            if first || !events.is_empty() {
                session.output.part(COLUMNS, &events, first)?;
                first = false;
            }
            if !batch.more {
                break;
            }
        }
        // A stream ends after some minutes, and the wait goes on with another.
        while ticks.next().await == Some(Tick::Idle) {}
    }
}
