//! `dezky audit verify`, `dezky audit head` and `dezky audit report`.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, Subcommand};
use dezky::{
    domain::{Removed, TenantId},
    service::{ListRequest, access::TenantReference, audit::AuditFilter},
    work::trail::{Finding, Verified, verify, verify_all, verify_copy},
};
use serde::Serialize;

use super::{
    output::Column,
    person,
    session::{CommonFlags, Session, settled, tenant},
};
use crate::{failure::Failure, heads};

/// Maximum number of faults that are listed; all are counted.
const MOST_LISTED: usize = 1_000;

/// Commands on the chains of the audit trail.
#[derive(Debug, Subcommand)]
pub(crate) enum TrailCommand {
    /// Find the first event of each chain that was changed, removed, moved or sealed twice.
    ///
    /// Reads the whole trail of the store, in pages. Exits with 1 if anything is not as it was sealed.
    #[command(after_help = "Examples:
  dezky audit verify
  dezky audit verify --tenant acme --heads /mnt/elsewhere/heads.jsonl")]
    Verify(VerifyFlags),
    /// Show the end of a chain: number and seal of its last event, to be kept elsewhere.
    Head(HeadFlags),
    /// Show what the erasure of a person, or the removal of a tenant, removed where.
    #[command(after_help = "Examples:
  dezky audit report --tenant acme
  dezky audit report --user 65f2a1b0c3d4e5f60718293a --json")]
    Report(ReportFlags),
}

/// Flags of `dezky audit verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyFlags {
    /// Only the chain of this tenant, by id or slug
    #[arg(long, conflicts_with = "platform")]
    tenant: Option<String>,
    /// Only the chain of the platform, with the events that concern no tenant
    #[arg(long)]
    platform: bool,
    /// Compare with the ends of chains in this file, which DEZKY_AUDIT_HEADS_FILE wrote
    #[arg(long, value_name = "FILE")]
    heads: Option<PathBuf>,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky audit head`.
#[derive(Debug, Args)]
pub(crate) struct HeadFlags {
    /// Tenant, by id or slug; without it, the chain of the platform
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky audit report`.
#[derive(Debug, Args)]
#[group(id = "subject", required = true, args = ["tenant", "user"])]
pub(crate) struct ReportFlags {
    /// Tenant, by id or slug
    #[arg(long)]
    tenant: Option<String>,
    /// Person, by id
    #[arg(long)]
    user: Option<String>,
    #[command(flatten)]
    common: CommonFlags,
}

/// Runs the command.
pub(crate) async fn run(command: TrailCommand) -> Result<(), Failure> {
    match command {
        TrailCommand::Verify(flags) => run_verify(flags).await,
        TrailCommand::Head(flags) => {
            let session = Session::open(&flags.common)?;
            let tenant = flags.tenant.as_deref().map(TenantReference::from);
            session.output.document(&settled(session.service.read_audit_head(&session.call(), tenant.as_ref()).await)?)
        }
        TrailCommand::Report(flags) => report(flags).await,
    }
}

/// A fault, with its chain.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fault {
    /// The tenant, or `platform`.
    chain: String,
    #[serde(flatten)]
    finding: Finding,
    message: String,
}

/// What the verification of all chains came to.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    chains: u64,
    events: u64,
    stubs: u64,
    /// Heads from the file.
    heads: u64,
    /// Chains and heads with a fault.
    faulty: u64,
    findings: Vec<Fault>,
}

impl Summary {
    fn add(&mut self, verified: Verified) {
        self.chains += 1;
        self.events += verified.events;
        self.stubs += verified.stubs;
        self.found(verified.tenant_id, verified.finding);
    }

    fn found(&mut self, tenant: Option<TenantId>, finding: Option<Finding>) {
        let Some(finding) = finding else { return };
        self.faulty += 1;
        if self.findings.len() < MOST_LISTED {
            let message = finding.fault.to_string();
            self.findings.push(Fault { chain: named(tenant), finding, message });
        }
    }
}

fn named(tenant: Option<TenantId>) -> String {
    tenant.map_or_else(|| "platform".to_owned(), |tenant| tenant.to_string())
}

const FAULTS: &[Column] = &[("CHAIN", "/chain"), ("SEQ", "/seq"), ("EVENT", "/event"), ("WHAT IS WRONG", "/message")];

async fn run_verify(flags: VerifyFlags) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let mut summary = Summary::default();
    let only = match &flags.tenant {
        Some(named) => Some(Some(tenant(&session, named).await?.id)),
        None => flags.platform.then_some(None),
    };
    match only {
        Some(chain) => summary.add(settled(verify(&session.service, chain).await)?),
        None => settled(verify_all(&session.service, |verified| summary.add(verified)).await)?,
    }
    if let Some(path) = &flags.heads {
        let unreadable = |error: &dyn std::fmt::Display| Failure::usage(format!("`{}`: {error}", path.display()));
        for head in heads::read(path).map_err(|error| unreadable(&error))? {
            let head = head.map_err(|error| unreadable(&error))?;
            if only.is_none_or(|chain| chain == head.tenant_id) {
                summary.heads += 1;
                let found = verify_copy(&session.service, head.tenant_id, head.seq, &head.hash).await;
                summary.found(head.tenant_id, settled(found)?);
            }
        }
    }
    let Summary { chains, events, stubs, heads, faulty, .. } = summary;
    if session.output.is_json() {
        session.output.document(&summary)?;
    } else {
        if !summary.findings.is_empty() {
            session.output.part(FAULTS, &summary.findings, true)?;
        }
        session.output.line(&format!(
            "{chains} chains, {events} events as they were sealed, {stubs} removed by retention, {heads} heads compared"
        ))?;
    }
    match faulty {
        0 => Ok(()),
        _ => Err(Failure::failed(format!("the audit trail is not as it was sealed: {faulty} faults"))),
    }
}

/// What was removed of a person or a tenant.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<TenantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<dezky::domain::UserId>,
    /// Number of audit events that tell of it.
    events: u64,
    removed: Vec<Removed>,
}

const REMOVED: &[Column] = &[("PLACE", "/place"), ("REMOVED", "/count")];

/// Adds up what audit events tell.
async fn report(flags: ReportFlags) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let mut filter = AuditFilter::default();
    let mut report = Report { tenant_id: None, user_id: None, events: 0, removed: Vec::new() };
    if let Some(named) = &flags.tenant {
        let id = tenant(&session, named).await?.id;
        filter.tenant = Some(id.into());
        report.tenant_id = Some(id);
    }
    if let Some(user) = &flags.user {
        let id = person::find(&session, user).await?.id;
        filter.user_id = Some(id);
        report.user_id = Some(id);
    }
    let mut places: BTreeMap<String, u64> = BTreeMap::new();
    let mut request = ListRequest { limit: Some(ListRequest::MAXIMUM_LIMIT), cursor: None };
    loop {
        let page = settled(session.service.list_audit(&session.call(), &filter, &request).await)?;
        for event in page.items {
            report.events += u64::from(event.removed.is_some());
            for removed in event.removed.into_iter().flatten() {
                let count = places.entry(removed.place).or_default();
                *count = count.saturating_add(removed.count);
            }
        }
        match page.next_cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => break,
        }
    }
    report.removed = places.into_iter().map(|(place, count)| Removed::from_place(place, count)).collect();
    if session.output.is_json() {
        return session.output.document(&report);
    }
    session.output.part(REMOVED, &report.removed, true)
}
