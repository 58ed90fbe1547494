//! Creation of the platform's own tenant at the first start.

use std::sync::Arc;

use dezky::{
    Error, ErrorKind,
    service::{Service, operation::SeedSettings},
};
use tokio::time;

use crate::condition::{Condition, explain};

/// Outcome of creating the tenant.
#[derive(Debug)]
pub enum FirstTenant {
    /// The tenant exists.
    There,
    /// The attempt failed for this reason and is retried.
    Delayed(String),
    /// The settings are invalid for it, so a retry is pointless.
    Refused(Error),
}

pub(crate) async fn make(service: Arc<Service>, settings: SeedSettings, told: impl Fn(FirstTenant)) {
    let mut condition = Condition::new("making the first tenant");
    loop {
        match service.seed(&settings).await {
            Ok(seeded) => {
                condition.succeeded();
                if seeded.tenant_created {
                    tracing::info!(slug = settings.slug, "the first tenant was made");
                }
                told(FirstTenant::There);
                return;
            }
            Err(error) if error.kind() == ErrorKind::Configuration => {
                told(FirstTenant::Refused(error));
                return;
            }
            Err(error) => {
                told(FirstTenant::Delayed(explain(&error)));
                time::sleep(condition.failed(&error)).await;
            }
        }
    }
}
