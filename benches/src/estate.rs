//! Estates of any size, and requests of their people.

use std::{path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::Request,
};
use dezky::{
    Platform, PlatformOptions,
    clock::{Clock as _, SystemClock, Timestamp},
    context::RequestContext,
    development_issuer::DevelopmentIssuer,
    domain::{GrantSource, Membership, MembershipRole, ObjectId, Subscription, Tenant, User},
    store::{Commit, Entity, SharedStore, Store, sqlite::SqliteStore},
};
use tower::ServiceExt as _;

use crate::Failure;

/// Number of documents in a commit on SQLite.
const BATCH: usize = 5_000;

/// Number of people of the crowd in the first tenant, whose members are listed; all of them if they are fewer.
pub const MEMBERS: usize = 60_000;

/// Number of tenants that the person `hundred` is in.
pub const HUNDRED: usize = 100;

/// A store, the API over it, and an issuer for its people.
pub struct Estate {
    api: Router,
    issuer: DevelopmentIssuer,
    /// The tenants, in the order of their names.
    pub tenants: Vec<ObjectId>,
}

/// Neither the router nor the issuer's keys can be shown.
impl std::fmt::Debug for Estate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Estate").field("tenants", &self.tenants.len()).finish_non_exhaustive()
    }
}

impl Estate {
    /// Creates an estate of this size in a folder.
    ///
    /// Besides the crowd, with one tenant each, there are `one` (in the first tenant), `hundred`, `all`, and `admin`,
    /// who administers the platform.
    ///
    /// # Errors
    /// The errors of the store or the issuer.
    pub async fn make(folder: &Path, users: usize, tenants: usize) -> Result<Self, Failure> {
        let store = SqliteStore::open(folder.join("estate.sqlite"), Default::default(), dezky::COLLECTIONS)?;
        Self::over(Arc::new(store), users, tenants, BATCH).await
    }

    /// Creates an estate in any empty store, with commits of `batch` documents.
    ///
    /// # Errors
    /// The errors of the store or the issuer.
    pub async fn over(store: SharedStore, users: usize, tenants: usize, batch: usize) -> Result<Self, Failure> {
        let tenants = fill(&*store, users, tenants, batch).await?;
        let issuer = DevelopmentIssuer::start().await?;
        let platform = Platform::open(PlatformOptions::new(store).issuers(vec![issuer.settings("default")]))?;
        platform.verifier().refresh().await;
        Ok(Self { api: platform.router(), issuer, tenants })
    }

    /// Returns the API.
    pub fn api(&self) -> Router {
        self.api.clone()
    }

    /// Returns a token of one of its people.
    #[must_use]
    pub fn token(&self, subject: &str) -> String {
        let claims = self.issuer.claims(subject).groups(["company-000000"]);
        self.issuer.mint(&claims.lasting(SystemClock.now(), Duration::from_secs(12 * 3_600)))
    }

    /// Sends a request and returns the body of an answer with status 200.
    ///
    /// # Errors
    /// Any other status.
    pub async fn get(&self, token: &str, target: &str) -> Result<Bytes, Failure> {
        let request = Request::get(target).header("authorization", format!("Bearer {token}")).body(Body::empty())?;
        let response = self.api.clone().oneshot(request).await?;
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await?;
        if status == 200 { Ok(body) } else { Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into()) }
    }
}

/// Writes documents in large commits.
struct Filling<'a> {
    store: &'a dyn Store,
    commit: Commit,
    batch: usize,
}

impl Filling<'_> {
    async fn insert<E: Entity>(&mut self, entity: &E) -> Result<(), Failure> {
        self.commit.insert(entity)?;
        if self.commit.changes.len() >= self.batch { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        let commit = std::mem::take(&mut self.commit);
        self.store.commit(&RequestContext::system("bench"), &commit).await?;
        Ok(())
    }
}

async fn fill(store: &dyn Store, users: usize, tenants: usize, batch: usize) -> Result<Vec<ObjectId>, Failure> {
    let now = SystemClock.now();
    let mut filling = Filling { store, commit: Commit::new(), batch };
    let mut companies = Vec::new();
    for number in 0..tenants {
        let tenant = company(number, now)?;
        filling.insert(&tenant).await?;
        let subscription: Subscription = serde_json::from_value(serde_json::json!({
            "id": ObjectId::generate(), "version": 1, "tenantId": tenant.id, "plan": "starter", "status": "active",
            "seats": 5, "createdAt": now, "updatedAt": now,
        }))?;
        filling.insert(&subscription).await?;
        companies.push(tenant);
    }
    let first = companies.first().ok_or("an estate has tenants")?;
    for number in 0..users {
        let user = person(&format!("person-{number:07}"), now)?;
        filling.insert(&user).await?;
        let tenant = if number < MEMBERS { first } else { companies.get(number % tenants).unwrap_or(first) };
        filling.insert(&member(tenant, &user, now)).await?;
    }
    for (subject, count) in [("one", 1), ("hundred", HUNDRED), ("all", tenants)] {
        let user = person(subject, now)?;
        filling.insert(&user).await?;
        for tenant in companies.iter().take(count) {
            filling.insert(&member(tenant, &user, now)).await?;
        }
    }
    let mut admin = person("admin", now)?;
    admin.platform_admin = true;
    admin.platform_admin_source = Some(GrantSource::Grant);
    filling.insert(&admin).await?;
    filling.flush().await?;
    Ok(companies.iter().map(|tenant| tenant.id.into()).collect())
}

fn member(tenant: &Tenant, user: &User, now: Timestamp) -> Membership {
    Membership::new(tenant, user, MembershipRole::Member, GrantSource::Grant, now)
}

fn company(number: usize, now: Timestamp) -> Result<Tenant, Failure> {
    let slug = format!("company-{number:06}");
    let mut tenant: Tenant = serde_json::from_value(serde_json::json!({
        "id": ObjectId::generate(), "version": 1, "slug": slug, "name": "", "status": "active", "plan": "starter",
        "authentikGroup": slug, "createdAt": now, "updatedAt": now,
    }))?;
    tenant.rename(format!("Company {number:06}"));
    Ok(tenant)
}

fn person(subject: &str, now: Timestamp) -> Result<User, Failure> {
    let mut user: User = serde_json::from_value(serde_json::json!({
        "id": ObjectId::generate(), "version": 1, "issuerId": "default", "authentikSubjectId": subject,
        "createdAt": now, "updatedAt": now,
    }))?;
    user.set_name(Some(subject.to_owned()));
    user.set_email(Some(format!("{subject}@example.eu")));
    Ok(user)
}
