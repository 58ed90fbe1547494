//! What a component may read for the caller of a request.

use dezky::{
    domain::IdempotencyRecord,
    domain::{
        EndedSession, Membership, MembershipRole, ObjectId,
        audit::AUDIT_EVENTS,
        idempotency::IDEMPOTENCY_RECORDS,
        membership::MEMBERSHIPS,
        session::{ENDED_SESSIONS, EndedSessionKind},
        subscription::SUBSCRIPTIONS,
        tenant::TENANTS,
        user::USERS,
    },
    store::{Collection, Document, Filter, Query, Scope, StoreError, StoreResult, Value},
};
use serde::Deserialize;

use super::{DOCUMENTS, Locked, refused};

/// What a query says about whose documents it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// Those of a tenant.
    Tenant(ObjectId),
    /// Those of a person.
    Person(ObjectId),
    /// Documents by id or unique key, each of which is looked at.
    Documents,
    /// Nothing: all there are.
    Nothing,
}

/// Refuses collections of which a component has nothing to read: secrets, keys, events, personal values of the trail.
pub(super) fn check_collection(collection: &'static Collection) -> StoreResult<()> {
    let readable =
        [&TENANTS, &USERS, &MEMBERSHIPS, &SUBSCRIPTIONS, &AUDIT_EVENTS, &ENDED_SESSIONS, &IDEMPOTENCY_RECORDS];
    if readable.contains(&collection) {
        return Ok(());
    }
    refused(format!("a component does not read `{}`", collection.name))
}

/// The fields of a document by which it is decided who may see it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Belonging {
    tenant_id: Option<ObjectId>,
    user_id: Option<ObjectId>,
    key: Option<String>,
}

impl Locked {
    /// What a query says about its scope.
    pub(super) fn scope(&self, query: &Query) -> Named {
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
        let by_name =
            |filter: &Filter| matches!(filter, Filter::UniqueKeyIn(_) | Filter::In("id", _) | Filter::Equal("id", _));
        match (equal(person).filter(|id| self.actor.is(*id)), equal(tenant), equal(person)) {
            (Some(own), ..) => Named::Person(own),
            (None, Some(tenant), _) => Named::Tenant(tenant),
            (None, None, Some(person)) => Named::Person(person),
            _ if query.filters.iter().any(by_name) => Named::Documents,
            _ => Named::Nothing,
        }
    }

    /// Whether there is anything that the caller may have of what a query wants. What names no scope is refused.
    pub(super) async fn may_ask(&self, query: &Query) -> StoreResult<bool> {
        check_collection(query.collection)?;
        if query.limit > DOCUMENTS {
            return refused(format!("a query wants more than {DOCUMENTS} documents"));
        }
        if query.collection == &ENDED_SESSIONS || query.collection == &IDEMPOTENCY_RECORDS {
            return self.own_keys(query);
        }
        if self.actor.is_platform() {
            return Ok(true);
        }
        match self.scope(query) {
            Named::Nothing => refused(format!("a query of `{}` names no scope", query.collection.name)),
            Named::Documents => Ok(true),
            Named::Person(person) => Ok(self.actor.is(person)),
            Named::Tenant(tenant) => {
                self.actor.learn(&self.platform, &self.call, std::iter::once(tenant)).await?;
                Ok(self.in_tenant(query.collection, tenant))
            }
        }
    }

    fn in_tenant(&self, collection: &'static Collection, tenant: ObjectId) -> bool {
        let least = if collection == &AUDIT_EVENTS { MembershipRole::Admin } else { MembershipRole::Member };
        self.actor.role(tenant) >= Some(least)
    }

    /// Records of the platform that are read for every request: by the keys of this caller and this request alone.
    fn own_keys(&self, query: &Query) -> StoreResult<bool> {
        let [Filter::UniqueKeyIn(keys)] = query.filters.as_slice() else {
            return refused(format!("`{}` is read by key", query.collection.name));
        };
        if keys.iter().all(|key| self.is_own_key(query.collection, key)) {
            return Ok(true);
        }
        refused(format!("a key of `{}` is not that of this request", query.collection.name))
    }

    fn is_own_key(&self, collection: &'static Collection, key: &str) -> bool {
        if collection == &IDEMPOTENCY_RECORDS {
            let own = self.facts.stored_key(&self.call);
            return own.is_some_and(|own| IdempotencyRecord::unique_key(&own) == key);
        }
        let Some(token) = self.facts.caller() else { return false };
        let own = |kind, name: &str| EndedSession::unique_key(kind, &token.issuer_id, name) == key;
        own(EndedSessionKind::Subject, &token.subject)
            || token.session_id.as_deref().is_some_and(|session| own(EndedSessionKind::Session, session))
    }

    /// What the caller may have of these documents. The rest is as absent.
    pub(super) async fn shown(
        &self,
        collection: &'static Collection,
        documents: Vec<Document>,
    ) -> StoreResult<Vec<Document>> {
        if documents.is_empty() {
            return Ok(documents);
        }
        let belongings = documents
            .iter()
            .map(|document| document.decode::<Belonging>(collection))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let tenant_of = |document: &Document, belonging: &Belonging| match collection.scope {
            Scope::Tenant("id") => Some(document.id),
            _ => belonging.tenant_id,
        };
        if !self.actor.is_platform() {
            if collection == &MEMBERSHIPS {
                self.note_memberships(&documents)?;
            }
            let tenants = documents.iter().zip(&belongings).filter_map(|(document, of)| tenant_of(document, of));
            self.actor.learn(&self.platform, &self.call, tenants).await?;
        }
        let mut shown = Vec::with_capacity(documents.len());
        for (document, belonging) in documents.into_iter().zip(&belongings) {
            if self.may_see(collection, &document, tenant_of(&document, belonging), belonging) {
                self.facts.seen().add(collection, document.id);
                shown.push(document);
            }
        }
        if collection == &MEMBERSHIPS && !self.actor.is_platform() {
            self.note_memberships(&shown)?;
        }
        Ok(shown)
    }

    fn may_see(
        &self,
        collection: &'static Collection,
        document: &Document,
        tenant: Option<ObjectId>,
        belonging: &Belonging,
    ) -> bool {
        if collection == &IDEMPOTENCY_RECORDS {
            return belonging.key.is_some() && belonging.key == self.facts.stored_key(&self.call);
        }
        if collection == &ENDED_SESSIONS || self.actor.is_platform() {
            return true;
        }
        if collection == &USERS {
            return self.is_caller(document) || self.actor.knows(document.id);
        }
        let own = collection == &MEMBERSHIPS && belonging.user_id.is_some_and(|user| self.actor.is(user));
        own || tenant.is_some_and(|tenant| self.in_tenant(collection, tenant))
    }

    /// Whether this is the user of the token, which even those see who are refused, to be told why.
    fn is_caller(&self, document: &Document) -> bool {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Named {
            issuer_id: Option<String>,
            authentik_subject_id: Option<String>,
        }
        let Some(token) = self.facts.caller() else { return false };
        serde_json::from_str::<Named>(&document.json).is_ok_and(|named| {
            named.issuer_id.as_deref() == Some(&token.issuer_id)
                && named.authentik_subject_id.as_deref() == Some(&token.subject)
        })
    }

    fn note_memberships(&self, documents: &[Document]) -> StoreResult<()> {
        for document in documents {
            self.actor.saw(&document.decode::<Membership>(&MEMBERSHIPS)?);
        }
        Ok(())
    }
}
