//! The login of a tenant's own within the runs over its group: made after the group, removed before it.

use std::sync::Arc;

use async_trait::async_trait;

use super::{MOST_LOOKS, RECONCILED, Run, Unit};
use crate::{
    connectors::{ConnectorError, Identity, Login, OldLogin},
    domain::{Issuer, Tenant},
    store::Repository as _,
    workspace::{
        claim::Stopped,
        desired::DesiredLogin,
        identity::login::{self, LOGIN_READY, LoginChange},
        plan::Obstacle,
    },
};

/// Name of the slug that the login is named after. It is stored before the login is made, so that it is removed however
/// little of it was made.
const LOGIN: &str = "login";

/// Name of the brand's id.
const BRAND: &str = "brand";

/// A change of the stored issuer, for the commit that ends the run.
pub(super) struct IssuerChange {
    pub(super) before: Option<Issuer>,
    pub(super) after: Issuer,
}

/// Result of a look at the login.
#[derive(Default)]
pub(super) struct Looked {
    /// Obstacles that are left.
    pub(super) obstacles: Vec<Obstacle>,
    /// The issuer to be stored, if it is not.
    pub(super) issuer: Option<IssuerChange>,
}

impl Looked {
    fn blocked(obstacles: Vec<Obstacle>) -> Self {
        Self { obstacles, issuer: None }
    }
}

/// Removes a login that is no longer wanted. Access ends first, in a commit of its own.
pub(super) async fn remove(
    run: &mut Run<'_>,
    identity: &dyn Identity,
    tenant: &Tenant,
    issuer: Option<&Issuer>,
) -> Result<Vec<Obstacle>, Stopped> {
    if let Some(issuer) = issuer {
        end_access(run, issuer).await?;
    }
    let slug = run.claimed.state.external_id(LOGIN).map(str::to_owned);
    let Some(slug) = slug.or_else(|| issuer.map(|_| tenant.slug.clone())) else { return Ok(Vec::new()) };
    if run.claimed.is_dry() {
        run.changes.push("login.delete".to_owned());
        return Ok(Vec::new());
    }
    run.claimed.keep(run.service).await?;
    let brand = run.claimed.state.external_id(BRAND).map(str::to_owned);
    let old = OldLogin { tenant: tenant.id, slug, brand };
    if let Err(error) = identity.delete_login(&run.context(), &old).await {
        return obstacle(error).map(|obstacle| vec![obstacle]);
    }
    run.claimed.remember(run.service, BRAND, None).await?;
    run.claimed.remember(run.service, LOGIN, None).await?;
    run.changes.push("login.delete".to_owned());
    Ok(Vec::new())
}

/// Ends access by the tokens of an issuer.
async fn end_access(run: &mut Run<'_>, issuer: &Issuer) -> Result<(), Stopped> {
    if run.claimed.is_dry() {
        run.changes.push("issuer.delete".to_owned());
        return Ok(());
    }
    let subject = run.claimed.subject();
    run.claimed
        .save(
            run.service,
            |_, _, _| {},
            |work, state| {
                work.note(RECONCILED, "workspace", state.id.0, subject.clone(), vec!["issuer.delete".to_owned()])?;
                work.commit.delete(issuer);
                Ok(())
            },
        )
        .await
}

/// Makes the login as it should be, for the members of a group.
pub(super) async fn complete(
    run: &mut Run<'_>,
    identity: &Arc<dyn Identity>,
    wanted: &DesiredLogin,
    group: &str,
    tenant: &Tenant,
    mut issuer: Option<Issuer>,
) -> Result<Looked, Stopped> {
    if run.claimed.state.external_id(LOGIN).is_some_and(|slug| slug != wanted.slug) {
        // Its slug is part of its issuer, so that it cannot be renamed.
        let obstacles = remove(run, &**identity, tenant, issuer.as_ref()).await?;
        if !obstacles.is_empty() {
            return Ok(Looked::blocked(obstacles));
        }
        issuer = None;
    }
    let mut looks = 0;
    let login = loop {
        run.claimed.keep(run.service).await?;
        let observed = match login::observe(&**identity, &run.context(), wanted).await {
            Ok(observed) => observed,
            Err(error) => return obstacle(error).map(|obstacle| Looked::blocked(vec![obstacle])),
        };
        let mut plan = login::plan(wanted, observed.as_ref());
        looks += 1;
        let host = match (&wanted.host, plan.changes.is_empty()) {
            (Some(host), false) => host.clone(),
            _ if plan.obstacles.is_empty() => break observed,
            _ => return Ok(Looked::blocked(plan.obstacles)),
        };
        if looks > MOST_LOOKS {
            let why = "the login does not become as it should be, though every change succeeds".to_owned();
            return Err(ConnectorError::Retryable { after: None, why }.into());
        }
        let unit = OfLogin { identity: Arc::clone(identity), wanted: wanted.clone(), host, group: group.to_owned() };
        match run.make(&mut plan, &unit).await {
            Ok(true) => {}
            Ok(false) => return Ok(Looked::blocked(plan.obstacles)),
            Err(Stopped::System(error)) => return obstacle(error).map(|obstacle| Looked::blocked(vec![obstacle])),
            Err(stopped) => return Err(stopped),
        }
    };
    let Some(login) = login else { return Ok(Looked::blocked(Vec::new())) };
    run.claimed.remember(run.service, LOGIN, Some(&wanted.slug)).await?;
    run.claimed.remember(run.service, BRAND, login.brand.as_deref()).await?;
    issuer_of(run, &login, tenant, issuer).await
}

/// Compares the stored issuer with that of the login.
async fn issuer_of(
    run: &mut Run<'_>,
    login: &Login,
    tenant: &Tenant,
    before: Option<Issuer>,
) -> Result<Looked, Stopped> {
    let key = Issuer::url_key(&login.issuer);
    let holder: Option<Issuer> = run.service.store().load_unique(&run.context(), key).await?;
    if holder.is_some_and(|holder| holder.tenant_id != tenant.id) {
        return Ok(Looked::blocked(vec![Obstacle {
            condition: LOGIN_READY,
            reason: "IssuerTaken",
            message: format!("another tenant has the issuer `{}`: delete that tenant's login first", login.issuer),
            passes: false,
        }]));
    }
    let now = crate::work::time(run.service).await;
    let made = Issuer::of_login(tenant.id, &login.issuer, &login.client_id, now);
    let issuer = match before {
        Some(before) if before.url == made.url && before.audiences == made.audiences => None,
        Some(before) => {
            let after = Issuer { url: made.url, audiences: made.audiences, ..before.clone() };
            run.changes.push("issuer.update".to_owned());
            Some(IssuerChange { before: Some(before), after })
        }
        None => {
            run.changes.push("issuer.create".to_owned());
            Some(IssuerChange { before: None, after: made })
        }
    };
    Ok(Looked { obstacles: Vec::new(), issuer })
}

/// Turns a failure that only a person can sort out into an obstacle. The group is in use all the same.
fn obstacle(error: ConnectorError) -> Result<Obstacle, Stopped> {
    let reason = match &error {
        ConnectorError::Retryable { .. } => return Err(error.into()),
        ConnectorError::Conflict { .. } => "ForeignLogin",
        other => other.reason(),
    };
    Ok(Obstacle { condition: LOGIN_READY, reason, message: error.to_string(), passes: false })
}

/// The login as a unit that changes are made in.
struct OfLogin {
    identity: Arc<dyn Identity>,
    wanted: DesiredLogin,
    host: String,
    group: String,
}

#[async_trait]
impl Unit<LoginChange> for OfLogin {
    fn name(&self, change: &LoginChange) -> String {
        change.name().to_owned()
    }

    async fn apply(&self, run: &mut Run<'_>, _: &LoginChange) -> Result<(), Stopped> {
        run.claimed.remember(run.service, LOGIN, Some(&self.wanted.slug)).await?;
        let login = login::apply(&*self.identity, &run.context(), &self.wanted, &self.host, &self.group).await?;
        run.claimed.remember(run.service, BRAND, login.brand.as_deref()).await
    }
}
