//! `dezky subscription`.

use clap::{Args, Subcommand};
use dezky::{
    Error,
    domain::{CreateSubscription, SubscriptionId, SubscriptionStatus, UpdateSubscription},
    service::{ListRequest, subscriptions::SubscriptionFilter, views::SubscriptionView},
};
use serde_json::{Value, json};

use super::{
    body::BodyFlags,
    confirmation::{ConfirmationFlags, confirm},
    listing::{ListFlags, list},
    output::Column,
    session::{self, CommonFlags, OnceFlags, Session, settled},
};
use crate::failure::Failure;

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("TENANT", "/tenantId"),
    ("STATUS", "/status"),
    ("PLAN", "/plan"),
    ("SEATS", "/seats"),
    ("PERIOD ENDS", "/currentPeriodEndsAt"),
    ("CREATED", "/createdAt"),
];

const STATES: [&str; 7] = ["incomplete", "trialing", "active", "past_due", "paused", "suspended", "cancelled"];

const NAMED: &str = "Id of the subscription, or slug of the tenant whose current subscription it is";

/// Actions on subscriptions.
#[derive(Debug, Subcommand)]
pub(crate) enum SubscriptionCommand {
    /// List subscriptions, the oldest first
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  dezky subscription list --status past_due
  dezky subscription list --tenant acme --json"
    )]
    List(ListSubscriptions),
    /// Show a subscription with all its fields
    #[command(after_help = "Example:\n  dezky subscription show acme")]
    Show(OneSubscription),
    /// Create the subscription of a tenant that has none
    #[command(after_help = "Example:\n  dezky subscription create acme --plan business --seats 25")]
    Create(CreateFlags),
    /// Change fields of a subscription; asks first when it cancels it
    #[command(after_help = "Examples:
  dezky subscription update acme --seats 30
  dezky subscription update acme --status cancelled --yes
  dezky subscription update acme --body '{\"trialEndsAt\": null}'")]
    Update(UpdateFlags),
    /// Suspend a subscription
    #[command(after_help = "Example:\n  dezky subscription suspend acme")]
    Suspend(OneSubscription),
    /// Make a subscription active again; a cancelled one stays cancelled
    #[command(after_help = "Example:\n  dezky subscription restore acme")]
    Restore(OneSubscription),
    /// Have the payment provider bill a subscription, by invoices that it mails
    #[command(after_help = "Example:\n  dezky subscription bill acme --price price_1")]
    Bill(BillFlags),
    /// Remove a subscription; asks first. To end one, cancel it with `update --status cancelled`
    #[command(after_help = "Example:\n  dezky subscription delete 65f0c0ffee0000000000abcd --yes")]
    Delete(DeleteSubscription),
}

/// Flags of `dezky subscription list`.
#[derive(Debug, Args)]
pub(crate) struct ListSubscriptions {
    /// Only subscriptions of this tenant, by id or slug
    #[arg(long)]
    tenant: Option<String>,
    /// Only subscriptions in this state: one of those of `update`, or an unknown one of the replaced service
    #[arg(long, value_name = "STATE")]
    status: Option<String>,
    /// Only subscriptions with this plan
    #[arg(long)]
    plan: Option<String>,
    #[command(flatten)]
    list: ListFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of commands on one subscription.
#[derive(Debug, Args)]
pub(crate) struct OneSubscription {
    #[arg(help = NAMED)]
    subscription: String,
    #[command(flatten)]
    common: CommonFlags,
}

/// Fields of a subscription that have a flag.
#[derive(Debug, Args)]
struct Fields {
    /// Plan [default of a new one: the tenant's plan]
    #[arg(long)]
    plan: Option<String>,
    /// State [default of a new one: active]
    #[arg(long, value_parser = STATES)]
    status: Option<String>,
    /// Number of users it covers [default of a new one: 1]
    #[arg(long, value_name = "NUMBER")]
    seats: Option<u32>,
    #[command(flatten)]
    body: BodyFlags,
}

impl Fields {
    fn body(&self) -> Result<super::body::Body, Failure> {
        let body = self.body.read()?.set("plan", self.plan.clone()).set("status", self.status.clone());
        Ok(body.set("seats", self.seats))
    }
}

/// Flags of `dezky subscription create`.
#[derive(Debug, Args)]
pub(crate) struct CreateFlags {
    /// Id or slug of the tenant
    tenant: String,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    once: OnceFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky subscription update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateFlags {
    #[arg(help = NAMED)]
    subscription: String,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    confirmation: ConfirmationFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `dezky subscription bill`.
#[derive(Debug, Args)]
pub(crate) struct BillFlags {
    #[command(flatten)]
    one: OneSubscription,
    /// Id of the plan's price; needed if it has several
    #[arg(long)]
    price: Option<String>,
}

/// Flags of `dezky subscription delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteSubscription {
    #[arg(help = NAMED)]
    subscription: String,
    #[command(flatten)]
    confirmation: ConfirmationFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Runs the command.
pub(crate) async fn run(command: SubscriptionCommand) -> Result<(), Failure> {
    match command {
        SubscriptionCommand::List(flags) => list_subscriptions(flags).await,
        SubscriptionCommand::Show(flags) => {
            let session = Session::open(&flags.common)?;
            session.output.document(&find(&session, &flags.subscription).await?)
        }
        SubscriptionCommand::Create(flags) => create(flags).await,
        SubscriptionCommand::Update(flags) => {
            let body = flags.fields.body()?.into_patch()?;
            update(&flags.common, &flags.subscription, body, &flags.confirmation).await
        }
        SubscriptionCommand::Suspend(flags) => switch(flags, "suspended").await,
        SubscriptionCommand::Restore(flags) => switch(flags, "active").await,
        SubscriptionCommand::Bill(flags) => bill(flags).await,
        SubscriptionCommand::Delete(flags) => delete(flags).await,
    }
}

async fn list_subscriptions(flags: ListSubscriptions) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let tenant_id = match &flags.tenant {
        Some(tenant) => Some(session::tenant(&session, tenant).await?.id),
        None => None,
    };
    let status = flags.status.as_deref().map(Into::into);
    let filter = SubscriptionFilter { tenant_id, status, plan: flags.plan };
    let (session, filter) = (&session, &filter);
    list(&session.output, &flags.list, COLUMNS, |request| async move {
        session.service.list_subscriptions(&session.call(), filter, &request).await
    })
    .await
}

async fn bill(flags: BillFlags) -> Result<(), Failure> {
    let session = Session::open(&flags.one.common)?;
    let found = find(&session, &flags.one.subscription).await?;
    let billed = session.service.bill_subscription(&session.call(), found.id, flags.price).await;
    session.output.document(&settled(billed)?)
}

/// Finds a subscription by its id, or the current one of a tenant by slug.
async fn find(session: &Session, named: &str) -> Result<SubscriptionView, Failure> {
    if let Ok(id) = named.parse::<SubscriptionId>() {
        return settled(session.service.read_subscription(&session.call(), id).await);
    }
    let filter =
        SubscriptionFilter { tenant_id: Some(session::tenant(session, named).await?.id), ..Default::default() };
    let mut request = ListRequest { limit: Some(ListRequest::MAXIMUM_LIMIT), cursor: None };
    loop {
        let page = settled(session.service.list_subscriptions(&session.call(), &filter, &request).await)?;
        let current = page.items.into_iter().find(|view| view.status != SubscriptionStatus::Cancelled);
        match (current, page.next_cursor) {
            (Some(current), _) => return Ok(current),
            (None, Some(cursor)) => request.cursor = Some(cursor),
            (None, None) => {
                let what = || format!("the tenant `{}` has no current subscription", named.escape_debug());
                return Err(Failure::of_missing(&Error::not_found(), what));
            }
        }
    }
}

async fn create(flags: CreateFlags) -> Result<(), Failure> {
    let body = flags.fields.body()?;
    let session = Session::open(&flags.common)?;
    let tenant = session::tenant(&session, &flags.tenant).await?.id;
    let body = body.set("tenantId", Some(tenant.to_string())).into_value();
    let call = session.call_once(flags.once.idempotency_key.as_ref(), "subscription create", &body);
    let input = settled(CreateSubscription::read(body))?;
    session.output.document(&settled(session.service.create_subscription(&call, input).await)?.value)
}

async fn switch(flags: OneSubscription, status: &str) -> Result<(), Failure> {
    let unasked = ConfirmationFlags { yes: false };
    update(&flags.common, &flags.subscription, json!({ "status": status }), &unasked).await
}

async fn update(
    common: &CommonFlags,
    named: &str,
    body: Value,
    confirmation: &ConfirmationFlags,
) -> Result<(), Failure> {
    let cancels = body.get("status").is_some_and(|status| status == "cancelled");
    let input = settled(UpdateSubscription::read(body))?;
    let session = Session::open(common)?;
    let subscription = find(&session, named).await?;
    if cancels && subscription.status != SubscriptionStatus::Cancelled {
        let what = format!("this cancels the subscription {} for good", subscription.id);
        confirm(confirmation, &what, "cancel")?;
    }
    session
        .output
        .document(&settled(session.service.update_subscription(&session.call(), subscription.id, input).await)?)
}

async fn delete(flags: DeleteSubscription) -> Result<(), Failure> {
    let session = Session::open(&flags.common)?;
    let subscription = find(&session, &flags.subscription).await?;
    let what = format!(
        "this removes the subscription {} (plan {}, {} seats) of tenant {}",
        subscription.id, subscription.plan, subscription.seats, subscription.tenant_id
    );
    confirm(&flags.confirmation, &what, &subscription.id.to_string())?;
    settled(session.service.delete_subscription(&session.call(), subscription.id).await)?;
    let sentence = format!("subscription {} is deleted", subscription.id);
    session.output.done(&sentence, &json!({ "id": subscription.id, "deleted": true }))
}
