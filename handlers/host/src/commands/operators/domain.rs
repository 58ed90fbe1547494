//! `dezky domain`.

use clap::{Args, Subcommand};
use dezky::{domain::AddDomain, service::access::TenantReference};
use serde_json::{Value, json};

use super::{
    confirmation::{ConfirmationFlags, confirm},
    listing::{ListFlags, list},
    output::Column,
    session::{CommonFlags, OnceFlags, Session, settled, tenant},
};
use crate::failure::Failure;

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("STATUS", "/status"),
    ("VERIFIED", "/verifiedAt"),
    ("CHECKED", "/checkedAt"),
    ("WHAT", "/advice"),
];

/// Actions on the domains of a tenant.
#[derive(Debug, Subcommand)]
pub(crate) enum DomainCommand {
    /// List a tenant's domains
    #[command(visible_alias = "ls", after_help = "Example:\n  dezky domain list acme")]
    List(ListDomains),
    /// Show a domain, with the record that proves it and what DNS servers have told of it
    #[command(after_help = "Example:\n  dezky domain show acme acme.eu")]
    Show(OneDomain),
    /// Claim a domain for a tenant, and print the record to publish
    #[command(after_help = "Example:\n  dezky domain add acme acme.eu --json | jq .challenge")]
    Add(RequestFlags),
    /// Ask DNS for the record of a domain now
    #[command(after_help = "Example:\n  dezky domain check acme acme.eu")]
    Check(RequestFlags),
    /// Take a domain from a tenant, after which another tenant may prove it
    #[command(visible_alias = "rm", after_help = "Example:\n  dezky domain remove acme acme.eu --confirm acme.eu")]
    Remove(RemoveFlags),
}

/// Flags of `dezky domain list`.
#[derive(Debug, Args)]
pub(crate) struct ListDomains {
    /// Id or slug of the tenant
    tenant: String,
    #[command(flatten)]
    list: ListFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of commands on one domain.
#[derive(Debug, Args)]
pub(crate) struct OneDomain {
    /// Id or slug of the tenant
    tenant: String,
    /// The domain
    domain: String,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of the commands that ask for something.
#[derive(Debug, Args)]
pub(crate) struct RequestFlags {
    #[command(flatten)]
    one: OneDomain,
    #[command(flatten)]
    once: OnceFlags,
}

/// Flags of `dezky domain remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveFlags {
    #[command(flatten)]
    one: OneDomain,
    #[command(flatten)]
    confirmation: ConfirmationFlags,
}

/// Runs the command.
pub(crate) async fn run(command: DomainCommand) -> Result<(), Failure> {
    match command {
        DomainCommand::List(flags) => {
            let session = Session::open(&flags.common)?;
            let reference = TenantReference::Id(tenant(&session, &flags.tenant).await?.id);
            let (session, reference) = (&session, &reference);
            list(&session.output, &flags.list, COLUMNS, |request| async move {
                session.service.list_domains(&session.call(), reference, &request).await
            })
            .await
        }
        DomainCommand::Show(flags) => {
            let (session, reference) = flags.open().await?;
            let found = session.service.read_domain(&session.call(), &reference, &flags.domain).await;
            session.output.document(&found.map_err(|error| flags.missing(&error))?)
        }
        DomainCommand::Add(flags) => {
            let (session, reference) = flags.one.open().await?;
            let body = json!({ "name": flags.one.domain });
            let target = format!("domain add {}", flags.one.tenant);
            let call = session.call_once(flags.once.idempotency_key.as_ref(), &target, &body);
            let input = settled(AddDomain::read(body))?;
            session.output.document(&settled(session.service.add_domain(&call, &reference, input).await)?.value)
        }
        DomainCommand::Check(flags) => {
            let (session, reference) = flags.one.open().await?;
            let target = format!("domain check {} {}", flags.one.tenant, flags.one.domain);
            let call = session.call_once(flags.once.idempotency_key.as_ref(), &target, &Value::Null);
            let checked = session.service.check_domain(&call, &reference, &flags.one.domain).await;
            session.output.document(&checked.map_err(|error| flags.one.missing(&error))?.value)
        }
        DomainCommand::Remove(flags) => {
            let (session, reference) = flags.one.open().await?;
            let domain = &flags.one.domain;
            let what = format!("the domain `{}` of `{}` is free for others", domain, flags.one.tenant);
            confirm(&flags.confirmation, &what, domain)?;
            let removed = session.service.remove_domain(&session.call(), &reference, domain).await;
            removed.map_err(|error| flags.one.missing(&error))?;
            let sentence = format!("the domain `{domain}` is removed");
            session.output.done(&sentence, &json!({ "name": domain, "deleted": true }))
        }
    }
}

impl OneDomain {
    async fn open(&self) -> Result<(Session, TenantReference), Failure> {
        let session = Session::open(&self.common)?;
        let reference = TenantReference::Id(tenant(&session, &self.tenant).await?.id);
        Ok((session, reference))
    }

    fn missing(&self, error: &dezky::Error) -> Failure {
        let (tenant, domain) = (self.tenant.escape_debug(), self.domain.escape_debug());
        Failure::of_missing(error, || format!("`{tenant}` has no domain `{domain}`"))
    }
}
