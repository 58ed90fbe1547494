//! Runs the shared cases against the native router, on both stores.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{fs, path::PathBuf};

use dezky::test_kit::cases::{NativeStage, Stage, Suite, check, run};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

async fn run_file(edge: &str, topic: &str, stage: &dyn Stage) {
    if let Err(report) = Suite::of(edge).run_file(&format!("{topic}.json"), stage).await {
        panic!("{report}");
    }
}

macro_rules! topics {
    ($($topic:ident),+ $(,)?) => {
        const TOPICS: &[&str] = &[$(stringify!($topic)),+];

        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $topic() {
                    super::run_file("native-sqlite", stringify!($topic), &super::NativeStage::on_sqlite().unwrap()).await;
                }
            )+
        }

        // Without a server these fail, with a message on how to start it.
        mod mongodb {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $topic() {
                    super::run_file("native-mongodb", stringify!($topic), &super::NativeStage::on_mongodb().unwrap()).await;
                }
            )+
        }
    };
}

topics! { api_keys, app_passwords, audit, billing, bodies, claims_sync, cursors, domains, entitlements, entity_tags, evaluations, event_endpoints, events, exports, field_rules, first_use, foreign_values, idempotency, invitations, isolation, launcher, logout, mailboxes, members, profile, scim, search, subscriptions, suspension, tenants, tokens, undo_deletion, users, workspace }

#[test]
fn every_file_is_run() {
    let mut found: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    found.sort();
    let mut run = TOPICS.to_vec();
    run.sort_unstable();
    assert_eq!(found, run);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_hold_or_is_not_known_is_reported() {
    let stage = NativeStage::on_sqlite().unwrap();
    for (case, report) in [
        (r#"{"steps": [{"request": "GET /launcher", "expect": 200}]}"#, "expected status 200, got 404"),
        (r#"{"steps": [{"request": "GET /launcher", "expect": "404 gone"}]}"#, "expected the code `gone`"),
        (r#"{"steps": [{"request": "GET /launcher", "expect": 404}]}"#, "`expect` names a `code`"),
        (r#"{"steps": [{"request": "GET /launcher"}]}"#, "a request needs `expect`"),
        (r#"{"steps": [{"request": "GET /users/{anna}", "expect": 200}]}"#, "nothing is called `anna`"),
        (r#"{"steps": [{"request": "GET /openapi.json", "expect": {"status": 200, "body": {}}}]}"#, "is not expected"),
        (
            r#"{"steps": [{"request": "GET /openapi.json", "expect": {"status": 200, "bodi": {}}}]}"#,
            "unknown field `bodi`",
        ),
        (r#"{"steps": [{"advance": 5, "expect": 200}]}"#, "a step is a `request`"),
        (r#"{"steps": [], "afterwards": {}}"#, "unknown field `afterwards`"),
        (r#"{"steps": [], "given": {"tenants": [{"slug": "acme", "colour": 1}]}}"#, "has no field `colour`"),
        (
            r#"{"steps": [], "given": {"tenants": [{"slug": "acme"}]}, "after": {"count": {"tenants": 2}}}"#,
            "expected 2, got 1",
        ),
        (r#"{"steps": [], "after": {"audit": [{"action": "a.b", "by": "system:x"}]}}"#, "no event is like"),
    ] {
        let file = format!(r#"{{"name": "wrong", "cases": [{}]}}"#, case.replacen('{', r#"{"name": "one", "#, 1));
        let failure = run("wrong.json", &file, &stage).await.expect_err(case);
        assert!(failure.contains(report) && failure.contains("wrong.json"), "{case}\n{failure}");
    }
}

#[test]
fn what_is_not_known_is_reported_without_running() {
    for (step, report) in [
        (r#"{"as": {"subject": "anna", "sex": "f"}, "request": "GET /users", "expect": 200}"#, "unknown field `sex`"),
        (r#"{"as": {"authorization": "", "subject": ""}, "request": "GET /users", "expect": 200}"#, "unknown field"),
        (r#"{"as": 1, "request": "GET /users", "expect": 200}"#, "`as` is wrong"),
        (r#"{"request": "GET /users", "expect": {"status": 200, "bodi": {}}}"#, "unknown field `bodi`"),
    ] {
        let file = format!(r#"{{"name": "wrong", "cases": [{{"name": "one", "steps": [{step}]}}]}}"#);
        let failure = check("wrong.json", &file).expect_err(step);
        assert!(failure.contains(report) && failure.contains("wrong.json"), "{step}\n{failure}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn which_cases_held_is_recorded_under_the_name_of_the_edge() {
    let folder = tempfile::tempdir().unwrap();
    let suite = Suite::of("native-once").recording(Some(folder.path().to_owned()));
    let count = suite.run_file("launcher.json", &NativeStage::on_sqlite().unwrap()).await.unwrap();
    let record = fs::read_to_string(folder.path().join("native-once/launcher.json")).unwrap();
    let held: std::collections::BTreeMap<String, bool> = serde_json::from_str(&record).unwrap();
    assert_eq!(held.len(), count, "no two cases of a file have one name");
    assert!(held.values().all(|held| *held));
}
