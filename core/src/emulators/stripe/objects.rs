//! Objects in the shapes of the API.

use serde_json::{Value, json};

use super::form::Form;

pub(super) struct Customer {
    id: String,
    pub(super) name: Option<String>,
    email: Option<String>,
    tenant: Option<String>,
    created: i64,
}

impl Customer {
    pub(super) fn new(id: &str, form: &Form, created: i64) -> Self {
        Self {
            id: id.to_owned(),
            name: form.text("name"),
            email: form.text("email"),
            tenant: form.text("metadata[tenant_id]"),
            created,
        }
    }

    pub(super) fn object(&self) -> Value {
        json!({
            "id": self.id, "object": "customer", "name": self.name, "email": self.email, "created": self.created,
            "livemode": false, "metadata": metadata(self.tenant.as_ref()), "balance": 0, "currency": null,
            "default_source": null, "delinquent": false, "description": null, "discount": null, "phone": null,
        })
    }
}

pub(super) struct Session {
    id: String,
    pub(super) customer: String,
    pub(super) form: Form,
    url: String,
    pub(super) subscription: Option<String>,
}

impl Session {
    pub(super) fn new(id: &str, customer: &str, form: Form, origin: &str) -> Self {
        let url = format!("{origin}/checkout/{id}");
        Self { id: id.to_owned(), customer: customer.to_owned(), form, url, subscription: None }
    }

    pub(super) fn object(&self) -> Value {
        let done = self.subscription.is_some();
        json!({
            "id": self.id, "object": "checkout.session", "mode": "subscription", "customer": self.customer,
            "client_reference_id": self.form.text("client_reference_id"), "subscription": self.subscription,
            "status": if done { "complete" } else { "open" }, "payment_status": if done { "paid" } else { "unpaid" },
            "success_url": self.form.text("success_url"), "cancel_url": self.form.text("cancel_url"),
            "url": if done { Value::Null } else { json!(self.url) }, "livemode": false, "metadata": {},
        })
    }
}

pub(super) struct Subscription {
    pub(super) id: String,
    pub(super) item: String,
    pub(super) customer: String,
    pub(super) status: String,
    pub(super) tenant: Option<String>,
    pub(super) price: String,
    pub(super) quantity: u64,
    pub(super) collection_method: String,
    pub(super) created: i64,
    pub(super) trial_end: Option<i64>,
    pub(super) period_end: i64,
    pub(super) cancel_at_period_end: bool,
    pub(super) ended_at: Option<i64>,
}

impl Subscription {
    pub(super) fn object(&self) -> Value {
        json!({
            "id": self.id, "object": "subscription", "customer": self.customer, "status": self.status,
            "created": self.created, "start_date": self.created, "livemode": false,
            "collection_method": self.collection_method, "currency": "eur",
            "metadata": metadata(self.tenant.as_ref()), "trial_start": self.trial_end.map(|_| self.created),
            "trial_end": self.trial_end, "cancel_at": self.cancel_at_period_end.then_some(self.period_end),
            "cancel_at_period_end": self.cancel_at_period_end, "canceled_at": self.ended_at, "ended_at": self.ended_at,
            "pause_collection": null, "latest_invoice": null, "billing_cycle_anchor": self.created,
            "items": {
                "object": "list", "has_more": false, "total_count": 1,
                "url": format!("/v1/subscription_items?subscription={}", self.id),
                "data": [{
                    "id": self.item, "object": "subscription_item", "subscription": self.id, "created": self.created,
                    "quantity": self.quantity, "current_period_start": self.created,
                    "current_period_end": self.period_end, "metadata": {},
                    "price": { "id": self.price, "object": "price", "currency": "eur", "type": "recurring", "active": true },
                }],
            },
        })
    }
}

pub(super) fn portal(id: &str, customer: &str, back: &str, url: &str, created: i64) -> Value {
    json!({
        "id": id, "object": "billing_portal.session", "customer": customer, "return_url": back, "url": url,
        "created": created, "livemode": false, "configuration": "bpc_1", "flow": null, "locale": null, "on_behalf_of": null,
    })
}

fn metadata(tenant: Option<&String>) -> Value {
    tenant.map_or_else(|| json!({}), |tenant| json!({ "tenant_id": tenant }))
}
