//! Pushes people: creates, replaces, patches and removes them.

use serde_json::Value;

use super::{
    Directory, PERSON, Purpose, check_version,
    find::Person,
    resource::{Found, pushed, text, version_of_user},
};
use crate::{
    authz::{Action, PlatformRight, Resource as Target},
    domain::{
        GrantSource, Membership, ProvisionedUser, User, UserActivity, UserId,
        activity::USER_ACTIVITY,
        fields::{email, sanitised_label},
        membership::{MEMBERSHIPS, MEMBERSHIPS_OF_USER},
        provisioned::{PROVISIONED_USERS, external_key},
        user::USERS,
    },
    error::{Code, Error, Result},
    scim::{Projection, Resource, patch::Patch},
    service::{
        Call, Service,
        access::check,
        moment::Moment,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::{Query, Read, Repository as _},
};

/// Number of memberships that are looked at before a subject changes. Somebody new has fewer.
const MOST_COMPARED: u32 = 1_000;

/// Attributes that are fields of their own.
const APART: [&str; 3] = ["userName", "externalId", "active"];

impl Service {
    /// Pushes a person who is not in the directory yet.
    ///
    /// `externalId` is the subject of their tokens, or `userName` without it. One who has signed in before is the same person.
    ///
    /// # Errors
    /// `scim_not_unique`, `scim_invalid_value`, `user_deleted` for an erased person, `granted_admin_required`, and those of
    /// [`Service::read_provisioned_user`].
    pub async fn create_provisioned_user(
        &self,
        call: &Call,
        directory: &str,
        resource: Resource,
        projection: &Projection,
    ) -> Result<Found> {
        let directory = self.directory(call, directory, Purpose::Provision).await?;
        let create = |moment| self.try_create_person(call, moment, &directory, &resource);
        let person = self.settle(call, create).await?;
        self.shown_person(call, &person, projection).await
    }

    /// Replaces the attributes of a person.
    ///
    /// # Errors
    /// `version_changed`, `scim_mutability`, and those of [`Service::create_provisioned_user`].
    pub async fn replace_provisioned_user(
        &self,
        call: &Call,
        directory: &str,
        id: UserId,
        resource: Resource,
        projection: &Projection,
    ) -> Result<Found> {
        let directory = self.directory(call, directory, Purpose::Provision).await?;
        // One that is left out stays, as the id by which the person signs in.
        let replace = |before: Resource| {
            let mut after = resource.clone();
            if let Some(external) = before.get("externalId").filter(|_| !resource.contains_key("externalId")) {
                after.insert("externalId".to_owned(), external.clone());
            }
            Ok(after)
        };
        let replace = |moment| self.try_change_person(call, moment, &directory, id, replace);
        let person = self.settle(call, replace).await?;
        self.shown_person(call, &person, projection).await
    }

    /// Changes some attributes of a person.
    ///
    /// # Errors
    /// `scim_no_target`, and those of [`Service::replace_provisioned_user`].
    pub async fn patch_provisioned_user(
        &self,
        call: &Call,
        directory: &str,
        id: UserId,
        patch: &Patch,
        projection: &Projection,
    ) -> Result<Found> {
        let directory = self.directory(call, directory, Purpose::Provision).await?;
        let change = |mut resource: Resource| patch.apply(&mut resource).map(|()| resource);
        let person = self.settle(call, |moment| self.try_change_person(call, moment, &directory, id, change)).await?;
        self.shown_person(call, &person, projection).await
    }

    /// Removes a person from the directory: every access ends, and so do memberships by their groups.
    ///
    /// The user stays, disabled. Erasing them is a decision of the platform.
    ///
    /// # Errors
    /// `version_changed`, `granted_admin_required`, and those of [`Service::read_provisioned_user`].
    pub async fn delete_provisioned_user(&self, call: &Call, directory: &str, id: UserId) -> Result<()> {
        let directory = self.directory(call, directory, Purpose::Provision).await?;
        let mut call = call.clone();
        self.settle(&call, |moment| self.end_access(&call, moment, &directory, id)).await?;
        // The condition was on the version before.
        call.if_match = None;
        while self.settle(&call, |moment| self.leave_some_groups(&call, moment, &directory, id)).await? {}
        self.settle(&call, |moment| self.try_delete_person(&call, moment, &directory, id)).await
    }

    async fn try_create_person(
        &self,
        call: &Call,
        moment: Moment,
        directory: &Directory,
        resource: &Resource,
    ) -> Result<Person> {
        let name = text(resource, "userName").unwrap_or_default();
        let external = text(resource, "externalId");
        let subject = external.unwrap_or(name);
        let hash = self.subject_hash(call, &directory.name, subject).await?;
        let mut reads: Vec<Read> = vec![
            Query::unique(&USERS, User::subject_key(&directory.name, subject)).into(),
            Query::unique(&USERS, User::tombstone_key(&directory.name, &hash)).into(),
            Query::unique(&PROVISIONED_USERS, ProvisionedUser::name_key(&directory.name, name)).into(),
        ];
        reads.extend(
            external.map(|id| Read::from(Query::unique(&PROVISIONED_USERS, external_key(&directory.name, id)))),
        );
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let found: Option<User> = answers.first()?;
        let tombstone: Option<User> = answers.first()?;
        if answers.any() || (external.is_some() && answers.any()) {
            let message = "the directory has a person with this `userName` or `externalId` already: change that one";
            return Err(Error::new(Code::SCIM_NOT_UNIQUE, message));
        }
        if tombstone.is_some_and(|holder| holder.is_deleted()) {
            let message = "this person was erased: only the operator of the platform can admit them again";
            return Err(Error::new(Code::USER_DELETED, message));
        }
        let now = moment.now();
        let mut work = directory.work(call, &moment);
        let before = found.clone();
        let mut user = found.unwrap_or_else(|| {
            let mut user = User::blank(directory.name.clone(), Some(subject.to_owned()), now);
            user.subject_hash = Some(hash);
            user
        });
        apply(directory, &mut user, resource)?;
        match &before {
            Some(before) => update_user(&mut work, before, &mut user)?,
            None => work.insert(Action::CreateUser, "user", about(&user), &user)?,
        }
        let record = ProvisionedUser {
            id: user.id,
            version: 1,
            directory: directory.name.clone(),
            tenant_id: directory.tenant(),
            user_name: name.to_owned(),
            external_id: external.map(str::to_owned),
            attributes: attributes(resource)?,
            created_at: now,
            updated_at: now,
        };
        work.insert(directory.action(), PERSON, directory.subject(Some(user.id)), &record)?;
        directory.access.guard(&mut work);
        self.carry_out(work).await?;
        Ok(Person { record, user })
    }

    async fn try_change_person(
        &self,
        call: &Call,
        moment: Moment,
        directory: &Directory,
        id: UserId,
        change: impl FnOnce(Resource) -> Result<Resource> + Send,
    ) -> Result<Person> {
        let Person { record, user } = self.person(call, directory, id).await?;
        check_version(call, &version_of_user(&record, &user))?;
        let changed = change(pushed(&record, &user)?)?;
        let mut after = record.clone();
        after.user_name = text(&changed, "userName").unwrap_or_default().to_owned();
        after.external_id = text(&changed, "externalId").map(str::to_owned);
        after.attributes = attributes(&changed)?;
        let mut shown = user.clone();
        self.follow_subject(call, directory, &record, &after, &mut shown).await?;
        apply(directory, &mut shown, &changed)?;
        let mut work = directory.work(call, &moment);
        update_user(&mut work, &user, &mut shown)?;
        let about = directory.subject(Some(user.id));
        work.update(directory.action(), PERSON, about, &record, &mut after)?;
        if !work.commit.is_empty() {
            work.commit.guard(&user);
            directory.access.guard(&mut work);
            self.carry_out(work).await?;
        }
        Ok(Person { record: after, user: shown })
    }

    /// Gives a user another subject, by which tokens name them.
    ///
    /// Only one whom the directory has made, who has never signed in, and to whom nobody has granted anything: with anybody
    /// else, their rights would become those of another person.
    async fn follow_subject(
        &self,
        call: &Call,
        directory: &Directory,
        before: &ProvisionedUser,
        after: &ProvisionedUser,
        user: &mut User,
    ) -> Result<()> {
        let subject = after.external_id.as_deref().unwrap_or(&after.user_name);
        if user.authentik_subject_id.as_deref() == Some(subject) {
            return Ok(());
        }
        let of_user =
            Query::new(&MEMBERSHIPS).sort(&MEMBERSHIPS_OF_USER).equal("userId", user.id.0).limit(MOST_COMPARED);
        let reads: [Read; 2] = [Query::new(&USER_ACTIVITY).equal("id", user.id.0).limit(1).into(), of_user.into()];
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let activity: Option<UserActivity> = answers.first()?;
        let has_been_seen = activity.is_some_and(|activity| activity.last_seen_at.is_some());
        let memberships: Vec<Membership> = answers.all()?;
        let granted = |membership: &Membership| membership.source != GrantSource::Claim;
        let is_new = before.created_at == user.created_at && !has_been_seen && !user.platform_admin;
        let many = memberships.len() >= usize::try_from(MOST_COMPARED).unwrap_or(usize::MAX);
        if !is_new || many || memberships.iter().any(granted) {
            let message = match after.external_id {
                Some(_) => {
                    "`externalId` is the subject of the person's tokens and does not change: delete and create them"
                }
                None => "without an `externalId`, `userName` is the subject of the person's tokens and does not change",
            };
            return Err(Error::new(Code::SCIM_MUTABILITY, message));
        }
        user.subject_hash = Some(self.subject_hash(call, &directory.name, subject).await?);
        user.authentik_subject_id = Some(subject.to_owned());
        Ok(())
    }

    async fn end_access(&self, call: &Call, moment: Moment, directory: &Directory, id: UserId) -> Result<()> {
        let Person { record, user } = self.person(call, directory, id).await?;
        check_version(call, &version_of_user(&record, &user))?;
        let mut ended = user.clone();
        set_active(directory, &mut ended, false)?;
        let mut work = directory.work(call, &moment);
        update_user(&mut work, &user, &mut ended)?;
        if !work.commit.is_empty() {
            directory.access.guard(&mut work);
            self.carry_out(work).await?;
        }
        Ok(())
    }

    async fn try_delete_person(&self, call: &Call, moment: Moment, directory: &Directory, id: UserId) -> Result<()> {
        let Person { record, .. } = self.person(call, directory, id).await?;
        let mut work = directory.work(call, &moment);
        work.removing(PROVISIONED_USERS.name, 1);
        work.delete(directory.action(), PERSON, directory.subject(Some(id)), &record)?;
        directory.access.guard(&mut work);
        self.carry_out(work).await
    }
}

fn about(user: &User) -> Subject {
    Subject { tenant: None, user: Some(user.id) }
}

fn update_user(work: &mut UnitOfWork<'_>, before: &User, after: &mut User) -> Result<()> {
    work.update(Action::UpdateUser, "user", about(before), before, after).map(drop)
}

/// Returns the attributes that are stored together.
fn attributes(resource: &Resource) -> Result<String> {
    let mut kept = resource.clone();
    APART.iter().for_each(|name| drop(kept.remove(*name)));
    serde_json::to_string(&kept).map_err(|error| Error::internal(error.to_string()))
}

/// Gives a user what was pushed. As with tokens, absent or invalid values never clear stored ones.
fn apply(directory: &Directory, user: &mut User, resource: &Resource) -> Result<()> {
    if let Some(name) = name_of(resource).as_deref().and_then(sanitised_label)
        && user.name.as_deref() != Some(&*name)
    {
        user.set_name(Some(name));
    }
    if let Some(address) = address_of(resource).and_then(|address| email::parse(address.trim()))
        && user.email.as_deref() != Some(&*address)
    {
        user.set_email(Some(address));
    }
    let active = resource.get("active").and_then(Value::as_bool).unwrap_or(true);
    set_active(directory, user, active)
}

/// Ends or restores access, if the caller may end that of this person.
fn set_active(directory: &Directory, user: &mut User, active: bool) -> Result<()> {
    let could_call = user.may_call();
    user.set_active_by_claim(active);
    if could_call && !user.may_call() && PlatformRight::of(user) == PlatformRight::Lasting {
        let target = Target { fields: &["active"], lasting_admin: true, ..Target::default() };
        return check(&directory.access.caller, Action::ProvisionPlatformDirectory, &target);
    }
    Ok(())
}

/// Returns the name that is shown of a person.
fn name_of(resource: &Resource) -> Option<String> {
    let name = resource.get("name");
    let part =
        |part: &str| name.and_then(|name| name.get(part)).and_then(Value::as_str).filter(|text| !text.is_empty());
    let whole = text(resource, "displayName").or_else(|| part("formatted")).map(str::to_owned);
    whole.or_else(|| {
        let parts: Vec<&str> = [part("givenName"), part("familyName")].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    })
}

/// Returns the primary address of a person, or the first.
fn address_of(resource: &Resource) -> Option<&str> {
    let addresses = resource.get("emails")?.as_array()?;
    let is_primary = |address: &&Value| address.get("primary").and_then(Value::as_bool) == Some(true);
    addresses.iter().find(is_primary).or(addresses.first())?.get("value")?.as_str()
}
