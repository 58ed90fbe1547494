//! Tests what a component can read.

use dezky::{
    clock::Clock as _,
    domain::{
        CreateAppPassword, CreateMailbox, EndedSession, EndedSessionId, ObjectId, membership::MEMBERSHIPS,
        session::EndedSessionKind, subscription::SUBSCRIPTIONS,
    },
    store::Commit,
};
use serde_json::{Value, json};

use super::{BOTH, World, nothing, refused};

/// Returns reads of these tenants that others must not be able to make.
fn foreign(tenant: &str, slug: &str, subscription: &str) -> Vec<Value> {
    vec![
        json!({"call": "get", "collection": "tenants", "id": tenant}),
        json!({"call": "find", "collection": "tenants", "ids": [tenant]}),
        json!({"call": "find", "collection": "tenants", "equal": [["id", tenant]]}),
        json!({"call": "find", "collection": "tenants", "keys": [format!("slug:{slug}")]}),
        json!({"call": "find", "collection": "memberships", "equal": [["tenantId", tenant], ["active", true]]}),
        json!({"call": "get", "collection": "subscriptions", "id": subscription}),
        json!({"call": "find", "collection": "subscriptions", "equal": [["tenantId", tenant]]}),
        json!({"call": "find", "collection": "subscriptions", "keys": [format!("current:{tenant}")]}),
        json!({"call": "find", "collection": "audit_events", "equal": [["tenantId", tenant]]}),
    ]
}

async fn subscription(world: &World, tenant: &str) -> String {
    let all = world.all(&SUBSCRIPTIONS).await;
    all.iter().find(|one| one["tenantId"] == tenant).unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_others_are_as_absent_and_all_documents_are_refused() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let (acme, other) = (world.acme.to_string(), world.other.to_string());
        let (mark, eve) = (world.id("mark"), world.id("eve"));
        let own = [
            json!({"call": "get", "collection": "tenants", "id": acme}),
            json!({"call": "get", "collection": "users", "id": mark}),
            json!({"call": "find", "collection": "users", "keys": ["subject:default:mark"]}),
            json!({"call": "find", "collection": "memberships", "equal": [["tenantId", acme], ["active", true]]}),
            json!({"call": "find", "collection": "memberships", "equal": [["userId", mark], ["active", true]]}),
            json!({"call": "find", "collection": "memberships", "keys": [format!("member:{acme}:{mark}")]}),
            json!({"call": "find", "collection": "subscriptions", "equal": [["tenantId", acme]]}),
        ];
        for (step, outcome) in own.iter().zip(world.script("mark", &own).await) {
            assert!(!nothing(&outcome), "{step}: {outcome}");
        }
        let mut steps = foreign(&other, "other", &subscription(&world, &other).await);
        steps.extend([
            json!({"call": "get", "collection": "users", "id": eve}),
            json!({"call": "get", "collection": "users", "id": world.id("anna")}),
            json!({"call": "find", "collection": "users", "keys": ["subject:default:eve"]}),
            json!({"call": "find", "collection": "memberships", "equal": [["userId", eve], ["active", true]]}),
            json!({"call": "find", "collection": "memberships", "keys": [format!("member:{other}:{eve}")]}),
            // A member cannot read the audit trail of their own tenant either.
            json!({"call": "find", "collection": "audit_events", "equal": [["tenantId", acme]]}),
        ]);
        for (step, outcome) in steps.iter().zip(world.script("mark", &steps).await) {
            assert!(nothing(&outcome), "{step}: {outcome}");
        }
        let every = ["tenants", "users", "memberships", "subscriptions", "audit_events"];
        let steps: Vec<Value> = every.iter().map(|name| json!({"call": "find", "collection": name})).collect();
        for (step, outcome) in steps.iter().zip(world.script("mark", &steps).await) {
            assert!(refused(&outcome), "{step}: {outcome}");
        }
        let many = json!({"call": "find", "collection": "tenants", "limit": 1_002});
        assert!(refused(&world.script("root", &[many]).await[0]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_have_their_own_mailboxes_in_a_tenant_that_they_name_and_no_others() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let acme = world.acme.to_string();
        let mut ids = Vec::new();
        let mut commit = Commit::new();
        for (tenant, name) in
            [(world.acme, "mark"), (world.acme, "sam"), (world.acme, "rita"), (world.gone, "sam"), (world.other, "bea")]
        {
            let body = json!({"userId": world.id(name), "localPart": name, "domain": format!("{tenant}.eu")});
            let now = world.clock.now();
            let mailbox = CreateMailbox::read(body).unwrap().into_mailbox(tenant, now);
            let password = CreateAppPassword::build("Phone").finish().unwrap().into_app_password(&mailbox, 0, now);
            ids.push((tenant.to_string(), world.id(name), mailbox.id.to_string(), password.id.to_string()));
            commit.insert(&mailbox).unwrap();
            commit.insert(&password).unwrap();
        }
        world.store.commit(&dezky::context::RequestContext::system("test"), &commit).await.unwrap();
        let of = |(tenant, user, mailbox, password): &(String, String, String, String)| {
            let own = json!([["tenantId", tenant], ["userId", user], ["mailboxId", mailbox]]);
            [
                json!({"call": "get", "collection": "mailboxes", "id": mailbox}),
                json!({"call": "find", "collection": "mailboxes", "equal": [["tenantId", tenant], ["userId", user]]}),
                json!({"call": "get", "collection": "app_passwords", "id": password}),
                json!({"call": "find", "collection": "app_passwords", "equal": own}),
            ]
        };
        for step in of(&ids[0]) {
            let outcome = &world.script("mark", std::slice::from_ref(&step)).await[0];
            assert!(!nothing(outcome) && !refused(outcome), "{step}: {outcome}");
        }
        // Those of a fellow member, of a former one, of a deleted tenant, and of another than the token is bound to.
        for (caller, place) in [("mark", 1), ("rita", 2), ("sam", 3), ("bea", 4)] {
            for step in of(&ids[place]) {
                let outcome = &world.script(caller, std::slice::from_ref(&step)).await[0];
                assert!(nothing(outcome), "{caller} {step}: {outcome}");
            }
        }
        let all = json!({"call": "find", "collection": "mailboxes", "equal": [["tenantId", acme]]});
        assert!(nothing(&world.script("mark", std::slice::from_ref(&all)).await[0]));
        assert!(!nothing(&world.script("ada", &[all]).await[0]), "an administrator has all");
        let anywhere = json!({"call": "find", "collection": "mailboxes", "equal": [["userId", world.id("mark")]]});
        assert!(refused(&world.script("mark", &[anywhere]).await[0]), "it names no tenant");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_tenants_are_seen_by_nobody_and_suspended_ones_by_their_people() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let (gone, still) = (world.gone.to_string(), world.still.to_string());
        let steps = foreign(&gone, "gone", &subscription(&world, &gone).await);
        for step in &steps {
            // Each by itself, since earlier reads of a request must not matter.
            let outcomes = world.script("sam", std::slice::from_ref(step)).await;
            assert!(nothing(&outcomes[0]), "{step}: {}", outcomes[0]);
        }
        for (step, outcome) in steps.iter().zip(world.script("sam", &steps).await) {
            assert!(nothing(&outcome), "{step}: {outcome}");
        }
        let steps = foreign(&still, "still", &subscription(&world, &still).await);
        let outcomes = world.script("sam", &steps).await;
        assert!(outcomes.iter().all(|outcome| !nothing(outcome)), "{outcomes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_disabled_or_was_removed_gets_nothing_of_their_tenant() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let acme = world.acme.to_string();
        for name in ["dora", "rita"] {
            let mut steps = foreign(&acme, "acme", &subscription(&world, &acme).await);
            let (key, own) = (format!("member:{acme}:{}", world.id(name)), json!([["userId", world.id(name)]]));
            steps.push(json!({"call": "find", "collection": "memberships", "keys": [key]}));
            steps.push(json!({"call": "find", "collection": "memberships", "equal": own}));
            for (step, outcome) in steps.iter().zip(world.script(name, &steps).await) {
                assert!(nothing(&outcome), "{name} {step}: {outcome}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_tenants_own_issuer_tells_of_that_tenant_alone() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let (acme, other, bea) = (world.acme.to_string(), world.other.to_string(), world.id("bea"));
        let mut steps = foreign(&other, "other", &subscription(&world, &other).await);
        let of_bea = json!([["userId", bea], ["active", true]]);
        let in_other = world.membership(world.other, "bea").await["id"].clone();
        steps.extend([
            json!({"call": "find", "collection": "memberships", "equal": of_bea}),
            json!({"call": "find", "collection": "memberships", "keys": [format!("member:{other}:{bea}")]}),
            json!({"call": "get", "collection": "memberships", "id": in_other}),
            json!({"call": "get", "collection": "users", "id": world.id("eve")}),
        ]);
        for (step, outcome) in steps.iter().zip(world.script("bea", &steps).await) {
            assert!(nothing(&outcome), "{step}: {outcome}");
        }
        let own = [
            json!({"call": "get", "collection": "tenants", "id": acme}),
            json!({"call": "find", "collection": "memberships", "keys": [format!("member:{acme}:{bea}")]}),
        ];
        let outcomes = world.script("bea", &own).await;
        assert!(outcomes.iter().all(|outcome| !nothing(outcome)), "{outcomes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_order_limit_or_condition_tells_of_documents_that_are_hidden() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let eve = json!(world.id("eve"));
        // The answer is the same whether the other one exists, is in the range, or comes first or last.
        let people = [json!([eve, world.id("anna")]), json!([eve, "00".repeat(12)]), json!([eve])];
        let mut told = Vec::new();
        for ids in &people {
            let plain = json!({"call": "find", "collection": "users", "ids": ids, "limit": 1});
            let mut steps = vec![plain.clone()];
            for (name, value) in [
                ("sort", json!("by_email")),
                ("descending", json!(true)),
                ("range", json!([["emailKey", "anna@", null]])),
                ("prefix", json!([["emailKey", "anna@"]])),
                ("equal", json!([["status", "active"]])),
                ("after", json!({"values": [], "id": "00".repeat(12)})),
            ] {
                let mut step = plain.clone();
                step[name] = value;
                steps.push(step);
            }
            let outcomes = world.script("eve", &steps).await;
            assert_eq!(outcomes[0]["ok"][0]["id"], eve, "{outcomes:?}");
            assert!(outcomes[1..].iter().all(refused), "{outcomes:?}");
            told.push(outcomes);
        }
        assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
        let other = world.other.to_string();
        for keys in [json!(["slug:acme", "slug:other"]), json!(["slug:absent", "slug:other"])] {
            let step = json!({"call": "find", "collection": "tenants", "keys": keys, "limit": 1});
            assert_eq!(world.script("eve", &[step]).await[0]["ok"][0]["id"], other);
        }
        // Within a tenant, a key would disclose something that a member does not see.
        let acme = world.acme.to_string();
        for keys in [json!(["stripe:sub_acme"]), json!([format!("current:{acme}")])] {
            let step =
                json!({"call": "find", "collection": "subscriptions", "keys": keys, "equal": [["tenantId", acme]]});
            assert!(refused(&world.script("mark", &[step]).await[0]));
        }
        for (collection, key) in [("subscriptions", "stripe:sub_acme"), ("tenants", "group:group-acme")] {
            let step = json!({"call": "find", "collection": collection, "keys": [key]});
            assert!(refused(&world.script("mark", &[step]).await[0]), "{key}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_fields_are_taken_out_for_those_who_do_not_see_them() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let acme = world.acme.to_string();
        let members = json!([["tenantId", acme], ["active", true]]);
        let steps = [
            json!({"call": "get", "collection": "tenants", "id": acme}),
            json!({"call": "find", "collection": "subscriptions", "equal": [["tenantId", acme]]}),
            json!({"call": "find", "collection": "memberships", "equal": members}),
            json!({"call": "sync"}),
        ];
        let inner = ["billingInfo", "authentikGroup", "ocisSpaceId", "stalwartDomain"];
        for (name, admin, owner) in [("mark", false, false), ("ada", true, false), ("anna", true, true)] {
            let outcomes = world.script(name, &steps).await;
            // The same documents come along with the synced caller.
            let synced: Value = serde_json::from_str(outcomes[3]["ok"].as_str().unwrap()).unwrap();
            let along = &synced["documents"];
            for tenant in [&outcomes[0]["ok"], &along["tenants"][0]] {
                assert_eq!(tenant["slug"], "acme", "{name} {tenant}");
                for field in inner {
                    assert_eq!(tenant.get(field).is_some(), admin, "{name} {field}");
                }
            }
            for subscription in [&outcomes[1]["ok"][0], &along["subscriptions"][0]] {
                assert_eq!(subscription["tenantId"], acme, "{name} {subscription}");
                for field in ["stripeCustomerId", "stripeSubscriptionId"] {
                    assert_eq!(subscription.get(field).is_some(), owner, "{name} {field}");
                }
            }
            for member in outcomes[2]["ok"].as_array().unwrap() {
                let own = member["userId"] == world.id(name);
                assert_eq!(member.get("userEmail").is_some(), admin || own, "{name} {member}");
                assert_eq!(member["userEmailKey"] != "", admin || own, "{name} {member}");
            }
        }
        // Neither order nor condition discloses addresses, and removed members seem absent.
        let mut by_address = json!({"call": "find", "collection": "memberships", "equal": members});
        by_address["sort"] = json!("members_by_email");
        let mut range = json!({"call": "find", "collection": "memberships", "equal": members});
        range["range"] = json!([["userEmailKey", "anna@", null]]);
        let all = json!({"call": "find", "collection": "memberships", "equal": [["tenantId", acme]]});
        let steps = [by_address, range, all];
        assert!(world.script("mark", &steps).await.iter().all(refused));
        assert!(world.script("ada", &steps).await.iter().all(|outcome| !nothing(outcome)));
        let rita = json!({"call": "find", "collection": "memberships",
            "keys": [format!("member:{acme}:{}", world.id("rita"))]});
        let by_id = world.membership(world.acme, "rita").await["id"].clone();
        let steps = [rita, json!({"call": "get", "collection": "memberships", "id": by_id})];
        assert!(world.script("mark", &steps).await.iter().all(nothing));
        assert!(world.script("ada", &steps).await.iter().all(|outcome| !nothing(outcome)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_people_whom_their_tenant_knows_administrators_see_whether_they_can_act() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let listed =
            json!({"call": "find", "collection": "memberships", "equal": [["tenantId", world.acme.to_string()]]});
        let person = |name: &str| json!({"call": "get", "collection": "users", "id": world.id(name)});
        let outcomes = world.script("ada", &[listed.clone(), person("mark"), person("eve")]).await;
        let mark = &outcomes[1]["ok"];
        assert_eq!(mark["status"], "active");
        let personal = ["name", "nameKey", "email", "emailKey"];
        for field in ["authentikSubjectId", "subjectHash", "issuerId", "platformAdmin", "role"].iter().chain(&personal)
        {
            assert_eq!(mark.get(field), None, "{field}");
        }
        assert!(nothing(&outcomes[2]), "{outcomes:?}");
        // The member lists the tenant too, and learns about nobody by it.
        let listed = json!({"call": "find", "collection": "memberships",
            "equal": [["tenantId", world.acme.to_string()], ["active", true]]});
        assert!(nothing(&world.script("mark", &[listed, person("anna")]).await[1]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_tokens_and_events_are_refused_even_for_the_platform() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let names = [
            "platform_secrets",
            "key_sets",
            "outbox",
            "audit_details",
            "user_activity",
            "idempotency_records",
            "ended_sessions",
        ];
        let mut steps: Vec<Value> = names.iter().map(|name| json!({"call": "find", "collection": name})).collect();
        steps.push(json!({"call": "find", "collection": "platform_secrets", "keys": ["secret:subject-hash"]}));
        steps.push(json!({"call": "find", "collection": "idempotency_records", "keys": ["request:0"]}));
        for subject in ["root", "anna"] {
            for (step, outcome) in steps.iter().zip(world.script(subject, &steps).await) {
                assert!(refused(&outcome), "{step}: {outcome}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_shows_to_its_own_person_alone() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let now = world.clock.now();
        let record = EndedSession {
            id: EndedSessionId(ObjectId::generate()),
            version: 1,
            kind: EndedSessionKind::Subject,
            key: EndedSession::hash("default", "eve"),
            issued_until: Some(now.minus(std::time::Duration::from_secs(60))),
            issued_from: None,
            expires_at: now.plus(std::time::Duration::from_secs(60)),
        };
        let mut commit = Commit::new();
        commit.insert(&record).unwrap();
        world.store.commit(&dezky::context::RequestContext::system("test"), &commit).await.unwrap();
        let steps = [json!({"call": "get", "collection": "ended_sessions", "id": record.id.to_string()})];
        for (name, sees) in [("eve", true), ("mark", false), ("root", false)] {
            assert_eq!(!nothing(&world.script(name, &steps).await[0]), sees, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_caller_the_store_answers_nothing() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let script = json!([
            {"call": "get", "collection": "tenants", "id": world.acme.to_string()},
            {"call": "caller"},
            {"call": "get", "collection": "tenants", "id": world.acme.to_string()},
        ]);
        let path = crate::component::tests::world::with_script("/anything", &script);
        let answer = world.send(None, "GET", &path, None).await;
        assert!(refused(&answer.body[0]), "{answer:?}");
        assert_eq!(answer.body[1]["error"], "token_missing");
        assert!(refused(&answer.body[2]), "{answer:?}");
        // A verified token does not count either before the component has asked for it.
        let answer = world.send(Some("anna"), "GET", &path, None).await;
        assert!(refused(&answer.body[0]), "{answer:?}");
        assert_eq!(answer.body[2]["ok"]["slug"], "acme");
        assert_eq!(world.all(&MEMBERSHIPS).await.len(), 11);
    }
}
