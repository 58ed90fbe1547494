//! Operations below `/access/v1`.

use crate::http::openapi::shape::Shape;
use crate::http::openapi::schemas::EvaluationRequest;
use crate::http::openapi::schemas::EvaluationsRequest;
use crate::http::openapi::schemas::SearchActionsRequest;
use crate::http::openapi::schemas::SearchResourcesRequest;
use crate::http::openapi::schemas::SearchSubjectsRequest;
use crate::service::evaluations::Evaluation;
use crate::service::evaluations::EvaluationsAnswer;
use crate::service::evaluations::FoundActions;
use crate::service::evaluations::FoundThings;

operations! {
    "/access/v1/evaluation" {
        post evaluateAccess = evaluations::evaluate {
            summary: "May a subject perform an action on a resource? For the platform about everybody, for people about themselves",
            access: May(&[EvaluateAccess]), sdk: None, commands: &[],
            shape: Shape::sent::<EvaluationRequest, Evaluation>(),
        }
    }
    "/access/v1/evaluations" {
        post evaluateAccesses = evaluations::evaluate_several {
            summary: "Up to 200 such questions at once; without a list, one",
            access: May(&[EvaluateAccess]), sdk: None, commands: &[],
            shape: Shape::sent::<EvaluationsRequest, EvaluationsAnswer>(),
        }
    }
    "/access/v1/search/subject" {
        post searchSubjects = evaluations::search_subjects {
            summary: "The members of a tenant who may perform an action on it; for the platform",
            access: May(&[EvaluateAccess]), sdk: None, commands: &[],
            shape: Shape::sent::<SearchSubjectsRequest, FoundThings>(),
        }
    }
    "/access/v1/search/resource" {
        post searchResources = evaluations::search_resources {
            summary: "The tenants of a subject in which it may perform an action",
            access: May(&[EvaluateAccess]), sdk: None, commands: &[],
            shape: Shape::sent::<SearchResourcesRequest, FoundThings>(),
        }
    }
    "/access/v1/search/action" {
        post searchActions = evaluations::search_actions {
            summary: "The actions that a subject may perform on a resource",
            access: May(&[EvaluateAccess]), sdk: None, commands: &[],
            shape: Shape::sent::<SearchActionsRequest, FoundActions>(),
        }
    }
}
