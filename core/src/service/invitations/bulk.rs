//! Invites many people at once, each by a commit of its own.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    authz::Action,
    domain::{CreateInvitation, InvitationId, InvitationView},
    error::{Code, Error, ErrorKind, FieldCode, FieldError, Result},
    service::{
        Call, Service,
        access::TenantReference,
        idempotency::{Begun, Replayable},
        moment::Moment,
        unit_of_work::UnitOfWork,
    },
};

/// Number of people invited by one request.
pub const MOST_LINES: usize = 200;

/// Result of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BulkOutcome {
    /// The person is invited.
    Created,
    /// A member of the tenant has the address.
    AlreadyMember,
    /// The address has an open invitation.
    AlreadyInvited,
    /// The line is not acceptable; `code` and `message` say why.
    Invalid,
    /// The tenant has no seat left.
    NoSeat,
}

/// A line and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BulkLine {
    /// Number of the line, from 1
    pub line: usize,
    /// Result
    pub outcome: BulkOutcome,
    /// The invitation, if it was created
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>)]
    pub id: Option<InvitationId>,
    /// The field that is wrong, if one is
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub field: Option<String>,
    /// Code of the refusal
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub code: Option<String>,
    /// Reason of the refusal
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message: Option<String>,
}

/// The results of all lines, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "BulkInvitations")]
pub struct BulkInvitations {
    /// The results
    pub lines: Vec<BulkLine>,
}

impl BulkLine {
    fn created(line: usize, view: &InvitationView) -> Self {
        let outcome = BulkOutcome::Created;
        Self { line, outcome, id: Some(view.id), field: None, code: None, message: None }
    }

    fn refused(line: usize, error: &Error) -> Self {
        let outcome = match error.declared_code() {
            code if code == Code::ALREADY_MEMBER => BulkOutcome::AlreadyMember,
            code if code == Code::ALREADY_INVITED => BulkOutcome::AlreadyInvited,
            code if code == Code::SEATS_EXHAUSTED || code == Code::SUBSCRIPTION_INACTIVE => BulkOutcome::NoSeat,
            _ => BulkOutcome::Invalid,
        };
        let first = error.fields().first();
        Self {
            line,
            outcome,
            id: None,
            field: first.map(|field| field.field.clone()),
            code: Some(first.map_or_else(|| error.code().to_owned(), |field| field.code.name().to_owned())),
            message: Some(first.map_or_else(|| error.message().to_owned(), |field| field.message.clone())),
        }
    }
}

impl Service {
    /// Invites many people to a tenant. A line that cannot be carried out holds up no other.
    ///
    /// `lines` are bodies as of one invitation. A request that is repeated after it was broken off goes on where it was:
    /// those who are invited already are told as such.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `tenant_suspended` or `invalid_fields`; refusals of lines are in the answer.
    pub async fn create_invitations(
        &self,
        call: &Call,
        reference: &TenantReference,
        lines: Vec<Value>,
    ) -> Result<Replayable<BulkInvitations>> {
        let access = self.tenant_access(call, reference).await?;
        access.authorize(Action::CreateInvitation)?;
        self.leave_to_effect(call).await?;
        let mut single = call.clone();
        // The key is that of the whole request.
        single.idempotency = None;
        if let Some(before) = self.attempt(|moment| self.answered_before(call, moment)).await? {
            return Ok(before);
        }
        let mut results = Vec::with_capacity(lines.len());
        for (index, body) in lines.into_iter().enumerate() {
            let line = index.saturating_add(1);
            let created = match CreateInvitation::read(body) {
                Ok(input) => self.create_invitation(&single, reference, input).await,
                Err(error) => Err(error),
            };
            results.push(match created {
                Ok(answer) => BulkLine::created(line, &answer.value),
                // The store or the time is at an end, and with it all further lines.
                Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Internal) => {
                    return Err(error);
                }
                Err(error) => BulkLine::refused(line, &error),
            });
        }
        let answer = BulkInvitations { lines: results };
        self.attempt(|moment| self.keep_answer(call, moment, &answer)).await?;
        Ok(Replayable::new(answer))
    }

    async fn answered_before(&self, call: &Call, moment: Moment) -> Result<Option<Replayable<BulkInvitations>>> {
        match self.begin(call, &moment).await? {
            Begun::Before(answer) => Ok(Some(answer)),
            Begun::New(_) => Ok(None),
        }
    }

    async fn keep_answer(&self, call: &Call, moment: Moment, answer: &BulkInvitations) -> Result<()> {
        let Begun::New(slot) = self.begin::<BulkInvitations>(call, &moment).await? else { return Ok(()) };
        let caller = self.caller(call).await?;
        let mut work = UnitOfWork::new(call, caller.audit_actor(), &moment);
        slot.keep(&mut work, 200, answer)?;
        match self.carry_out(work).await {
            // The same request was sent twice at once; the other one has stored its answer.
            Err(error) if error.is(Code::IN_PROGRESS) => Ok(()),
            outcome => outcome,
        }
    }
}

/// Reads the lines of a body: `{"invitations": […]}`.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] when it is no list, or has too many lines or none.
pub fn read_lines(body: Value) -> Result<Vec<Value>> {
    let mut reader = crate::domain::Reader::new(body)?;
    let lines = reader.required("invitations", |value| match value {
        Value::Array(lines) if lines.is_empty() => {
            Err(crate::domain::Problem::new(FieldCode::EMPTY, "must have at least one entry"))
        }
        Value::Array(lines) if lines.len() > MOST_LINES => {
            let message = format!("must have at most {MOST_LINES} entries: send the others in another request");
            Err(crate::domain::Problem::new(FieldCode::TOO_LONG, message))
        }
        Value::Array(lines) => Ok(lines.clone()),
        _ => Err(crate::domain::Problem::new(FieldCode::WRONG_TYPE, "must be a list")),
    });
    reader.finish()?;
    let missing = || FieldError::new("invitations", FieldCode::REQUIRED, "this field is required");
    lines.ok_or_else(|| Error::invalid(vec![missing()]))
}
