//! `dezky billing`.

use clap::{Args, Subcommand};
use dezky::service::{access::TenantReference, billing::Checkout};
use serde_json::{Value, json};

use super::session::{CommonFlags, OnceFlags, Session, settled, tenant};
use crate::failure::Failure;

/// Links to the payment provider.
#[derive(Debug, Subcommand)]
pub(crate) enum BillingCommand {
    /// Create the page on which a tenant is subscribed to a plan, for its owner
    #[command(after_help = "Example:\n  dezky billing checkout acme --plan business --seats 25")]
    Checkout(CheckoutFlags),
    /// Create the page with a tenant's invoices, payments and cancellation, for its owner
    #[command(after_help = "Example:\n  dezky billing portal acme")]
    Portal(PortalFlags),
}

/// Flags of `dezky billing checkout`.
#[derive(Debug, Args)]
pub(crate) struct CheckoutFlags {
    #[command(flatten)]
    of: PortalFlags,
    /// The plan
    #[arg(long)]
    plan: String,
    /// Id of the plan's price; needed if it has several
    #[arg(long)]
    price: Option<String>,
    /// Number of seats [default: those of the subscription, or of the plan]
    #[arg(long, value_name = "NUMBER")]
    seats: Option<u32>,
}

/// Flags of `dezky billing portal`.
#[derive(Debug, Args)]
pub(crate) struct PortalFlags {
    /// Id or slug of the tenant
    tenant: String,
    #[command(flatten)]
    once: OnceFlags,
    #[command(flatten)]
    common: CommonFlags,
}

impl PortalFlags {
    async fn open(&self) -> Result<(Session, TenantReference), Failure> {
        let session = Session::open(&self.common)?;
        let reference = TenantReference::Id(tenant(&session, &self.tenant).await?.id);
        Ok((session, reference))
    }
}

/// Runs the command.
pub(crate) async fn run(command: BillingCommand) -> Result<(), Failure> {
    match command {
        BillingCommand::Checkout(flags) => {
            let (session, reference) = flags.of.open().await?;
            let body = json!({ "plan": flags.plan, "price": flags.price, "seats": flags.seats });
            let target = format!("billing checkout {}", flags.of.tenant);
            let call = session.call_once(flags.of.once.idempotency_key.as_ref(), &target, &body);
            let input = settled(Checkout::read(body))?;
            session.output.document(&settled(session.service.begin_checkout(&call, &reference, input).await)?.value)
        }
        BillingCommand::Portal(flags) => {
            let (session, reference) = flags.open().await?;
            let target = format!("billing portal {}", flags.tenant);
            let call = session.call_once(flags.once.idempotency_key.as_ref(), &target, &Value::Null);
            session.output.document(&settled(session.service.open_billing_portal(&call, &reference).await)?.value)
        }
    }
}
