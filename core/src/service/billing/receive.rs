//! Receives an event of the payment provider.

use super::Signed;
use crate::{
    context::{RequestContext, SystemActor},
    domain::{
        ProviderEvent,
        billing::{Announcement, PROVIDER_EVENTS},
    },
    error::{Error, Result},
    service::{Call, Service, effect::ELSEWHERE, moment::Moment},
    store::{Commit, StoreError},
};

impl Service {
    /// Stores an event of the payment provider. It is durable when this returns, and dealt with in the background.
    ///
    /// A repetition changes nothing, and is not an error.
    ///
    /// # Errors
    /// `billing_not_configured`, or that of [`super::BillingProvider::announcement`].
    pub async fn receive_provider_event(&self, context: &RequestContext, signed: Signed<'_>) -> Result<()> {
        let mut call = Call::by_part(SystemActor::Billing);
        call.context = context.clone();
        if ELSEWHERE {
            // A component has no secrets: its host answers this route itself.
            return Err(Error::internal("a component receives no events of the payment provider"));
        }
        let provider = self.billing()?;
        let announced = self.attempt(async |moment| provider.announcement(signed, moment.now())).await?;
        self.announce(&call, announced).await
    }

    /// Stores an announcement, unless it was stored before.
    pub(crate) async fn announce(&self, call: &Call, announced: Announcement) -> Result<()> {
        self.settle(call, |moment| self.try_announce(call, moment, announced.clone())).await
    }

    async fn try_announce(&self, call: &Call, moment: Moment, announced: Announcement) -> Result<()> {
        let event = ProviderEvent::new(announced, moment.now());
        let mut commit = Commit::new();
        commit.insert(&event)?;
        match self.store.commit(&call.context, &commit).await {
            Err(StoreError::DuplicateKey { collection, .. }) if collection == PROVIDER_EVENTS.name => Ok(()),
            outcome => Ok(outcome?),
        }
    }
}
