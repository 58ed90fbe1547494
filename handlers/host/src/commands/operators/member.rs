//! `dezky member`.

use clap::{Args, Subcommand};
use dezky::{
    domain::{GrantMembership, MembershipRole, UpdateMembership},
    service::{access::TenantReference, members::MemberFilter, views::UserView},
};
use serde_json::json;

use super::{
    choice,
    listing::{ListFlags, list},
    output::Column,
    person,
    session::{CommonFlags, OnceFlags, Session, settled, tenant},
};
use crate::failure::Failure;

const COLUMNS: &[Column] = &[
    ("USER", "/userId"),
    ("ROLE", "/role"),
    ("SOURCE", "/source"),
    ("E-MAIL", "/displayEmail|/email"),
    ("NAME", "/name"),
    ("CHANGED", "/changedAt"),
];

/// Actions on the members of a tenant.
#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// List the members of a tenant by name
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  dezky member list acme
  dezky member list acme --role owner --json"
    )]
    List(ListMembers),
    /// Show a member of a tenant
    #[command(after_help = "Example:\n  dezky member show acme anna@example.eu")]
    Show(OneMember),
    /// Add a person to a tenant, also after a revocation
    #[command(
        visible_alias = "grant",
        after_help = "Example:
  dezky member create acme anna@example.eu --role admin"
    )]
    Create(GrantFlags),
    /// Change a member's role
    #[command(after_help = "Example:\n  dezky member update acme anna@example.eu --role owner")]
    Update(UpdateFlags),
    /// Remove a person from a tenant, at once; only `member create` restores them, no token's claim does
    #[command(visible_alias = "delete", after_help = "Example:\n  dezky member revoke acme anna@example.eu")]
    Revoke(OneMember),
}

/// Flags of `dezky member list`.
#[derive(Debug, Args)]
pub(crate) struct ListMembers {
    /// Id or slug of the tenant
    tenant: String,
    /// Only members with this role
    #[arg(long, value_parser = ["owner", "admin", "member"])]
    role: Option<String>,
    /// Only members whose name or address has words beginning with these, ignoring case
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[command(flatten)]
    list: ListFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of commands on one member.
#[derive(Debug, Args)]
pub(crate) struct OneMember {
    /// Id or slug of the tenant
    tenant: String,
    #[arg(help = person::HELP)]
    user: String,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky member create`.
#[derive(Debug, Args)]
pub(crate) struct GrantFlags {
    /// Id or slug of the tenant
    tenant: String,
    #[arg(help = person::HELP)]
    user: String,
    /// The role
    #[arg(long, value_parser = ["owner", "admin", "member"], default_value = "member")]
    role: String,
    #[command(flatten)]
    once: OnceFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky member update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateFlags {
    /// Id or slug of the tenant
    tenant: String,
    #[arg(help = person::HELP)]
    user: String,
    /// The new role
    #[arg(long, value_parser = ["owner", "admin", "member"])]
    role: String,
    #[command(flatten)]
    common: CommonFlags,
}

/// Runs the command.
pub(crate) async fn run(command: MemberCommand) -> Result<(), Failure> {
    match command {
        MemberCommand::List(flags) => list_members(flags).await,
        MemberCommand::Show(flags) => {
            let session = Session::open(&flags.common)?;
            let (reference, user) = both(&session, &flags.tenant, &flags.user).await?;
            let member = session.service.read_member(&session.call(), &reference, user.id).await;
            session.output.document(&member_of(member, &flags.tenant, &flags.user)?)
        }
        MemberCommand::Create(flags) => grant(flags).await,
        MemberCommand::Update(flags) => {
            let input = settled(UpdateMembership::read(json!({ "role": flags.role })))?;
            let session = Session::open(&flags.common)?;
            let (reference, user) = both(&session, &flags.tenant, &flags.user).await?;
            let member = session.service.update_membership(&session.call(), &reference, user.id, input).await;
            session.output.document(&member_of(member, &flags.tenant, &flags.user)?)
        }
        MemberCommand::Revoke(flags) => revoke(flags).await,
    }
}

/// Finds the named tenant and user. The error says which is missing, since an operator may see both.
async fn both(session: &Session, tenant: &str, user: &str) -> Result<(TenantReference, UserView), Failure> {
    let tenant = self::tenant(session, tenant).await?;
    Ok((TenantReference::Id(tenant.id), person::find(session, user).await?))
}

/// Replaces a missing membership by an error that names tenant and user, both of which exist.
fn member_of<T>(outcome: dezky::Result<T>, tenant: &str, user: &str) -> Result<T, Failure> {
    let what = || format!("`{}` is no member of `{}`", user.escape_debug(), tenant.escape_debug());
    outcome.map_err(|error| Failure::of_missing(&error, what))
}

async fn list_members(flags: ListMembers) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let reference = TenantReference::Id(tenant(&session, &flags.tenant).await?.id);
    let role = flags.role.as_deref().map(choice::<MembershipRole>).transpose()?;
    let filter = MemberFilter { role, search: flags.search };
    let (session, filter, reference) = (&session, &filter, &reference);
    list(&session.output, &flags.list, COLUMNS, |request| async move {
        session.service.list_members(&session.call(), reference, filter, &request).await
    })
    .await
}

async fn grant(flags: GrantFlags) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let (reference, user) = both(&session, &flags.tenant, &flags.user).await?;
    let body = json!({ "userId": user.id, "role": flags.role });
    let target = format!("member create {}", flags.tenant);
    let call = session.call_once(flags.once.idempotency_key.as_ref(), &target, &body);
    let input = settled(GrantMembership::read(body))?;
    session.output.document(&settled(session.service.grant_membership(&call, &reference, input).await)?.value)
}

async fn revoke(flags: OneMember) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let (reference, user) = both(&session, &flags.tenant, &flags.user).await?;
    let revoked = session.service.revoke_membership(&session.call(), &reference, user.id).await;
    member_of(revoked, &flags.tenant, &flags.user)?;
    let sentence = format!("user {} is no member of `{}` any more", user.id, flags.tenant);
    session.output.done(&sentence, &json!({ "tenant": flags.tenant, "userId": user.id, "revoked": true }))
}
