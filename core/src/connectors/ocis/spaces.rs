//! Spaces: look, creation, change, disabling, purging.

use std::{collections::HashMap, sync::Arc, time::Duration};

use http::{HeaderName, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::{
    OcisFiles,
    drive::Drive,
    exchange::{incompatible, is_not_found, read, refused, rejected, required},
    names::{clean_name, marked_tenant, marker},
};
use crate::{
    connectors::{ConnectorError, ConnectorResult, NewSpace, Space, SpaceChange, SpaceState},
    context::RequestContext,
    domain::TenantId,
    outbound::{Request, Response},
};

/// Number of entries of a list above which it is not read.
pub(super) const MAXIMUM_ENTRIES: usize = 10_000;

/// Pause after a creation whose outcome is unknown. The system may still be at work: it took up to 8 s.
const CREATION: Duration = Duration::from_secs(15);

const RESTORE: HeaderName = HeaderName::from_static("restore");
const PURGE: HeaderName = HeaderName::from_static("purge");

/// A list, whose entries are read one by one: a broken one of somebody else is no concern of ours.
#[derive(Debug, Deserialize)]
pub(super) struct List {
    pub(super) value: Option<Vec<Box<RawValue>>>,
}

/// Entries of spaces with a marker, by the tenant that it names.
pub(super) type MarkedSpaces = HashMap<TenantId, Vec<Box<RawValue>>>;

/// The part of an entry that tells whose space it is.
#[derive(Debug, Deserialize)]
struct Marked {
    description: Option<String>,
}

pub(super) fn space_path(id: &str, method: fn(&'static str) -> Request) -> Request {
    method("/graph/v1.0/drives").segment(id.to_owned())
}

impl OcisFiles {
    /// Returns a space as the system shows it; `None` if it is certain that there is none.
    pub(super) async fn drive(&self, context: &RequestContext, id: &str) -> ConnectorResult<Option<Drive>> {
        if let Some(drive) = self.look(context, id).await? {
            return Ok(Some(drive));
        }
        self.believe_absence(context).await?;
        // It may have been out of sight for the last time just now.
        self.look(context, id).await
    }

    async fn look(&self, context: &RequestContext, id: &str) -> ConnectorResult<Option<Drive>> {
        let response = self.exchanges.send(context, &space_path(id, Request::get)).await?;
        if is_not_found(&response) {
            return Ok(None);
        }
        let drive: Drive = read(response, StatusCode::OK, "cannot read the space")?;
        if required(drive.id.as_deref(), "id")? != id {
            return Err(incompatible(format!("asked for space `{id}`, the file system answers another one")));
        }
        Ok(Some(drive))
    }

    pub(super) async fn space_with(&self, context: &RequestContext, id: &str) -> ConnectorResult<Option<Space>> {
        self.drive(context, id).await?.map(|drive| drive.space()).transpose()
    }

    pub(super) async fn spaces_marked(
        &self,
        context: &RequestContext,
        tenant: TenantId,
    ) -> ConnectorResult<Vec<Space>> {
        let spaces = self.listed(context, tenant).await?;
        if !spaces.is_empty() {
            return Ok(spaces);
        }
        self.believe_absence(context).await?;
        self.listed(context, tenant).await
    }

    async fn listed(&self, context: &RequestContext, tenant: TenantId) -> ConnectorResult<Vec<Space>> {
        let marked = self.marked.ask(context, self.list_marked(context)).await?;
        let entries = marked.get(&tenant).into_iter().flatten();
        entries.map(|entry| own_entry(entry, tenant)?.space()).collect()
    }

    /// Returns the entries of all spaces with a marker.
    async fn list_marked(&self, context: &RequestContext) -> ConnectorResult<Arc<MarkedSpaces>> {
        let mut marked = MarkedSpaces::new();
        for entry in self.list(context, "/graph/v1.0/drives", "project").await? {
            // Filters of the system are ignored but for two properties, so that what it lists is compared here.
            let description = serde_json::from_str::<Marked>(entry.get()).ok().and_then(|entry| entry.description);
            if let Some(tenant) = description.as_deref().and_then(marked_tenant) {
                marked.entry(tenant).or_default().push(entry);
            }
        }
        Ok(Arc::new(marked))
    }

    /// Returns the entries of a list of spaces, which has no pages.
    async fn list(
        &self,
        context: &RequestContext,
        path: &'static str,
        kind: &'static str,
    ) -> ConnectorResult<Vec<Box<RawValue>>> {
        let request = Request::get(path).query("$filter", format!("driveType eq '{kind}'"));
        let response = self.exchanges.send(context, &request).await?;
        // No space at all is `null` in one place of the system.
        let list: Option<List> = read(response, StatusCode::OK, "cannot list the spaces")?;
        match list {
            Some(list) => bounded(required(list.value, "value")?, "spaces"),
            None => Ok(Vec::new()),
        }
    }

    /// Succeeds if an absence is to be believed. Otherwise a second space would be made of one that is only out of sight.
    ///
    /// Two things look like an absence: the lack of a right, and a storage service that is down.
    pub(super) async fn believe_absence(&self, context: &RequestContext) -> ConnectorResult<()> {
        self.evidence.ask(context, self.gather_evidence(context)).await
    }

    async fn gather_evidence(&self, context: &RequestContext) -> ConnectorResult<()> {
        if !self.may_create_spaces(context).await? {
            let why = "the account of the file system sees its own spaces only, so that nothing can be said about one that \
                       it does not find: give it the role Space Admin";
            return Err(ConnectorError::Unauthorized { why: why.to_owned() });
        }
        self.see_own_space(context).await
    }

    /// Fails if the account's own space is absent too: a storage service that is down takes its spaces from all lists.
    pub(super) async fn see_own_space(&self, context: &RequestContext) -> ConnectorResult<()> {
        if self.list(context, "/graph/v1.0/me/drives", "personal").await?.is_empty() {
            let why = "the file system lists not even the personal space of its account: its storage service seems to be \
                       down, and it is tried again (an account without a personal space gets one by signing in)";
            return Err(ConnectorError::Retryable { after: None, why: why.to_owned() });
        }
        Ok(())
    }

    /// Asks for a space without a name, which is refused: for the lack of the right, or else for the lack of the name.
    ///
    /// The roles with this right are those that see all spaces and set quotas.
    pub(super) async fn may_create_spaces(&self, context: &RequestContext) -> ConnectorResult<bool> {
        let request = Request::post("/graph/v1.0/drives").json(&json!({ "name": "", "quota": { "total": 1 } }));
        let response = self.exchanges.send(context, &request).await?;
        match response.status() {
            StatusCode::BAD_REQUEST => Ok(true),
            StatusCode::FORBIDDEN => Ok(false),
            StatusCode::CREATED => {
                let why = "the file system has made a space without a name where it should refuse one: remove it, and use a \
                           version that this client knows";
                Err(incompatible(why.to_owned()))
            }
            _ => Err(refused(response, "cannot find out what the account of the file system may do")),
        }
    }

    pub(super) async fn create(&self, context: &RequestContext, space: &NewSpace) -> ConnectorResult<Space> {
        let quota = valid_quota(space.quota)?;
        let name = valid_name(&space.name)?;
        self.refuse_if_markers_are_lost()?;
        let marker = marker(space.tenant);
        let body = json!({ "name": name, "description": marker, "quota": { "total": quota } });
        let request = Request::post("/graph/v1.0/drives").json(&body);
        let failure = "cannot create the space";
        let response = self.exchanges.send(context, &request).await.map_err(late)?;
        if response.status() == StatusCode::FORBIDDEN {
            let why = format!("{failure}: give the account of the file system the role Space Admin");
            return Err(ConnectorError::Unauthorized { why });
        }
        let created: Drive = read(response, StatusCode::CREATED, failure).map_err(late)?;
        let id = required(created.id.clone(), "id")?;
        if created.description.as_deref() != Some(marker.as_str()) {
            // Looking for it by its marker would never find it, and make one more each time.
            self.note_lost_marker(&id);
            self.refuse_if_markers_are_lost()?;
        }
        let created = created.space()?;
        confirm(&created, Some(name), Some(space.quota))?;
        Ok(created)
    }

    pub(super) async fn update(&self, context: &RequestContext, id: &str, change: &SpaceChange) -> ConnectorResult<()> {
        let mut body = Map::new();
        if let Some(name) = &change.name {
            body.insert("name".to_owned(), Value::from(valid_name(name)?));
        }
        if let Some(quota) = change.quota {
            body.insert("quota".to_owned(), json!({ "total": valid_quota(quota)? }));
        }
        if body.is_empty() {
            return Ok(());
        }
        let request = space_path(id, Request::patch).json(&body);
        let changed = self.patch(context, id, &request, "cannot change the space").await?;
        confirm(&changed, change.name.as_deref(), change.quota)
    }

    pub(super) async fn restore(&self, context: &RequestContext, id: &str) -> ConnectorResult<()> {
        // Without a body it is refused.
        let request = space_path(id, Request::patch).header(RESTORE, "true").json(&json!({}));
        match self.patch(context, id, &request, "cannot restore the space").await?.state {
            SpaceState::Enabled => Ok(()),
            SpaceState::Disabled => Err(incompatible(format!(
                "the file system answers that it has restored space `{id}`, but it is still disabled: is there a proxy that \
                 removes the header `Restore`?"
            ))),
        }
    }

    async fn patch(
        &self,
        context: &RequestContext,
        id: &str,
        request: &Request,
        failure: &str,
    ) -> ConnectorResult<Space> {
        let response = self.exchanges.send(context, request).await?;
        if is_not_found(&response) {
            return Err(self.missing(context, id).await);
        }
        if response.status() == StatusCode::FORBIDDEN {
            let why = format!("{failure}: give the account of the file system the role Space Admin");
            return Err(ConnectorError::Unauthorized { why });
        }
        read::<Drive>(response, StatusCode::OK, failure)?.space()
    }

    pub(super) async fn disable(&self, context: &RequestContext, id: &str) -> ConnectorResult<()> {
        let response = self.exchanges.send(context, &space_path(id, Request::delete)).await?;
        if is_not_found(&response) {
            return Err(self.missing(context, id).await);
        }
        done(response, "cannot disable the space")
    }

    pub(super) async fn purge(&self, context: &RequestContext, id: &str) -> ConnectorResult<()> {
        let request = space_path(id, Request::delete).header(PURGE, "T");
        let response = self.exchanges.send(context, &request).await?;
        if response.status() == StatusCode::BAD_REQUEST {
            return Err(refused(response, "cannot purge the space, which must be disabled first"));
        }
        // Absent is done, but absent may also mean not allowed: the look tells.
        let absent = is_not_found(&response);
        if !absent {
            done(response, "cannot purge the space")?;
        }
        match self.drive(context, id).await? {
            None => Ok(()),
            Some(_) if absent => Err(out_of_reach(id)),
            Some(_) => Err(incompatible(format!(
                "the file system answers that it has purged space `{id}`, but it is still there: is there a proxy that \
                 removes the header `Purge`?"
            ))),
        }
    }

    /// Makes the error of a change to a space that is not found: gone, or out of reach.
    pub(super) async fn missing(&self, context: &RequestContext, id: &str) -> ConnectorError {
        match self.drive(context, id).await {
            Err(error) => error,
            Ok(None) => rejected(format!("space `{id}` does not exist any more")),
            Ok(Some(_)) => out_of_reach(id),
        }
    }
}

fn out_of_reach(id: &str) -> ConnectorError {
    let why = format!(
        "the account of the file system sees space `{id}` but may not change it: give it the role Space Admin, and make it a \
         manager of the space"
    );
    ConnectorError::Unauthorized { why }
}

/// Reads an entry of ours in full.
fn own_entry(entry: &RawValue, tenant: TenantId) -> ConnectorResult<Drive> {
    let mut reader = serde_json::Deserializer::from_str(entry.get());
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let member: String = error.path().to_string().chars().take(100).collect();
        incompatible(format!("the space of tenant `{tenant}` has a `{member}` of an unexpected form"))
    })
}

/// Returns a list that is not too long.
pub(super) fn bounded<T>(list: Vec<T>, what: &str) -> ConnectorResult<Vec<T>> {
    if list.len() <= MAXIMUM_ENTRIES {
        return Ok(list);
    }
    Err(incompatible(format!("the file system lists more than {MAXIMUM_ENTRIES} {what}, which is more than is read")))
}

/// Lets time pass after a creation that may have happened, or may still happen.
fn late(error: ConnectorError) -> ConnectorError {
    match error {
        ConnectorError::Retryable { after, why } => {
            ConnectorError::Retryable { after: Some(after.unwrap_or_default().max(CREATION)), why }
        }
        other => other,
    }
}

fn done(response: Response, failure: &str) -> ConnectorResult<()> {
    if response.status() == StatusCode::NO_CONTENT { Ok(()) } else { Err(refused(response, failure)) }
}

/// Compares a space with what was asked for.
fn confirm(space: &Space, name: Option<&str>, quota: Option<u64>) -> ConnectorResult<()> {
    let differs = |member: &str| {
        incompatible(format!("the file system answers another `{member}` of space `{}` than it was given", space.id))
    };
    if name.is_some_and(|name| name != space.name) {
        return Err(differs("name"));
    }
    if quota.is_some() && quota != space.quota {
        return Err(differs("quota.total"));
    }
    Ok(())
}

/// Returns a quota that bounds. The system takes 0 and negative numbers for no bound.
fn valid_quota(quota: u64) -> ConnectorResult<i64> {
    match i64::try_from(quota) {
        Ok(quota) if quota > 0 => Ok(quota),
        _ => Err(rejected(format!("a quota of {quota} bytes is no bound: choose one from 1 to {}", i64::MAX))),
    }
}

/// Returns a name that the system keeps as it is.
fn valid_name(name: &str) -> ConnectorResult<&str> {
    let clean = clean_name(name);
    if clean == name {
        return Ok(name);
    }
    Err(rejected(format!("the file system does not keep the name `{name}` as it is: use `{clean}`")))
}
