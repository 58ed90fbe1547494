//! Options of the commands of one request.

use std::time::Instant;

use ::mongodb::bson::Bson;

use crate::context::RequestContext;

/// Deadline and comment of the commands that a request leads to.
#[derive(Debug, Clone)]
pub(super) struct CommandOptions {
    /// Deadline of the request.
    pub(super) deadline: Instant,
    /// Comment by which the server's log and profiler name the trace; `None` unless the trace is sampled.
    pub(super) comment: Option<Bson>,
}

impl CommandOptions {
    pub(super) fn of(context: &RequestContext) -> Self {
        let sampled = context.trace.filter(|trace| trace.is_sampled());
        let comment = sampled.map(|trace| Bson::String(format!("traceparent:'{trace}'")));
        Self { deadline: context.deadline, comment }
    }
}
