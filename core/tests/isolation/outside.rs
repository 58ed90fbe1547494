//! Stand-ins for DNS and the payment provider: nothing is published, and everything is agreed to.

use std::sync::Arc;

use async_trait::async_trait;
use dezky::{
    Error, Result,
    clock::Timestamp,
    context::RequestContext,
    domain::{
        TenantId,
        billing::{
            Announcement, NewCheckout, NewCustomer, NewSubscription, ProviderPage, ProviderStatus, ProviderSubscription,
        },
        plan::{Catalogue, Plan},
    },
    service::{
        PublicRecords, Told,
        billing::{BillingProvider, Signed},
    },
};

#[derive(Debug)]
pub(crate) struct Agreeable;

fn subscription(tenant: TenantId) -> ProviderSubscription {
    ProviderSubscription {
        id: format!("sub_{tenant}"),
        customer: format!("cus_{tenant}"),
        status: ProviderStatus::Active,
        tenant_id: Some(tenant),
        items: Vec::new(),
        trial_ends_at: None,
        period_ends_at: None,
        ends_at: None,
        ended_at: None,
    }
}

#[async_trait]
impl BillingProvider for Agreeable {
    fn announcement(&self, _: Signed<'_>, _: Timestamp) -> Result<Announcement> {
        Err(Error::not_found())
    }

    async fn subscription(&self, _: &RequestContext, id: &str) -> Result<Option<ProviderSubscription>> {
        Ok(id.strip_prefix("sub_").and_then(|tenant| tenant.parse().ok()).map(subscription))
    }

    async fn subscriptions(&self, _: &RequestContext, _: Option<&str>, _: Option<&str>) -> Result<ProviderPage> {
        Ok(ProviderPage::default())
    }

    async fn create_customer(&self, _: &RequestContext, new: &NewCustomer) -> Result<String> {
        Ok(format!("cus_{}", new.tenant))
    }

    async fn checkout(&self, _: &RequestContext, new: &NewCheckout) -> Result<String> {
        Ok(format!("https://billing.example/checkout/{}", new.customer))
    }

    async fn subscribe(&self, _: &RequestContext, new: &NewSubscription) -> Result<ProviderSubscription> {
        Ok(subscription(new.checkout.tenant))
    }

    async fn portal(&self, _: &RequestContext, customer: &str, _: &str) -> Result<String> {
        Ok(format!("https://billing.example/portal/{customer}"))
    }

    async fn cancel(&self, _: &RequestContext, _: &str) -> Result<()> {
        Ok(())
    }
}

/// Returns plans with a price, and more seats than any test takes.
pub(crate) fn plans() -> Catalogue {
    let plan = |price: &str| Plan {
        seats: 100_000,
        files_gib: 100,
        mailbox_gib: 10,
        features: [].into(),
        prices: [price.to_owned()].into(),
        trial_days: 0,
    };
    let plans = [("starter", plan("price_1")), ("business", plan("price_2"))];
    Catalogue::new(plans.into_iter().map(|(name, plan)| (name.to_owned(), plan)).collect()).unwrap()
}

/// Public DNS without any record.
#[derive(Debug)]
struct Nothing;

#[async_trait]
impl PublicRecords for Nothing {
    async fn ask(&self, _: &str, _: &str) -> Vec<(String, Told)> {
        vec![("192.0.2.53".to_owned(), Told::Values(Vec::new()))]
    }
}

pub(crate) fn records() -> Option<Arc<dyn PublicRecords>> {
    Some(Arc::new(Nothing))
}
