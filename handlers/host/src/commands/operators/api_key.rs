//! `dezky api-key`.

use clap::{Args, Subcommand};
use dezky::{
    clock::Timestamp,
    domain::{ApiKeyId, CreateApiKey, UpdateApiKey},
    service::{
        access::TenantReference,
        api_keys::{ApiKeyFilter, RotateSecret},
    },
};
use serde_json::{Map, Value, json};

use super::{
    listing::{ListFlags, list},
    output::Column,
    session::{CommonFlags, OnceFlags, Session, settled, tenant},
};
use crate::failure::Failure;

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("NAME", "/name"),
    ("TENANT", "/tenantId"),
    ("SCOPES", "/scopes"),
    ("EXPIRES", "/expiresAt"),
    ("LAST USED", "/lastUsedAt"),
];

/// Actions on API keys, the credentials of machines.
#[derive(Debug, Subcommand)]
pub(crate) enum ApiKeyCommand {
    /// List the API keys of a tenant, or all
    #[command(visible_alias = "ls", after_help = "Example:\n  dezky api-key list --tenant acme")]
    List(ListApiKeys),
    /// Show an API key, without its secret
    #[command(after_help = "Example:\n  dezky api-key show 65f0c0ffee0000000000cafe")]
    Show(OneApiKey),
    /// Create an API key, and print it once
    ///
    /// Scopes are the actions of docs/authorization.md.
    #[command(
        after_help = "Example:\n  dezky api-key create 'nightly report' --tenant acme --scope membership.read --json | jq -r .secret"
    )]
    Create(CreateFlags),
    /// Change the name, scopes, networks or expiry of an API key
    #[command(after_help = "Example:\n  dezky api-key update 65f0c0ffee0000000000cafe --network 192.0.2.0/24")]
    Update(UpdateFlags),
    /// Replace the secret of an API key, and print the new key once
    #[command(after_help = "Example:\n  dezky api-key rotate 65f0c0ffee0000000000cafe --overlap-seconds 3600")]
    Rotate(RotateFlags),
    /// Revoke an API key, from its next request on
    #[command(visible_alias = "rm", after_help = "Example:\n  dezky api-key revoke 65f0c0ffee0000000000cafe")]
    Revoke(OneApiKey),
}

/// Flags of `dezky api-key list`.
#[derive(Debug, Args)]
pub(crate) struct ListApiKeys {
    /// Only keys of this tenant, by id or slug
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    list: ListFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of commands on one key.
#[derive(Debug, Args)]
pub(crate) struct OneApiKey {
    /// Id of the key, which its prefix ends with
    id: String,
    #[command(flatten)]
    common: CommonFlags,
}

/// What a key may do, and from where.
#[derive(Debug, Args)]
pub(crate) struct Bounds {
    /// An action that it may perform, such as `membership.read`; may be repeated
    #[arg(long = "scope", value_name = "ACTION")]
    scopes: Vec<String>,
    /// An address or network that it is accepted from; may be repeated [default: any]
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<String>,
    /// Time at which it expires, RFC 3339 [default: never]
    #[arg(long, value_name = "TIME")]
    expires_at: Option<Timestamp>,
}

/// Flags of `dezky api-key create`.
#[derive(Debug, Args)]
pub(crate) struct CreateFlags {
    /// Name of the machine or program
    name: String,
    /// The tenant that it acts in, by id or slug; without it, a key of the platform
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    once: OnceFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky api-key update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateFlags {
    /// Id of the key, which its prefix ends with
    id: String,
    /// Another name
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky api-key rotate`.
#[derive(Debug, Args)]
pub(crate) struct RotateFlags {
    #[command(flatten)]
    one: OneApiKey,
    /// Seconds for which the secret before stays accepted [default: a day]
    #[arg(long)]
    overlap_seconds: Option<u32>,
    #[command(flatten)]
    once: OnceFlags,
}

/// Runs the command.
pub(crate) async fn run(command: ApiKeyCommand) -> Result<(), Failure> {
    match command {
        ApiKeyCommand::List(flags) => {
            let session = Session::open(&flags.common)?;
            let filter = ApiKeyFilter { tenant: of(&session, flags.tenant.as_deref()).await? };
            let (session, filter) = (&session, &filter);
            list(&session.output, &flags.list, COLUMNS, |request| async move {
                session.service.list_api_keys(&session.call(), filter, &request).await
            })
            .await
        }
        ApiKeyCommand::Show(flags) => {
            let (session, id) = flags.open()?;
            let found = session.service.read_api_key(&session.call(), id).await;
            session.output.document(&found.map_err(|error| missing(&error, id))?)
        }
        ApiKeyCommand::Create(flags) => create(flags).await,
        ApiKeyCommand::Update(flags) => {
            let session = Session::open(&flags.common)?;
            let id = id(&flags.id)?;
            let mut body = flags.bounds.body();
            body.extend(flags.name.map(|name| ("name".to_owned(), name.into())));
            let input = settled(UpdateApiKey::read(body.into()))?;
            let changed = session.service.update_api_key(&session.call(), id, input).await;
            session.output.document(&changed.map_err(|error| missing(&error, id))?)
        }
        ApiKeyCommand::Rotate(flags) => {
            let (session, id) = flags.one.open()?;
            let input = RotateSecret { overlap_seconds: flags.overlap_seconds };
            let body = json!({ "overlapSeconds": flags.overlap_seconds });
            let call = session.call_once(flags.once.idempotency_key.as_ref(), &format!("api-key rotate {id}"), &body);
            let rotated = session.service.rotate_api_key(&call, id, input).await;
            session.output.document(&rotated.map_err(|error| missing(&error, id))?.value)
        }
        ApiKeyCommand::Revoke(flags) => {
            let (session, id) = flags.open()?;
            let revoked = session.service.delete_api_key(&session.call(), id).await;
            revoked.map_err(|error| missing(&error, id))?;
            let sentence = format!("the API key `{id}` is revoked");
            session.output.done(&sentence, &json!({ "id": id, "deleted": true }))
        }
    }
}

async fn create(flags: CreateFlags) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let mut body = flags.bounds.body();
    body.insert("name".to_owned(), flags.name.into());
    if let Some(TenantReference::Id(tenant)) = of(&session, flags.tenant.as_deref()).await? {
        body.insert("tenantId".to_owned(), tenant.to_string().into());
    }
    let body = Value::Object(body);
    let call = session.call_once(flags.once.idempotency_key.as_ref(), "api-key create", &body);
    let input = settled(CreateApiKey::read(body))?;
    session.output.document(&settled(session.service.create_api_key(&call, input).await)?.value)
}

/// Finds the tenant that a flag names.
async fn of(session: &Session, named: Option<&str>) -> Result<Option<TenantReference>, Failure> {
    let Some(named) = named else { return Ok(None) };
    Ok(Some(TenantReference::Id(tenant(session, named).await?.id)))
}

fn id(text: &str) -> Result<ApiKeyId, Failure> {
    let of_key = text.strip_prefix(dezky::domain::api_key::MARK).unwrap_or(text);
    // Of a whole key that was pasted, nothing is told again.
    of_key.parse().map_err(|_| {
        Failure::usage("an API key is named by its id of 24 hexadecimal characters: see `dezky api-key list`")
    })
}

fn missing(error: &dezky::Error, id: ApiKeyId) -> Failure {
    Failure::of_missing(error, || format!("there is no API key `{id}`"))
}

impl OneApiKey {
    fn open(&self) -> Result<(Session, ApiKeyId), Failure> {
        Ok((Session::open(&self.common)?, id(&self.id)?))
    }
}

impl Bounds {
    /// Returns the members that were given.
    fn body(&self) -> Map<String, Value> {
        let list = |name: &str, values: &[String]| (!values.is_empty()).then(|| (name.to_owned(), values.into()));
        let expires = self.expires_at.map(|time| ("expiresAt".to_owned(), time.to_string().into()));
        [list("scopes", &self.scopes), list("networks", &self.networks), expires].into_iter().flatten().collect()
    }
}
