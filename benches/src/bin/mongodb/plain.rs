//! A service written without regard to round trips: two finds and one aggregation per request, through the bare driver.
//! It verifies no token, checks no session, syncs no claims and hides no fields. What it reads for a profile can be had by
//! one aggregation, too.

use std::collections::HashMap;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use dezky_benches::Failure;
use futures_util::TryStreamExt as _;
use mongodb::{
    Database,
    bson::{Bson, Document, doc},
};
use serde_json::{Value, json};

/// The header that identifies the caller.
pub(crate) const PERSON: &str = "x-person";

/// The target of the profile in one round trip.
pub(crate) const AT_ONCE: &str = "/users/me/at-once";

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct Plain(Database);

type Answer = Result<Json<Value>, (StatusCode, String)>;

impl Plain {
    pub(crate) fn new(database: Database) -> Self {
        Self(database)
    }

    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/users/me", get(profile))
            .route(AT_ONCE, get(profile_at_once))
            .route("/tenants", get(tenants))
            .with_state(self)
    }

    async fn user(&self, person: &str) -> Result<Document, Failure> {
        let key = format!("subject:default:{person}");
        let user = self.0.collection::<Document>("users").find_one(doc! { "uniqueKeys": key }).await?;
        Ok(user.ok_or("there is no such person")?)
    }

    /// Reads the caller, their memberships by name of tenant, and these tenants with their subscriptions.
    pub(crate) async fn profile_documents(
        &self,
        person: &str,
    ) -> Result<(Document, Vec<Document>, Vec<Document>), Failure> {
        let user = self.user(person).await?;
        let own = doc! { "userId": user.get_object_id("_id")?, "active": true };
        let memberships = self.0.collection::<Document>("memberships");
        let memberships = memberships.find(own).sort(doc! { "tenantNameKey": 1 }).limit(101).await?;
        let memberships: Vec<Document> = memberships.try_collect().await?;
        let ids: Vec<Bson> = memberships.iter().filter_map(|membership| membership.get("tenantId").cloned()).collect();
        let stages = [
            doc! { "$match": { "_id": { "$in": ids } } },
            doc! { "$lookup": {
                "from": "subscriptions", "localField": "_id", "foreignField": "tenantId", "as": "subscriptions",
            } },
        ];
        let tenants = self.0.collection::<Document>("tenants").aggregate(stages).await?.try_collect().await?;
        Ok((user, memberships, tenants))
    }

    /// Reads the documents of a profile by one aggregation.
    async fn documents_at_once(&self, person: &str) -> Result<Document, Failure> {
        let join = |from: &str, local: &str, foreign: &str, into: &str| doc! { "from": from, "localField": local, "foreignField": foreign, "as": into };
        let mut memberships = join("memberships", "_id", "userId", "memberships");
        let own =
            [doc! { "$match": { "active": true } }, doc! { "$sort": { "tenantNameKey": 1 } }, doc! { "$limit": 101 }];
        memberships.insert("pipeline", own.to_vec());
        let ids = doc! { "$map": { "input": "$memberships", "as": "found", "in": "$$found.tenantId" } };
        let stages = [
            doc! { "$match": { "uniqueKeys": format!("subject:default:{person}") } },
            doc! { "$lookup": memberships },
            doc! { "$set": { "ids": ids } },
            doc! { "$lookup": join("tenants", "ids", "_id", "tenants") },
            doc! { "$lookup": join("subscriptions", "ids", "tenantId", "subscriptions") },
        ];
        let found = self.0.collection::<Document>("users").aggregate(stages).await?.try_next().await?;
        Ok(found.ok_or("there is no such person")?)
    }

    /// Reads a page of tenants by name, and their total number.
    async fn page(&self, person: &str, limit: i64) -> Result<(Vec<Document>, Vec<Document>), Failure> {
        let user = self.user(person).await?;
        if !user.get_bool("platformAdmin")? {
            return Err("only administrators list all tenants".into());
        }
        let living = doc! { "status": { "$ne": "deleted" } };
        let tenants = self.0.collection::<Document>("tenants");
        let page = tenants.find(living.clone()).sort(doc! { "nameKey": 1 }).limit(limit);
        let page = page.await?.try_collect().await?;
        let count = tenants.aggregate([doc! { "$match": living }, doc! { "$count": "total" }]);
        Ok((page, count.await?.try_collect().await?))
    }
}

fn person(headers: &HeaderMap) -> String {
    headers.get(PERSON).and_then(|person| person.to_str().ok()).unwrap_or_default().to_owned()
}

fn failed(failure: Failure) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, failure.to_string())
}

fn shown(documents: Vec<Document>) -> Vec<Value> {
    documents.into_iter().map(|document| Bson::Document(document).into_relaxed_extjson()).collect()
}

async fn profile(State(plain): State<Plain>, headers: HeaderMap) -> Answer {
    let (user, memberships, tenants) = plain.profile_documents(&person(&headers)).await.map_err(failed)?;
    Ok(Json(json!({ "user": shown(vec![user]), "memberships": shown(memberships), "tenants": shown(tenants) })))
}

async fn profile_at_once(State(plain): State<Plain>, headers: HeaderMap) -> Answer {
    let documents = plain.documents_at_once(&person(&headers)).await.map_err(failed)?;
    Ok(Json(Bson::Document(documents).into_relaxed_extjson()))
}

async fn tenants(
    State(plain): State<Plain>,
    Query(parameters): Query<HashMap<String, i64>>,
    headers: HeaderMap,
) -> Answer {
    let limit = parameters.get("limit").copied().unwrap_or(50);
    let (page, total) = plain.page(&person(&headers), limit).await.map_err(failed)?;
    Ok(Json(json!({ "items": shown(page), "total": shown(total) })))
}
