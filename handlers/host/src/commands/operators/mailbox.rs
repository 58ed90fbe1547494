//! `dezky mailbox`.

use clap::{Args, Subcommand};
use dezky::{
    domain::{CreateMailbox, MailboxId, MailboxView, UpdateMailbox},
    service::{ListRequest, access::TenantReference, mailboxes::MailboxFilter},
};
use serde_json::json;

use super::{
    app_password::{self, AppPasswordCommand},
    body::BodyFlags,
    confirmation::{ConfirmationFlags, confirm},
    listing::{ListFlags, list},
    output::Column,
    person,
    session::{CommonFlags, OnceFlags, Session, settled, tenant},
};
use crate::failure::Failure;

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("ADDRESS", "/address"),
    ("ALIASES", "/aliases"),
    ("STATUS", "/status"),
    ("USER", "/userId"),
    ("REMOVED FROM", "/removeAt"),
];

pub(super) const NAMED: &str = "Id or address of the mailbox";

/// Actions on the mailboxes of a tenant.
#[derive(Debug, Subcommand)]
pub(crate) enum MailboxCommand {
    /// List the mailboxes of a tenant by address
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  dezky mailbox list acme
  dezky mailbox list acme --user anna@example.eu --json"
    )]
    List(ListMailboxes),
    /// Show a mailbox
    #[command(after_help = "Example:\n  dezky mailbox show acme anna@acme.eu")]
    Show(OneMailbox),
    /// Create a mailbox of a member at a verified domain
    #[command(after_help = "Example:\n  dezky mailbox create acme anna@example.eu anna@acme.eu --alias info")]
    Create(CreateFlags),
    /// Change the aliases, the name or the quota of a mailbox
    #[command(after_help = "Examples:
  dezky mailbox update acme anna@acme.eu --alias info --alias sales
  dezky mailbox update acme anna@acme.eu --quota-mebibytes 20480
  dezky mailbox update acme anna@acme.eu --body '{\"aliases\": []}'")]
    Update(UpdateFlags),
    /// Remove a mailbox with its mail; asks first
    #[command(after_help = "Example:\n  dezky mailbox delete acme anna@acme.eu --yes")]
    Delete(DeleteMailbox),
    /// Act on the app passwords of a mailbox
    #[command(subcommand)]
    AppPassword(AppPasswordCommand),
}

/// Flags of `dezky mailbox list`.
#[derive(Debug, Args)]
pub(crate) struct ListMailboxes {
    /// Id or slug of the tenant
    tenant: String,
    #[arg(long, help = person::HELP)]
    user: Option<String>,
    #[command(flatten)]
    list: ListFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of commands on one mailbox.
#[derive(Debug, Args)]
pub(crate) struct OneMailbox {
    /// Id or slug of the tenant
    tenant: String,
    #[arg(help = NAMED)]
    mailbox: String,
    #[command(flatten)]
    common: CommonFlags,
}

/// Fields of a mailbox that have a flag.
#[derive(Debug, Args)]
struct Fields {
    /// A further local part that is delivered to it; may be given several times
    #[arg(long = "alias", value_name = "NAME")]
    aliases: Vec<String>,
    /// Name shown to people
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// Bound of its size in MiB [default: that of the plan]
    #[arg(long, value_name = "NUMBER")]
    quota_mebibytes: Option<u32>,
    #[command(flatten)]
    body: BodyFlags,
}

impl Fields {
    fn body(&self) -> Result<super::body::Body, Failure> {
        let body = self.body.read()?.set_list("aliases", &self.aliases).set("displayName", self.display_name.clone());
        Ok(body.set("quotaMebibytes", self.quota_mebibytes))
    }
}

/// Flags of `dezky mailbox create`.
#[derive(Debug, Args)]
pub(crate) struct CreateFlags {
    /// Id or slug of the tenant
    tenant: String,
    #[arg(help = person::HELP)]
    user: String,
    /// The address, at one of the tenant's verified domains
    address: String,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    once: OnceFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky mailbox update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateFlags {
    /// Id or slug of the tenant
    tenant: String,
    #[arg(help = NAMED)]
    mailbox: String,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky mailbox delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteMailbox {
    /// Id or slug of the tenant
    tenant: String,
    #[arg(help = NAMED)]
    mailbox: String,
    #[command(flatten)]
    confirmation: ConfirmationFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Runs the command.
pub(crate) async fn run(command: MailboxCommand) -> Result<(), Failure> {
    match command {
        MailboxCommand::List(flags) => list_mailboxes(flags).await,
        MailboxCommand::Show(flags) => {
            let session = Session::open(&flags.common)?;
            let (_, mailbox) = find(&session, &flags.tenant, &flags.mailbox).await?;
            session.output.document(&mailbox)
        }
        MailboxCommand::Create(flags) => create(flags).await,
        MailboxCommand::Update(flags) => {
            let input = settled(UpdateMailbox::read(flags.fields.body()?.into_patch()?))?;
            let session = Session::open(&flags.common)?;
            let (reference, mailbox) = find(&session, &flags.tenant, &flags.mailbox).await?;
            let changed = session.service.update_mailbox(&session.call(), &reference, mailbox.id, input).await;
            session.output.document(&settled(changed)?)
        }
        MailboxCommand::Delete(flags) => delete(flags).await,
        MailboxCommand::AppPassword(command) => app_password::run(command).await,
    }
}

/// Finds a mailbox by id or by address, whose main one it must be.
pub(super) async fn find(
    session: &Session,
    named: &str,
    mailbox: &str,
) -> Result<(TenantReference, MailboxView), Failure> {
    let reference = TenantReference::Id(tenant(session, named).await?.id);
    let missing = || format!("`{}` has no mailbox `{}`", named.escape_debug(), mailbox.escape_debug());
    if let Ok(id) = mailbox.parse::<MailboxId>() {
        let found = session.service.read_mailbox(&session.call(), &reference, id).await;
        return Ok((reference, found.map_err(|error| Failure::of_missing(&error, missing))?));
    }
    let mut request = ListRequest { limit: Some(ListRequest::MAXIMUM_LIMIT), cursor: None };
    loop {
        let filter = MailboxFilter::default();
        let page = settled(session.service.list_mailboxes(&session.call(), &reference, &filter, &request).await)?;
        let named = |one: &MailboxView| one.address.eq_ignore_ascii_case(mailbox);
        if let Some(found) = page.items.into_iter().find(named) {
            return Ok((reference, found));
        }
        match page.next_cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => return Err(Failure::of_missing(&dezky::Error::not_found(), missing)),
        }
    }
}

async fn list_mailboxes(flags: ListMailboxes) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let reference = TenantReference::Id(tenant(&session, &flags.tenant).await?.id);
    let user_id = match &flags.user {
        Some(user) => Some(person::find(&session, user).await?.id),
        None => None,
    };
    let filter = MailboxFilter { user_id };
    let (session, filter, reference) = (&session, &filter, &reference);
    list(&session.output, &flags.list, COLUMNS, |request| async move {
        session.service.list_mailboxes(&session.call(), reference, filter, &request).await
    })
    .await
}

async fn create(flags: CreateFlags) -> Result<(), Failure> {
    let Some((local_part, domain)) = flags.address.rsplit_once('@') else {
        let message = format!("`{}` is no address: write it as `anna@acme.eu`", flags.address.escape_debug());
        return Err(Failure::usage(message));
    };
    let session = Session::open(&flags.common)?;
    let reference = TenantReference::Id(tenant(&session, &flags.tenant).await?.id);
    let user = person::find(&session, &flags.user).await?;
    let body = flags.fields.body()?.set("userId", Some(user.id.to_string()));
    let body = body.set("localPart", Some(local_part)).set("domain", Some(domain)).into_value();
    let target = format!("mailbox create {}", flags.tenant);
    let call = session.call_once(flags.once.idempotency_key.as_ref(), &target, &body);
    let input = settled(CreateMailbox::read(body))?;
    session.output.document(&settled(session.service.create_mailbox(&call, &reference, input).await)?.value)
}

async fn delete(flags: DeleteMailbox) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let (reference, mailbox) = find(&session, &flags.tenant, &flags.mailbox).await?;
    let what = format!("the mailbox `{}` is removed with its mail", mailbox.address);
    confirm(&flags.confirmation, &what, &mailbox.address)?;
    settled(session.service.delete_mailbox(&session.call(), &reference, mailbox.id).await)?;
    let sentence = format!("the mailbox `{}` is being removed", mailbox.address);
    session.output.done(&sentence, &json!({ "id": mailbox.id, "address": mailbox.address, "deleted": true }))
}
