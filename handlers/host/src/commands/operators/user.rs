//! `dezky user`.

use clap::{Args, Subcommand};
use dezky::{
    domain::{CreateUser, UpdateUser},
    service::users::UserFilter,
};
use serde_json::{Value, json};

use super::{
    body::BodyFlags,
    confirmation::{ConfirmationFlags, confirm},
    listing::{ListFlags, lines, list},
    output::Column,
    person,
    session::{CommonFlags, OnceFlags, Session, settled},
};
use crate::failure::Failure;

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("STATUS", "/status"),
    ("ADMIN", "/platformAdmin"),
    ("E-MAIL", "/displayEmail|/email"),
    ("NAME", "/name"),
    ("ISSUER", "/issuerId"),
    ("SUBJECT", "/authentikSubjectId"),
];

/// Actions on users.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// List users by name, or by address with --email
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  dezky user list --search anna
  dezky user list --email anna@ --json
  dezky user list --status disabled --all"
    )]
    List(ListUsers),
    /// Show a user with all fields
    #[command(after_help = "Examples:\n  dezky user show anna@example.eu\n  dezky user show default/anna --json")]
    Show(OneUser),
    /// Create a user before the first sign-in, or admit a deleted person again
    #[command(after_help = "Example:
  dezky user create anna --email anna@example.eu --name 'Anna Example'")]
    Create(CreateFlags),
    /// Change fields of a user
    #[command(after_help = "Examples:
  dezky user update anna@example.eu --name 'Anna Beispiel'
  dezky user update default/paul --platform-admin true")]
    Update(UpdateFlags),
    /// Disable a user: every request of theirs is refused, at once
    #[command(after_help = "Example:\n  dezky user suspend anna@example.eu")]
    Suspend(OneUser),
    /// Enable a user again
    #[command(after_help = "Example:\n  dezky user restore anna@example.eu")]
    Restore(OneUser),
    /// End all sessions of a user: every existing token is refused, at once
    ///
    /// An issuer's clock may be up to 30 seconds ahead of this machine's, so tokens are only accepted again if they are
    /// issued about half a minute from now or later: `tokensValidAfter` shows when. An earlier sign-in is refused until
    /// then. Tokens refreshed from an earlier sign-in are refused too, recognized by `auth_time` or `sid`. If an
    /// issuer's tokens have neither, the session keeps yielding new tokens: end it at the issuer, or use `dezky user
    /// suspend`.
    #[command(after_help = "Example:\n  dezky user revoke anna@example.eu")]
    Revoke(OneUser),
    /// Print everything about a person that the store has, a JSON document per line
    ///
    /// Each line names the collection of its document.
    #[command(after_help = "Example:\n  dezky user export anna@example.eu > anna.jsonl")]
    Export(OneUser),
    /// Erase a person; asks first
    ///
    /// Personal fields are cleared and a tombstone stays, so that no token brings them back; `user create` with the same
    /// subject admits them again. Their memberships and the personal values in the audit trail go as soon as a server
    /// runs on this store.
    #[command(after_help = "Example:\n  dezky user delete default/anna --yes")]
    Delete(DeleteUser),
}

/// Flags of `dezky user list`.
#[derive(Debug, Args)]
pub(crate) struct ListUsers {
    /// Only users in this state: active, disabled, or an unknown one of the replaced service
    #[arg(long, value_name = "STATE")]
    status: Option<String>,
    /// Only users whose name or address has words beginning with these, ignoring case
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only users whose e-mail address begins with this, ignoring case; sorts by address
    #[arg(long, value_name = "TEXT")]
    email: Option<String>,
    #[command(flatten)]
    list: ListFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of commands on one user.
#[derive(Debug, Args)]
pub(crate) struct OneUser {
    #[arg(help = person::HELP)]
    user: String,
    #[command(flatten)]
    common: CommonFlags,
}

/// Fields of a user that have a flag.
#[derive(Debug, Args)]
struct Fields {
    /// E-mail address
    #[arg(long)]
    email: Option<String>,
    /// Name
    #[arg(long)]
    name: Option<String>,
    /// Informative role without effect on permissions
    #[arg(long, value_parser = ["user", "support", "admin"])]
    role: Option<String>,
    /// Right to administer the platform; once set here, no token's claim changes it
    #[arg(long, value_name = "BOOLEAN")]
    platform_admin: Option<bool>,
    #[command(flatten)]
    body: BodyFlags,
}

impl Fields {
    fn body(&self) -> Result<super::body::Body, Failure> {
        let body = self.body.read()?.set("email", self.email.clone()).set("name", self.name.clone());
        Ok(body.set("role", self.role.clone()).set("platformAdmin", self.platform_admin))
    }
}

/// Flags of `dezky user create`.
#[derive(Debug, Args)]
pub(crate) struct CreateFlags {
    /// The person's subject (`sub`) at the issuer
    subject: String,
    /// Id of the configured issuer [default: default]
    #[arg(long, value_name = "ID")]
    issuer: Option<String>,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    once: OnceFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky user update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateFlags {
    #[arg(help = person::HELP)]
    user: String,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky user delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteUser {
    #[arg(help = person::HELP)]
    user: String,
    #[command(flatten)]
    confirmation: ConfirmationFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Runs the command.
pub(crate) async fn run(command: UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::List(flags) => list_users(flags).await,
        UserCommand::Show(flags) => {
            let session = Session::open(&flags.common)?;
            session.output.document(&person::find(&session, &flags.user).await?)
        }
        UserCommand::Create(flags) => create(flags).await,
        UserCommand::Update(flags) => {
            let body = flags.fields.body()?.into_patch()?;
            update(&Session::open(&flags.common)?, &flags.user, body).await
        }
        UserCommand::Suspend(flags) => patch(flags, json!({ "status": "disabled" })).await,
        UserCommand::Restore(flags) => patch(flags, json!({ "status": "active" })).await,
        UserCommand::Revoke(flags) => revoke(flags).await,
        UserCommand::Export(flags) => {
            let session = Session::open(&flags.common)?;
            let user = person::find(&session, &flags.user).await?.id;
            let session = &session;
            lines(|request| async move { session.service.export_user(&session.call(), user, &request).await }).await
        }
        UserCommand::Delete(flags) => delete(flags).await,
    }
}

async fn list_users(flags: ListUsers) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let status = flags.status.as_deref().map(Into::into);
    let filter = UserFilter { status, search: flags.search, email: flags.email };
    let (session, filter) = (&session, &filter);
    list(&session.output, &flags.list, COLUMNS, |request| async move {
        session.service.list_users(&session.call(), filter, &request).await
    })
    .await
}

async fn create(flags: CreateFlags) -> Result<(), Failure> {
    let body = flags.fields.body()?.set("authentikSubjectId", Some(flags.subject)).set("issuerId", flags.issuer);
    let body = body.into_value();
    let session = Session::open(&flags.common)?;
    let call = session.call_once(flags.once.idempotency_key.as_ref(), "user create", &body);
    let input = settled(CreateUser::read(body))?;
    session.output.document(&settled(session.service.create_user(&call, input).await)?.value)
}

async fn patch(flags: OneUser, body: Value) -> Result<(), Failure> {
    update(&Session::open(&flags.common)?, &flags.user, body).await
}

async fn update(session: &Session, named: &str, body: Value) -> Result<(), Failure> {
    let input = settled(UpdateUser::read(body))?;
    let user = person::find(session, named).await?;
    session.output.document(&settled(session.service.update_user(&session.call(), user.id, input).await)?)
}

async fn revoke(flags: OneUser) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let user = person::find(&session, &flags.user).await?;
    let user = settled(session.service.end_all_sessions(&session.call(), user.id).await)?;
    session.output.document(&user)?;
    let from = user.tokens_valid_after.map(|from| from.to_string()).unwrap_or_default();
    session.output.note(&format!(
        "all sessions have ended: tokens issued before {from} are refused, those of who signs in again until then too;\n\
         tokens that are refreshed from before are refused by their `auth_time` or `sid`; if the identity provider's tokens have neither,\n\
         end its own session too, or `dezky user suspend`"
    ))
}

async fn delete(flags: DeleteUser) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let user = person::find(&session, &flags.user).await?;
    let what = format!(
        "this erases the person {}: name, address and subject are cleared, and all memberships end",
        person::called(&user)
    );
    confirm(&flags.confirmation, &what, &user.id.to_string())?;
    settled(session.service.delete_user(&session.call(), user.id).await)?;
    session.output.done(&format!("user {} is deleted", user.id), &json!({ "id": user.id, "deleted": true }))
}
