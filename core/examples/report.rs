//! An operator's script that lists tenants without a current subscription, page by page, as a named system actor.
#![allow(clippy::print_stdout, reason = "what the example shows")]

use std::sync::Arc;

use dezky::{
    COLLECTIONS, Platform, PlatformOptions, Result,
    service::{ListRequest, subscriptions::SubscriptionFilter, tenants::TenantFilter},
    store::sqlite::SqliteStore,
};

#[tokio::main]
async fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).unwrap_or_else(|| "dezky.sqlite".into());
    let store = Arc::new(SqliteStore::open(&path, Default::default(), COLLECTIONS)?);
    let platform = Platform::open(PlatformOptions::new(store))?;
    for slug in unpaid(&platform).await? {
        println!("{slug}");
    }
    Ok(())
}

async fn unpaid(platform: &Platform) -> Result<Vec<String>> {
    let report = platform.as_system("unpaid-report")?;
    let mut unpaid = Vec::new();
    let mut request = ListRequest { limit: Some(200), cursor: None };
    loop {
        let page = report.tenants().list(&TenantFilter::default(), &request).await?;
        for tenant in page.items {
            let filter = SubscriptionFilter { tenant_id: Some(tenant.id), ..Default::default() };
            let subscriptions = report.subscriptions().list(&filter, &ListRequest::default()).await?;
            if subscriptions.items.iter().all(|subscription| subscription.status.name() == "cancelled") {
                unpaid.push(tenant.slug);
            }
        }
        match page.next_cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => return Ok(unpaid),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use dezky::domain::{CreateSubscription, CreateTenant};
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn those_without_a_subscription_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(folder.path().join("a"), Default::default(), COLLECTIONS).unwrap());
        let platform = Platform::open(PlatformOptions::new(store)).unwrap();
        let system = platform.as_system("set-up").unwrap();
        for slug in ["acme", "beta"] {
            let input = CreateTenant::read(json!({"slug": slug, "name": slug})).unwrap();
            let tenant = system.tenants().create(input).await.unwrap();
            if slug == "acme" {
                let input = CreateSubscription::read(json!({"tenantId": tenant.id})).unwrap();
                system.subscriptions().create(input).await.unwrap();
            }
        }
        assert_eq!(unpaid(&platform).await.unwrap(), ["beta"]);
    }
}
