//! Nobody sees or does what the policy does not give them, and nothing tells of what is hidden.
#![cfg(all(feature = "sqlite", feature = "mongodb", feature = "test-kit"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod matrix;
mod recording;
mod routes;
mod secrecy;
#[path = "../support/mod.rs"]
mod support;
mod world;

macro_rules! on_every_store {
    ($($promise:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    let fixture = crate::support::sqlite();
                    crate::matrix::$promise(std::sync::Arc::clone(&fixture.store)).await;
                }
            )+
        }
        mod on_mongodb {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    crate::matrix::$promise(crate::support::mongodb().await).await;
                }
            )+
        }
    };
}

on_every_store!(
    every_route_answers_every_caller_as_the_policy_says,
    public_routes_answer_everybody_alike,
    every_field_is_set_by_those_whom_the_policy_names,
    nobody_raises_their_own_role,
);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_tells_of_what_is_hidden_on_sqlite() {
    let fixture = support::sqlite();
    secrecy::nothing_tells_of_what_is_hidden(std::sync::Arc::clone(&fixture.store), 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_tells_of_what_is_hidden_on_mongodb() {
    // Fewer: the policy and the use cases are the same, and the test server is slow.
    secrecy::nothing_tells_of_what_is_hidden(support::mongodb().await, 12).await;
}
