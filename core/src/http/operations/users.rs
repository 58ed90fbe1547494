//! Operations below `/users`.

use crate::http::openapi::shape::Shape;
use crate::http::openapi::schemas::CreateUserBody;
use crate::http::openapi::schemas::ExportPage;
use crate::http::openapi::schemas::UpdateUserBody;
use crate::http::openapi::schemas::UserPage;
use crate::http::routes::users;
use crate::service::views::UserView;

operations! {
    "/users" {
        get listUsers = users::list {
            summary: "List users; for the platform",
            access: May(&[ListUsers]), sdk: Some("users.list"), commands: &["user list"],
            shape: Shape::page::<UserPage>().asked_by::<users::Query>().in_pages(),
        }
        post createUser = users::create {
            summary: "Create a user before the first sign-in, or admit an erased person again; for the platform",
            access: May(&[CreateUser]), sdk: Some("users.create"), commands: &["user create"],
            shape: Shape::created::<CreateUserBody, UserView>(),
        }
    }
    "/users/{id}" {
        get readUser = users::read {
            summary: "Read a user: oneself, or anybody for the platform",
            access: May(&[ReadUser]), sdk: Some("users.get"), commands: &["user show"],
            shape: Shape::document::<UserView>(),
        }
        patch updateUser = users::update {
            summary: "Change a user; for the platform",
            access: May(&[UpdateUser]), sdk: Some("users.update"),
            commands: &["user update", "user suspend", "user restore", "user revoke"],
            shape: Shape::changed::<UpdateUserBody, UserView>(),
        }
        delete deleteUser = users::delete {
            summary: "Erase a person; a tombstone stays; for the platform",
            access: May(&[DeleteUser]), sdk: Some("users.delete"), commands: &["user delete"],
            shape: Shape::deleted(),
        }
    }
    "/users/{id}/export" {
        get exportUser = users::export {
            summary: "Export everything about a person, page by page: oneself, or anybody for the platform",
            access: May(&[ExportUser]), sdk: Some("users.export"), commands: &["user export"],
            shape: Shape::page::<ExportPage>().in_pages(),
        }
    }
}
