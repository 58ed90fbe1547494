//! Opens the customer portal of the payment provider.

use super::{BillingLink, known_customer};
use crate::{
    authz::Action,
    domain::Subscription,
    error::{Code, Error, Result},
    service::{
        Call, Service,
        access::TenantReference,
        effect::ELSEWHERE,
        idempotency::{Begun, Replayable},
        moment::Moment,
    },
    store::Repository as _,
};

enum Begins {
    Before(Replayable<BillingLink>),
    New { customer: String, slug: String },
}

impl Service {
    /// Creates the page of the payment provider on which an owner sees invoices, pays, changes the plan and cancels.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `billing_not_configured`, `not_billed`, `billing_refused`, or `upstream_unavailable`
    /// while the provider does not answer.
    pub async fn open_billing_portal(
        &self,
        call: &Call,
        reference: &TenantReference,
    ) -> Result<Replayable<BillingLink>> {
        let begun = self.settle(call, |moment| self.prepare_portal(call, moment, reference)).await?;
        let (customer, slug) = match begun {
            Begins::Before(answer) => return Ok(answer),
            Begins::New { customer, slug } => (customer, slug),
        };
        let link = BillingLink { url: self.billing()?.portal(&call.context, &customer, &slug).await? };
        self.settle(call, |moment| self.note_link(call, moment, reference, Action::OpenBillingPortal, &customer, &link))
            .await
    }

    async fn prepare_portal(&self, call: &Call, moment: Moment, reference: &TenantReference) -> Result<Begins> {
        let access = self.tenant_access(call, reference).await?;
        let tenant = access.authorize(Action::OpenBillingPortal)?;
        if let Begun::Before(answer) = self.begin(call, &moment).await? {
            return Ok(Begins::Before(answer));
        }
        // A component reaches no payment provider: its host carries the request out.
        self.leave_to_effect(call).await?;
        if ELSEWHERE {
            return Err(Error::internal("a component asks no payment provider, and nobody carries the request out"));
        }
        self.billing()?;
        let key = Subscription::current_key(tenant.id);
        let current: Option<Subscription> = self.store.load_unique(&call.context, key).await?;
        let slug = tenant.slug.clone();
        known_customer(tenant, current.as_ref()).map(|customer| Begins::New { customer, slug }).ok_or_else(|| {
            let message = "the payment provider does not know the tenant yet: begin a checkout first";
            Error::new(Code::NOT_BILLED, message)
        })
    }
}
