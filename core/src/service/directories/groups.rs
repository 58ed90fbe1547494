//! Pushes groups: creates, replaces, patches and removes them.
//!
//! Many members are moved in several commits, before the group itself is written. A request that ends in between leaves a part
//! of them moved, and repeating it moves the rest.

use std::collections::BTreeSet;

use super::{
    AT_A_TIME, Directory, GROUP, Purpose, check_version,
    membership::Moves,
    resource::{Found, text, version_of_group},
};
use crate::{
    domain::{
        ProvisionedGroup, ProvisionedGroupId, ProvisionedMember, Tenant, UserId,
        provisioned::{PROVISIONED_GROUPS, PROVISIONED_MEMBERS},
    },
    error::{Code, Error, Result},
    scim::{MemberChange, Projection, Resource, patch::Patch},
    service::{Call, Service, moment::Moment},
    store::{Position, Query, Repository as _},
};

impl Service {
    /// Pushes a group that is not in the directory yet.
    ///
    /// # Errors
    /// `scim_not_unique`, `scim_invalid_value`, and those of [`Service::read_provisioned_group`].
    pub async fn create_provisioned_group(
        &self,
        call: &Call,
        directory: &str,
        resource: &Resource,
        members: BTreeSet<UserId>,
        projection: &Projection,
    ) -> Result<Found> {
        let directory = self.directory(call, directory, Purpose::Provision).await?;
        let create = |moment| self.try_create_group(call, moment, &directory, resource);
        let group = self.settle(call, create).await?;
        let change = MemberChange { added: members, ..MemberChange::default() };
        let group = match self.change_group(call, &directory, group.id, None, &change).await {
            // Nothing is left of a group that was refused.
            Err(error) => {
                self.remove_group(call, &directory, group.id).await?;
                return Err(error);
            }
            Ok(group) => group,
        };
        self.shown_group(call, &group, projection).await
    }

    /// Replaces the attributes and members of a group.
    ///
    /// # Errors
    /// `version_changed`, and those of [`Service::create_provisioned_group`].
    pub async fn replace_provisioned_group(
        &self,
        call: &Call,
        directory: &str,
        id: ProvisionedGroupId,
        resource: Resource,
        members: BTreeSet<UserId>,
        projection: &Projection,
    ) -> Result<Found> {
        let directory = self.directory(call, directory, Purpose::Provision).await?;
        let change = move |_: Resource| Ok(resource.clone());
        let group = self.change_group(call, &directory, id, Some(&change), &MemberChange::to(members)).await?;
        self.shown_group(call, &group, projection).await
    }

    /// Changes some attributes or members of a group. The cost is that of the members that change.
    ///
    /// # Errors
    /// `scim_no_target`, and those of [`Service::replace_provisioned_group`].
    pub async fn patch_provisioned_group(
        &self,
        call: &Call,
        directory: &str,
        id: ProvisionedGroupId,
        patch: &Patch,
    ) -> Result<String> {
        let directory = self.directory(call, directory, Purpose::Provision).await?;
        let change = |mut resource: Resource| patch.apply(&mut resource).map(|()| resource);
        let group = self.change_group(call, &directory, id, Some(&change), &patch.members).await?;
        Ok(version_of_group(&group))
    }

    /// Removes a group: its members are none of its tenant any more, if a claim has made them.
    ///
    /// # Errors
    /// `version_changed`, and those of [`Service::read_provisioned_group`].
    pub async fn delete_provisioned_group(&self, call: &Call, directory: &str, id: ProvisionedGroupId) -> Result<()> {
        let directory = self.directory(call, directory, Purpose::Provision).await?;
        let group = self.group(call, &directory, id).await?;
        check_version(call, &version_of_group(&group))?;
        self.remove_group(call, &directory, id).await
    }

    async fn try_create_group(
        &self,
        call: &Call,
        moment: Moment,
        directory: &Directory,
        resource: &Resource,
    ) -> Result<ProvisionedGroup> {
        let now = moment.now();
        let group = ProvisionedGroup {
            id: ProvisionedGroupId::generate(),
            version: 1,
            directory: directory.name.clone(),
            tenant_id: directory.tenant(),
            display_name: text(resource, "displayName").unwrap_or_default().to_owned(),
            external_id: text(resource, "externalId").map(str::to_owned),
            members_changed_at: None,
            created_at: now,
            updated_at: now,
        };
        let mut work = directory.work(call, &moment);
        work.insert(directory.action(), GROUP, directory.subject(None), &group)?;
        directory.access.guard(&mut work);
        self.carry_out(work).await?;
        Ok(group)
    }

    /// Changes a group and its members.
    async fn change_group(
        &self,
        call: &Call,
        directory: &Directory,
        id: ProvisionedGroupId,
        change: Option<&(dyn Fn(Resource) -> Result<Resource> + Sync)>,
        members: &MemberChange,
    ) -> Result<ProvisionedGroup> {
        let attempt = |moment| self.try_change_group(call, moment, directory, id, change, members);
        self.settle(call, attempt).await
    }

    async fn try_change_group(
        &self,
        call: &Call,
        moment: Moment,
        directory: &Directory,
        id: ProvisionedGroupId,
        change: Option<&(dyn Fn(Resource) -> Result<Resource> + Sync)>,
        members: &MemberChange,
    ) -> Result<ProvisionedGroup> {
        let group = self.group(call, directory, id).await?;
        check_version(call, &version_of_group(&group))?;
        let mut after = group.clone();
        if let Some(change) = change {
            let changed = change(attributes(&group))?;
            after.display_name = text(&changed, "displayName").unwrap_or_default().to_owned();
            after.external_id = text(&changed, "externalId").map(str::to_owned);
        }
        if after.display_name != group.display_name {
            self.check_free(call, &after).await?;
            self.follow_new_name(call, directory, &group, &after).await?;
        }
        let tenant = self.tenant_of_group(call, &after.display_name, directory.tenant()).await?;
        let mut moves = self.moves(call, id, members).await?;
        while moves.len() > AT_A_TIME {
            let some = moves.take_some();
            let part = |moment| self.move_some(call, moment, directory, (&after, tenant.as_ref()), &some);
            self.settle(call, part).await?;
        }
        let mut work = directory.work(call, &moment);
        if !members.is_empty() {
            self.move_people(call, &mut work, &after, tenant.as_ref(), &moves).await?;
            if !work.commit.is_empty() {
                after.members_changed_at = Some(work.now());
            }
        }
        work.update(directory.action(), GROUP, directory.subject(None), &group, &mut after)?;
        if !work.commit.is_empty() {
            directory.access.guard(&mut work);
            self.carry_out(work).await?;
        }
        Ok(after)
    }

    async fn move_some(
        &self,
        call: &Call,
        moment: Moment,
        directory: &Directory,
        (group, tenant): (&ProvisionedGroup, Option<&Tenant>),
        moves: &Moves,
    ) -> Result<()> {
        let mut work = directory.work(call, &moment);
        self.move_people(call, &mut work, group, tenant, moves).await?;
        if !work.commit.is_empty() {
            directory.access.guard(&mut work);
        }
        self.carry_out(work).await
    }

    async fn transfer_some(
        &self,
        call: &Call,
        moment: Moment,
        directory: &Directory,
        (old, new): (Option<&Tenant>, Option<&Tenant>),
        people: &[UserId],
    ) -> Result<()> {
        let mut work = directory.work(call, &moment);
        if let Some(old) = old {
            self.reconcile_people(call, &mut work, old, &[], people).await?;
        }
        if let Some(new) = new {
            self.reconcile_people(call, &mut work, new, people, &[]).await?;
        }
        if !work.commit.is_empty() {
            directory.access.guard(&mut work);
        }
        self.carry_out(work).await
    }

    /// Returns the people to move, so that the members are as wanted.
    async fn moves(&self, call: &Call, id: ProvisionedGroupId, members: &MemberChange) -> Result<Moves> {
        let mut moves = Moves::default();
        let Some(exactly) = &members.exactly else {
            moves.added = members.added.iter().copied().collect();
            let keys: Vec<String> = members.removed.iter().map(|user| ProvisionedMember::key(id, *user)).collect();
            for keys in keys.chunks(Query::MAXIMUM_VALUES) {
                let query = Query::by_keys(&PROVISIONED_MEMBERS, keys.to_vec());
                moves.removed.extend(self.store.load_all::<ProvisionedMember>(&call.context, &query).await?);
            }
            return Ok(moves);
        };
        let mut missing = exactly.clone();
        let mut after = None;
        loop {
            let page = self.members_page(call, id, after, 1_000).await?;
            after = page.last().map(|last| Position { values: Vec::new(), id: last.id.0 });
            let full = page.len() >= 1_000;
            for member in page {
                if !missing.remove(&member.user_id) {
                    moves.removed.push(member);
                }
            }
            if !full {
                moves.added = missing.into_iter().collect();
                return Ok(moves);
            }
        }
    }

    /// Refuses a name that another group of the directory has, before anybody is moved.
    async fn check_free(&self, call: &Call, group: &ProvisionedGroup) -> Result<()> {
        let key = ProvisionedGroup::name_key(&group.directory, &group.display_name);
        let holder: Option<ProvisionedGroup> = self.store.load_unique(&call.context, key).await?;
        if holder.is_some_and(|holder| holder.id != group.id) {
            let message = "the directory has a group of this `displayName` already: change that one";
            return Err(Error::new(Code::SCIM_NOT_UNIQUE, message));
        }
        Ok(())
    }

    /// Takes all members of a group from the tenant of its old name, and gives them to that of its new one.
    async fn follow_new_name(
        &self,
        call: &Call,
        directory: &Directory,
        before: &ProvisionedGroup,
        after: &ProvisionedGroup,
    ) -> Result<()> {
        let old = self.tenant_of_group(call, &before.display_name, directory.tenant()).await?;
        let new = self.tenant_of_group(call, &after.display_name, directory.tenant()).await?;
        if old.is_none() && new.is_none() {
            return Ok(());
        }
        let mut position = None;
        loop {
            let most = u32::try_from(AT_A_TIME).unwrap_or(u32::MAX);
            let page = self.members_page(call, before.id, position, most).await?;
            position = page.last().map(|last| Position { values: Vec::new(), id: last.id.0 });
            let people: Vec<UserId> = page.iter().map(|member| member.user_id).collect();
            let tenants = (old.as_ref(), new.as_ref());
            self.settle(call, |moment| self.transfer_some(call, moment, directory, tenants, &people)).await?;
            if page.len() < AT_A_TIME {
                return Ok(());
            }
        }
    }

    async fn remove_group(&self, call: &Call, directory: &Directory, id: ProvisionedGroupId) -> Result<()> {
        let mut call = call.clone();
        call.if_match = None;
        self.change_group(&call, directory, id, None, &MemberChange::to(BTreeSet::new())).await?;
        self.settle(&call, |moment| self.try_remove_group(&call, moment, directory, id)).await
    }

    async fn try_remove_group(
        &self,
        call: &Call,
        moment: Moment,
        directory: &Directory,
        id: ProvisionedGroupId,
    ) -> Result<()> {
        let group = self.group(call, directory, id).await?;
        let mut work = directory.work(call, &moment);
        work.removing(PROVISIONED_GROUPS.name, 1);
        work.delete(directory.action(), GROUP, directory.subject(None), &group)?;
        directory.access.guard(&mut work);
        self.carry_out(work).await
    }
}

/// Returns the attributes of a group that were pushed.
fn attributes(group: &ProvisionedGroup) -> Resource {
    let mut attributes = Resource::from_iter([("displayName".to_owned(), group.display_name.clone().into())]);
    if let Some(external) = &group.external_id {
        attributes.insert("externalId".to_owned(), external.clone().into());
    }
    attributes
}
