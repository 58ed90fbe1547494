//! The policy's decisions in the terms of the AuthZEN Authorization API 1.0
//! (<https://openid.net/specs/authorization-api-1_0.html>).
//!
//! Nothing is decided here: facts are read, and [`decide`](crate::authz::decide) decides on them as in each use case.

mod evaluate;
mod facts;
mod question;
mod search;

pub use evaluate::{Evaluation, EvaluationContext, Evaluations, EvaluationsAnswer, EvaluationsSemantic};
pub use question::{Asked, MOST_EVALUATIONS, Named, Question, Several};
pub use search::{FoundAction, FoundActions, FoundThing, FoundThings, PageToken, Search};
