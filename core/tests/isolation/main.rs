//! Tests that callers see and do only what the policy allows, and that hidden documents are not disclosed.
#![cfg(all(feature = "sqlite", feature = "mongodb", feature = "test-kit"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod claims;
mod conditions;
mod estate;
mod keys;
mod matrix;
mod outside;
mod recording;
mod revoked;
mod routes;
mod secrecy;
mod sessions;
#[path = "../support/mod.rs"]
mod support;
mod system;
mod world;
mod worlds;

use dezky::domain::TenantStatus;

macro_rules! on_every_store {
    ($($part:ident::$promise:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    let fixture = crate::support::sqlite();
                    crate::$part::$promise(std::sync::Arc::clone(&fixture.store)).await;
                }
            )+
        }
        mod on_mongodb {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    crate::$part::$promise(crate::support::mongodb().await).await;
                }
            )+
        }
    };
}

on_every_store!(
    claims::what_a_newer_token_claims_no_more_is_gone_on_the_route_that_it_is_used_on_first,
    claims::who_is_put_back_shows_nothing_new_until_they_come,
    keys::what_has_ended_is_refused_to_its_key_on_every_route,
    matrix::a_tenants_own_issuer_speaks_for_that_tenant_alone,
    matrix::no_body_reaches_into_another_tenant,
    matrix::public_routes_answer_everybody_alike,
    matrix::every_field_is_set_by_those_whom_the_policy_names,
    matrix::nobody_raises_their_own_role,
    revoked::what_is_taken_is_refused_to_the_same_token_on_every_route,
    sessions::all_sessions_end_whatever_the_clock_of_the_issuer,
);

/// Tests a promise about a tenant of each status, in parts where it has them.
macro_rules! on_every_store_by_status {
    ($($part:ident::$promise:ident($($number:literal as $name:ident),* $(,)?)),+ $(,)?) => {
        $(mod $promise {
            on_every_store_by_status!(@of active, Active, $part::$promise($($number as $name),*));
            on_every_store_by_status!(@of suspended, Suspended, $part::$promise($($number as $name),*));
            on_every_store_by_status!(@of deleted, Deleted, $part::$promise($($number as $name),*));
        })+
    };
    (@of $module:ident, $status:ident, $part:ident::$promise:ident()) => {
        mod $module {
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                let fixture = crate::support::sqlite();
                let store = std::sync::Arc::clone(&fixture.store);
                crate::$part::$promise(store, dezky::domain::TenantStatus::$status).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_mongodb() {
                crate::$part::$promise(crate::support::mongodb().await, dezky::domain::TenantStatus::$status).await;
            }
        }
    };
    (@of $module:ident, $status:ident, $part:ident::$promise:ident($($number:literal as $name:ident),+)) => {
        mod $module {
            // So that no part is forgotten.
            const _: () = {
                let parts = [$($number),+];
                assert!(parts.len() == crate::$part::PARTS);
                let mut part = 0;
                while part < parts.len() {
                    assert!(parts[part] == part);
                    part += 1;
                }
            };
            $(mod $name {
                #[tokio::test(flavor = "multi_thread")]
                async fn on_sqlite() {
                    let fixture = crate::support::sqlite();
                    let store = std::sync::Arc::clone(&fixture.store);
                    crate::$part::$promise(store, dezky::domain::TenantStatus::$status, $number).await;
                }

                #[tokio::test(flavor = "multi_thread")]
                async fn on_mongodb() {
                    let store = crate::support::mongodb().await;
                    crate::$part::$promise(store, dezky::domain::TenantStatus::$status, $number).await;
                }
            })+
        }
    };
}

on_every_store_by_status!(
    matrix::every_route_answers_every_caller_as_the_policy_says(0 as first, 1 as second, 2 as third),
    system::the_system_may_do_what_the_policy_gives_it(),
);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_changes_no_answer_on_sqlite() {
    worlds::what_is_hidden_changes_no_answer(worlds::on_sqlite, 24).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_changes_no_answer_on_mongodb() {
    worlds::what_is_hidden_changes_no_answer(worlds::on_mongodb, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_tells_of_what_is_hidden_on_sqlite() {
    let fixture = support::sqlite();
    secrecy::nothing_tells_of_what_is_hidden(std::sync::Arc::clone(&fixture.store), 60).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_tells_of_what_is_hidden_on_mongodb() {
    // Fewer, since the policy and use cases are the same and the test server is slow.
    secrecy::nothing_tells_of_what_is_hidden(support::mongodb().await, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_every_key_as_the_policy_says_on_sqlite() {
    let fixture = support::sqlite();
    let statuses = [TenantStatus::Active, TenantStatus::Suspended, TenantStatus::Deleted];
    keys::every_route_answers_every_key_as_the_policy_says(std::sync::Arc::clone(&fixture.store), &statuses).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_every_key_as_the_policy_says_on_mongodb() {
    keys::every_route_answers_every_key_as_the_policy_says(support::mongodb().await, &[TenantStatus::Active]).await;
}
