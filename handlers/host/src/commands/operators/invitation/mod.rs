//! `dezky invitation`.

mod bounce;
mod csv;
mod import;

use clap::{Args, Subcommand};
use dezky::{
    domain::{CreateInvitation, InvitationId, InvitationView},
    service::{ListRequest, access::TenantReference},
};
use serde_json::json;

use super::{
    body::BodyFlags,
    listing::{ListFlags, list},
    output::Column,
    session::{CommonFlags, OnceFlags, Session, settled, tenant},
};
use crate::failure::Failure;

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("E-MAIL", "/displayEmail|/email"),
    ("ROLE", "/role"),
    ("STATUS", "/status"),
    ("EXPIRES", "/expiresAt"),
    ("REASON", "/failure"),
];

const NAMED: &str = "Id of the invitation, or the address that it was mailed to";

/// Actions on the invitations of a tenant.
#[derive(Debug, Subcommand)]
pub(crate) enum InvitationCommand {
    /// List the invitations of a tenant, the newest first
    #[command(visible_alias = "ls", after_help = "Example:\n  dezky invitation list acme --json")]
    List(ListInvitations),
    /// Show an invitation
    #[command(after_help = "Example:\n  dezky invitation show acme anna@example.eu")]
    Show(OneInvitation),
    /// Invite somebody; a process with the task `invitations` mails it
    #[command(after_help = "Examples:
  dezky invitation create acme anna@example.eu --role admin --language de
  dezky invitation create acme anna@example.eu --mailbox anna@acme.eu")]
    Create(CreateFlags),
    /// Invite the people of a file of comma-separated values
    #[command(after_help = "Example:\n  dezky invitation import acme people.csv --idempotency-key 2026-spring")]
    Import(import::ImportFlags),
    /// Mail an invitation again, with a new link
    #[command(after_help = "Example:\n  dezky invitation resend acme anna@example.eu")]
    Resend(OneInvitation),
    /// Revoke an invitation; its link leads nowhere any more
    #[command(visible_alias = "delete", after_help = "Example:\n  dezky invitation revoke acme anna@example.eu")]
    Revoke(OneInvitation),
    /// Read a report of mail that came back, from standard input, as the mail server passes it on
    #[command(after_help = "Example, in the aliases of Postfix:\n  bounces: \"|dezky invitation bounce\"")]
    Bounce(bounce::BounceFlags),
}

/// Flags of `dezky invitation list`.
#[derive(Debug, Args)]
pub(crate) struct ListInvitations {
    /// Id or slug of the tenant
    tenant: String,
    #[command(flatten)]
    list: ListFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of commands on one invitation.
#[derive(Debug, Args)]
pub(crate) struct OneInvitation {
    /// Id or slug of the tenant
    tenant: String,
    #[arg(help = NAMED)]
    invitation: String,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky invitation create`.
#[derive(Debug, Args)]
pub(crate) struct CreateFlags {
    /// Id or slug of the tenant
    tenant: String,
    /// The address that it is mailed to
    email: String,
    /// Name of the person, for the salutation
    #[arg(long)]
    name: Option<String>,
    /// The role
    #[arg(long, value_parser = ["owner", "admin", "member"], default_value = "member")]
    role: String,
    /// Language of the mail
    #[arg(long, value_parser = ["en", "de"], default_value = "en")]
    language: String,
    /// Address of a mailbox that comes with it, at one of the tenant's verified domains
    #[arg(long, value_name = "ADDRESS")]
    mailbox: Option<String>,
    #[command(flatten)]
    body: BodyFlags,
    #[command(flatten)]
    once: OnceFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Runs the command.
pub(crate) async fn run(command: InvitationCommand) -> Result<(), Failure> {
    match command {
        InvitationCommand::List(flags) => list_invitations(flags).await,
        InvitationCommand::Show(flags) => {
            let session = Session::open(&flags.common)?;
            let (_, invitation) = find(&session, &flags).await?;
            session.output.document(&invitation)
        }
        InvitationCommand::Create(flags) => create(flags).await,
        InvitationCommand::Import(flags) => import::run(flags).await,
        InvitationCommand::Resend(flags) => {
            let session = Session::open(&flags.common)?;
            let (reference, invitation) = find(&session, &flags).await?;
            let sent = session.service.resend_invitation(&session.call(), &reference, invitation.id).await;
            session.output.document(&settled(sent)?.value)
        }
        InvitationCommand::Revoke(flags) => {
            let session = Session::open(&flags.common)?;
            let (reference, invitation) = find(&session, &flags).await?;
            settled(session.service.revoke_invitation(&session.call(), &reference, invitation.id).await)?;
            let email = invitation.email;
            let sentence = format!("the invitation of `{email}` is revoked");
            session.output.done(&sentence, &json!({ "id": invitation.id, "email": email, "revoked": true }))
        }
        InvitationCommand::Bounce(flags) => bounce::run(flags).await,
    }
}

/// Finds an invitation by id, or the newest one by address.
async fn find(session: &Session, flags: &OneInvitation) -> Result<(TenantReference, InvitationView), Failure> {
    let reference = TenantReference::Id(tenant(session, &flags.tenant).await?.id);
    let (named, wanted) = (flags.tenant.escape_debug(), flags.invitation.as_str());
    let missing = || format!("`{named}` has no invitation `{}`", wanted.escape_debug());
    if let Ok(id) = wanted.parse::<InvitationId>() {
        let found = session.service.read_invitation(&session.call(), &reference, id).await;
        return Ok((reference, found.map_err(|error| Failure::of_missing(&error, missing))?));
    }
    let mut request = ListRequest { limit: Some(ListRequest::MAXIMUM_LIMIT), cursor: None };
    loop {
        let page = settled(session.service.list_invitations(&session.call(), &reference, &request).await)?;
        let is_it = |one: &InvitationView| {
            one.email.eq_ignore_ascii_case(wanted) || one.display_email.as_deref() == Some(wanted)
        };
        if let Some(found) = page.items.into_iter().find(is_it) {
            return Ok((reference, found));
        }
        match page.next_cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => return Err(Failure::of_missing(&dezky::Error::not_found(), missing)),
        }
    }
}

async fn list_invitations(flags: ListInvitations) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let reference = TenantReference::Id(tenant(&session, &flags.tenant).await?.id);
    let (session, reference) = (&session, &reference);
    list(&session.output, &flags.list, COLUMNS, |request| async move {
        session.service.list_invitations(&session.call(), reference, &request).await
    })
    .await
}

async fn create(flags: CreateFlags) -> Result<(), Failure> {
    let mailbox = match flags.mailbox.as_deref().map(|address| address.rsplit_once('@').ok_or(address)) {
        None => None,
        Some(Ok((local_part, domain))) => Some(json!({ "localPart": local_part, "domain": domain })),
        Some(Err(address)) => {
            let message = format!("`{}` is no address: write it as `anna@acme.eu`", address.escape_debug());
            return Err(Failure::usage(message));
        }
    };
    let session = Session::open(&flags.common)?;
    let reference = TenantReference::Id(tenant(&session, &flags.tenant).await?.id);
    let body = flags.body.read()?.set("email", Some(flags.email)).set("name", flags.name).set("mailbox", mailbox);
    let body = body.set("role", Some(flags.role)).set("language", Some(flags.language)).into_value();
    let target = format!("invitation create {}", flags.tenant);
    let call = session.call_once(flags.once.idempotency_key.as_ref(), &target, &body);
    let input = settled(CreateInvitation::read(body))?;
    session.output.document(&settled(session.service.create_invitation(&call, &reference, input).await)?.value)
}
