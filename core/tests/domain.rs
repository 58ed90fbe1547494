//! Tests of the validation of fields and bodies, and that entities are stored as declared.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use dezky::{
    clock::Timestamp,
    domain::{
        CreateSubscription, CreateTenant, CreateUser, Problem, Tenant, UpdateSubscription, UpdateTenant, User,
        fields::{colour, domain_name, email, https_url, search_key, slug, text, vat_id},
        plan::Catalogue,
    },
    store::{Entity, FieldType, terms::TERMS},
};
use proptest::prelude::*;
use serde_json::{Value, json};

type Check = fn(&Value) -> Result<String, Problem>;

fn accepts(check: Check, cases: &[(&str, &str)]) {
    for (given, expected) in cases {
        assert_eq!(check(&json!(given)).as_deref(), Ok(*expected), "{given}");
    }
}

fn refuses(check: Check, code: &str, cases: &[&str]) {
    for given in cases {
        assert_eq!(check(&json!(given)).map_err(|problem| problem.code.name()), Err(code), "{given}");
    }
}

#[test]
fn slugs_are_dns_labels_that_are_not_reserved() {
    let longest = "a".repeat(63);
    accepts(slug, &[("acme", "acme"), ("a1", "a1"), ("x-y-z", "x-y-z"), (&longest, &longest)]);
    refuses(slug, "invalid_slug", &["a", "-acme", "acme-", "Acme", "ac_me", "äcme", "a.b", "", "xn--acme", "ab--cd"]);
    refuses(slug, "invalid_slug", &[&"a".repeat(64), "0123456789abcdef01234567"]);
    refuses(slug, "reserved", &["www", "api", "admin", "mail", "autodiscover", "ua-auto-config"]);
}

#[test]
fn domain_names_come_back_in_the_form_of_the_dns() {
    accepts(
        domain_name,
        &[
            ("Example.EU", "example.eu"),
            ("müller.example", "xn--mller-kva.example"),
            ("faß.example", "xn--fa-hia.example"),
            ("a.b.c.example", "a.b.c.example"),
            // The root dot, in each of its forms.
            ("acme.example.", "acme.example"),
            ("müller.example。", "xn--mller-kva.example"),
        ],
    );
    let long = format!("{}.example", "a".repeat(64));
    refuses(
        domain_name,
        "invalid_domain",
        &[
            "localhost",
            "127.0.0.1",
            "a..b",
            "-a.example",
            "a-.example",
            "https://a.example",
            "a b.example",
            "",
            ".",
            "a.example..",
            "example.",
            &long,
        ],
    );
}

#[test]
fn addresses_are_plain_and_their_domain_is_canonical() {
    accepts(
        email,
        &[("Anna@Example.EU", "Anna@example.eu"), (" anna+x@müller.example ", "anna+x@xn--mller-kva.example")],
    );
    refuses(
        email,
        "invalid_email",
        &["anna", "@example.eu", "anna@", "anna@localhost", "\"a b\"@example.eu", "a@b@c.eu", "a\u{0}@b.eu"],
    );
}

#[test]
fn vat_numbers_have_the_shape_of_their_country() {
    accepts(
        vat_id,
        &[
            ("de 123.456.789", "DE123456789"),
            ("ATU12345678", "ATU12345678"),
            ("EL123456789", "EL123456789"),
            ("che123456789mwst", "CHE123456789MWST"),
            ("FRXX123456789", "FRXX123456789"),
        ],
    );
    refuses(vat_id, "invalid_vat_id", &["123", "DE12345678", "US123456789", "AT12345678", "GR123456789", ""]);
}

#[test]
fn links_are_https_and_colours_are_hexadecimal() {
    accepts(https_url, &[("https://Example.eu/logo.svg", "https://example.eu/logo.svg")]);
    refuses(
        https_url,
        "invalid_url",
        &["http://example.eu", "javascript:alert(1)", "//example.eu", "https://u:p@example.eu", "data:text/html,x"],
    );
    accepts(colour, &[("#A1b2C3", "#a1b2c3")]);
    refuses(colour, "invalid_colour", &["red", "#fff", "#12345g", "123456"]);
}

#[test]
fn text_is_one_line_without_tricks() {
    let check: Check = |value| text(value, 5);
    accepts(check, &[(" Ann ", "Ann"), ("e\u{301}", "\u{e9}")]);
    refuses(check, "too_long", &["abcdef"]);
    refuses(check, "empty", &["", "  "]);
    refuses(
        check,
        "invalid_characters",
        &["a\nb", "a\u{202e}b", "a\u{0}", "a\u{ad}b", "\u{3164}", "a\u{200d}", "e\u{301}\u{200b}"],
    );
    refuses(check, "empty", &["\u{2800}", " \u{2800} \u{3000}"]);
    accepts(check, &[("❤\u{fe0f}", "❤\u{fe0f}"), ("ن\u{200c}ا", "ن\u{200c}ا"), ("क्\u{200d}ष", "क्\u{200d}ष")]);
}

#[test]
fn every_bad_field_of_a_body_is_named_at_once() {
    let body = json!({
        "slug": "-", "domains": ["ok.example", "not a domain"], "billingInfo": {"vatId": "XX1", "nonsense": 1},
        "branding": {"launcherLinks": [{"title": "", "url": "http://x"}]}, "surprise": true,
    });
    let error = CreateTenant::read(body).unwrap_err();
    let mut named: Vec<_> = error.fields().iter().map(|field| (field.field.as_str(), field.code.name())).collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            ("billingInfo.nonsense", "unknown_field"),
            ("billingInfo.vatId", "invalid_vat_id"),
            ("branding.launcherLinks[0].title", "empty"),
            ("branding.launcherLinks[0].url", "invalid_url"),
            ("domains[1]", "invalid_domain"),
            ("name", "required"),
            ("slug", "invalid_slug"),
            ("surprise", "unknown_field"),
        ]
    );
}

#[test]
fn search_keys_are_bounded_though_one_character_may_become_many() {
    assert_eq!(search_key(&"\u{fdfa}".repeat(200)).chars().count(), 200);
}

fn tenant() -> Tenant {
    let body = json!({
        "slug": "acme", "name": "Äcme", "status": "active", "domains": ["acme.example"],
        "domainVerifications": [{"name": "acme.example", "verifiedAt": "2026-01-01T00:00:00.000Z"}],
        "billingInfo": {"company": "Acme", "vatId": "DE123456789", "email": "a@acme.example", "address": "Street 1\nCity"},
        "branding": {"logoUrl": "https://acme.example/l.svg", "primaryColor": "#112233", "accentColor": "#445566",
                     "launcherLinks": [{"title": "Mail", "url": "https://mail.example", "icon": "mail"}]},
        "authentikGroup": "acme", "ocisSpaceId": "space", "stalwartDomain": "acme.example", "isolatedLogin": true, "launcherHost": "work.acme.example",
    });
    let mut tenant = CreateTenant::read(body).unwrap().into_tenant(Timestamp::from_seconds(0)).unwrap();
    tenant.deleted_at = Some(Timestamp::from_seconds(1));
    tenant.stripe_customer_id = Some("cus_1".to_owned());
    tenant.launcher_host_verified_at = Some(Timestamp::from_seconds(1));
    tenant.former_slugs = vec!["old".to_owned()];
    tenant
}

#[test]
fn a_merge_patch_keeps_what_it_does_not_name_and_clears_null() {
    let mut tenant = tenant();
    let patch =
        json!({"billingInfo": {"vatId": null, "company": "Other"}, "domains": ["other.example"], "branding": null});
    UpdateTenant::read(patch).unwrap().apply(&mut tenant).unwrap();
    let billing = tenant.billing_info.as_ref().unwrap();
    assert_eq!((billing.company.as_deref(), billing.vat_id.as_deref()), (Some("Other"), None));
    assert_eq!(billing.email.as_deref(), Some("a@acme.example"));
    assert!(tenant.domain_verifications.is_empty(), "a domain that goes takes its verification with it");
    assert!(tenant.branding.is_none());
    assert_eq!(UpdateTenant::read(json!({"name": null})).unwrap_err().fields()[0].code.name(), "required");
}

#[test]
fn a_slug_is_fixed_once_the_tenant_is_provisioned_and_stays_reserved_after_a_change() {
    let rename = || UpdateTenant::read(json!({"slug": "other"})).unwrap();
    assert_eq!(rename().apply(&mut tenant()).unwrap_err().fields()[0].code.name(), "fixed");
    let mut free = CreateTenant::read(json!({"slug": "acme", "name": "A"}))
        .unwrap()
        .into_tenant(Timestamp::from_seconds(0))
        .unwrap();
    rename().apply(&mut free).unwrap();
    assert_eq!(free.unique_keys(), ["slug:other", "slug:acme"]);
}

#[test]
fn numbers_out_of_range_are_refused() {
    for seats in [json!(0), json!(1_000_001), json!(-1), json!(1.5), json!("1"), json!(u64::MAX), json!(null)] {
        assert!(UpdateSubscription::read(json!({"seats": seats})).is_err(), "{seats}");
    }
}

/// Asserts that every member of the stored JSON is declared, and that a full document lacks no declared field.
fn check_declaration<E: Entity>(entity: &E, absent: &[&str]) {
    let Value::Object(members) = serde_json::to_value(entity).unwrap() else { panic!("not an object") };
    for (name, value) in &members {
        if name != "id" {
            let field = E::COLLECTION.field(name).unwrap_or_else(|| panic!("`{name}` is not declared"));
            check_type(name, value, field.field_type);
        }
    }
    for field in E::COLLECTION.fields {
        // Terms are beside the document. A derived field has its source's value in its form, which filters use too.
        match (field.field_type, field.derived) {
            (FieldType::Terms(sources), _) => {
                assert!(sources.iter().all(|source| E::COLLECTION.field(source.field).is_some()), "{}", field.name);
                assert!(!members.contains_key(field.name) && field.name.starts_with(TERMS), "{}", field.name);
                continue;
            }
            (_, Some(derived)) => {
                let source = members.get(derived.from).and_then(Value::as_str).unwrap_or_default();
                let expected = if source.is_empty() { String::new() } else { derived.form.of(source) };
                assert_eq!(members.get(field.name), Some(&Value::from(expected)), "{}", field.name);
            }
            _ => {}
        }
        assert!(
            members.contains_key(field.name) || absent.contains(&field.name),
            "`{}` is not in the document",
            field.name
        );
    }
    let back: E = serde_json::from_value(Value::Object(members.clone())).unwrap();
    assert_eq!(serde_json::to_value(&back).unwrap(), Value::Object(members));
}

fn check_type(name: &str, value: &Value, declared: FieldType) {
    match (value, declared) {
        (Value::String(text), FieldType::Time) => assert!(text.parse::<Timestamp>().is_ok(), "{name}"),
        (Value::String(text), FieldType::Id) => assert_eq!(text.len(), 24, "{name}"),
        (Value::String(_), FieldType::Text) | (Value::Bool(_), FieldType::Boolean) => {}
        (Value::Number(number), FieldType::Integer) => assert!(number.is_u64(), "{name}"),
        (Value::Array(items), FieldType::List(of)) => items.iter().for_each(|item| check_type(name, item, *of)),
        (Value::Object(members), FieldType::Object(fields)) => {
            for (member, value) in members {
                let field =
                    fields.iter().find(|field| field.name == member).unwrap_or_else(|| panic!("{name}.{member}"));
                check_type(member, value, field.field_type);
            }
        }
        (value, declared) => panic!("`{name}` is {value} and declared as {declared:?}"),
    }
}

#[test]
fn entities_are_stored_as_they_are_declared() {
    let mut deleted = tenant();
    let subscription = CreateSubscription::build(deleted.id).finish().unwrap();
    let subscription =
        subscription.into_subscription("starter", &Catalogue::default(), Timestamp::from_seconds(0)).unwrap();
    deleted.delete(Some(&subscription), Timestamp::from_seconds(1));
    deleted.purged_at = Some(Timestamp::from_seconds(2));
    check_declaration(&deleted, &["suspendedFrom", "suspendedFor"]);
    let user =
        CreateUser::read(json!({"authentikSubjectId": "s", "email": "a@b.eu", "name": "A", "platformAdmin": true}))
            .unwrap();
    let mut user: User = user.into_user(Timestamp::from_seconds(0));
    let absent = [
        "subjectHash",
        "platformAdminRevokedAt",
        "platformAdminRevokedBy",
        "disabledBy",
        "deletedAt",
        "tokensValidAfter",
    ];
    check_declaration(&user, &absent);
    user.set_active_by_claim(false);
    user.deleted_at = Some(Timestamp::from_seconds(1));
    user.subject_hash = Some("00".to_owned());
    user.tokens_valid_after = Some(Timestamp::from_seconds(1));
    check_declaration(&user, &["platformAdminRevokedAt", "platformAdminRevokedBy"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_a_field(given in any::<String>()) {
        for check in [slug as Check, domain_name, email, vat_id, https_url, colour, |value| text(value, 200)] {
            if let Ok(canonical) = check(&json!(given)) {
                // Accepted values are canonical: they are accepted again unchanged.
                prop_assert_eq!(check(&json!(canonical)), Ok(canonical));
            }
        }
    }

    #[test]
    fn search_keys_do_not_know_case(given in "[a-zA-Zäöüßéèñçøåæœ ]{0,40}") {
        prop_assert_eq!(search_key(&given.to_uppercase()), search_key(&given.to_lowercase()));
    }

    #[test]
    fn times_survive_their_text(milliseconds in -62_135_596_800_000_i64..253_402_000_000_000) {
        let time = Timestamp::from_milliseconds(milliseconds);
        prop_assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
        prop_assert_eq!(time.to_string().len(), 24);
    }

    #[test]
    fn no_body_breaks_reading(body in body()) {
        let _ = (CreateTenant::read(body.clone()), UpdateTenant::read(body.clone()), CreateUser::read(body));
    }
}

/// Generates JSON whose members mostly have the names of a tenant's.
fn body() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from)
    ];
    let name = prop_oneof![
        Just("slug"),
        Just("name"),
        Just("domains"),
        Just("billingInfo"),
        Just("branding"),
        Just("launcherLinks"),
        Just("domainVerifications"),
        Just("email")
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}
