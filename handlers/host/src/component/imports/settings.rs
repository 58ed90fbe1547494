//! The settings of the use cases.

use crate::component::{
    bindings::settings::{self, Values},
    instance::InstanceState,
};

impl settings::Host for InstanceState {
    fn get(&mut self) -> Values {
        let settings = self.platform.service.settings();
        Values {
            platform_admin_group: settings.platform_admin_group.clone(),
            public_domain: settings.public_domain.clone(),
            issuers: settings.issuer_ids.clone(),
            leeway: u64::try_from(settings.leeway.as_millis()).unwrap_or(u64::MAX),
        }
    }
}
