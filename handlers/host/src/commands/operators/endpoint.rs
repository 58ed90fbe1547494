//! `dezky endpoint`.

use clap::{Args, Subcommand};
use dezky::{
    clock::Timestamp,
    domain::{CreateEventEndpoint, EventEndpointId, UpdateEventEndpoint},
    service::{
        access::TenantReference,
        event_endpoints::{DeliveryFilter, Replay},
    },
};
use serde_json::{Map, json};

use super::{
    audit::moment,
    body::BodyFlags,
    choice,
    listing::{ListFlags, list},
    output::Column,
    session::{CommonFlags, OnceFlags, Session, settled, tenant},
};
use crate::failure::Failure;

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("TENANT", "/tenantId"),
    ("URL", "/url"),
    ("TYPES", "/types"),
    ("ACTIVE", "/active"),
    ("REASON", "/failure"),
];

const DELIVERIES: &[Column] = &[
    ("EVENT", "/eventId"),
    ("TYPE", "/eventType"),
    ("AT", "/occurredAt"),
    ("STATUS", "/status"),
    ("ATTEMPTS", "/attempts"),
    ("ANSWER", "/responseStatus"),
    ("REASON", "/failure"),
];

const STATUSES: [&str; 4] = ["waiting", "retrying", "delivered", "failed"];

/// Actions on the endpoints to which events are delivered.
#[derive(Debug, Subcommand)]
pub(crate) enum EndpointCommand {
    /// List the endpoints of the platform, or of a tenant
    #[command(visible_alias = "ls", after_help = "Example:\n  dezky endpoint list --tenant acme")]
    List(ListEndpoints),
    /// Show an endpoint
    #[command(after_help = "Example:\n  dezky endpoint show 65f0c0ffee0000000000cafe")]
    Show(OneEndpoint),
    /// Create an endpoint of the platform, or of a tenant, and print its secret once
    #[command(after_help = "Examples:
  dezky endpoint create https://hooks.example.eu/dezky
  dezky endpoint create https://hooks.acme.eu/ --tenant acme --type 'membership.*' --type tenant.update")]
    Create(CreateFlags),
    /// Change an endpoint
    #[command(after_help = "Examples:
  dezky endpoint update 65f0c0ffee0000000000cafe --active true
  dezky endpoint update 65f0c0ffee0000000000cafe --body '{\"types\": []}'")]
    Update(UpdateFlags),
    /// Remove an endpoint
    #[command(after_help = "Example:\n  dezky endpoint delete 65f0c0ffee0000000000cafe")]
    Delete(OneEndpoint),
    /// Give an endpoint another secret, and print it once; the previous one stays valid for 24 hours
    #[command(after_help = "Example:\n  dezky endpoint rotate 65f0c0ffee0000000000cafe")]
    Rotate(RotateFlags),
    /// List the deliveries to an endpoint, those of the newest events first
    #[command(after_help = "Example:\n  dezky endpoint deliveries 65f0c0ffee0000000000cafe --status failed")]
    Deliveries(DeliveriesFlags),
    /// Have events delivered to an endpoint again: all whose delivery has failed, or those that are named
    #[command(after_help = "Examples:
  dezky endpoint replay 65f0c0ffee0000000000cafe
  dezky endpoint replay 65f0c0ffee0000000000cafe --status delivered --since 2h
  dezky endpoint replay 65f0c0ffee0000000000cafe --event 65f0c0ffee0000000000beef")]
    Replay(ReplayFlags),
}

/// Flags of `dezky endpoint list`.
#[derive(Debug, Args)]
pub(crate) struct ListEndpoints {
    /// Id or slug of a tenant [default: the platform's own endpoints]
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    list: ListFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of commands on one endpoint.
#[derive(Debug, Args)]
pub(crate) struct OneEndpoint {
    /// Id of the endpoint
    endpoint: EventEndpointId,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky endpoint create`.
#[derive(Debug, Args)]
pub(crate) struct CreateFlags {
    /// Address that events are sent to
    url: String,
    /// Id or slug of the tenant whose events it gets [default: the events of all]
    #[arg(long)]
    tenant: Option<String>,
    /// Type of events that it gets, such as tenant.update or membership.*; may be repeated [default: all]
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Note about its purpose
    #[arg(long)]
    description: Option<String>,
    /// Send personal values with events, too
    #[arg(long)]
    personal_values: bool,
    #[command(flatten)]
    body: BodyFlags,
    #[command(flatten)]
    once: OnceFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky endpoint update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateFlags {
    /// Id of the endpoint
    endpoint: EventEndpointId,
    /// Address that events are sent to
    #[arg(long)]
    url: Option<String>,
    /// Type of events that it gets; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// `true` while events are to be delivered to it
    #[arg(long, value_name = "true|false")]
    active: Option<bool>,
    /// `true` if personal values are sent with events; another address turns it off
    #[arg(long, value_name = "true|false")]
    personal_values: Option<bool>,
    #[command(flatten)]
    body: BodyFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky endpoint rotate`.
#[derive(Debug, Args)]
pub(crate) struct RotateFlags {
    /// Id of the endpoint
    endpoint: EventEndpointId,
    #[command(flatten)]
    once: OnceFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky endpoint deliveries`.
#[derive(Debug, Args)]
pub(crate) struct DeliveriesFlags {
    /// Id of the endpoint
    endpoint: EventEndpointId,
    /// Only deliveries with this status
    #[arg(long, value_parser = STATUSES)]
    status: Option<String>,
    #[command(flatten)]
    list: ListFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky endpoint replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayFlags {
    /// Id of the endpoint
    endpoint: EventEndpointId,
    /// Id of one event
    #[arg(long, value_name = "ID", conflicts_with_all = ["status", "since"])]
    event: Option<String>,
    /// Status of the deliveries [default: failed]
    #[arg(long, value_parser = STATUSES)]
    status: Option<String>,
    /// Only events since this time: RFC 3339, or a time ago such as 30m, 12h or 7d
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    #[command(flatten)]
    common: CommonFlags,
}

/// Runs the command.
pub(crate) async fn run(command: EndpointCommand) -> Result<(), Failure> {
    match command {
        EndpointCommand::List(flags) => {
            let session = Session::open(&flags.common)?;
            let tenant = flags.tenant.as_deref().map(TenantReference::from);
            let (session, tenant) = (&session, tenant.as_ref());
            list(&session.output, &flags.list, COLUMNS, |request| async move {
                session.service.list_event_endpoints(&session.call(), tenant, &request).await
            })
            .await
        }
        EndpointCommand::Show(flags) => {
            let session = Session::open(&flags.common)?;
            let found = session.service.read_event_endpoint(&session.call(), flags.endpoint).await;
            session.output.document(&settled(found)?)
        }
        EndpointCommand::Create(flags) => create(flags).await,
        EndpointCommand::Update(flags) => update(flags).await,
        EndpointCommand::Delete(flags) => {
            let session = Session::open(&flags.common)?;
            settled(session.service.delete_event_endpoint(&session.call(), flags.endpoint).await)?;
            let sentence = format!("the endpoint `{}` is removed", flags.endpoint);
            session.output.done(&sentence, &json!({ "id": flags.endpoint, "deleted": true }))
        }
        EndpointCommand::Rotate(flags) => {
            let session = Session::open(&flags.common)?;
            let target = format!("endpoint rotate {}", flags.endpoint);
            let call = session.call_once(flags.once.idempotency_key.as_ref(), &target, &json!({}));
            let rotated = session.service.rotate_event_endpoint(&call, flags.endpoint).await;
            session.output.document(&settled(rotated)?.value)
        }
        EndpointCommand::Deliveries(flags) => {
            let session = Session::open(&flags.common)?;
            let filter = DeliveryFilter { status: flags.status.as_deref().map(choice).transpose()? };
            let (session, filter, id) = (&session, &filter, flags.endpoint);
            list(&session.output, &flags.list, DELIVERIES, |request| async move {
                session.service.list_event_deliveries(&session.call(), id, filter, &request).await
            })
            .await
        }
        EndpointCommand::Replay(flags) => replay(flags).await,
    }
}

async fn create(flags: CreateFlags) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let of = match &flags.tenant {
        Some(named) => Some(tenant(&session, named).await?.id.to_string()),
        None => None,
    };
    let body = flags.body.read()?.set("url", Some(flags.url)).set("tenantId", of);
    let body = body.set_list("types", &flags.types).set("description", flags.description);
    let body = body.set("personalValues", flags.personal_values.then_some(true)).into_value();
    let call = session.call_once(flags.once.idempotency_key.as_ref(), "endpoint create", &body);
    let input = settled(CreateEventEndpoint::read(body))?;
    session.output.document(&settled(session.service.create_event_endpoint(&call, input).await)?.value)
}

async fn update(flags: UpdateFlags) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let body = flags.body.read()?.set("url", flags.url).set_list("types", &flags.types).set("active", flags.active);
    let body = body.set("personalValues", flags.personal_values);
    let input = settled(UpdateEventEndpoint::read(body.into_patch()?))?;
    let changed = session.service.update_event_endpoint(&session.call(), flags.endpoint, input).await;
    session.output.document(&settled(changed)?)
}

/// Has deliveries made again, in as many requests as it takes.
async fn replay(flags: ReplayFlags) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let mut body = Map::new();
    for (field, value) in [("eventId", flags.event), ("status", flags.status)] {
        body.extend(value.map(|value| (field.to_owned(), value.into())));
    }
    let mut since = flags.since;
    let mut replayed = 0;
    loop {
        body.extend(since.map(|since| ("since".to_owned(), since.to_string().into())));
        let replay = settled(Replay::read(body.clone().into()))?;
        let done = settled(session.service.replay_events(&session.call(), flags.endpoint, replay).await)?.value;
        replayed += done.replayed;
        match done.next_since {
            // Deliveries that are made again have another status, so that the next request finds others.
            Some(next) => since = Some(next),
            None => break,
        }
    }
    let sentence = format!("{replayed} deliveries are made again");
    session.output.done(&sentence, &json!({ "id": flags.endpoint, "replayed": replayed }))
}
