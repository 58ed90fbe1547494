//! Creates the platform's own tenant at the first start.

use crate::{
    authz::Action,
    clock::Timestamp,
    context::SystemActor,
    domain::{AuditActor, Subscription, Tenant, TenantStatus, fields, plan::Catalogue},
    error::{Code, Error, Result},
    service::{
        Call, Service,
        moment::Moment,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::Repository,
};

/// Settings of the platform's own tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedSettings {
    /// Slug. Default: `dezky`.
    pub slug: String,
    /// Name. Default: `Dezky`.
    pub name: String,
    /// Authentik group. Default: `dezky`.
    pub group: String,
    /// Plan. Default: `internal`.
    pub plan: String,
    /// A domain of its own. Default: none.
    pub domain: Option<String>,
}

impl Default for SeedSettings {
    fn default() -> Self {
        Self {
            slug: "dezky".to_owned(),
            name: "Dezky".to_owned(),
            group: "dezky".to_owned(),
            plan: "internal".to_owned(),
            domain: None,
        }
    }
}

/// The result of seeding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seeded {
    /// `true` if the tenant was created now.
    pub tenant_created: bool,
    /// `true` if its subscription was created now.
    pub subscription_created: bool,
}

impl Service {
    /// Creates the platform's own tenant and its subscription if they are missing, and leaves existing ones unchanged.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Configuration`] when a setting is not valid.
    pub async fn seed(&self, settings: &SeedSettings) -> Result<Seeded> {
        let call = Call::by_part(SystemActor::Seed);
        self.settle(&call, |moment| self.try_seed(&call, moment, settings)).await
    }

    async fn try_seed(&self, call: &Call, moment: Moment, settings: &SeedSettings) -> Result<Seeded> {
        let stored: Option<Tenant> = self.store.load_unique(&call.context, Tenant::slug_key(&settings.slug)).await?;
        let mut work = UnitOfWork::new(call, actor(), &moment);
        let now = work.now();
        let mut seeded = Seeded { tenant_created: false, subscription_created: false };
        let tenant = match stored {
            Some(tenant) => tenant,
            None => {
                let tenant = first_tenant(settings, now)?;
                self.check_group(&tenant)?;
                let about = Subject { tenant: Some(tenant.id), user: None };
                work.insert(Action::CreateTenant, "tenant", about, &tenant)?;
                seeded.tenant_created = true;
                tenant
            }
        };
        if tenant.status != TenantStatus::Deleted && !self.has_subscription(call, &tenant).await? {
            let mut subscription = first_subscription(&tenant, &self.settings.plans, now);
            subscription.schedule(None, &self.settings.lifecycle, now);
            let about = Subject { tenant: Some(tenant.id), user: None };
            work.insert(Action::CreateSubscription, "subscription", about, &subscription)?;
            work.commit.guard(&tenant);
            seeded.subscription_created = true;
        }
        match self.carry_out(work).await {
            // Another process seeded at the same time.
            Err(error) if error.is(Code::SLUG_TAKEN) || error.is(Code::SUBSCRIPTION_EXISTS) => {
                Ok(Seeded { tenant_created: false, subscription_created: false })
            }
            Err(error) => Err(error),
            Ok(()) => Ok(seeded),
        }
    }

    async fn has_subscription(&self, call: &Call, tenant: &Tenant) -> Result<bool> {
        let key = Subscription::current_key(tenant.id);
        Ok(self.store.load_unique::<Subscription>(&call.context, key).await?.is_some())
    }
}

fn actor() -> AuditActor {
    AuditActor::part(SystemActor::Seed)
}

fn first_tenant(settings: &SeedSettings, now: Timestamp) -> Result<Tenant> {
    let refuse = |name: &str, problem: crate::domain::Problem| {
        Error::new(Code::SEED_CONFIGURATION, format!("the {name} of the first tenant {}", problem.message))
    };
    fields::slug::check(&settings.slug).map_err(|problem| refuse("slug", problem))?;
    let name = fields::label(&settings.name.as_str().into()).map_err(|problem| refuse("name", problem))?;
    let group = fields::label(&settings.group.as_str().into()).map_err(|problem| refuse("group", problem))?;
    let plan = fields::identifier(&settings.plan.as_str().into()).map_err(|problem| refuse("plan", problem))?;
    let domain = settings.domain.as_deref().map(|domain| fields::domain_name(&domain.into())).transpose();
    let domains = domain.map_err(|problem| refuse("domain", problem))?.into_iter().collect();
    let mut tenant = Tenant {
        status: TenantStatus::Active.into(),
        plan,
        domains,
        authentik_group: Some(group),
        ..Tenant::blank(settings.slug.clone(), now)
    };
    tenant.rename(name);
    Ok(tenant)
}

/// Creates the subscription of the first tenant. It has no end, and the terms of its plan if there is such a plan.
fn first_subscription(tenant: &Tenant, catalogue: &Catalogue, now: Timestamp) -> Subscription {
    let plan = catalogue.plan(&tenant.plan);
    let blank = Subscription::blank(tenant.id, now);
    Subscription {
        plan: tenant.plan.clone(),
        terms: plan.map(|plan| plan.terms(now)),
        seats: plan.map_or(blank.seats, |plan| plan.seats),
        ..blank
    }
}
