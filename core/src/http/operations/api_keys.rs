//! Operations below `/api-keys`.

use crate::http::openapi::shape::Shape;
use crate::domain::ApiKeyView;
use crate::http::openapi::schemas::ApiKeyPage;
use crate::http::openapi::schemas::CreateApiKeyBody;
use crate::http::openapi::schemas::RotateApiKeyBody;
use crate::http::openapi::schemas::UpdateApiKeyBody;
use crate::http::routes::api_keys;

operations! {
    "/api-keys" {
        get listApiKeys = api_keys::list {
            summary: "List API keys, the oldest first: a tenant's for its owners and admins, all for the platform",
            access: May(&[ReadApiKeys, ReadPlatformApiKeys]), sdk: Some("apiKeys.list"), commands: &["api-key list"],
            shape: Shape::page::<ApiKeyPage>().asked_by::<api_keys::Query>().in_pages(),
        }
        post createApiKey = api_keys::create {
            summary: "Create an API key of a tenant, or of the platform; only this answer has the key",
            access: May(&[CreateApiKey, ManagePlatformApiKeys]), sdk: Some("apiKeys.create"), commands: &["api-key create"],
            shape: Shape::shown_once::<CreateApiKeyBody, ApiKeyView>(),
        }
    }
    "/api-keys/{id}" {
        get readApiKey = api_keys::read {
            summary: "Read an API key, without its secret",
            access: May(&[ReadApiKeys]), sdk: Some("apiKeys.get"), commands: &["api-key show"],
            shape: Shape::document::<ApiKeyView>(),
        }
        patch updateApiKey = api_keys::update {
            summary: "Change the name, scopes, networks or expiry of an API key",
            access: May(&[UpdateApiKey]), sdk: Some("apiKeys.update"), commands: &["api-key update"],
            shape: Shape::changed::<UpdateApiKeyBody, ApiKeyView>(),
        }
        delete deleteApiKey = api_keys::delete {
            summary: "Revoke an API key, from its next request on",
            access: May(&[DeleteApiKey]), sdk: Some("apiKeys.delete"), commands: &["api-key revoke"],
            shape: Shape::deleted(),
        }
    }
    "/api-keys/{id}/rotate" {
        post rotateApiKey = api_keys::rotate {
            summary: "Replace the secret of an API key; only this answer has the new one, and the old one stays accepted for a while",
            access: May(&[RotateApiKey]), sdk: Some("apiKeys.rotate"), commands: &["api-key rotate"],
            shape: Shape::shown_once::<RotateApiKeyBody, ApiKeyView>(),
        }
    }
}
