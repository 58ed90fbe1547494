//! Tests of the in-place upgrade.

use std::collections::BTreeSet;

use dezky::{
    context::RequestContext,
    domain::{
        GrantSource, Membership, User,
        membership::{MEMBERSHIPS, TENANTS_OF_USER},
    },
    store::{
        Query, Repository, Store,
        mongodb::{MongodbOptions, MongodbStore},
    },
};
use mongodb::{
    IndexModel,
    bson::{Bson, DateTime, Document, doc},
    options::IndexOptions,
};
use serde_json::Value;

use crate::database::{Legacy, id, subscription, tenant, user};

/// Makes two tenants, two people and a subscription without any irregularities.
async fn clean() -> Legacy {
    let legacy = Legacy::empty().await;
    legacy.insert("tenants", tenant(1, "acme", Some("acme-people"))).await;
    legacy.insert("tenants", tenant(2, "beta", None)).await;
    legacy.insert("users", user(10, "anna", &[1, 2])).await;
    legacy.insert("users", user(11, "paul", &[2])).await;
    legacy.insert("subscriptions", subscription(20, 1, "active")).await;
    legacy.insert("subscriptions", subscription(21, 1, "cancelled")).await;
    legacy
}

/// Returns the kinds of findings, with the ids.
fn kinds(report: &Value) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    report["findings"].as_array().unwrap().iter().map(|one| (text(&one["kind"]), text(&one["id"]))).collect()
}

/// Asserts that everything from before is unchanged, with its order and types.
fn assert_kept(before: &Document, after: &Document) {
    let kept: Document = after.clone().into_iter().filter(|(name, _)| before.contains_key(name)).collect();
    assert_eq!(kept.to_vec().unwrap(), before.to_vec().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_get_what_they_lack_and_keep_what_they_have() {
    let legacy = clean().await;
    let before = legacy.dump().await;
    let (code, dry) = legacy.migrate(&["--dry-run"]);
    assert_eq!((code, dry["left"].as_bool()), (0, Some(false)), "{dry:#}");
    assert_eq!(legacy.dump().await, before, "a dry run wrote");

    let (code, report) = legacy.migrate(&[]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["collections"], dry["collections"]);
    assert_eq!(report["memberships"], dry["memberships"]);
    let after = legacy.dump().await;
    for name in ["tenants", "users", "subscriptions"] {
        for (id, document) in &before[name] {
            assert_kept(document, &after[name][id]);
            assert_eq!(after[name][id].get("version"), Some(&Bson::Int64(1)));
        }
    }
    assert_eq!(after["audit_events"].len(), 1);

    let (code, again) = legacy.migrate(&[]);
    assert_eq!((code, again["memberships"]["existing"].as_u64()), (0, Some(3)));
    assert_eq!(legacy.dump().await, after, "a second run wrote");
    // The new service reads what the old one meant.
    let store = MongodbStore::open(&legacy.uri, MongodbOptions::default(), dezky::COLLECTIONS).unwrap();
    let context = RequestContext::system("test");
    let anna: User = store.load_unique(&context, User::subject_key("default", "anna")).await.unwrap().unwrap();
    assert_eq!((anna.name_key.as_str(), anna.email_key.as_str()), ("åsa anna", "anna@example.eu"));
    let query = Query::new(&MEMBERSHIPS).sort(&TENANTS_OF_USER).equal("userId", anna.id.0).equal("active", true);
    let memberships: Vec<Membership> = store.load_all(&context, &query).await.unwrap();
    let told: Vec<_> = memberships.iter().map(|one| (one.tenant_slug.as_str(), one.source)).collect();
    assert_eq!(told, [("acme", GrantSource::Claim), ("beta", GrantSource::Grant)]);
    store.health(&context).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_person_is_listed_and_not_guessed() {
    type Dirt = (&'static str, Document);
    type Row = (Vec<Dirt>, Vec<(&'static str, u32)>, u64);
    let with = |mut document: Document, field: &str, value: Bson| {
        document.insert(field, value);
        document
    };
    let without = |mut document: Document, field: &str| {
        document.remove(field);
        document
    };
    let verified = |document: Document| {
        let domain = doc! { "name": "twice.example", "verifiedAt": DateTime::from_millis(1_700_000_000_000) };
        with(with(document, "domains", vec!["twice.example"].into()), "domainVerifications", vec![domain].into())
    };
    // Documents added to clean ones; findings expected, by kind and id; number of documents held back.
    let table: Vec<Row> = vec![
        (
            vec![("tenants", tenant(3, "same", None)), ("tenants", tenant(4, "same", None))],
            vec![("duplicate_slug", 3), ("duplicate_slug", 4)],
            2,
        ),
        (
            vec![
                ("tenants", tenant(3, "c3", Some("g"))),
                ("tenants", tenant(4, "c4", Some("g"))),
                ("users", user(12, "carl", &[3])),
            ],
            vec![("duplicate_group", 3), ("duplicate_group", 4), ("membership_held_back", 12)],
            2,
        ),
        (vec![("tenants", tenant(3, "Not A Slug", None))], vec![("invalid_slug", 3)], 0),
        (vec![("tenants", without(tenant(3, "gone", None), "name"))], vec![("unreadable", 3)], 1),
        (vec![("tenants", with(tenant(3, "odd", None), "status", 5.into()))], vec![("unreadable", 3)], 1),
        (
            vec![("users", with(user(12, "anna", &[1]), "email", "a@example.eu".into()))],
            vec![("duplicate_subject", 10), ("duplicate_subject", 12)],
            2,
        ),
        (
            vec![("users", with(user(12, "carl", &[]), "email", "PAUL@example.eu".into()))],
            vec![("duplicate_email", 11), ("duplicate_email", 12)],
            0,
        ),
        (vec![("users", user(12, "carl", &[99, 1]))], vec![("dangling_tenant_id", 12)], 0),
        (
            vec![(
                "users",
                with(user(12, "carl", &[]), "tenantIds", vec![Bson::Int32(5), id(1).to_hex().into()].into()),
            )],
            vec![("invalid_tenant_id", 12)],
            0,
        ),
        (vec![("users", without(user(12, "carl", &[]), "authentikSubjectId"))], vec![("user_without_subject", 12)], 0),
        (vec![("users", with(user(12, "carl", &[]), "role", true.into()))], vec![("unreadable", 12)], 1),
        (
            vec![("subscriptions", subscription(22, 1, "trialing"))],
            vec![("several_current_subscriptions", 20), ("several_current_subscriptions", 22)],
            2,
        ),
        (vec![("subscriptions", subscription(22, 99, "active"))], vec![("subscription_without_tenant", 22)], 0),
        (
            vec![("subscriptions", with(subscription(22, 2, "active"), "tenantId", id(2).to_hex().into()))],
            vec![("wrong_type", 22)],
            0,
        ),
        (
            vec![("tenants", verified(tenant(3, "c3", None))), ("tenants", verified(tenant(4, "c4", None)))],
            vec![("duplicate_domain", 3), ("duplicate_domain", 4)],
            2,
        ),
        (
            vec![
                ("subscriptions", with(subscription(22, 2, "cancelled"), "stripeSubscriptionId", "sub_1".into())),
                ("subscriptions", with(subscription(23, 2, "active"), "stripeSubscriptionId", "sub_1".into())),
            ],
            vec![("duplicate_stripe_subscription", 22), ("duplicate_stripe_subscription", 23)],
            2,
        ),
    ];
    for (dirt, expected, held) in table {
        let legacy = clean().await;
        for (collection, document) in &dirt {
            legacy.insert(collection, document.clone()).await;
        }
        let before = legacy.dump().await;
        let (dry_code, dry) = legacy.migrate(&["--dry-run"]);
        assert_eq!(legacy.dump().await, before);
        let (code, report) = legacy.migrate(&[]);
        let expected: BTreeSet<_> =
            expected.into_iter().map(|(kind, number)| (kind.to_owned(), id(number).to_hex())).collect();
        assert_eq!(kinds(&report), expected, "{report:#}");
        assert_eq!(kinds(&dry), expected, "{dry:#}");
        let information = expected.iter().all(|(kind, _)| kind == "duplicate_email");
        assert_eq!((dry_code, code), if information { (0, 0) } else { (7, 7) });
        let held_back = |name: &str| report["collections"][name]["heldBack"].as_u64().unwrap();
        assert_eq!(held_back("tenants") + held_back("users") + held_back("subscriptions"), held, "{report:#}");
        let after = legacy.dump().await;
        for (name, documents) in &before {
            for (id, document) in documents {
                assert_kept(document, &after[name][id]);
            }
        }
        let (code_again, again) = legacy.migrate(&[]);
        assert_eq!((code_again, kinds(&again)), (code, expected));
        assert_eq!(legacy.dump().await, after, "a second run wrote");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_has_settled_is_upgraded_by_the_next_run() {
    let legacy = clean().await;
    legacy.insert("subscriptions", subscription(22, 1, "trialing")).await;
    assert_eq!(legacy.migrate(&[]).0, 7);
    assert!(!legacy.document("subscriptions", id(20)).await.contains_key("uniqueKeys"));
    legacy.update("subscriptions", doc! { "_id": id(22) }, doc! { "$set": { "status": "cancelled" } }).await;
    assert_eq!(legacy.migrate(&[]).0, 0);
    let keys = legacy.document("subscriptions", id(20)).await.get_array("uniqueKeys").unwrap().clone();
    assert_eq!(keys, [Bson::String(format!("current:{}", id(1)))]);
    assert_eq!(legacy.all("audit_events").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_and_forth_brings_derived_fields_up_to_date() {
    let legacy = clean().await;
    assert_eq!(legacy.migrate(&[]).0, 0);
    // The replaced service runs again: it renames, cancels and subscribes, without knowledge of keys.
    legacy.update("tenants", doc! { "_id": id(1) }, doc! { "$set": { "name": "Renamed" }, "$inc": { "__v": 1 } }).await;
    legacy.update("subscriptions", doc! { "_id": id(20) }, doc! { "$set": { "status": "cancelled" } }).await;
    legacy.insert("subscriptions", subscription(30, 1, "active")).await;
    assert_eq!(legacy.migrate(&[]).0, 0);
    assert_eq!(legacy.document("tenants", id(1)).await.get_str("nameKey").ok(), Some("renamed"));
    assert!(!legacy.document("subscriptions", id(20)).await.contains_key("uniqueKeys"));
    assert!(legacy.document("subscriptions", id(30)).await.contains_key("uniqueKeys"));
}

#[tokio::test(flavor = "multi_thread")]
async fn issuers_and_administrators_are_as_the_settings_say() {
    let legacy = clean().await;
    let mut admin = user(12, "carl", &[]);
    admin.insert("platformAdmin", true);
    admin.insert("issuerId", "other");
    legacy.insert("users", admin.clone()).await;
    admin.insert("_id", id(13));
    admin.remove("issuerId");
    legacy.insert("users", admin).await;
    let (code, report) = legacy.migrate(&["--issuer", "corporate", "--platform-admin-group", "admins"]);
    assert_eq!(code, 0, "{report:#}");
    for (number, issuer) in [(12, "other"), (13, "corporate"), (10, "corporate")] {
        let user = legacy.document("users", id(number)).await;
        assert_eq!(user.get_str("issuerId").ok(), Some(issuer));
        assert_eq!(user.get_str("platformAdminSource").ok(), (number != 10).then_some("claim"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_for_people_names_what_to_do_and_sqlite_is_refused() {
    let legacy = clean().await;
    legacy.insert("users", user(12, "carl", &[99])).await;
    let output = legacy.run(&["migrate", "--dry-run", "--store", &legacy.uri]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(7));
    for part in ["nothing was written", "dangling_tenant_id (1, needs a person)", &id(99).to_hex(), "held back"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(legacy.run(&["migrate", "--store", "sqlite:a.sqlite"]).status.code(), Some(2));
    assert_eq!(legacy.run(&["migrate", "--from", "sqlite:a.sqlite"]).status.code(), Some(2));
}

/// Irregularities beside the documents: ids in another format, indexes that refuse valid documents, and keys held by
/// others.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_of_documents_is_told() {
    let legacy = clean().await;
    legacy.insert("users", doc! { "_id": "by-hand", "authentikSubjectId": "text", "name": "Text" }).await;
    let options = IndexOptions::builder().unique(true).name("slug_1".to_owned()).build();
    let index = IndexModel::builder().keys(doc! { "slug": 1 }).options(options).build();
    legacy.database.collection::<Document>("tenants").create_index(index).await.unwrap();
    assert_eq!(legacy.migrate(&["--dry-run"]).0, 7, "a foreign id needs a person");
    let found = |report: &Value, kind: &str| -> Vec<String> {
        let all = report["findings"].as_array().unwrap().iter();
        all.filter(|one| one["kind"] == kind).map(|one| one["detail"].to_string()).collect()
    };
    let (code, report) = legacy.migrate(&[]);
    assert_eq!(code, 7);
    let foreign = found(&report, "unreadable");
    assert!(foreign.len() == 1 && foreign[0].contains("by-hand"), "{report:#}");
    let indexes = found(&report, "legacy_unique_index");
    assert!(indexes.len() == 1 && indexes[0].contains("slug"), "{report:#}");
    // Once the document has a usual id, only the index is left, which is informational.
    legacy.database.collection::<Document>("users").delete_one(doc! { "_id": "by-hand" }).await.unwrap();
    let (code, report) = legacy.migrate(&[]);
    assert_eq!((code, found(&report, "legacy_unique_index").len()), (0, 1), "{report:#}");
}

/// A document holds another's key, as after a rename by the replaced service, which does not know keys.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_another_document_still_holds_is_told_and_settled_by_the_next_run() {
    let legacy = clean().await;
    assert_eq!(legacy.migrate(&[]).0, 0);
    // Acme gives its slug to a tenant that precedes it; its stored keys are unchanged.
    legacy.update("tenants", doc! { "_id": id(1) }, doc! { "$set": { "slug": "acme-old" } }).await;
    legacy.insert("tenants", tenant(0, "acme", None)).await;
    let (code, report) = legacy.migrate(&[]);
    let expected = BTreeSet::from([("key_taken".to_owned(), id(0).to_hex())]);
    assert_eq!((code, kinds(&report)), (7, expected), "{report:#}");
    let (code, report) = legacy.migrate(&[]);
    assert_eq!((code, kinds(&report)), (0, BTreeSet::new()), "{report:#}");
    let keys = |document: Document| document.get_array("uniqueKeys").unwrap().clone();
    assert!(keys(legacy.document("tenants", id(0)).await).contains(&"slug:acme".into()));
}
