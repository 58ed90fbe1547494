//! Tests that declarations of entities are complete, and that the code derived from them is as expected.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use dezky::{
    authz::policy::{field_policy, settable},
    callers::Callers,
    domain::{
        BillingInfo, CreateSubscription, CreateTenant, CreateUser, GrantMembership, MembershipRole, ObjectId,
        SubscriptionStatus, TenantId, UpdateSubscription, UpdateTenant, UpdateUser, UserId,
    },
    store::{Collection, FieldType, Guest, Personal},
};
use serde_json::{Value, json};

fn collection(name: &str) -> &'static Collection {
    dezky::COLLECTIONS.iter().find(|collection| collection.name == name).unwrap()
}

/// Returns the fields of a collection that satisfy `is`.
fn those(name: &str, is: impl Fn(&dezky::store::Field) -> bool) -> Vec<&'static str> {
    collection(name).fields.iter().filter(|field| is(field)).map(|field| field.name).collect()
}

#[test]
fn every_free_text_says_whether_it_is_personal() {
    let mut free = 0;
    for collection in dezky::COLLECTIONS {
        for field in collection.fields {
            free +=
                usize::from(matches!(field.field_type, FieldType::Text | FieldType::List(_) | FieldType::Object(_)));
            let name = format!("{}.{}", collection.name, field.name);
            assert_ne!(field.personal, Personal::Undeclared, "{name}: say `personal` or `impersonal`");
        }
    }
    assert!(free > 40, "only {free} texts");
}

#[test]
fn a_text_that_does_not_say_counts_as_personal() {
    assert!(dezky::store::Field::new("address", FieldType::Text).is_personal());
    assert_eq!(Personal::undeclared::<Option<String>>(), Personal::Undeclared);
    assert_eq!(Personal::undeclared::<Vec<BillingInfo>>(), Personal::Undeclared);
    assert_eq!(Personal::undeclared::<SubscriptionStatus>(), Personal::No);
    assert_eq!(Personal::undeclared::<Option<u32>>(), Personal::No);
}

#[test]
fn personal_values_are_these() {
    let personal = |name| those(name, |field| field.is_personal() && field.derived.is_none());
    assert_eq!(personal("tenants"), ["name", "billingInfo"]);
    assert_eq!(personal("users"), ["email", "name"]);
    assert_eq!(personal("memberships"), ["userName", "userEmail"]);
    assert_eq!(personal("subscriptions"), [""; 0]);
    assert_eq!(personal("audit_events"), [""; 0]);
}

#[test]
fn a_component_reads_what_views_show_and_what_they_are_made_of() {
    let hidden = |name, role| those(name, |field| !field.readers.includes(MembershipRole::caller(Some(role))));
    let (owner, admin, member) = (MembershipRole::Owner, MembershipRole::Admin, MembershipRole::Member);
    let inner = [
        "formerSlugs",
        "suspendedFrom",
        "suspendedFor",
        "deletedFrom",
        "cancelledSubscription",
        "billingInfo",
        "stripeCustomerId",
        "authentikGroup",
        "ocisSpaceId",
        "stalwartDomain",
        "purgedAt",
    ];
    assert_eq!(hidden("tenants", member), inner);
    assert_eq!(hidden("memberships", member), ["userEmail", "userEmailKey"]);
    for role in [admin, member] {
        assert_eq!(hidden("subscriptions", role), ["stripeCustomerId", "stripeSubscriptionId"], "{role:?}");
    }
    assert_eq!(hidden("tenants", admin), ["stripeCustomerId", "purgedAt"]);
    for name in ["memberships", "audit_events"] {
        assert_eq!(hidden(name, admin), [""; 0], "{name}");
    }
    assert_eq!(hidden("subscriptions", owner), [""; 0]);
    let known = those("users", |field| field.readers.includes(Callers::MEMBER) && field.name != "_words");
    assert_eq!(known, ["version", "status", "deletedAt", "createdAt", "updatedAt"]);
}

#[test]
fn what_a_component_does_not_read_at_all_is_closed() {
    let closed = dezky::COLLECTIONS.iter().filter(|collection| collection.guest == Guest::Closed);
    let mut closed: Vec<&str> = closed.map(|collection| collection.name).collect();
    closed.sort_unstable();
    let expected = [
        "api_key_uses",
        "api_keys",
        "audit_details",
        "audit_stubs",
        "deferred_events",
        "event_cursors",
        "event_deliveries",
        "event_endpoints",
        "events",
        "idempotency_records",
        "key_sets",
        "notices",
        "outbox",
        "platform_secrets",
        "provider_events",
        "provisioned_groups",
        "provisioned_members",
        "provisioned_users",
        "seat_ledgers",
        "task_records",
        "user_activity",
    ];
    assert_eq!(closed, expected);
}

#[test]
fn silent_fields_are_these() {
    use dezky::store::News;
    let never = |name| those(name, |field| field.news == News::Never);
    let of_tenants = [
        "version",
        "formerSlugs",
        "nameKey",
        "suspendedFrom",
        "suspendedFor",
        "deletedFrom",
        "cancelledSubscription",
        "launcherHostVerifiedAt",
        "updatedAt",
    ];
    assert_eq!(never("tenants"), of_tenants);
    assert_eq!(never("users"), ["version", "emailKey", "nameKey", "updatedAt"]);
    assert_eq!(never("memberships"), ["version", "regrantedAt", "language", "updatedAt"]);
    assert_eq!(never("subscriptions"), ["version", "statusSince", "nextStepAt", "updatedAt"]);
    assert_eq!(those("users", |field| field.news == News::Change), ["subjectHash", "createdAt"]);
}

#[test]
fn inputs_of_typed_values_are_held_to_the_rules_of_bodies() {
    let id = TenantId::from(ObjectId::from_bytes([7; 12]));
    let typed = CreateSubscription::build(id).seats(5_u32).plan("business").stripe_customer_id("cus_1".to_owned());
    let read = CreateSubscription::read(json!({
        "tenantId": id, "plan": "business", "seats": 5, "stripeCustomerId": "cus_1",
    }));
    assert_eq!(format!("{:?}", typed.finish().unwrap()), format!("{:?}", read.unwrap()));
    let fields = |error: dezky::Error| error.fields().iter().map(|field| field.field.clone()).collect::<Vec<_>>();
    let bad = CreateSubscription::build(id).seats(0_u32).plan("no plan").finish().unwrap_err();
    assert_eq!(fields(bad), ["plan", "seats"]);
    assert_eq!(fields(CreateTenant::build("-", "Acme").finish().unwrap_err()), ["slug"]);
    // Without any change, and with a removal.
    assert!(UpdateSubscription::build().finish().unwrap().fields().is_empty());
    assert_eq!(UpdateUser::build().name(None::<String>).finish().unwrap().fields(), ["name"]);
    let billing = BillingInfo { vat_id: Some("no number".to_owned()), ..BillingInfo::default() };
    assert_eq!(fields(UpdateTenant::build().billing_info(billing).finish().unwrap_err()), ["billingInfo.vatId"]);
    let user = UserId::from(ObjectId::from_bytes([8; 12]));
    assert_eq!(GrantMembership::build(user).finish().unwrap().role, MembershipRole::Member);
    assert_eq!(GrantMembership::build(user).role(MembershipRole::Owner).finish().unwrap().role, MembershipRole::Owner);
}

/// Returns a body with only this field.
fn only(field: &str, value: impl Into<Value>) -> Value {
    json!({ field: value.into() })
}

/// Returns `true` if a reader accepts the value of a field.
fn takes(read: fn(Value) -> dezky::Result<()>, field: &str, value: impl Into<Value>) -> bool {
    let refused = read(only(field, value)).err();
    !refused.iter().flat_map(|error| error.fields()).any(|problem| problem.field == field)
}

/// Reads a body.
type Reader = fn(Value) -> dezky::Result<()>;

#[test]
fn the_bounds_that_the_document_tells_are_those_of_the_readers() {
    let document: Value = serde_json::from_str(&dezky::http::operations::document().unwrap()).unwrap();
    let readers: [(&str, Reader); 6] = [
        ("CreateTenantBody", |body| CreateTenant::read(body).map(drop)),
        ("UpdateTenantBody", |body| UpdateTenant::read(body).map(drop)),
        ("CreateUserBody", |body| CreateUser::read(body).map(drop)),
        ("UpdateUserBody", |body| UpdateUser::read(body).map(drop)),
        ("CreateSubscriptionBody", |body| CreateSubscription::read(body).map(drop)),
        ("UpdateSubscriptionBody", |body| UpdateSubscription::read(body).map(drop)),
    ];
    let mut bounds = 0;
    for (name, read) in readers {
        for (field, schema) in document["components"]["schemas"][name]["properties"].as_object().unwrap() {
            let number = |bound: &str| schema[bound].as_u64();
            let long = |length: u64| {
                let length = usize::try_from(length).unwrap();
                if field == "email" { format!("a@{}.eu", "b".repeat(length)) } else { "a".repeat(length) }
            };
            if let Some(most) = number("maxLength") {
                bounds += 1;
                assert!(!takes(read, field, long(most + 1)), "{name}.{field} takes more than {most}");
                assert!(field == "email" || takes(read, field, long(most)), "{name}.{field} does not take {most}");
            }
            if let Some(least) = number("minLength").and_then(|least| least.checked_sub(1)) {
                assert!(!takes(read, field, "a".repeat(usize::try_from(least).unwrap())), "{name}.{field}");
            }
            if let (Some(least), Some(most)) = (number("minimum"), number("maximum")) {
                bounds += 1;
                assert!(takes(read, field, least) && takes(read, field, most), "{name}.{field}");
                assert!(!takes(read, field, most + 1) && !takes(read, field, least - 1), "{name}.{field}");
            }
            if let Some(most) = number("maxItems") {
                bounds += 1;
                let items = |count: u64| (0..count).map(|one| format!("d{one}.example")).collect::<Vec<_>>();
                assert!(takes(read, field, items(most)) && !takes(read, field, items(most + 1)), "{name}.{field}");
            }
            if schema["pattern"].is_string() && number("minLength").is_none() {
                bounds += 1;
                assert!(!takes(read, field, "with space") && !takes(read, field, ""), "{name}.{field}");
            }
        }
    }
    assert!(bounds > 20, "only {bounds} bounds");
}

#[test]
fn inputs_and_policy_name_the_same_fields() {
    for rule in dezky::authz::policy::POLICY {
        for field in settable(rule.action) {
            let name = rule.name.split('.').next().unwrap();
            let plural = if name.ends_with('x') { format!("{name}es") } else { format!("{name}s") };
            let stored = collection(&plural).fields.iter().any(|stored| stored.name == field.name);
            assert!(stored, "{}: `{}` is not stored", rule.name, field.name);
        }
    }
    // A field is not set by callers who may not perform the action at all.
    for (action, field, by) in field_policy() {
        let outside = Callers::ALL.iter().filter(|(caller, _)| by.includes(*caller));
        let outside: Vec<_> = outside.filter(|(caller, _)| !action.rule().allowed.includes(*caller)).collect();
        assert!(outside.is_empty(), "{}: `{field}` by {outside:?}", action.name());
    }
}

/// The purge of a tenant and exports read all documents of an owner, whatever their collection.
#[test]
fn what_belongs_to_a_tenant_or_a_person_is_found_by_an_index() {
    for collection in dezky::COLLECTIONS {
        for owner in [collection.scope.tenant(), collection.scope.person()].into_iter().flatten() {
            let found = owner == "id" || collection.index_of(owner).is_some();
            assert!(found, "no index of `{}` begins with `{owner}`", collection.name);
        }
    }
}
