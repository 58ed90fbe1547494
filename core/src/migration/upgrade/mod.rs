//! In-place upgrade of a MongoDB database of the replaced service.
//!
//! Fields are only added (versions, the issuer, search keys, unique keys, memberships), so that the replaced service
//! can still read every document; values change only by an explicit mapping. Uncertain cases are reported and left
//! unchanged. An upgrade may be interrupted at any point and repeated: finished work is not redone.

mod document;
mod keys;
mod memberships;
mod report;
mod run;
mod values;

use std::{collections::HashSet, sync::Arc};

use ::mongodb::{Database, bson::doc};
use bson::{Document as BsonDocument, RawBsonRef};

use self::{
    document::{Examined, Legacy, examine},
    keys::{Duplicates, Keys},
    memberships::{Context, make, tenant_ids},
    run::Run,
    values::Tally,
};
pub use self::{
    report::{CollectionReport, Finding, FindingCount, FindingKind, MembershipReport, Report},
    values::{ForeignValue, Mapping},
};
use crate::{
    clock::Clock,
    domain::{ObjectId, Subscription, Tenant, User},
    error::Result,
    store::{
        Entity, StoreResult,
        mongodb::{MongodbStore, transfer},
    },
};

/// Batch size of documents read and written together.
const BATCH: u32 = 500;

/// Options of an upgrade.
#[derive(Debug, Clone)]
pub struct UpgradeSettings {
    /// Dry run: nothing is written.
    pub dry_run: bool,
    /// Issuer of users that name none.
    pub issuer: String,
    /// Flag: a group decides who administers the platform, so existing administrators follow the claim.
    pub platform_admins_by_claim: bool,
    /// Mappings of unknown values; values without a mapping stay.
    pub mappings: Vec<Mapping>,
}

/// Progress callback: name of the current step and number of processed documents.
pub type Progress<'a> = &'a (dyn Fn(&'static str, u64) + Sync);

/// Upgrades a database, or reports what an upgrade would do. Nobody else may write to it meanwhile.
///
/// Documents are read twice, in batches; memory is bounded by 500 documents and 32 bytes per user.
///
/// # Errors
/// The errors of the database. Finished work stays, and the next run resumes.
pub async fn upgrade(
    store: &MongodbStore,
    clock: Arc<dyn Clock>,
    settings: &UpgradeSettings,
    progress: Progress<'_>,
) -> Result<Report> {
    let database = store.database(!settings.dry_run).await?;
    let run = Run::open(database.clone(), clock.now(), settings.dry_run).await?;
    let mut upgrade = Upgrade {
        database,
        settings: settings.clone(),
        run,
        held_tenants: HashSet::new(),
        progress,
        report: Report { dry_run: settings.dry_run, ..Report::default() },
        values: Tally::new(&settings.mappings),
    };
    upgrade.carry_out().await?;
    Ok(upgrade.report)
}

struct Upgrade<'a> {
    database: Database,
    settings: UpgradeSettings,
    run: Run,
    held_tenants: HashSet<ObjectId>,
    progress: Progress<'a>,
    report: Report,
    values: Tally,
}

impl Upgrade<'_> {
    async fn carry_out(&mut self) -> StoreResult<()> {
        self.find_foreign().await?;
        self.collection::<Tenant>().await?;
        self.collection::<Subscription>().await?;
        self.collection::<User>().await?;
        self.report.values = self.values.finish();
        self.report.finish();
        self.run.finish(&self.report).await
    }

    /// Reports indexes of the replaced service, and documents that this service cannot address.
    async fn find_foreign(&mut self) -> StoreResult<()> {
        for name in [Tenant::COLLECTION.name, Subscription::COLLECTION.name, User::COLLECTION.name] {
            for detail in run::unique_indexes(&self.database, name).await? {
                self.report.find(Finding { kind: FindingKind::LegacyUniqueIndex, collection: name, id: None, detail });
            }
            for detail in run::foreign_ids(&self.database, name).await? {
                let kind = FindingKind::Unreadable;
                self.report.find(Finding { kind, collection: name, id: None, detail });
            }
        }
        Ok(())
    }

    /// Collects the keys of all documents, then upgrades each document whose keys are its own.
    async fn collection<E: Legacy + Held>(&mut self) -> StoreResult<()> {
        let (mut keys, mut watched) = (Keys::default(), Keys::default());
        let mut after = None;
        let mut seen = 0_u64;
        loop {
            let batch = self.page::<E>(&mut after).await?;
            if batch.is_empty() {
                break;
            }
            for examined in batch.iter().filter_map(|(examined, _)| examined.entity.as_ref()) {
                examined.unique_keys().iter().for_each(|key| keys.add(key));
                examined.watched().iter().for_each(|text| watched.add(text));
            }
            seen = seen.saturating_add(batch.len() as u64);
            (self.progress)(E::EXAMINED, seen);
        }
        let (keys, watched) = (keys.duplicates(), watched.duplicates());
        let (mut after, mut seen) = (None, 0_u64);
        loop {
            let batch = self.page::<E>(&mut after).await?;
            if batch.is_empty() {
                return Ok(());
            }
            seen = seen.saturating_add(batch.len() as u64);
            self.batch(batch, &keys, &watched).await?;
            (self.progress)(E::UPGRADED, seen);
        }
    }

    async fn page<E: Legacy>(
        &self,
        after: &mut Option<ObjectId>,
    ) -> StoreResult<Vec<(Examined<E>, ::mongodb::bson::RawDocumentBuf)>> {
        let found = transfer::page(&self.database, E::COLLECTION.name, *after, BATCH).await?;
        let mut page = Vec::new();
        for raw in found {
            let Ok(Some(RawBsonRef::ObjectId(id))) = raw.get("_id") else { continue };
            let id = ObjectId::from_bytes(id.bytes());
            *after = Some(id);
            page.push((examine::<E>(id, &raw, &self.settings), raw));
        }
        Ok(page)
    }

    async fn batch<E: Legacy + Held>(
        &mut self,
        batch: Vec<(Examined<E>, ::mongodb::bson::RawDocumentBuf)>,
        keys: &Duplicates,
        watched: &Duplicates,
    ) -> StoreResult<()> {
        let name = E::COLLECTION.name;
        let (mut statements, mut free) = (Vec::new(), Vec::new());
        for (examined, raw) in batch {
            self.report.collection(name).documents += 1;
            let taken = self.remark(&examined, keys, watched);
            let Some(entity) = examined.entity.filter(|_| !taken) else {
                self.report.collection(name).held_back += 1;
                E::hold(self, examined.id);
                continue;
            };
            if examined.additions.is_empty() {
                self.report.collection(name).unchanged += 1;
            } else {
                self.report.collection(name).upgraded += 1;
                statements.push(statement(examined.id, &raw, examined.additions));
            }
            free.push((entity, raw));
        }
        if !self.settings.dry_run && !statements.is_empty() {
            self.run.begin().await?;
            for (id, detail) in run::update(&self.database, name, statements).await? {
                self.report.collection(name).upgraded -= 1;
                self.report.collection(name).held_back += 1;
                self.report.find(Finding { kind: FindingKind::KeyTaken, collection: name, id: Some(id), detail });
                free.retain(|(entity, _)| entity.id() != id);
                E::hold(self, id);
            }
        }
        E::follow(self, free).await
    }

    /// Reports the findings in a document. Returns whether another document shares one of its keys.
    fn remark<E: Legacy>(&mut self, examined: &Examined<E>, keys: &Duplicates, watched: &Duplicates) -> bool {
        let mut find = |kind, detail: String| {
            self.report.find(Finding { kind, collection: E::COLLECTION.name, id: Some(examined.id), detail });
        };
        for value in &examined.values {
            self.values.count(value);
        }
        for (kind, detail) in &examined.findings {
            find(*kind, detail.clone());
        }
        let Some(entity) = &examined.entity else { return true };
        if let Some(email) = entity.watched().filter(|text| watched.contains(text)) {
            find(FindingKind::DuplicateEmail, email);
        }
        let mut taken = false;
        for key in entity.unique_keys().into_iter().filter(|key| keys.contains(key)) {
            taken = true;
            let kind = match key.split_once(':') {
                Some(("slug", _)) => FindingKind::DuplicateSlug,
                Some(("group", _)) => FindingKind::DuplicateGroup,
                Some(("domain", _)) => FindingKind::DuplicateDomain,
                Some(("current", _)) => FindingKind::SeveralCurrentSubscriptions,
                Some(("stripe", _)) => FindingKind::DuplicateStripeSubscription,
                _ => FindingKind::DuplicateSubject,
            };
            find(kind, key);
        }
        taken
    }
}

/// Builds a statement of an `update` command that only matches the document as it was read.
fn statement(id: ObjectId, raw: &bson::RawDocument, additions: BsonDocument) -> BsonDocument {
    let id = crate::store::mongodb::encode::object_id(id);
    let version = match raw.get("version") {
        Ok(Some(version)) => bson::Bson::try_from(version).unwrap_or(bson::Bson::Null),
        _ => bson::Bson::Null,
    };
    let (unset, set): (BsonDocument, BsonDocument) =
        additions.into_iter().partition(|(_, value)| *value == bson::Bson::Null);
    let mut update = BsonDocument::new();
    if !set.is_empty() {
        update.insert("$set", set);
    }
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    doc! { "q": { "_id": id, "version": version }, "u": update }
}

/// Consequences of upgrading a kind of document.
trait Held: Sized + Send {
    const EXAMINED: &'static str;
    const UPGRADED: &'static str;

    /// Records that a document has unresolved findings.
    fn hold(_upgrade: &mut Upgrade<'_>, _id: ObjectId) {}

    /// Performs follow-up work for the documents without such findings.
    async fn follow(
        upgrade: &mut Upgrade<'_>,
        documents: Vec<(Self, ::mongodb::bson::RawDocumentBuf)>,
    ) -> StoreResult<()>;
}

impl Held for Tenant {
    const EXAMINED: &'static str = "tenants examined";
    const UPGRADED: &'static str = "tenants upgraded";

    fn hold(upgrade: &mut Upgrade<'_>, id: ObjectId) {
        upgrade.held_tenants.insert(id);
    }

    async fn follow(_: &mut Upgrade<'_>, _: Vec<(Self, ::mongodb::bson::RawDocumentBuf)>) -> StoreResult<()> {
        Ok(())
    }
}

impl Held for Subscription {
    const EXAMINED: &'static str = "subscriptions examined";
    const UPGRADED: &'static str = "subscriptions upgraded";

    async fn follow(
        upgrade: &mut Upgrade<'_>,
        documents: Vec<(Self, ::mongodb::bson::RawDocumentBuf)>,
    ) -> StoreResult<()> {
        let wanted: HashSet<ObjectId> = documents.iter().map(|(subscription, _)| subscription.tenant_id.0).collect();
        let found = memberships::by_ids(&upgrade.database, "tenants", wanted.into_iter().collect()).await?;
        let found: HashSet<ObjectId> = found.into_iter().map(|(id, _)| id).collect();
        for (subscription, _) in documents.iter().filter(|(one, _)| !found.contains(&one.tenant_id.0)) {
            upgrade.report.find(Finding {
                kind: FindingKind::SubscriptionWithoutTenant,
                collection: "subscriptions",
                id: Some(subscription.id.0),
                detail: subscription.tenant_id.to_string(),
            });
        }
        Ok(())
    }
}

impl Held for User {
    const EXAMINED: &'static str = "users examined";
    const UPGRADED: &'static str = "users upgraded";

    async fn follow(
        upgrade: &mut Upgrade<'_>,
        documents: Vec<(Self, ::mongodb::bson::RawDocumentBuf)>,
    ) -> StoreResult<()> {
        let mut pairs = Vec::new();
        // Erased users keep their old field without effect.
        for (user, raw) in documents.into_iter().filter(|(user, _)| !user.is_deleted()) {
            let tenants = tenant_ids(user.id.0, &raw, &mut upgrade.report);
            pairs.extend(tenants.into_iter().map(|tenant| (user.clone(), tenant)));
        }
        let context = Context {
            database: &upgrade.database,
            settings: &upgrade.settings,
            held_tenants: &upgrade.held_tenants,
            run: &upgrade.run,
        };
        make(&context, &pairs, &mut upgrade.report).await
    }
}
