//! Makes the members of a tenant follow groups that were pushed before the tenant named them.

use crate::{
    authz::Action,
    domain::{Event, system_action::TENANT_PROVISION},
    error::Result,
    service::{Service, directories::follow_group},
    work::consumer::{Consumer, Follows, Noted},
};

pub(in crate::work) const DIRECTORIES: Consumer = Consumer {
    name: "directories",
    summary: "makes members of people whose group a tenant names later than it was pushed",
    follows: &[
        Follows { action: Action::CreateTenant, fields: &["authentikGroup"] },
        Follows { action: Action::UpdateTenant, fields: &["authentikGroup"] },
        Follows { action: Action::RestoreTenant, fields: &[] },
    ],
    notes: &[Noted { name: TENANT_PROVISION, done: &["authentikGroup"] }],
    handle: |service, event| Box::pin(follow(service, event)),
};

async fn follow(service: &Service, event: &Event) -> Result<()> {
    match event.tenant_id {
        Some(tenant) => follow_group(service, tenant).await,
        None => Ok(()),
    }
}
