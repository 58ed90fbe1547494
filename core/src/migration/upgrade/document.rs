//! Upgrade of single documents of the replaced service. Fields are added; existing ones stay unchanged.

use std::collections::BTreeSet;

use bson::{Bson, Document as BsonDocument, RawBsonRef, RawDocument};
use serde_json::{Map, Value as Json};

use super::{
    UpgradeSettings,
    report::FindingKind,
    values::{self, Found},
};
use crate::{
    clock::Timestamp,
    domain::{GrantSource, ObjectId, Subscription, Tenant, User, fields},
    store::{
        Collection, Entity, FieldType, Form,
        mongodb::{encode::terms, transfer::read_document},
    },
};

/// A kind of document that the replaced service wrote.
pub(super) trait Legacy: Entity {
    /// Returns fields with default values for documents that lack them.
    fn defaults(_stored: &Map<String, Json>, _settings: &UpgradeSettings) -> Vec<(&'static str, Json)> {
        Vec::new()
    }

    /// Returns derived fields with their required values.
    fn derived(&mut self) -> Vec<(&'static str, String)>;

    /// Returns further findings about a document.
    fn remarks(&self) -> Vec<(FindingKind, String)> {
        Vec::new()
    }

    /// Returns a text whose repeated use is worth a remark.
    fn watched(&self) -> Option<String> {
        None
    }
}

impl Legacy for Tenant {
    fn derived(&mut self) -> Vec<(&'static str, String)> {
        self.name_key = Form::Name.of(&self.name);
        vec![("nameKey", self.name_key.clone())]
    }

    fn remarks(&self) -> Vec<(FindingKind, String)> {
        match fields::slug::check(&self.slug) {
            Ok(()) => Vec::new(),
            Err(problem) => vec![(FindingKind::InvalidSlug, format!("`{}` {}", self.slug, problem.message))],
        }
    }
}

impl Legacy for User {
    fn defaults(stored: &Map<String, Json>, settings: &UpgradeSettings) -> Vec<(&'static str, Json)> {
        let mut defaults =
            vec![("issuerId", settings.issuer.clone().into()), ("status", "active".into()), ("role", "user".into())];
        if stored.get("platformAdmin") == Some(&Json::Bool(true)) {
            // As with memberships: where a group decides, the right follows the group.
            let source = if settings.platform_admins_by_claim { "claim" } else { "grant" };
            defaults.push(("platformAdminSource", source.into()));
        }
        defaults
    }

    fn derived(&mut self) -> Vec<(&'static str, String)> {
        self.name_key = self.name.as_deref().map(|name| Form::Name.of(name)).unwrap_or_default();
        self.email_key = self.email.as_deref().map(|email| Form::Address.of(email)).unwrap_or_default();
        vec![("nameKey", self.name_key.clone()), ("emailKey", self.email_key.clone())]
    }

    fn remarks(&self) -> Vec<(FindingKind, String)> {
        match (&self.authentik_subject_id, &self.subject_hash) {
            (None, None) => vec![(FindingKind::UserWithoutSubject, self.email.clone().unwrap_or_default())],
            _ => Vec::new(),
        }
    }

    fn watched(&self) -> Option<String> {
        Some(self.email_key.clone()).filter(|key| !key.is_empty())
    }
}

impl Legacy for Subscription {
    fn derived(&mut self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// An examined document.
#[derive(Debug)]
pub(super) struct Examined<E> {
    /// Document id.
    pub(super) id: ObjectId,
    /// Upgraded document; `None` when it is unreadable.
    pub(super) entity: Option<E>,
    /// Fields to add; empty when it is up to date.
    pub(super) additions: BsonDocument,
    /// Findings in the document.
    pub(super) findings: Vec<(FindingKind, String)>,
    /// Unknown values in the document.
    pub(super) values: Vec<Found>,
}

/// Examines a stored document.
pub(super) fn examine<E: Legacy>(id: ObjectId, raw: &RawDocument, settings: &UpgradeSettings) -> Examined<E> {
    let mut examined = Examined {
        id,
        entity: None,
        additions: BsonDocument::new(),
        findings: wrong_types(E::COLLECTION, raw),
        values: Vec::new(),
    };
    match complete::<E>(id, raw, settings, &mut examined) {
        Ok(entity) => {
            examined.findings.extend(entity.remarks());
            examined.entity = Some(entity);
        }
        Err(detail) => {
            examined.additions.clear();
            // One line per document: the reason why it is unreadable.
            examined.findings = vec![(FindingKind::Unreadable, detail)];
        }
    }
    examined
}

fn complete<E: Legacy>(
    id: ObjectId,
    raw: &RawDocument,
    settings: &UpgradeSettings,
    examined: &mut Examined<E>,
) -> Result<E, String> {
    let additions = &mut examined.additions;
    let stored = read_document(E::COLLECTION, raw).map_err(|error| error.to_string())?;
    let mut members: Map<String, Json> = serde_json::from_str(&stored.json).map_err(|error| error.to_string())?;
    if stored.version == 0 {
        members.insert("version".to_owned(), 1.into());
        additions.insert("version", 1_i64);
    }
    // An ObjectId contains its creation time, which is that of its document.
    let created = id.bytes().first_chunk().map_or(0, |seconds: &[u8; 4]| u32::from_be_bytes(*seconds));
    for name in ["createdAt", "updatedAt"] {
        if !members.contains_key(name) {
            let time = match members.get("createdAt").and_then(Json::as_str).and_then(|text| text.parse().ok()) {
                Some(created) => created,
                None => Timestamp::from_seconds(i64::from(created)),
            };
            members.insert(name.to_owned(), time.to_string().into());
            additions.insert(name, bson::DateTime::from_millis(time.milliseconds()));
        }
    }
    for (name, value) in E::defaults(&members, settings) {
        if !members.contains_key(name) {
            additions.insert(name, Bson::String(value.as_str().unwrap_or_default().to_owned()));
            members.insert(name.to_owned(), value);
        }
    }
    examined.values = values::found(E::COLLECTION.name, &members, &settings.mappings);
    for value in &examined.values {
        if let Some(ours) = &value.mapped_to {
            additions.insert(value.field(), ours.clone());
            members.insert(value.field().to_owned(), ours.clone().into());
        }
    }
    let mut entity: E = serde_json::from_value(Json::Object(members)).map_err(|error| error.to_string())?;
    for (name, value) in entity.derived() {
        if raw.get_str(name).ok() != Some(value.as_str()) {
            additions.insert(name, value);
        }
    }
    let json = serde_json::to_string(&entity).map_err(|error| error.to_string())?;
    for (name, terms) in terms(E::COLLECTION, &json).map_err(|error| error.to_string())? {
        if !matches!(raw.get_array(&name), Ok(held) if Bson::try_from(RawBsonRef::Array(held)).ok().as_ref() == Some(&terms))
        {
            additions.insert(name, terms);
        }
    }
    let keys = entity.unique_keys();
    // In any order: a copy from SQLite has them sorted.
    let held: BTreeSet<&str> = match raw.get_array(crate::store::mongodb::UNIQUE_KEYS_FIELD) {
        Ok(array) => array.into_iter().flatten().filter_map(|value| value.as_str()).collect(),
        Err(_) => BTreeSet::new(),
    };
    if keys.iter().map(String::as_str).collect::<BTreeSet<_>>() != held {
        // Null removes the field when there are no keys.
        let keys = if keys.is_empty() { Bson::Null } else { Bson::from(keys) };
        additions.insert(crate::store::mongodb::UNIQUE_KEYS_FIELD, keys);
    }
    Ok(entity)
}

/// Returns declared fields whose BSON type differs from the declared one.
fn wrong_types(collection: &'static Collection, raw: &RawDocument) -> Vec<(FindingKind, String)> {
    let wrong = |(name, found): (&str, RawBsonRef<'_>)| {
        let declared = collection.field(name)?.field_type;
        (!fits(declared, found)).then(|| (FindingKind::WrongType, format!("`{name}` is {:?}", found.element_type())))
    };
    let elements = raw.iter().flatten();
    elements.filter_map(|(name, found)| wrong((name.as_str(), found))).collect()
}

fn fits(declared: FieldType, found: RawBsonRef<'_>) -> bool {
    match (declared, found) {
        // Belongs to the store, which recreates it at every write.
        (FieldType::Terms(_), _)
        | (_, RawBsonRef::Null | RawBsonRef::Undefined)
        | (FieldType::Text, RawBsonRef::String(_))
        | (FieldType::Integer, RawBsonRef::Int32(_) | RawBsonRef::Int64(_))
        | (FieldType::Boolean, RawBsonRef::Boolean(_))
        | (FieldType::Id, RawBsonRef::ObjectId(_))
        | (FieldType::Time, RawBsonRef::DateTime(_))
        | (FieldType::Object(_), RawBsonRef::Document(_)) => true,
        (FieldType::Integer, RawBsonRef::Double(number)) => number.fract() == 0.0,
        (FieldType::List(of), RawBsonRef::Array(items)) => items.into_iter().flatten().all(|item| fits(*of, item)),
        _ => false,
    }
}

/// Returns the source of a tenant's memberships.
pub(super) fn membership_source(tenant: &Tenant) -> GrantSource {
    if tenant.authentik_group.is_some() { GrantSource::Claim } else { GrantSource::Grant }
}
