//! `dezky workspace`.

use std::sync::Arc;

use clap::{Args, Subcommand};
use dezky::{
    domain::Choice as _,
    http::live::PACE,
    service::{
        access::TenantReference,
        live::{Live as _, Tick},
        workspaces::{SHOWN, WorkspaceView},
    },
    work::StoreChanges,
    workspace::PlannedRun,
};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::{
    output::Column,
    session::{CommonFlags, OnceFlags, Session, settled, tenant},
};
use crate::failure::Failure;

const SYSTEMS: &[Column] = &[
    ("SYSTEM", "/system"),
    ("PHASE", "/phase"),
    ("WHAT", "/what"),
    ("NEXT", "/nextAttemptAt"),
    ("SUBJECT", "/subject"),
];

const PLANNED: &[Column] =
    &[("SYSTEM", "/system"), ("CHANGES", "/changes"), ("WHAT", "/what"), ("SUBJECT", "/subject")];

const RECORDS: &[Column] =
    &[("TYPE", "/type"), ("NAME", "/name"), ("SEEN", "/seen"), ("NEEDED", "/required"), ("VALUE", "/value")];

/// Actions on the systems behind a tenant.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkspaceCommand {
    /// Show the systems behind a tenant, what they wait for, and the DNS records to publish
    #[command(after_help = "Examples:
  dezky workspace show acme
  dezky workspace show acme --json | jq .ready
  dezky workspace show acme --follow")]
    Show(ShownWorkspace),
    /// Retry what failed, without waiting for the time of the next attempt
    #[command(after_help = "Example:\n  dezky workspace retry acme")]
    Retry(RequestFlags),
    /// Compare the systems with what they should be, and tell the changes without making them
    ///
    /// Reads only, and needs the settings of the systems (DEZKY_AUTHENTIK_URL, DEZKY_STALWART_URL, DEZKY_OCIS_URL). The
    /// first 1,000 people and mailboxes of a tenant are compared.
    #[command(after_help = "Examples:
  dezky workspace plan acme
  dezky workspace plan acme --json | jq '.[].changes'")]
    Plan(OneWorkspace),
    /// Compare the systems and the DNS records with what they should be
    #[command(after_help = "Example:\n  dezky workspace check acme")]
    Check(RequestFlags),
    /// Confirm that a system without a connector was set up or removed by hand
    #[command(after_help = "Example:\n  dezky workspace confirm acme chat")]
    Confirm(ConfirmFlags),
}

/// Flags of `dezky workspace confirm`.
#[derive(Debug, Args)]
pub(crate) struct ConfirmFlags {
    /// Id or slug of the tenant
    tenant: String,
    /// The system: chat or meetings
    system: String,
    #[command(flatten)]
    once: OnceFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky workspace show`.
#[derive(Debug, Args)]
pub(crate) struct ShownWorkspace {
    /// Print what changes until all is ready; with --json a document a line
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    one: OneWorkspace,
}

/// Flags of commands about one workspace.
#[derive(Debug, Args)]
pub(crate) struct OneWorkspace {
    /// Id or slug of the tenant
    tenant: String,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of the commands that ask for something.
#[derive(Debug, Args)]
pub(crate) struct RequestFlags {
    /// Id or slug of the tenant
    tenant: String,
    #[command(flatten)]
    once: OnceFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Runs the command.
pub(crate) async fn run(command: WorkspaceCommand) -> Result<(), Failure> {
    match command {
        WorkspaceCommand::Show(flags) => show(&flags).await,
        WorkspaceCommand::Plan(flags) => plan(&flags).await,
        WorkspaceCommand::Retry(flags) => {
            let session = Session::open(&flags.common)?;
            let reference = TenantReference::Id(tenant(&session, &flags.tenant).await?.id);
            let call = session.call_once(
                flags.once.idempotency_key.as_ref(),
                &format!("workspace retry {}", flags.tenant),
                &Value::Null,
            );
            print(&session, &settled(session.service.retry_workspace(&call, &reference).await)?.value)
        }
        WorkspaceCommand::Confirm(flags) => {
            let session = Session::open(&flags.common)?;
            let reference = TenantReference::Id(tenant(&session, &flags.tenant).await?.id);
            let target = format!("workspace confirm {} {}", flags.tenant, flags.system);
            let call = session.call_once(flags.once.idempotency_key.as_ref(), &target, &Value::Null);
            let confirmed = session.service.confirm_workspace(&call, &reference, &flags.system).await;
            print(&session, &settled(confirmed)?.value)
        }
        WorkspaceCommand::Check(flags) => {
            let session = Session::open(&flags.common)?;
            let reference = TenantReference::Id(tenant(&session, &flags.tenant).await?.id);
            let call = session.call_once(
                flags.once.idempotency_key.as_ref(),
                &format!("workspace check {}", flags.tenant),
                &Value::Null,
            );
            print(&session, &settled(session.service.check_workspace(&call, &reference).await)?.value)
        }
    }
}

/// Shows a workspace, and goes on with what changes if that is asked for.
async fn show(flags: &ShownWorkspace) -> Result<(), Failure> {
    let session = Session::open(&flags.one.common)?;
    let reference = TenantReference::Id(tenant(&session, &flags.one.tenant).await?.id);
    let changes = StoreChanges::of(Arc::clone(session.service.store()));
    let mut told = Vec::new();
    loop {
        // Followed before each look, so that no change falls in between.
        let mut ticks = changes.follow(&SHOWN, PACE);
        let view = settled(session.service.read_workspace(&session.call(), &reference).await)?;
        if !flags.follow {
            return print(&session, &view);
        }
        if tell(&session, &view, &mut told)? {
            return Ok(());
        }
        // A stream ends after some minutes, and the wait goes on with another.
        while ticks.next().await == Some(Tick::Idle) {}
    }
}

/// Prints what is new in a workspace. Returns `true` if all of it is ready.
fn tell(session: &Session, view: &WorkspaceView, told: &mut Vec<String>) -> Result<bool, Failure> {
    let document = serde_json::to_value(view).map_err(|error| Failure::failed(error.to_string()))?;
    let lines: Vec<String> = if session.output.is_json() {
        vec![document.to_string()]
    } else {
        let list = |name: &str| document.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        list("systems").into_iter().chain(list("parts")).map(|state| line_of(&told_by_conditions(state))).collect()
    };
    for line in lines.iter().filter(|line| !told.contains(line)) {
        session.output.line(line)?;
    }
    *told = lines;
    Ok(view.ready)
}

fn line_of(state: &Value) -> String {
    let text = |name: &str| state.get(name).and_then(Value::as_str).unwrap_or_default();
    let of = state.get("subject").and_then(Value::as_str).map(|subject| format!(" {subject}")).unwrap_or_default();
    let what = Some(text("what")).filter(|what| !what.is_empty()).map(|what| format!(": {what}")).unwrap_or_default();
    format!("{}{of} {}{what}", text("system"), text("phase"))
}

/// Tells what controllers would change.
async fn plan(flags: &OneWorkspace) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let tenant = tenant(&session, &flags.tenant).await?;
    let worker = session.configuration.worker()?.filter(|worker| !worker.systems().kinds().is_empty());
    let Some(worker) = worker else {
        return Err(Failure::usage(
            "no system is configured here: set DEZKY_AUTHENTIK_URL, DEZKY_STALWART_URL or DEZKY_OCIS_URL",
        ));
    };
    let planned: Vec<PlannedRun> = settled(worker.dry_run(&session.service, tenant.id).await)?;
    let output = &session.output;
    if output.is_json() {
        return output.document(&planned);
    }
    let rows: Vec<Value> = planned.iter().filter(|run| !run.is_empty()).map(planned_row).collect();
    if rows.is_empty() {
        return output.note(&format!("nothing to change: {} parts are as they should be", planned.len()));
    }
    output.part(PLANNED, &rows, true)
}

fn planned_row(run: &PlannedRun) -> Value {
    let obstacles = run.obstacles.iter().map(|one| one.message.as_str());
    let what: Vec<&str> = obstacles.chain(run.failure.as_deref()).collect();
    json!({
        "system": run.system.name(),
        "subject": run.subject,
        "changes": run.changes.join(", "),
        "what": what.join("; "),
    })
}

/// Prints the document, or tables of the systems and of each domain's records.
fn print(session: &Session, view: &WorkspaceView) -> Result<(), Failure> {
    let output = &session.output;
    if output.is_json() {
        return output.document(view);
    }
    let document = serde_json::to_value(view).map_err(|error| Failure::failed(error.to_string()))?;
    let list = |name: &str| document.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let states: Vec<Value> = list("systems").into_iter().chain(list("parts")).map(told_by_conditions).collect();
    output.part(SYSTEMS, &states, true)?;
    if let Some(login) = &view.login {
        let (host, issuer, client_id) = (&login.host, &login.issuer, &login.client_id);
        output.line(&format!("\nLogin of its own at {host}: issuer {issuer}, client id {client_id}"))?;
    }
    for domain in list("domains") {
        let name = domain.get("name").and_then(Value::as_str).unwrap_or_default();
        output.line(&format!("\nDNS records of {name}:"))?;
        let records = domain.get("records").and_then(Value::as_array).cloned().unwrap_or_default();
        output.part(RECORDS, &records, true)?;
    }
    if states.is_empty() {
        output.note("no system is configured: see DEZKY_AUTHENTIK_URL, DEZKY_STALWART_URL and DEZKY_OCIS_URL")?;
    }
    Ok(())
}

/// Adds what its conditions tell to a state.
fn told_by_conditions(mut state: Value) -> Value {
    let conditions = state.get("conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    let off = conditions.iter().filter(|one| one.get("status").and_then(Value::as_str) != Some("true"));
    let messages: Vec<&str> = off.filter_map(|one| one.get("message").and_then(Value::as_str)).collect();
    if let Some(members) = state.as_object_mut() {
        members.insert("what".to_owned(), json!(messages.join("; ")));
    }
    state
}
