//! Reads people and groups of a directory by their ids.

use std::collections::HashMap;

use super::{
    Directory, Purpose,
    resource::{Found, InGroup, of_group, of_user},
};
use crate::{
    domain::{
        ProvisionedGroup, ProvisionedGroupId, ProvisionedMember, ProvisionedUser, User, UserId,
        provisioned::{PROVISIONED_GROUPS, PROVISIONED_MEMBERS, PROVISIONED_MEMBERS_OF_GROUP, PROVISIONED_USERS},
        user::USERS,
    },
    error::{Code, Error, Result},
    scim::{Projection, USER},
    service::{Call, Service},
    store::{Filter, Position, Query, Read, Repository as _},
};

/// Number of members read at a time.
const PAGE: u32 = 1_000;

/// Number of members of a group, or of the groups of a page, that an answer can have.
pub(super) const MOST_MEMBERS: usize = 50_000;

/// A person of a directory.
pub(super) struct Person {
    pub(super) record: ProvisionedUser,
    pub(super) user: User,
}

impl Service {
    /// Returns a person of a directory.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient` or `platform_admin_required`.
    pub async fn read_provisioned_user(
        &self,
        call: &Call,
        directory: &str,
        id: UserId,
        projection: &Projection,
    ) -> Result<Found> {
        let directory = self.directory(call, directory, Purpose::Read).await?;
        let person = self.person(call, &directory, id).await?;
        self.shown_person(call, &person, projection).await
    }

    /// Returns a group of a directory.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `platform_admin_required`, or `scim_too_many` for one with more members than an answer
    /// can have.
    pub async fn read_provisioned_group(
        &self,
        call: &Call,
        directory: &str,
        id: ProvisionedGroupId,
        projection: &Projection,
    ) -> Result<Found> {
        let directory = self.directory(call, directory, Purpose::Read).await?;
        let group = self.group(call, &directory, id).await?;
        self.shown_group(call, &group, projection).await
    }

    /// Loads a person, if they are in the directory.
    pub(super) async fn person(&self, call: &Call, directory: &Directory, id: UserId) -> Result<Person> {
        let reads: [Read; 2] = [
            Query::new(&PROVISIONED_USERS).equal("id", id.0).limit(1).into(),
            Query::new(&USERS).equal("id", id.0).limit(1).into(),
        ];
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let record: Option<ProvisionedUser> = answers.first()?;
        let user: Option<User> = answers.first()?;
        match (record, user) {
            (Some(record), Some(user)) if record.directory == directory.name && !user.is_deleted() => {
                Ok(Person { record, user })
            }
            _ => Err(Error::not_found()),
        }
    }

    /// Loads a group, if it is in the directory.
    pub(super) async fn group(
        &self,
        call: &Call,
        directory: &Directory,
        id: ProvisionedGroupId,
    ) -> Result<ProvisionedGroup> {
        let group: Option<ProvisionedGroup> = self.store.load(&call.context, id).await?;
        group.filter(|group| group.directory == directory.name).ok_or_else(Error::not_found)
    }

    /// Returns a person as the answer to a request.
    pub(super) async fn shown_person(&self, call: &Call, person: &Person, projection: &Projection) -> Result<Found> {
        let groups = match projection.has(&USER, "groups") {
            true => self.groups_of(call, &[person.record.id]).await?.remove(&person.record.id).unwrap_or_default(),
            false => Vec::new(),
        };
        let mut found = of_user(&person.record, &person.user, &groups)?;
        projection.apply(&USER, &mut found.resource);
        Ok(found)
    }

    /// Returns a group as the answer to a request.
    pub(super) async fn shown_group(
        &self,
        call: &Call,
        group: &ProvisionedGroup,
        projection: &Projection,
    ) -> Result<Found> {
        let schema = &crate::scim::GROUP;
        let members = match projection.has(schema, "members") {
            true => Some(self.members_of(call, group.id).await?),
            false => None,
        };
        let mut found = of_group(group, members.as_deref());
        projection.apply(schema, &mut found.resource);
        Ok(found)
    }

    /// Returns the groups of people.
    pub(super) async fn groups_of(&self, call: &Call, people: &[UserId]) -> Result<HashMap<UserId, Vec<InGroup>>> {
        let query = Query::new(&PROVISIONED_MEMBERS)
            .filter(Filter::In("userId", people.iter().map(|id| id.0.into()).collect()))
            .limit(u32::try_from(MOST_MEMBERS).unwrap_or(u32::MAX));
        let memberships: Vec<ProvisionedMember> = self.store.load_all(&call.context, &query).await?;
        let mut ids: Vec<_> = memberships.iter().map(|one| one.group_id.0).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut names: HashMap<ProvisionedGroupId, String> = HashMap::new();
        for ids in ids.chunks(Query::MAXIMUM_VALUES) {
            let query = Query::by_ids(&PROVISIONED_GROUPS, ids.iter().copied());
            let groups: Vec<ProvisionedGroup> = self.store.load_all(&call.context, &query).await?;
            names.extend(groups.into_iter().map(|group| (group.id, group.display_name)));
        }
        let mut all: HashMap<UserId, Vec<InGroup>> = HashMap::new();
        for membership in memberships {
            if let Some(name) = names.get(&membership.group_id) {
                let group = InGroup { id: membership.group_id, name: name.clone() };
                all.entry(membership.user_id).or_default().push(group);
            }
        }
        Ok(all)
    }

    /// Returns the members of a group.
    async fn members_of(&self, call: &Call, group: ProvisionedGroupId) -> Result<Vec<UserId>> {
        let mut members = Vec::new();
        let mut after = None;
        loop {
            let page = self.members_page(call, group, after, PAGE).await?;
            members.extend(page.iter().map(|member| member.user_id));
            if members.len() > MOST_MEMBERS {
                return Err(too_many_members());
            }
            after = match page.last() {
                Some(last) if page.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX) => {
                    Some(Position { values: Vec::new(), id: last.id.0 })
                }
                _ => return Ok(members),
            };
        }
    }

    /// Reads some members of a group, in the order of their addition.
    pub(super) async fn members_page(
        &self,
        call: &Call,
        group: ProvisionedGroupId,
        after: Option<Position>,
        most: u32,
    ) -> Result<Vec<ProvisionedMember>> {
        let query = Query::new(&PROVISIONED_MEMBERS)
            .sort(&PROVISIONED_MEMBERS_OF_GROUP)
            .equal("groupId", group.0)
            .after(after)
            .limit(most);
        Ok(self.store.load_all(&call.context, &query).await?)
    }
}

pub(super) fn too_many_members() -> Error {
    let message =
        format!("the answer would have more than {MOST_MEMBERS} members: ask with `excludedAttributes=members`");
    Error::new(Code::SCIM_TOO_MANY, message)
}
