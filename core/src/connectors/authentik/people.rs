//! People and their memberships.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Authentik,
    answer::{Reply, confirmed, entry, matching},
    groups::{GroupObject, no_such_group},
    list::{List, MAXIMUM_ENTRIES, Reading},
};
use crate::{
    connectors::{ConnectorError, ConnectorResult, Group, Person},
    context::RequestContext,
    outbound::Request,
};

#[derive(Deserialize)]
struct PersonObject {
    pk: i64,
    uuid: String,
    uid: String,
    is_active: bool,
    /// Ids of the person's groups.
    groups: Vec<String>,
}

impl PersonObject {
    /// Returns the subjects that a person cannot change: names and addresses are not among them.
    fn subjects(&self) -> [String; 3] {
        [self.uuid.clone(), self.uid.clone(), self.pk.to_string()]
    }
}

impl From<PersonObject> for Person {
    fn from(object: PersonObject) -> Self {
        let (id, subjects) = (object.pk.to_string(), object.subjects().into());
        Self { id, active: object.is_active, subjects, groups: object.groups }
    }
}

#[derive(Deserialize)]
struct MembersObject {
    users: Vec<i64>,
}

/// Ids of people by `uid`, for which the API has no filter. A `uid` belongs to one person for ever.
#[derive(Default)]
pub(super) struct KnownPeople(Mutex<HashMap<String, i64>>);

impl KnownPeople {
    fn get(&self, uid: &str) -> Option<i64> {
        self.lock().get(uid).copied()
    }

    fn learn(&self, person: &PersonObject) {
        let mut known = self.lock();
        if known.len() < MAXIMUM_ENTRIES {
            known.insert(person.uid.clone(), person.pk);
        }
    }

    fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Authentik {
    pub(super) async fn people_in(&self, context: &RequestContext, group: &str) -> ConnectorResult<Vec<Person>> {
        let entries = self.entries_in(context, group, people()).await?;
        // Never an empty list: it would read as if everybody had left.
        let entries = entries.ok_or_else(|| no_such_group(group))?;
        entries.iter().map(|value| self.person_of(value).map(Person::from)).collect()
    }

    /// Returns a group and the people in it. The people tell which groups they are in, so that one request tells both, unless
    /// the group is empty.
    pub(super) async fn group_and_people(
        &self,
        context: &RequestContext,
        id: &str,
    ) -> ConnectorResult<Option<(Group, Vec<Person>)>> {
        let entries = self.entries_in(context, id, people_with("true")).await?.unwrap_or_default();
        let told = entries.iter().find_map(|value| group_among(value, id));
        let group = match told {
            Some(group) => Some(group),
            None => self.read_group(context, id).await?,
        };
        let Some(group) = group else { return Ok(None) };
        let people: ConnectorResult<_> = entries.iter().map(|value| self.person_of(value).map(Person::from)).collect();
        Ok(Some((group, people?)))
    }

    /// Returns the entries of the people in a group; `None` if Authentik does not find the group.
    async fn entries_in(
        &self,
        context: &RequestContext,
        group: &str,
        people: Request,
    ) -> ConnectorResult<Option<Vec<Value>>> {
        let request = people.query("groups_by_pk", group);
        match self.list(&List { context, what: "people", request }).await? {
            Ok(entries) => Ok(Some(entries)),
            Err(invalid) if invalid.names("groups_by_pk") => Ok(None),
            Err(invalid) => Err(invalid.rejected("list people")),
        }
    }

    pub(super) async fn find_person(&self, context: &RequestContext, subject: &str) -> ConnectorResult<Option<Person>> {
        match Subject::of(subject) {
            Some(Subject::Uuid) => {
                let request = people().query("uuid", subject);
                let entries = self.entries(&List { context, what: "people", request }).await?;
                let named = matching(&entries, "uuid", "a person", |found| found == subject)?;
                named.first().map(|value| self.person_of(value).map(Person::from)).transpose()
            }
            Some(Subject::Number(pk)) => self.person_by_pk(context, pk).await.map(|found| found.map(Person::from)),
            Some(Subject::Hash) => self.person_by_uid(context, subject).await.map(|found| found.map(Person::from)),
            None => Ok(None),
        }
    }

    async fn person_by_pk(&self, context: &RequestContext, pk: i64) -> ConnectorResult<Option<PersonObject>> {
        let request = Request::get("/api/v3/core/users/").segment(pk.to_string()).trailing_slash();
        let person: Option<PersonObject> = self.read(context, "a person", &request).await?;
        if let Some(person) = &person {
            self.known.learn(person);
        }
        Ok(person.filter(|person| person.pk == pk))
    }

    /// Looks through all people, unless the person has been seen before.
    async fn person_by_uid(&self, context: &RequestContext, uid: &str) -> ConnectorResult<Option<PersonObject>> {
        if let Some(pk) = self.known.get(uid) {
            match self.person_by_pk(context, pk).await? {
                Some(person) if person.uid == uid => return Ok(Some(person)),
                // Authentik was set up anew or restored.
                _ => self.known.forget(uid),
            }
        }
        let list = List { context, what: "people", request: people() };
        let (mut reading, mut unreadable) = (Reading::new(), None);
        loop {
            let page = self.page(&list, &mut reading).await?;
            let Some(page) = page.map_err(|invalid| invalid.rejected("list people"))? else { break };
            for value in &page {
                match self.person_of(value) {
                    Ok(person) if person.uid == uid => return Ok(Some(person)),
                    Ok(_) => {}
                    Err(error) => unreadable = Some(error),
                }
            }
        }
        match unreadable {
            Some(error) => Err(error),
            None => Ok(None),
        }
    }

    fn person_of(&self, value: &Value) -> ConnectorResult<PersonObject> {
        let person: PersonObject = entry(value, "a person")?;
        self.known.learn(&person);
        Ok(person)
    }

    pub(super) async fn join(&self, context: &RequestContext, group: &str, person: &str) -> ConnectorResult<()> {
        const WHAT: &str = "add a person to a group";
        match self.send(context, WHAT, &membership(group, "add_user", person)?).await? {
            Reply::Done(response) => confirmed(&response, WHAT),
            Reply::Absent => Err(ConnectorError::Rejected {
                why: format!(
                    "the group `{group}` or the person `{person}` does not exist in Authentik, or the credential does \
                     not see it"
                ),
            }),
            Reply::Invalid(invalid) => Err(invalid.rejected(WHAT)),
        }
    }

    pub(super) async fn leave(&self, context: &RequestContext, group: &str, person: &str) -> ConnectorResult<()> {
        const WHAT: &str = "remove a person from a group";
        let pk = person_id(person)?;
        match self.send(context, WHAT, &membership(group, "remove_user", person)?).await? {
            Reply::Done(response) => return confirmed(&response, WHAT),
            Reply::Invalid(invalid) => return Err(invalid.rejected(WHAT)),
            Reply::Absent => {}
        }
        // Absent, or a member that the credential does not see.
        let request = Request::get("/api/v3/core/groups/").segment(group.to_owned()).trailing_slash();
        match self.read::<MembersObject>(context, "the members of a group", &request).await? {
            Some(members) if members.users.contains(&pk) => Err(ConnectorError::Unauthorized {
                why: format!(
                    "the credential does not see the person `{person}` in Authentik, so it cannot remove them from a \
                     group: give the role of its service account the right to view users (`authentik_core.view_user`)"
                ),
            }),
            _ => Ok(()),
        }
    }
}

/// Returns the request for people, in an order that new ones do not disturb.
fn people() -> Request {
    people_with("false")
}

/// Returns the same request, with the groups of each person or without.
fn people_with(groups: &'static str) -> Request {
    Request::get("/api/v3/core/users/")
        .query("include_groups", groups)
        .query("include_roles", "false")
        .query("ordering", "pk")
}

/// Returns the group of this id among those of a person. One that is shown otherwise is read by itself.
fn group_among(person: &Value, id: &str) -> Option<Group> {
    let group = person.get("groups_obj")?.as_array()?.iter().find(|group| group["pk"] == id)?;
    GroupObject::deserialize(group).ok().map(Group::from)
}

fn membership(group: &str, action: &'static str, person: &str) -> ConnectorResult<Request> {
    let request = Request::post("/api/v3/core/groups/").segment(group.to_owned()).segment(action).trailing_slash();
    Ok(request.json(&json!({ "pk": person_id(person)? })))
}

fn person_id(person: &str) -> ConnectorResult<i64> {
    match Subject::of(person) {
        Some(Subject::Number(pk)) => Ok(pk),
        _ => Err(ConnectorError::Rejected { why: "the id of a person in Authentik is a number".to_owned() }),
    }
}

/// Forms of subjects, by `sub_mode` of the provider.
#[derive(Debug, PartialEq, Eq)]
enum Subject {
    /// `user_uuid`.
    Uuid,
    /// `user_id`.
    Number(i64),
    /// `hashed_user_id`: SHA-256.
    Hash,
}

impl Subject {
    /// Returns the form of a subject; `None` for a name or an address, which people can change.
    fn of(text: &str) -> Option<Self> {
        let lower_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let groups: Vec<&str> = text.split('-').collect();
        if groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(|group| lower_hex(group)) {
            return Some(Self::Uuid);
        }
        if text.len() == 64 && lower_hex(text) {
            return Some(Self::Hash);
        }
        let canonical = (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if canonical && !text.starts_with('0') { text.parse().ok().map(Self::Number) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_told_apart_by_their_form() {
        assert_eq!(Subject::of("7d444840-9dc0-11d1-b245-5ffdce74fad2"), Some(Subject::Uuid));
        assert_eq!(Subject::of(&"0a".repeat(32)), Some(Subject::Hash));
        assert_eq!(Subject::of("42"), Some(Subject::Number(42)));
        for text in [
            "",
            "0",
            "007",
            "+7",
            "-7",
            "99999999999",
            "anna",
            "anna@acme.example",
            "7D444840-9DC0-11D1-B245-5FFDCE74FAD2",
            "7d4448409dc011d1b2455ffdce74fad2",
            "7d444840-9dc0-11d1-b245-5ffdce74fadg",
        ] {
            assert_eq!(Subject::of(text), None, "{text}");
        }
    }
}
