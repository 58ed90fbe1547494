//! Lists people and groups of a directory (RFC 7644 §3.4.2).

use std::collections::HashMap;

use super::{
    Directory, Purpose,
    find::{MOST_MEMBERS, too_many_members},
    resource::{Found, of_group, of_user},
};
use crate::{
    domain::{
        ObjectId, ProvisionedGroup, ProvisionedGroupId, ProvisionedMember, ProvisionedUser, User, UserId,
        provisioned::{
            PROVISIONED_GROUPS, PROVISIONED_GROUPS_OF_DIRECTORY, PROVISIONED_MEMBERS, PROVISIONED_USERS,
            PROVISIONED_USERS_OF_DIRECTORY, external_key,
        },
        user::USERS,
    },
    error::{Code, Error, Result},
    scim::{Condition, GROUP, MOST_RESULTS, Projection, Schema, USER},
    service::{Call, Service},
    store::{Collection, Filter, Index, Position, Query, Repository as _},
};

/// Number of documents read at a time.
const PAGE: u32 = 500;

/// Number of resources that a filter looks at.
const MOST_COMPARED: usize = 20_000;

/// A request for a list.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Only resources that fit.
    pub filter: Option<Condition>,
    /// Place of the first resource of the page, from 1.
    pub start_index: u64,
    /// Number of resources of the page, at most [`MOST_RESULTS`], which it also is without it.
    pub count: Option<u64>,
    /// The attributes of the answer.
    pub projection: Projection,
}

/// A page of resources.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Number of resources that fit.
    pub total: u64,
    /// Place of the first resource of the page.
    pub start_index: u64,
    /// The resources of the page.
    pub resources: Vec<Found>,
}

/// The place where resources of a type are stored, and the keys by which they are found.
struct ResourceType {
    shown: Shown,
    collection: &'static Collection,
    of_directory: &'static Index,
    schema: &'static Schema,
    /// The attribute by whose value a resource is found, with its unique key.
    name: &'static str,
    name_key: fn(&str, &str) -> String,
}

const PEOPLE: ResourceType = ResourceType {
    shown: Shown::People,
    collection: &PROVISIONED_USERS,
    of_directory: &PROVISIONED_USERS_OF_DIRECTORY,
    schema: &USER,
    name: "userName",
    name_key: ProvisionedUser::name_key,
};

const GROUPS: ResourceType = ResourceType {
    shown: Shown::Groups,
    collection: &PROVISIONED_GROUPS,
    of_directory: &PROVISIONED_GROUPS_OF_DIRECTORY,
    schema: &GROUP,
    name: "displayName",
    name_key: ProvisionedGroup::name_key,
};

impl Listing {
    /// Continues a page with resources of another type.
    #[must_use]
    pub fn after(mut self, listed: &Listed) -> Self {
        let shown = u64::try_from(listed.resources.len()).unwrap_or(u64::MAX);
        self.count = Some(self.most().saturating_sub(shown));
        self.start_index = self.start_index.saturating_sub(listed.total).max(1);
        self
    }

    fn most(&self) -> u64 {
        self.count.unwrap_or(u64::MAX).min(u64::from(MOST_RESULTS))
    }

    /// Returns `true` if the resource at this place, from 0, is on the page.
    fn shows(&self, place: u64) -> bool {
        let first = self.start_index.saturating_sub(1);
        place >= first && place - first < self.most()
    }
}

impl Service {
    /// Lists the people of a directory, in the order of their creation.
    ///
    /// # Errors
    /// `scim_too_many` where a filter would look at too many, `not_found`, `role_insufficient` or `platform_admin_required`.
    pub async fn list_provisioned_users(&self, call: &Call, directory: &str, listing: &Listing) -> Result<Listed> {
        let directory = self.directory(call, directory, Purpose::Read).await?;
        self.list_resources(call, &directory, &PEOPLE, listing).await
    }

    /// Lists the groups of a directory, in the order of their creation.
    ///
    /// # Errors
    /// As [`Service::list_provisioned_users`], and `scim_too_many` for more members than an answer can have.
    pub async fn list_provisioned_groups(&self, call: &Call, directory: &str, listing: &Listing) -> Result<Listed> {
        let directory = self.directory(call, directory, Purpose::Read).await?;
        self.list_resources(call, &directory, &GROUPS, listing).await
    }

    async fn list_resources(
        &self,
        call: &Call,
        directory: &Directory,
        kind: &ResourceType,
        listing: &Listing,
    ) -> Result<Listed> {
        let mut listed = Listed { total: 0, start_index: listing.start_index, resources: Vec::new() };
        let (mut after, mut compared) = (None, 0);
        loop {
            let (query, single) = query(kind, directory, listing, after);
            let documents = self.store.load_together(&call.context, &[query.into()]).await?.documents();
            let read = documents.len();
            after = documents.last().map(|last| Position { values: Vec::new(), id: last.id });
            let ids: Vec<ObjectId> = match &listing.filter {
                Some(_) => documents.iter().map(|document| document.id).collect(),
                // Others are only counted.
                None => {
                    let places = (listed.total..).zip(&documents);
                    let shown = places.filter(|(place, _)| listing.shows(*place)).map(|(_, document)| document.id);
                    let shown = shown.collect();
                    listed.total += u64::try_from(read).unwrap_or(u64::MAX);
                    shown
                }
            };
            compared += if listing.filter.is_some() { read } else { 0 };
            let found = self.resources(call, directory, &ids, kind.shown, listing).await?;
            for one in found {
                if let Some(filter) = &listing.filter {
                    if !filter.fits(&one.resource) {
                        continue;
                    }
                    listed.total += 1;
                    if !listing.shows(listed.total - 1) {
                        continue;
                    }
                }
                listed.resources.push(one);
            }
            if single || read < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                break;
            }
            if compared >= MOST_COMPARED {
                return Err(too_many());
            }
        }
        for found in &mut listed.resources {
            listing.projection.apply(kind.schema, &mut found.resource);
        }
        Ok(listed)
    }

    /// Reads resources by their ids, in this order.
    async fn resources(
        &self,
        call: &Call,
        directory: &Directory,
        ids: &[ObjectId],
        shown: Shown,
        listing: &Listing,
    ) -> Result<Vec<Found>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        match shown {
            Shown::People => self.people(call, directory, ids, listing).await,
            Shown::Groups => self.some_groups(call, directory, ids, listing).await,
        }
    }

    async fn people(
        &self,
        call: &Call,
        directory: &Directory,
        ids: &[ObjectId],
        listing: &Listing,
    ) -> Result<Vec<Found>> {
        let of = |collection| Query::by_ids(collection, ids.iter().copied()).into();
        let mut answers = self.store.load_together(&call.context, &[of(&PROVISIONED_USERS), of(&USERS)]).await?;
        let mut records: Vec<ProvisionedUser> = answers.all()?;
        records.retain(|record| record.directory == directory.name);
        records.sort_unstable_by_key(|record| record.id.0);
        let users: Vec<User> = answers.all()?;
        let users: HashMap<UserId, User> = users.into_iter().map(|user| (user.id, user)).collect();
        let mut groups = match wants(listing, &USER, "groups") {
            true => self.groups_of(call, &records.iter().map(|record| record.id).collect::<Vec<_>>()).await?,
            false => HashMap::new(),
        };
        let living = records.iter().filter_map(|record| Some((record, users.get(&record.id)?)));
        let living = living.filter(|(_, user)| !user.is_deleted());
        living.map(|(record, user)| of_user(record, user, &groups.remove(&record.id).unwrap_or_default())).collect()
    }

    async fn some_groups(
        &self,
        call: &Call,
        directory: &Directory,
        ids: &[ObjectId],
        listing: &Listing,
    ) -> Result<Vec<Found>> {
        let query = Query::by_ids(&PROVISIONED_GROUPS, ids.iter().copied());
        let mut groups: Vec<ProvisionedGroup> = self.store.load_all(&call.context, &query).await?;
        groups.retain(|group| group.directory == directory.name);
        groups.sort_unstable_by_key(|group| group.id.0);
        if !wants(listing, &GROUP, "members") {
            return Ok(groups.iter().map(|group| of_group(group, None)).collect());
        }
        let most = u32::try_from(MOST_MEMBERS).unwrap_or(u32::MAX);
        let of_groups = Filter::In("groupId", ids.iter().map(|id| (*id).into()).collect());
        let query = Query::new(&PROVISIONED_MEMBERS).filter(of_groups).limit(most.saturating_add(1));
        let members: Vec<ProvisionedMember> = self.store.load_all(&call.context, &query).await?;
        if members.len() > MOST_MEMBERS {
            return Err(too_many_members());
        }
        let mut of_each: HashMap<ProvisionedGroupId, Vec<UserId>> = HashMap::new();
        for member in members {
            of_each.entry(member.group_id).or_default().push(member.user_id);
        }
        let members = |group: &ProvisionedGroup| of_each.get(&group.id).map_or(&[][..], Vec::as_slice);
        Ok(groups.iter().map(|group| of_group(group, Some(members(group)))).collect())
    }
}

/// The type of the resources of a list.
#[derive(Debug, Clone, Copy)]
enum Shown {
    People,
    Groups,
}

/// Returns `true` if an attribute that is read apart is shown or compared.
fn wants(listing: &Listing, schema: &Schema, attribute: &str) -> bool {
    listing.projection.has(schema, attribute)
        || listing.filter.as_ref().is_some_and(|filter| filter.mentions(attribute))
}

/// Returns the query of the next resources, and `true` if it finds at most one.
fn query(kind: &ResourceType, directory: &Directory, listing: &Listing, after: Option<Position>) -> (Query, bool) {
    let filter = listing.filter.as_ref();
    let required = |attribute: &str| filter.and_then(|filter| filter.required(attribute));
    if let Some(id) = required("id") {
        let id = id.parse().unwrap_or(crate::store::read::ABSENT);
        return (Query::new(kind.collection).equal("id", id).limit(1), true);
    }
    if let Some(name) = required(kind.name) {
        return (Query::unique(kind.collection, (kind.name_key)(&directory.name, name)), true);
    }
    if let Some(id) = required("externalId") {
        return (Query::unique(kind.collection, external_key(&directory.name, id)), true);
    }
    let query = Query::new(kind.collection).sort(kind.of_directory).equal("directory", directory.name.clone());
    (query.after(after).limit(PAGE), false)
}

fn too_many() -> Error {
    let message = format!(
        "the filter looks at more than {MOST_COMPARED} resources: compare `userName`, `externalId`, `displayName` or `id` by `eq`"
    );
    Error::new(Code::SCIM_TOO_MANY, message)
}
