//! Determines what a component may read for the caller of a request.

use std::{borrow::Cow, sync::Arc};

use dezky::{
    domain::{
        EndedSession, Membership, MembershipRole, ObjectId, User,
        membership::{MEMBERSHIPS, NAMED},
        session::EndedSessionKind,
        tenant::TENANTS,
        user::USERS,
    },
    store::{Collection, Document, Entity as _, Filter, Guest, Query, Scope, StoreError, StoreResult, Value},
};
use serde::Deserialize;

use super::{DOCUMENTS, Locked, actor::Actor, hidden, refused};

/// The scope that a query names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// The caller's own documents.
    Own,
    /// The caller's own documents in a tenant.
    OwnIn(ObjectId),
    /// Documents of a tenant.
    Tenant(ObjectId),
    /// Documents of another person.
    Other,
    /// This many documents by id or unique key, each of which is checked.
    Documents(usize),
    /// No scope: all documents.
    Nothing,
}

/// Refuses collections closed to components: secrets, keys, events, personal values of the audit trail.
pub(super) fn check_collection(collection: &'static Collection) -> StoreResult<()> {
    if collection.guest != Guest::Closed {
        return Ok(());
    }
    refused(format!("a component does not read `{}`", collection.name))
}

/// The owner of a document.
struct Belonging {
    tenant: Option<ObjectId>,
    /// The person, if the document belongs to one.
    person: Option<ObjectId>,
    /// The document itself, if it is a membership.
    membership: Option<Membership>,
}

impl Belonging {
    fn of(document: &Document, collection: &'static Collection) -> StoreResult<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Owners {
            tenant_id: Option<ObjectId>,
            user_id: Option<ObjectId>,
        }
        if collection == &TENANTS {
            return Ok(Self { tenant: Some(document.id), person: None, membership: None });
        }
        if collection == &MEMBERSHIPS {
            let membership: Membership = document.decode(collection)?;
            let (tenant, person) = (Some(membership.tenant_id.0), Some(membership.user_id.0));
            return Ok(Self { tenant, person, membership: Some(membership) });
        }
        let Owners { tenant_id, user_id } = document.decode(collection)?;
        let person = user_id.filter(|_| matches!(collection.scope, Scope::TenantAndPerson { .. }));
        Ok(Self { tenant: tenant_id, person, membership: None })
    }
}

/// The store as the caller of a request sees it.
pub(super) struct View<'a> {
    pub(super) locked: &'a Locked,
    pub(super) actor: Arc<Actor>,
}

impl View<'_> {
    async fn learn(&self, tenants: impl Iterator<Item = ObjectId>) -> StoreResult<()> {
        self.actor.learn(&self.locked.platform, &self.locked.call, tenants).await
    }

    /// Returns the scope that a query names.
    fn named(&self, query: &Query) -> Named {
        let (tenant, person) = match query.collection.scope {
            Scope::Tenant(tenant) => (Some(tenant), None),
            Scope::Person(person) => (None, Some(person)),
            Scope::TenantAndPerson { tenant, person } => (Some(tenant), Some(person)),
            Scope::Platform => (None, None),
        };
        let equal = |name: Option<&'static str>| {
            query.filters.iter().find_map(|filter| match filter {
                Filter::Equal(field, Value::Id(id)) if Some(*field) == name && *field != "id" => Some(*id),
                _ => None,
            })
        };
        let by_name = query.filters.iter().find_map(|filter| match filter {
            Filter::UniqueKeyIn(keys) => Some(keys.len()),
            Filter::In("id", values) => Some(values.len()),
            Filter::Equal("id", _) => Some(1),
            _ => None,
        });
        match (equal(person), equal(tenant), by_name) {
            // Memberships alone make the caller what they are in a tenant; all else is theirs only in one that it names.
            (Some(person), Some(tenant), _) if self.actor.is(person) && query.collection != &MEMBERSHIPS => {
                Named::OwnIn(tenant)
            }
            (Some(person), ..) if self.actor.is(person) => Named::Own,
            (_, Some(tenant), _) => Named::Tenant(tenant),
            (Some(_), None, _) => Named::Other,
            (None, None, Some(count)) => Named::Documents(count),
            (None, None, None) => Named::Nothing,
        }
    }

    /// Returns the query to run instead; `None` if the caller may have nothing that it could find.
    ///
    /// Queries without a scope are refused.
    pub(super) async fn permitted<'q>(&self, query: &'q Query) -> StoreResult<Option<Cow<'q, Query>>> {
        check_collection(query.collection)?;
        if query.limit > DOCUMENTS {
            return refused(format!("a query wants more than {DOCUMENTS} documents"));
        }
        if query.collection.guest == Guest::OwnKeys {
            return self.own_keys(query).map(|()| Some(Cow::Borrowed(query)));
        }
        if self.actor.is_platform() {
            return Ok(Some(Cow::Borrowed(query)));
        }
        match self.named(query) {
            Named::Nothing => refused(format!("a query of `{}` names no scope", query.collection.name)),
            Named::Other => Ok(None),
            // A bound token does not disclose other tenants, so it must name the membership in question.
            Named::Own if self.actor.is_bound() => Ok(None),
            Named::Own => {
                in_force(query)?;
                Ok(Some(Cow::Borrowed(query)))
            }
            Named::OwnIn(tenant) => {
                self.learn(std::iter::once(tenant)).await?;
                Ok(self.actor.role(tenant).is_some().then_some(Cow::Borrowed(query)))
            }
            Named::Documents(count) => self.by_name(query, count).map(Some),
            Named::Tenant(tenant) => {
                self.learn(std::iter::once(tenant)).await?;
                if !self.in_tenant(query.collection, tenant) {
                    return Ok(None);
                }
                if query.filters.iter().any(|filter| matches!(filter, Filter::UniqueKeyIn(_))) {
                    return refused("a query names a scope or keys, not both");
                }
                if query.collection == &MEMBERSHIPS && self.actor.role(tenant) < Some(MembershipRole::Admin) {
                    in_force(query)?;
                    without_addresses(query)?;
                }
                Ok(Some(Cow::Borrowed(query)))
            }
        }
    }

    /// Returns the query for named documents, which fetches all of them by name only.
    ///
    /// A further condition, an order or a limit would disclose something about the documents that are removed
    /// afterwards.
    fn by_name<'q>(&self, query: &'q Query, count: usize) -> StoreResult<Cow<'q, Query>> {
        if query.filters.len() != 1 || query.sort.is_some() || query.after.is_some() || query.descending {
            return refused("a query of documents by name has no other condition and no order");
        }
        if let [Filter::UniqueKeyIn(keys)] = query.filters.as_slice()
            && !keys.iter().all(|key| self.may_name(query.collection, key))
        {
            return refused(format!("a key of `{}` is none by which this caller asks", query.collection.name));
        }
        let all = u32::try_from(count).unwrap_or(u32::MAX).min(DOCUMENTS);
        Ok(if query.limit >= all { Cow::Borrowed(query) } else { Cow::Owned(query.clone().limit(all)) })
    }

    /// Returns `true` if a key discloses nothing that views hide.
    ///
    /// Views hide the group of a tenant, for example, and the owner of a subject.
    fn may_name(&self, collection: &'static Collection, key: &str) -> bool {
        if collection == &USERS {
            let token = self.locked.facts.caller();
            return token.is_some_and(|token| key == User::subject_key(&token.issuer_id, &token.subject));
        }
        matches!(collection.guest, Guest::Scoped { keys, .. } if keys.iter().any(|begin| key.starts_with(begin)))
    }

    fn in_tenant(&self, collection: &'static Collection, tenant: ObjectId) -> bool {
        let caller = MembershipRole::caller(self.actor.role(tenant));
        matches!(collection.guest, Guest::Scoped { readers, .. } if readers.includes(caller))
    }

    /// Checks a read of platform records needed by every request: only the caller's own keys are allowed.
    fn own_keys(&self, query: &Query) -> StoreResult<()> {
        let [Filter::UniqueKeyIn(keys)] = query.filters.as_slice() else {
            return refused(format!("`{}` is read by key", query.collection.name));
        };
        if keys.iter().all(|key| self.is_own_key(key)) {
            return Ok(());
        }
        refused(format!("a key of `{}` is not one of the caller", query.collection.name))
    }

    fn is_own_key(&self, key: &str) -> bool {
        let facts = &self.locked.facts;
        let Some(token) = facts.caller() else { return false };
        let own = |kind, name: &str| EndedSession::unique_key(kind, &token.issuer_id, name) == key;
        own(EndedSessionKind::Subject, &token.subject)
            || token
                .session_id
                .as_deref()
                .is_some_and(|session| own(EndedSessionKind::Session, session) || own(EndedSessionKind::Seen, session))
    }

    /// Returns the documents that the caller may have, without hidden fields.
    pub(super) async fn shown(
        &self,
        collection: &'static Collection,
        documents: Vec<Document>,
    ) -> StoreResult<Vec<Document>> {
        if collection.guest == Guest::OwnKeys {
            return self.own_records(collection, documents);
        }
        if documents.is_empty() || self.actor.is_platform() {
            return Ok(documents);
        }
        if collection == &USERS {
            return self.shown_people(documents);
        }
        if collection == &TENANTS {
            self.actor.saw_tenants(&documents)?;
        }
        let belongings = documents
            .iter()
            .map(|document| Belonging::of(document, collection))
            .collect::<Result<Vec<_>, StoreError>>()?;
        for membership in belongings.iter().filter_map(|of| of.membership.as_ref()) {
            // The caller's own memberships need not be read again.
            if self.actor.is(membership.user_id.0) {
                self.actor.saw(membership);
            }
        }
        self.learn(belongings.iter().filter_map(|of| of.tenant)).await?;
        let mut shown = Vec::with_capacity(documents.len());
        for (mut document, of) in documents.into_iter().zip(&belongings) {
            if self.show(collection, &mut document, of)? {
                shown.push(document);
            }
        }
        Ok(shown)
    }

    /// Returns the caller's own user completely, and the parts of other users that their tenants know.
    fn shown_people(&self, documents: Vec<Document>) -> StoreResult<Vec<Document>> {
        let mut shown = Vec::with_capacity(documents.len());
        for mut document in documents {
            if self.is_caller(&document) {
                shown.push(document);
            } else if self.actor.knows(document.id) {
                hidden::take_away(&USERS, None, &mut document)?;
                shown.push(document);
            }
        }
        Ok(shown)
    }

    fn own_records(&self, collection: &'static Collection, documents: Vec<Document>) -> StoreResult<Vec<Document>> {
        let mut shown = Vec::new();
        for document in documents {
            let keys = document.decode::<EndedSession>(collection)?.unique_keys();
            if keys.iter().all(|key| self.is_own_key(key)) {
                shown.push(document);
            }
        }
        Ok(shown)
    }

    /// Returns `true` if the caller may have a document, after removing its hidden fields.
    fn show(&self, collection: &'static Collection, document: &mut Document, of: &Belonging) -> StoreResult<bool> {
        let Some(tenant) = of.tenant else { return Ok(false) };
        let role = self.actor.role(tenant);
        if let Some(membership) = &of.membership {
            if self.actor.is(membership.user_id.0) && membership.active && self.actor.speaks_for(tenant) {
                return Ok(true);
            }
            if !membership.active && role < Some(MembershipRole::Admin) {
                return Ok(false);
            }
            self.actor.saw(membership);
        }
        let own = role.is_some() && of.membership.is_none() && of.person.is_some_and(|person| self.actor.is(person));
        if own {
            return Ok(true);
        }
        let visible = self.in_tenant(collection, tenant);
        if visible {
            hidden::take_away(collection, role, document)?;
        }
        Ok(visible)
    }

    /// Returns `true` if this is the user of the token.
    ///
    /// Even a refused caller sees it, to be told the reason.
    fn is_caller(&self, document: &Document) -> bool {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Named {
            issuer_id: Option<String>,
            authentik_subject_id: Option<String>,
        }
        let Some(token) = self.locked.facts.caller() else { return false };
        serde_json::from_str::<Named>(&document.json).is_ok_and(|named| {
            named.issuer_id.as_deref() == Some(&token.issuer_id)
                && named.authentik_subject_id.as_deref() == Some(&token.subject)
        })
    }
}

/// Requires active memberships, since only a tenant's administrators see its former members.
fn in_force(query: &Query) -> StoreResult<()> {
    if query.filters.contains(&Filter::Equal("active", Value::Boolean(true))) {
        return Ok(());
    }
    refused("memberships that are not in force are not this caller's to see")
}

/// Refuses conditions and orders that disclose addresses; only words of names are allowed.
fn without_addresses(query: &Query) -> StoreResult<()> {
    let of_name = |value: &Value| matches!(value, Value::Text(term) if term.starts_with(NAMED));
    let words_of_names = query.filters.iter().all(|filter| match filter {
        Filter::Equal("_words", term) => of_name(term),
        Filter::In("_words", terms) => terms.iter().all(of_name),
        Filter::NotEqual(field, _) | Filter::Range { field, .. } | Filter::Prefix(field, _) => *field != "_words",
        _ => true,
    });
    let conditions = query.filters.iter().map(|filter| match filter {
        Filter::Equal(field, _)
        | Filter::NotEqual(field, _)
        | Filter::In(field, _)
        | Filter::Range { field, .. }
        | Filter::Prefix(field, _) => *field,
        Filter::UniqueKeyIn(_) => "",
    });
    let order = query.sort.map_or(&[][..], |index| index.fields).iter().copied();
    if conditions.chain(order).any(|field| field == "userEmailKey") || !words_of_names {
        return refused("addresses of fellow members are not this caller's to see");
    }
    Ok(())
}
