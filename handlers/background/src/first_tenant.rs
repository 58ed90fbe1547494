//! The platform's own tenant, made at the first start.

use std::sync::Arc;

use dezky::{
    Error, ErrorKind,
    service::{Service, operation::SeedSettings},
};
use tokio::time;

use crate::condition::{Condition, explain};

/// What became of it.
#[derive(Debug)]
pub enum FirstTenant {
    /// It is there.
    There,
    /// Not yet, for this reason; it is tried again.
    Delayed(String),
    /// The settings make it impossible, which trying again does not change.
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
