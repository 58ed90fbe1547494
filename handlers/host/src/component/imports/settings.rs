//! The settings of the use cases.

use dezky::domain::Choice as _;

use crate::component::{
    bindings::settings::{self, Values},
    instance::InstanceState,
};

impl settings::Host for InstanceState {
    fn get(&mut self) -> Values {
        let settings = self.platform.service.settings();
        let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Values {
            platform_admin_group: settings.platform_admin_group.clone(),
            public_domain: settings.public_domain.clone(),
            issuers: settings.issuer_ids.clone(),
            leeway: milliseconds(settings.leeway),
            grace: milliseconds(settings.grace),
            systems: settings.systems.iter().map(|kind| kind.name().to_owned()).collect(),
            system_urls: settings.system_urls.iter().map(|(kind, url)| (kind.name().to_owned(), url.clone())).collect(),
            plans: serde_json::to_string(&settings.plans).unwrap_or_default(),
        }
    }
}
