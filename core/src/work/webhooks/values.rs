//! Personal values that webhooks have beside the ids and names of their events.
//!
//! They are read from beside the audit trail for each batch of attempts, at most two seconds before one begins, and stored nowhere
//! else: an erasure ends them everywhere.

use std::collections::BTreeMap;

use super::call;
use crate::{
    callers::Callers,
    domain::{
        AuditDetails, AuditResource, AuditValue, EventDelivery, EventEndpoint, EventId, ObjectId, audit::AUDIT_DETAILS,
        trail::collection_of,
    },
    error::Result,
    service::Service,
    store::{Query, Repository as _},
};

/// Personal values of events.
pub(super) type Values = BTreeMap<EventId, Vec<AuditValue>>;

/// Loads the values that an endpoint may get of these events.
pub(super) async fn load<'a>(
    service: &Service,
    endpoint: &EventEndpoint,
    deliveries: impl Iterator<Item = &'a EventDelivery> + Clone,
) -> Result<Values> {
    let query = Query::by_ids(&AUDIT_DETAILS, deliveries.clone().map(|delivery| delivery.event_id.0));
    let details: Vec<AuditDetails> = service.store().load_all(&call().context, &query).await?;
    let mut details: BTreeMap<ObjectId, AuditDetails> = details.into_iter().map(|one| (one.id.0, one)).collect();
    let shown = |delivery: &EventDelivery| {
        let mut values = details.remove(&delivery.event_id.0)?.values;
        values.retain(|value| is_shown(endpoint.tenant_id.is_some(), delivery.resource.as_ref(), &value.field));
        Some((delivery.event_id, values))
    };
    Ok(deliveries.filter_map(shown).collect())
}

/// Returns `true` if those who may ask for personal values may read this field.
///
/// They are the owners of the endpoint's tenant, or the administrators of the platform for one of its own.
fn is_shown(of_tenant: bool, resource: Option<&AuditResource>, field: &str) -> bool {
    let reader = if of_tenant { Callers::OWNER } else { Callers::PLATFORM };
    let field = resource.and_then(|resource| collection_of(&resource.resource_type)?.field(field));
    field.is_some_and(|field| field.readers.includes(reader))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_shown_to_those_who_may_read_it() {
        let of = |kind: &str| AuditResource { resource_type: kind.to_owned(), id: ObjectId::generate() };
        assert!(is_shown(true, Some(&of("tenant")), "name"));
        // A person's own fields are not the tenant's, and the platform's to read.
        assert!(!is_shown(true, Some(&of("user")), "name") && is_shown(false, Some(&of("user")), "name"));
        for (resource, field) in [(Some(of("tenant")), "nothing"), (Some(of("letter")), "name"), (None, "name")] {
            assert!(!is_shown(false, resource.as_ref(), field), "{resource:?} {field}");
        }
    }
}
