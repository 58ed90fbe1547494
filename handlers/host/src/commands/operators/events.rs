//! `dezky events`.

use clap::Args;
use dezky::service::{access::TenantReference, events::EventFilter};

use super::{
    listing::{ListFlags, list},
    output::Column,
    session::{CommonFlags, Session},
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

/// Flags of `dezky events`.
#[derive(Debug, Args)]
pub(crate) struct EventsFlags {
    /// Only events of this tenant, by id or slug
    #[arg(long)]
    tenant: Option<String>,
    /// Only events of this type, such as tenant.update or membership.*; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    #[command(flatten)]
    list: ListFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Runs the command.
pub(crate) async fn run(flags: EventsFlags) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let filter = EventFilter { tenant: flags.tenant.as_deref().map(TenantReference::from), types: flags.types };
    let (session, filter) = (&session, &filter);
    list(&session.output, &flags.list, COLUMNS, |request| async move {
        session.service.list_events(&session.call(), filter, &request).await
    })
    .await
}
