//! Operations below `/event-endpoints`.

use crate::http::openapi::shape::Shape;
use crate::domain::EventEndpointView;
use crate::http::openapi::schemas::CreateEventEndpointBody;
use crate::http::openapi::schemas::EventDeliveryPage;
use crate::http::openapi::schemas::EventEndpointPage;
use crate::http::openapi::schemas::ReplayBody;
use crate::http::openapi::schemas::UpdateEventEndpointBody;
use crate::http::routes::event_endpoints;
use crate::service::event_endpoints::Replayed;

operations! {
    "/event-endpoints" {
        get listEventEndpoints = event_endpoints::list {
            summary: "List the endpoints for events, of a tenant or of the platform",
            access: May(&[ReadEventEndpoints, ReadPlatformEventEndpoints]), sdk: Some("eventEndpoints.list"),
            commands: &["endpoint list"],
            shape: Shape::page::<EventEndpointPage>().asked_by::<event_endpoints::Query>().in_pages(),
        }
        post createEventEndpoint = event_endpoints::create {
            summary: "Create an endpoint for the events of a tenant, or of the platform; only this answer has its secret",
            access: May(&[CreateEventEndpoint, CreatePlatformEventEndpoint]), sdk: Some("eventEndpoints.create"),
            commands: &["endpoint create"],
            shape: Shape::shown_once::<CreateEventEndpointBody, EventEndpointView>(),
        }
    }
    "/event-endpoints/{id}" {
        get readEventEndpoint = event_endpoints::read {
            summary: "Read an endpoint for events",
            access: May(&[ReadEventEndpoints]), sdk: Some("eventEndpoints.get"), commands: &["endpoint show"],
            shape: Shape::document::<EventEndpointView>(),
        }
        patch updateEventEndpoint = event_endpoints::update {
            summary: "Change an endpoint for events",
            access: May(&[UpdateEventEndpoint]), sdk: Some("eventEndpoints.update"), commands: &["endpoint update"],
            shape: Shape::changed::<UpdateEventEndpointBody, EventEndpointView>(),
        }
        delete deleteEventEndpoint = event_endpoints::delete {
            summary: "Remove an endpoint for events",
            access: May(&[DeleteEventEndpoint]), sdk: Some("eventEndpoints.delete"), commands: &["endpoint delete"],
            shape: Shape::deleted(),
        }
    }
    "/event-endpoints/{id}/rotate" {
        post rotateEventEndpoint = event_endpoints::rotate {
            summary: "Give an endpoint another secret; the previous one stays valid for 24 hours",
            access: May(&[RotateEventEndpoint]), sdk: Some("eventEndpoints.rotate"), commands: &["endpoint rotate"],
            shape: Shape::renewed::<EventEndpointView>(),
        }
    }
    "/event-endpoints/{id}/deliveries" {
        get listEventDeliveries = event_endpoints::deliveries {
            summary: "List the deliveries to an endpoint, those of the newest events first",
            access: May(&[ReadEventEndpoints]), sdk: Some("eventEndpoints.deliveries"),
            commands: &["endpoint deliveries"],
            shape: Shape::page::<EventDeliveryPage>().asked_by::<event_endpoints::DeliveryQuery>().in_pages(),
        }
    }
    "/event-endpoints/{id}/replay" {
        post replayEvents = event_endpoints::replay {
            summary: "Have an event, or those whose delivery has failed, delivered to an endpoint again",
            access: May(&[ReplayEvents]), sdk: Some("eventEndpoints.replay"), commands: &["endpoint replay"],
            shape: Shape::made::<ReplayBody, Replayed>(),
        }
    }
}
