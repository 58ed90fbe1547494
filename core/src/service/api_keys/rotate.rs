//! Replaces the secret of an API key.

use std::time::Duration;

use serde_json::Value;

use super::{KIND, check_giver, draw, subject, view};
use crate::{
    authz::Action,
    domain::{ApiKeyId, ApiKeyView, Reader, fields::whole_number},
    error::Result,
    service::{
        Call, Service,
        effect::ELSEWHERE,
        idempotency::{Begun, Replayable, shown_once},
        moment::Moment,
        unit_of_work::UnitOfWork,
    },
};

/// Time for which the secret before stays accepted, unless another is asked for.
const OVERLAP: u32 = 24 * 60 * 60;

/// The longest such time.
const LONGEST_OVERLAP: u32 = 30 * OVERLAP;

/// A rotation of a secret.
#[derive(Debug, Clone, Copy)]
pub struct RotateSecret {
    /// Seconds for which the secret before stays accepted. Default: a day.
    pub overlap_seconds: Option<u32>,
}

impl RotateSecret {
    /// Reads a body.
    ///
    /// # Errors
    /// `invalid_fields`.
    pub fn read(body: Value) -> Result<Self> {
        let mut reader = Reader::new(body)?;
        let overlap_seconds = reader.optional("overlapSeconds", |value| whole_number(value, 0, LONGEST_OVERLAP));
        reader.finish()?;
        Ok(Self { overlap_seconds })
    }

    /// Returns the time for which the secret before stays accepted.
    fn overlap(self) -> Duration {
        Duration::from_secs(self.overlap_seconds.unwrap_or(OVERLAP).into())
    }
}

impl Service {
    /// Replaces the secret of an API key. The answer has the whole key, which is shown once.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `tenant_suspended`, `secret_shown_once` or `invalid_fields`.
    pub async fn rotate_api_key(
        &self,
        call: &Call,
        id: ApiKeyId,
        input: RotateSecret,
    ) -> Result<Replayable<ApiKeyView>> {
        self.settle(call, |moment| self.try_rotate_api_key(call, moment, id, input)).await
    }

    async fn try_rotate_api_key(
        &self,
        call: &Call,
        moment: Moment,
        id: ApiKeyId,
        input: RotateSecret,
    ) -> Result<Replayable<ApiKeyView>> {
        let (access, before) = self.key_access(call, id, Action::RotateApiKey, &[]).await?;
        // Whoever rotates a key has it.
        check_giver(&access, &before.scopes)?;
        let slot = match self.begin::<ApiKeyView>(call, &moment).await? {
            Begun::Before(answer) => return Err(shown_once(&answer.value.name, "rotate the key")),
            Begun::New(slot) => slot,
        };
        // Its host draws the secret of a component's request.
        self.leave_to_effect(call).await?;
        if ELSEWHERE {
            return Err(crate::error::Error::internal(
                "a component writes nothing, and nobody carries its changes out",
            ));
        }
        let last = self.last_use(call, id).await?;
        let secret = draw()?;
        let mut after = before.clone();
        after.rotate(&secret, input.overlap(), moment.now());
        let shown = after.shown(&secret);
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.update(Action::RotateApiKey, KIND, subject(&before), &before, &mut after)?;
        access.guard(&mut work);
        let mut answer = view(&access, after, last.as_ref(), None);
        slot.keep(&mut work, 200, &answer)?;
        self.carry_out(work).await?;
        answer.secret = Some(shown);
        Ok(Replayable::new(answer))
    }
}
