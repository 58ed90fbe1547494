//! Searches: the actions that a subject may perform, the tenants in which it may, and the members who may.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    Asked, Named, Question,
    evaluate::check_about,
    facts::{Facts, Person, USER},
    question::Body,
};
use crate::{
    authz::policy::POLICY,
    domain::{
        Membership, UserId,
        membership::{MEMBERS_BY_NAME, MEMBERSHIPS, TENANTS_OF_USER},
    },
    error::{FieldCode, Result},
    service::{Call, ListRequest, Service, cursor::CursorScope},
    store::{Position, Query, Repository as _},
};

/// A search: what is not given is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The subject, with an empty id if it is searched for.
    pub subject: Named,
    /// The action, with an empty name if it is searched for.
    pub action: Asked,
    /// The resource, with an empty id if it is searched for.
    pub resource: Named,
    /// The page.
    pub page: ListRequest,
}

/// An action that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct FoundAction {
    /// Its name.
    pub name: &'static str,
}

/// The actions that were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct FoundActions {
    /// The actions, in the order of the policy.
    pub results: Vec<FoundAction>,
    /// All are on one page.
    pub page: PageToken,
}

/// A subject or resource that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct FoundThing {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its id.
    pub id: String,
}

/// A page of subjects or resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct FoundThings {
    /// Those that were found. A page may be short, and another follow.
    pub results: Vec<FoundThing>,
    /// The next page.
    pub page: PageToken,
}

/// The next page of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct PageToken {
    /// Token of the next page, to be sent as `page.token`; empty on the last one.
    pub next_token: String,
}

impl Search {
    /// Reads a search for actions.
    ///
    /// # Errors
    /// `invalid_evaluation`.
    pub fn of_actions(value: &Value) -> Result<Self> {
        Self::read(value, |body| {
            (
                body.named(body.member("subject"), "subject"),
                Asked::default(),
                body.named(body.member("resource"), "resource"),
            )
        })
    }

    /// Reads a search for resources.
    ///
    /// # Errors
    /// `invalid_evaluation`.
    pub fn of_resources(value: &Value) -> Result<Self> {
        Self::read(value, |body| {
            let kind = body.kind(body.member("resource"), "resource");

            let subject = body.named(body.member("subject"), "subject");
            (subject, body.action(body.member("action"), "action"), Named { kind, id: String::new() })
        })
    }

    /// Reads a search for subjects.
    ///
    /// # Errors
    /// `invalid_evaluation`.
    pub fn of_subjects(value: &Value) -> Result<Self> {
        Self::read(value, |body| {
            let kind = body.kind(body.member("subject"), "subject");

            let resource = body.named(body.member("resource"), "resource");

            (Named { kind, id: String::new() }, body.action(body.member("action"), "action"), resource)
        })
    }

    fn read(value: &Value, parts: impl FnOnce(&mut Body<'_>) -> (Named, Asked, Named)) -> Result<Self> {
        let mut body = Body::new(value)?;
        let (subject, action, resource) = parts(&mut body);
        let page = body.member("page");
        let cursor = page.and_then(|page| page.get("token")).filter(|token| !token.is_null());
        if cursor.is_some_and(|token| !token.is_string()) {
            body.wrong("page.token", FieldCode::WRONG_TYPE, "must be a text");
        }
        let cursor = cursor.and_then(Value::as_str).filter(|token| !token.is_empty());
        let limit = page.and_then(|page| page.get("limit")).filter(|limit| !limit.is_null());
        let limit = match limit.map(|limit| limit.as_u64().and_then(|limit| u32::try_from(limit).ok())) {
            Some(None) => {
                body.wrong("page.limit", FieldCode::WRONG_TYPE, "must be a whole number");
                None
            }
            limit => limit.flatten().map(|limit| limit.min(ListRequest::MAXIMUM_LIMIT)),
        };
        let page = ListRequest { limit, cursor: cursor.map(str::to_owned) };
        body.finish()?;
        Ok(Self { subject, action, resource, page })
    }

    fn question(&self, subject: Named, resource: Named) -> Question {
        Question { subject, action: self.action.clone(), resource }
    }
}

fn user(id: UserId) -> Named {
    Named { kind: USER.to_owned(), id: id.to_string() }
}

impl Service {
    /// Returns the actions that a subject may perform on a resource.
    ///
    /// # Errors
    /// `platform_admin_required`.
    pub async fn search_actions(&self, call: &Call, search: &Search) -> Result<FoundActions> {
        let caller = self.caller(call).await?;
        check_about(&caller, Person::of(&search.subject).as_ref())?;
        let question = search.question(search.subject.clone(), search.resource.clone());
        let facts = Facts::read(self, call, std::slice::from_ref(&question)).await?;
        let allowed = |name: &&'static str| {
            let action = Asked { name: (*name).to_owned(), ..Asked::default() };
            self.answer(&facts, &Question { action, ..question.clone() }).decision
        };
        let results = POLICY.iter().map(|rule| rule.name).filter(allowed).map(|name| FoundAction { name }).collect();
        Ok(FoundActions { results, page: PageToken::default() })
    }

    /// Returns those of a person's tenants in which they may perform an action, by name.
    ///
    /// Tenants that a person administers with the platform, and is no member of, are not among them.
    ///
    /// # Errors
    /// `platform_admin_required` or `invalid_cursor`.
    pub async fn search_resources(&self, call: &Call, search: &Search) -> Result<FoundThings> {
        let caller = self.caller(call).await?;
        let person = Person::of(&search.subject);
        check_about(&caller, person.as_ref())?;
        let known =
            Facts::read(self, call, &[search.question(search.subject.clone(), search.resource.clone())]).await?;
        let of = person.and_then(|person| known.user(&person).map(|user| user.id));
        // Of other types, nothing is searched for.
        let Some(of) = of.filter(|_| search.resource.kind == "tenant") else {
            return Ok(FoundThings { results: Vec::new(), page: PageToken::default() });
        };
        let query = Query::new(&MEMBERSHIPS).sort(&TENANTS_OF_USER).equal("userId", of.0).equal("active", true);
        let scope = CursorScope::new(call, "search-resources", &[("user", Some(of.to_string().as_str()))]);
        self.search_memberships(
            call,
            search,
            query,
            &scope,
            |one| vec![one.tenant_name_key.clone().into()],
            |one| {
                let resource = Named { kind: "tenant".to_owned(), id: one.tenant_id.to_string() };
                (search.question(user(of), resource.clone()), FoundThing { kind: "tenant", id: resource.id })
            },
        )
        .await
    }

    /// Returns the members of a tenant who may perform an action on it, by name.
    ///
    /// Administrators of the platform who are no members are not among them.
    ///
    /// # Errors
    /// `platform_admin_required` or `invalid_cursor`.
    pub async fn search_subjects(&self, call: &Call, search: &Search) -> Result<FoundThings> {
        let caller = self.caller(call).await?;
        check_about(&caller, None)?;
        let known =
            Facts::read(self, call, &[search.question(search.subject.clone(), search.resource.clone())]).await?;
        let of_people = search.subject.kind == USER && search.resource.kind == "tenant";
        let tenant = known.thing(&search.resource).filter(|_| of_people);
        let tenant = tenant.and_then(|thing| thing.tenant().map(|tenant| tenant.id));
        let Some(tenant) = tenant else {
            return Ok(FoundThings { results: Vec::new(), page: PageToken::default() });
        };
        let query = Query::new(&MEMBERSHIPS).sort(&MEMBERS_BY_NAME).equal("tenantId", tenant.0).equal("active", true);
        let scope = CursorScope::new(call, "search-subjects", &[("tenant", Some(tenant.to_string().as_str()))]);
        self.search_memberships(
            call,
            search,
            query,
            &scope,
            |one| vec![one.user_name_key.clone().into()],
            |one| {
                let id = one.user_id.to_string();
                (search.question(user(one.user_id), search.resource.clone()), FoundThing { kind: USER, id })
            },
        )
        .await
    }

    /// Reads a page of memberships, and keeps what may.
    async fn search_memberships(
        &self,
        call: &Call,
        search: &Search,
        query: Query,
        scope: &CursorScope,
        values: impl Fn(&Membership) -> Vec<crate::store::Value>,
        found: impl Fn(&Membership) -> (Question, FoundThing),
    ) -> Result<FoundThings> {
        let limit = search.page.limit()?;
        let after = scope.decode(search.page.cursor.as_deref(), 1)?;
        let query = query.after(after).limit(limit.saturating_add(1));
        let memberships: Vec<Membership> = self.store.load_all(&call.context, &query).await?;
        let position = |one: &Membership| Position { values: values(one), id: one.id.0 };
        let page = scope.page(memberships, limit, position, |one| found(&one))?;
        let (questions, things): (Vec<Question>, Vec<FoundThing>) = page.items.into_iter().unzip();
        let facts = Facts::read(self, call, &questions).await?;
        let allowed = questions.iter().zip(things).filter(|(question, _)| self.answer(&facts, question).decision);
        let results = allowed.map(|(_, thing)| thing).collect();
        Ok(FoundThings { results, page: PageToken { next_token: page.next_cursor.unwrap_or_default() } })
    }
}
