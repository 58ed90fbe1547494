//! Tests of unknown values of the replaced service: all documents migrate, and values change only by explicit mapping.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use dezky::{
    authn::{KeyThumbprint, VerifiedToken},
    clock::{Clock as _, SystemClock},
    context::RequestContext,
    service::{
        Call, ListRequest, Service, ServiceSettings, members::MemberFilter, subscriptions::SubscriptionFilter,
        tenants::TenantFilter, users::UserFilter,
    },
    store::{
        SharedStore,
        mongodb::{MongodbOptions, MongodbStore},
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

use crate::database::{Legacy, id, subscription, tenant, user};

fn with(mut document: Document, values: Document) -> Document {
    document.extend(values);
    document
}

/// Makes a database as its customer has used it, with custom roles, states and plans.
async fn lived_in_by_others() -> Legacy {
    let legacy = Legacy::empty().await;
    legacy.insert("tenants", tenant(1, "acme", Some("acme-people"))).await;
    legacy.insert("tenants", with(tenant(2, "beta", None), doc! { "status": "on hold", "plan": "Gold Plan" })).await;
    legacy.insert("tenants", with(tenant(3, "gone", None), doc! { "status": "archived" })).await;
    legacy.insert("users", with(user(10, "anna", &[1, 2]), doc! { "role": "member" })).await;
    legacy.insert("users", with(user(11, "bert", &[1]), doc! { "role": "member", "status": "aktiv" })).await;
    legacy.insert("users", with(user(12, "carl", &[2]), doc! { "role": "team lead", "status": "locked" })).await;
    legacy.insert("subscriptions", with(subscription(20, 1, "canceled"), doc! { "plan": "Gold Plan" })).await;
    legacy.insert("subscriptions", subscription(21, 2, "lifetime")).await;
    legacy
}

fn service(store: SharedStore) -> Service {
    Service::new(store, Arc::new(SystemClock), ServiceSettings::default())
}

fn signed_in(subject: &str) -> Call {
    let now = SystemClock.now();
    let token = VerifiedToken {
        issuer_id: "default".to_owned(),
        subject: subject.to_owned(),
        issued_at: now,
        expires_at: now.plus(Duration::from_secs(300)),
        not_before: None,
        tenant: None,
        email: None,
        name: None,
        groups: None,
        session_id: None,
        token_id: None,
        key_thumbprint: KeyThumbprint([0; 32]),
        first_use: Default::default(),
        signed_in_at: None,
    };
    Call::by_token(RequestContext::new("request"), Arc::new(token))
}

fn json_of(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

/// Checks what people and operators see of the database afterwards.
async fn everything_is_there(store: SharedStore) {
    let service = service(store);
    let page = ListRequest::default();
    let operator = Call::by_system("operator");
    let users = json_of(&service.list_users(&operator, &UserFilter::default(), &page).await.unwrap());
    let told: BTreeSet<String> = users["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| format!("{} {} {}", user["authentikSubjectId"], user["role"], user["status"]))
        .collect();
    let expected = [r#""anna" "member" "active""#, r#""bert" "member" "aktiv""#, r#""carl" "team lead" "locked""#];
    assert_eq!(told, expected.map(str::to_owned).into());
    let tenants = json_of(&service.list_tenants(&operator, &TenantFilter::default(), &page).await.unwrap());
    let states: Vec<_> = tenants["items"].as_array().unwrap().iter().map(|tenant| tenant["status"].clone()).collect();
    assert_eq!(states, ["active", "on hold", "archived"]);
    let filter =
        TenantFilter { status: Some("on hold".into()), plan: Some("Gold Plan".to_owned()), ..Default::default() };
    let found = json_of(&service.list_tenants(&operator, &filter, &page).await.unwrap());
    assert_eq!(found["items"][0]["slug"], "beta");
    let filter = SubscriptionFilter { status: Some("lifetime".into()), ..Default::default() };
    let found = json_of(&service.list_subscriptions(&operator, &filter, &page).await.unwrap());
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    // People sign in with their role, and see what they saw before.
    let anna = signed_in("anna");
    let profile = json_of(&service.profile(&anna).await.unwrap());
    assert_eq!((&profile["user"]["role"], profile["tenants"].as_array().unwrap().len()), (&json!("member"), 2));
    let found = service.list_members(&anna, &"beta".into(), &MemberFilter::default(), &page).await.unwrap();
    assert_eq!(found.items.len(), 2);
    // A person in an unknown state is not admitted, since it may have meant anything.
    for refused in ["bert", "carl"] {
        let error = service.profile(&signed_in(refused)).await.unwrap_err();
        assert_eq!(error.code(), "user_disabled", "{refused}");
    }
    // Everybody is found by words, too.
    let filter = UserFilter { search: Some("car".to_owned()), ..Default::default() };
    assert_eq!(service.list_users(&operator, &filter, &page).await.unwrap().items.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_values_of_its_own_migrates_whole_and_serves() {
    let legacy = lived_in_by_others().await;
    let before = legacy.dump().await;
    let (code, report) = legacy.migrate(&[]);
    // States affect permissions and are therefore reported; nothing waits for a decision.
    assert_eq!((code, report["left"].as_bool()), (7, Some(true)), "{report:#}");
    for name in ["tenants", "users", "subscriptions"] {
        assert_eq!(report["collections"][name]["heldBack"], 0, "{report:#}");
        for (id, document) in &before[name] {
            let after: Document = legacy.dump().await[name][id].clone();
            let kept: Document = after.into_iter().filter(|(name, _)| document.contains_key(name)).collect();
            assert_eq!(kept.to_vec().unwrap(), document.to_vec().unwrap());
        }
    }
    let values: BTreeSet<String> = report["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {} {}", one["proposed"].as_str().unwrap(), one["documents"], one["countsAs"]))
        .collect();
    let expected = [
        r#"subscriptions.plan.Gold Plan=gold-plan 1 null"#,
        r#"subscriptions.status.canceled=cancelled 1 "suspended""#,
        r#"subscriptions.status.lifetime=suspended 1 "suspended""#,
        r#"tenants.plan.Gold Plan=gold-plan 1 null"#,
        r#"tenants.status.archived=deleted 1 "suspended""#,
        r#"tenants.status.on hold=suspended 1 "suspended""#,
        r#"users.role.member=user 2 null"#,
        r#"users.role.team lead=user 1 null"#,
        r#"users.status.aktiv=active 1 "disabled""#,
        r#"users.status.locked=disabled 1 "disabled""#,
    ];
    assert_eq!(values, expected.map(str::to_owned).into());
    let again = legacy.dump().await;
    assert_eq!(legacy.migrate(&[]).0, 7);
    assert_eq!(legacy.dump().await, again, "a second run wrote");
    everything_is_there(Arc::new(
        MongodbStore::open(&legacy.uri, MongodbOptions::default(), dezky::COLLECTIONS).unwrap(),
    ))
    .await;
    // A copy has them too.
    let file = legacy.path("copy.sqlite");
    let to = format!("sqlite:{}", file.display());
    // The location may be in a file, as one with a password should be.
    let location = legacy.path("location");
    std::fs::write(&location, format!("{}\n", legacy.uri)).unwrap();
    let from = format!("file:{}", location.display());
    assert_eq!(legacy.run(&["migrate", "--from", &from, "--to", &to]).status.code(), Some(0));
    everything_is_there(Arc::new(SqliteStore::open(&file, SqliteOptions::default(), dezky::COLLECTIONS).unwrap()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_alone_need_nobody() {
    let legacy = Legacy::empty().await;
    for (number, role) in [(10, "member"), (11, "Geschäftsführung"), (12, ""), (13, "user")] {
        legacy.insert("users", with(user(number, &format!("user-{number}"), &[]), doc! { "role": role })).await;
    }
    let (code, report) = legacy.migrate(&[]);
    assert_eq!((code, report["left"].as_bool()), (0, Some(false)), "{report:#}");
    assert_eq!(report["values"].as_array().unwrap().len(), 2, "{report:#}");
    assert_eq!(legacy.document("users", id(12)).await.get_str("role").ok(), Some(""));
}

#[tokio::test(flavor = "multi_thread")]
async fn values_change_where_the_operator_says_so_and_nowhere_else() {
    let legacy = lived_in_by_others().await;
    let mapped = [
        "users.role.member=user",
        "users.status.aktiv=active",
        "users.status.locked=disabled",
        "tenants.status.on hold=suspended",
        "tenants.status.archived=deleted",
        "subscriptions.status.canceled=cancelled",
        "subscriptions.status.lifetime=active",
        "users.role.nobody has it=admin",
    ];
    let flags: Vec<&str> = mapped.iter().flat_map(|mapping| ["--map", mapping]).collect();
    let before = legacy.dump().await;
    let (code, dry) = legacy.migrate(&[&["--dry-run"], flags.as_slice()].concat());
    assert_eq!((code, dry["left"].as_bool()), (0, Some(false)), "{dry:#}");
    assert_eq!(legacy.dump().await, before, "a dry run wrote");
    let (code, report) = legacy.migrate(&flags);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["values"], dry["values"]);
    let value = |name: &str| {
        let all = report["values"].as_array().unwrap();
        all.iter().find(|one| one["value"] == name).unwrap_or_else(|| panic!("{name}: {report:#}")).clone()
    };
    assert_eq!((&value("member")["mappedTo"], &value("member")["documents"]), (&json!("user"), &json!(2)));
    assert_eq!(value("nobody has it")["documents"], 0);
    assert_eq!(value("team lead")["mappedTo"], Value::Null);
    let text = async |collection: &str, number: u32, field: &str| {
        legacy.document(collection, id(number)).await.get_str(field).unwrap().to_owned()
    };
    assert_eq!(text("users", 10, "role").await, "user");
    assert_eq!(text("users", 12, "role").await, "team lead");
    assert_eq!(text("users", 11, "status").await, "active");
    assert_eq!(text("tenants", 3, "status").await, "deleted");
    assert_eq!(text("tenants", 2, "plan").await, "Gold Plan");
    // A key follows from the current value: the subscription has ended, and another may begin.
    assert!(!legacy.document("subscriptions", id(20)).await.contains_key("uniqueKeys"));
    assert_eq!(text("subscriptions", 21, "status").await, "active");
    // It also works later, on an upgraded database.
    assert_eq!(legacy.migrate(&["--map", "users.role.team lead=support"]).0, 0);
    assert_eq!(text("users", 12, "role").await, "support");
    // The audit trail names the documents changed by this, as for everything that a migration does.
    assert_eq!(legacy.all("audit_events").await.len(), 2);
    for wrong in ["users.role.member=king", "users.email.a=b", "users.role=user", "tenants.plan.Gold=Gold Plan"] {
        let output = legacy.run(&["migrate", "--store", &legacy.uri, "--map", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_for_people_proposes_what_can_be_pasted() {
    let legacy = lived_in_by_others().await;
    let output = legacy.run(&["migrate", "--dry-run", "--store", &legacy.uri]);
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "none of ours",
        "--map 'users.role.member=user'",
        "--map 'tenants.status.on hold=suspended'",
        "needs a person: counts as suspended",
        "for information: decides nothing",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
