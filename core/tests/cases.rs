//! The shared cases against the native router, on both stores.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{fs, path::PathBuf};

use dezky::test_kit::cases::{NativeStage, Stage, run};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

async fn run_file(topic: &str, stage: &dyn Stage) {
    let file = format!("{topic}.json");
    let text = fs::read_to_string(folder().join(&file)).unwrap();
    if let Err(report) = run(&file, &text, stage).await {
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
                    super::run_file(stringify!($topic), &super::NativeStage::on_sqlite().unwrap()).await;
                }
            )+
        }

        // Without its server these fail with the way to start it.
        mod mongodb {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $topic() {
                    super::run_file(stringify!($topic), &super::NativeStage::on_mongodb().unwrap()).await;
                }
            )+
        }
    };
}

topics! { audit, bodies, claims_sync, cursors, entity_tags, field_rules, idempotency, isolation, launcher, members, profile, subscriptions, suspension, tenants, tokens, users }

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
