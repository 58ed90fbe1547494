//! Tests that ending all of a person's sessions invalidates every token, issued by any clock within the leeway.

use std::{sync::Arc, time::Duration};

use dezky::{
    clock::{Clock as _, Timestamp},
    domain::UpdateUser,
    store::SharedStore,
    test_kit::ManualClock,
};
use serde_json::json;

use crate::{
    support::{person, system},
    world::Platform,
};

const LEEWAY: i64 = 30;

pub(crate) async fn all_sessions_end_whatever_the_clock_of_the_issuer(store: SharedStore) {
    let clock = Arc::new(ManualClock::at_now());
    let platform = Platform::at(store, clock.clone()).await;
    let anna = person(&platform.service, "anna").await;
    let now = clock.now().seconds();
    let tokens: Vec<(i64, String)> = [-LEEWAY, -1, 0, 1, 20, LEEWAY]
        .into_iter()
        .map(|skew| (skew, platform.mint("anna", Timestamp::from_seconds(now + skew), &[])))
        .collect();
    let answer = async |token: &String| {
        let answer = platform.send(Some(token), "GET", "/users/me/tenants", None).await;
        (answer.status, answer.code())
    };
    for (skew, token) in &tokens {
        assert_eq!(answer(token).await.0, 200, "issued at {skew} s: good before");
    }
    let user = platform.service.end_all_sessions(&system(), anna).await.unwrap();
    let revoked = (401, "token_revoked".to_owned());
    for (skew, token) in &tokens {
        assert_eq!(answer(token).await, revoked, "issued at {skew} s: refused at once");
    }
    // A new sign-in within the leeway gets a token that cannot be told from older ones; later tokens are accepted.
    let from = user.tokens_valid_after.unwrap();
    assert_eq!(from, Timestamp::from_seconds(now + LEEWAY + 1));
    clock.advance(Duration::from_secs(60));
    for (skew, token) in &tokens {
        assert_eq!(answer(token).await, revoked, "issued at {skew} s: refused for good");
    }
    assert_eq!(answer(&platform.mint("anna", from.minus(Duration::from_secs(1)), &[])).await, revoked);
    assert_eq!(answer(&platform.mint("anna", from, &[])).await.0, 200, "a sign-in from then on counts");
    // A repetition ends those too; a later time that was set before stays.
    let again = platform.service.end_all_sessions(&system(), anna).await.unwrap().tokens_valid_after.unwrap();
    assert_eq!(again, Timestamp::from_seconds(clock.now().seconds() + LEEWAY + 1));
    let much_later = clock.now().plus(Duration::from_secs(86_400));
    let input = UpdateUser::read(json!({"tokensValidAfter": much_later})).unwrap();
    platform.service.update_user(&system(), anna, input).await.unwrap();
    let kept = platform.service.end_all_sessions(&system(), anna).await.unwrap();
    assert_eq!(kept.tokens_valid_after, Some(much_later));
}
