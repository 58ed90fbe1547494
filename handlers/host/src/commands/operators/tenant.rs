//! `dezky tenant`.

use clap::{Args, Subcommand};
use dezky::{
    domain::{CreateTenant, UpdateTenant},
    service::{access::TenantReference, tenants::TenantFilter},
};
use serde_json::json;

use super::{
    body::BodyFlags,
    confirmation::{ConfirmationFlags, confirm},
    listing::{ListFlags, lines, list},
    output::Column,
    session::{CommonFlags, OnceFlags, Session, settled, tenant},
};
use crate::failure::Failure;

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("SLUG", "/slug"),
    ("STATUS", "/status"),
    ("PLAN", "/plan"),
    ("NAME", "/name"),
    ("CREATED", "/createdAt"),
];

/// Actions on tenants.
#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// List tenants by name, all but the deleted ones
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  dezky tenant list --status suspended
  dezky tenant list --search acme --json
  dezky tenant list --all --json | jq -r .slug"
    )]
    List(ListTenants),
    /// Show a tenant with all its fields
    #[command(after_help = "Example:\n  dezky tenant show acme")]
    Show(OneTenant),
    /// Show what a tenant's subscription entitles to, with what is used of it
    #[command(after_help = "Example:\n  dezky tenant entitlements acme")]
    Entitlements(OneTenant),
    /// List the plans that a tenant can be subscribed to
    #[command(after_help = "Example:\n  dezky tenant plans acme --json | jq -r '.items[].name'")]
    Plans(OneTenant),
    /// Create a tenant; it is `pending` unless --status says otherwise
    #[command(after_help = "Examples:
  dezky tenant create acme --name 'Acme GmbH' --plan business --domain acme.example --group acme
  dezky tenant create acme --name Acme --status active --json
  dezky tenant create acme --name Acme --body '{\"billingInfo\": {\"vatId\": \"DE136695976\"}}'")]
    Create(CreateFlags),
    /// Change fields of a tenant
    #[command(after_help = "Examples:
  dezky tenant update acme --plan enterprise
  dezky tenant update acme --isolated-login true
  dezky tenant update acme --body '{\"authentikGroup\": null}'
  dezky tenant update acme --body @branding.json")]
    Update(UpdateFlags),
    /// Make a tenant read-only to its own members, at once
    #[command(after_help = "Example:\n  dezky tenant suspend acme --as billing")]
    Suspend(SwitchTenant),
    /// End the suspension of a tenant, or undo its deletion
    ///
    /// A deletion can be undone within the grace period, until the time that `removalAt` of the tenant shows. The tenant
    /// has its verified domains again, and the subscription that was cancelled with it.
    #[command(after_help = "Example:\n  dezky tenant restore acme")]
    Restore(SwitchTenant),
    /// Print everything about a tenant that the store has, a JSON document per line
    ///
    /// Each line names the collection of its document. Mail and files are in the systems behind the tenant.
    #[command(after_help = "Example:\n  dezky tenant export acme > acme.jsonl")]
    Export(OneTenant),
    /// Delete a tenant; asks first
    ///
    /// Its subscription is cancelled, its verified domains are released, and only platform administrators still see it.
    /// Its slug stays reserved for ever. Within the grace period, `dezky tenant restore` undoes that.
    #[command(after_help = "Example:\n  dezky tenant delete acme --yes")]
    Delete(DeleteTenant),
}

/// Flags of `dezky tenant list`.
#[derive(Debug, Args)]
pub(crate) struct ListTenants {
    /// Only tenants in this state: pending, active, suspended, deleted, or an unknown one of the replaced service; the
    /// default is all but deleted ones
    #[arg(long, value_name = "STATE")]
    status: Option<String>,
    /// Only tenants with this plan
    #[arg(long)]
    plan: Option<String>,
    /// Only tenants whose name has words beginning with these, ignoring case
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[command(flatten)]
    list: ListFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky tenant show`.
#[derive(Debug, Args)]
pub(crate) struct OneTenant {
    /// Id or slug
    tenant: String,
    #[command(flatten)]
    common: CommonFlags,
}

/// Fields of a tenant that have a flag.
#[derive(Debug, Args)]
struct Fields {
    /// Plan [default of a new tenant: starter]
    #[arg(long)]
    plan: Option<String>,
    /// State; suspending and restoring have commands of their own
    #[arg(long, value_parser = ["pending", "active", "suspended"])]
    status: Option<String>,
    /// A domain; repeat the flag for several, which replace all domains of the tenant
    #[arg(long = "domain", value_name = "DOMAIN")]
    domains: Vec<String>,
    /// Authentik group whose members are members of the tenant
    #[arg(long)]
    group: Option<String>,
    /// A login of its own in Authentik, with its own host, client and issuer: `true` or `false`
    #[arg(long, value_name = "BOOLEAN")]
    isolated_login: Option<bool>,
    #[command(flatten)]
    body: BodyFlags,
}

impl Fields {
    fn body(&self) -> Result<super::body::Body, Failure> {
        let body = self.body.read()?.set("plan", self.plan.clone()).set("status", self.status.clone());
        let body = body.set("authentikGroup", self.group.clone()).set("isolatedLogin", self.isolated_login);
        Ok(body.set_list("domains", &self.domains))
    }
}

/// Flags of `dezky tenant create`.
#[derive(Debug, Args)]
pub(crate) struct CreateFlags {
    /// Slug: 2 to 63 lower-case letters, digits and `-`; it is part of the tenant's addresses
    slug: String,
    /// Display name
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    once: OnceFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky tenant update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateFlags {
    /// Id or slug
    tenant: String,
    /// New slug, allowed until the systems behind the tenant are set up; the former one stays reserved
    #[arg(long)]
    slug: Option<String>,
    /// Display name
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky tenant suspend` and `restore`.
#[derive(Debug, Args)]
pub(crate) struct SwitchTenant {
    /// Id or slug
    tenant: String,
    #[command(flatten)]
    once: OnceFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky tenant delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteTenant {
    /// Id or slug
    tenant: String,
    #[command(flatten)]
    confirmation: ConfirmationFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Runs the command.
pub(crate) async fn run(command: TenantCommand) -> Result<(), Failure> {
    match command {
        TenantCommand::List(flags) => list_tenants(flags).await,
        TenantCommand::Show(flags) => {
            let session = Session::open(&flags.common)?;
            session.output.document(&tenant(&session, &flags.tenant).await?)
        }
        TenantCommand::Entitlements(flags) => {
            let session = Session::open(&flags.common)?;
            let reference = TenantReference::from(flags.tenant.as_str());
            session.output.document(&settled(session.service.read_entitlements(&session.call(), &reference).await)?)
        }
        TenantCommand::Plans(flags) => {
            let session = Session::open(&flags.common)?;
            let reference = TenantReference::from(flags.tenant.as_str());
            session.output.document(&settled(session.service.list_plans(&session.call(), &reference).await)?)
        }
        TenantCommand::Create(flags) => create(flags).await,
        TenantCommand::Update(flags) => update(flags).await,
        TenantCommand::Suspend(flags) => switch(flags, true).await,
        TenantCommand::Restore(flags) => switch(flags, false).await,
        TenantCommand::Export(flags) => {
            let session = Session::open(&flags.common)?;
            let reference = TenantReference::Id(tenant(&session, &flags.tenant).await?.id);
            let (session, reference) = (&session, &reference);
            lines(|request| async move { session.service.export_tenant(&session.call(), reference, &request).await })
                .await
        }
        TenantCommand::Delete(flags) => delete(flags).await,
    }
}

async fn list_tenants(flags: ListTenants) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let status = flags.status.as_deref().map(Into::into);
    let filter = TenantFilter { status, plan: flags.plan, search: flags.search };
    let (session, filter) = (&session, &filter);
    list(&session.output, &flags.list, COLUMNS, |request| async move {
        session.service.list_tenants(&session.call(), filter, &request).await
    })
    .await
}

async fn create(flags: CreateFlags) -> Result<(), Failure> {
    let body = flags.fields.body()?.set("slug", Some(flags.slug)).set("name", flags.name).into_value();
    let session = Session::open(&flags.common)?;
    let call = session.call_once(flags.once.idempotency_key.as_ref(), "tenant create", &body);
    let input = settled(CreateTenant::read(body))?;
    session.output.document(&settled(session.service.create_tenant(&call, input).await)?.value)
}

async fn update(flags: UpdateFlags) -> Result<(), Failure> {
    let body = flags.fields.body()?.set("slug", flags.slug).set("name", flags.name).into_patch()?;
    let session = Session::open(&flags.common)?;
    let input = settled(UpdateTenant::read(body))?;
    let reference = TenantReference::Id(tenant(&session, &flags.tenant).await?.id);
    session.output.document(&settled(session.service.update_tenant(&session.call(), &reference, input).await)?)
}

async fn switch(flags: SwitchTenant, suspend: bool) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let reference = TenantReference::Id(tenant(&session, &flags.tenant).await?.id);
    let target = format!("tenant {} {}", if suspend { "suspend" } else { "restore" }, flags.tenant);
    let call = session.call_once(flags.once.idempotency_key.as_ref(), &target, &json!({}));
    let answer = if suspend {
        session.service.suspend_tenant(&call, &reference).await
    } else {
        session.service.restore_tenant(&call, &reference).await
    };
    session.output.document(&settled(answer)?.value)
}

async fn delete(flags: DeleteTenant) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let tenant = tenant(&session, &flags.tenant).await?;
    let what = format!(
        "this deletes the tenant `{}` ({}): its subscription is cancelled, its people lose it, and its slug stays \
         reserved for ever",
        tenant.slug, tenant.name
    );
    confirm(&flags.confirmation, &what, &tenant.slug)?;
    settled(session.service.delete_tenant(&session.call(), &TenantReference::Id(tenant.id)).await)?;
    let sentence = format!("tenant `{}` ({}) is deleted", tenant.slug, tenant.id);
    session.output.done(&sentence, &json!({ "id": tenant.id, "slug": tenant.slug, "deleted": true }))
}
