//! Ending all sessions of a person.

use crate::{
    clock::Timestamp,
    domain::UserId,
    error::Result,
    service::{Call, Service, views::UserView},
};

impl Service {
    /// Ends all sessions of a person, at once: every token that exists now is refused, also one of an issuer whose clock
    /// is ahead by the leeway. For the platform.
    ///
    /// `tokensValidAfter` of the answer says from when a token has to be issued to count: about the leeway and a second from
    /// now, or later if that was said before. Who signs in again earlier is refused until they get a token issued then,
    /// since such a token cannot be told from one that an issuer ahead made before.
    ///
    /// So is every token that is refreshed from a sign-in of before: told by `auth_time`, or where tokens lack it by `sid`, if
    /// that session was seen here before. What has neither counts again once it is refreshed: end the provider's session too, or
    /// disable the person here.
    ///
    /// # Errors
    /// `not_found`, `platform_admin_required`, `granted_admin_required`, `already_deleted` or `version_changed`.
    pub async fn end_all_sessions(&self, call: &Call, id: UserId) -> Result<UserView> {
        let leeway = self.settings.leeway;
        self.settle(call, |moment| {
            self.change_user(call, moment, id, &["tokensValidAfter"], false, move |user, _, now| {
                let from = first_second_after(now.plus(leeway));
                user.tokens_valid_after = user.tokens_valid_after.max(Some(from));
            })
        })
        .await
    }
}

/// A token's `iat` has whole seconds, rounded down: those issued within this one are over too.
fn first_second_after(time: Timestamp) -> Timestamp {
    Timestamp::from_seconds(time.seconds().saturating_add(1))
}
