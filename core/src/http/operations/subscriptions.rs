//! Operations below `/subscriptions`.

use crate::http::openapi::shape::Shape;
use crate::http::openapi::schemas::BillBody;
use crate::http::openapi::schemas::CreateSubscriptionBody;
use crate::http::openapi::schemas::SubscriptionPage;
use crate::http::openapi::schemas::UpdateSubscriptionBody;
use crate::http::routes::subscriptions;
use crate::service::views::SubscriptionView;

operations! {
    "/subscriptions" {
        get listSubscriptions = subscriptions::list {
            summary: "List subscriptions: all for the platform, those of their tenants for everybody else",
            access: May(&[ListSubscriptions]), sdk: Some("subscriptions.list"), commands: &["subscription list"],
            shape: Shape::page::<SubscriptionPage>().asked_by::<subscriptions::Query>().in_pages(),
        }
        post createSubscription = subscriptions::create {
            summary: "Create a subscription; for the platform",
            access: May(&[CreateSubscription]), sdk: Some("subscriptions.create"), commands: &["subscription create"],
            shape: Shape::created::<CreateSubscriptionBody, SubscriptionView>(),
        }
    }
    "/subscriptions/{id}/billing" {
        post billSubscription = billing::bill {
            summary: "Have the payment provider bill a subscription by mail; for the platform",
            access: May(&[BillSubscription]), sdk: Some("subscriptions.bill"), commands: &["subscription bill"],
            shape: Shape::sent::<BillBody, SubscriptionView>(),
        }
    }
    "/subscriptions/{id}" {
        get readSubscription = subscriptions::read {
            summary: "Read a subscription",
            access: May(&[ReadSubscription]), sdk: Some("subscriptions.get"), commands: &["subscription show"],
            shape: Shape::document::<SubscriptionView>(),
        }
        patch updateSubscription = subscriptions::update {
            summary: "Change a subscription; for the platform",
            access: May(&[UpdateSubscription]), sdk: Some("subscriptions.update"),
            commands: &["subscription update", "subscription suspend", "subscription restore"],
            shape: Shape::changed::<UpdateSubscriptionBody, SubscriptionView>(),
        }
        delete deleteSubscription = subscriptions::delete {
            summary: "Remove a subscription; for the platform",
            access: May(&[DeleteSubscription]), sdk: Some("subscriptions.delete"), commands: &["subscription delete"],
            shape: Shape::deleted(),
        }
    }
}
