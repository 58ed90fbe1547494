//! Ends all sessions of a person.

use crate::{
    clock::Timestamp,
    domain::UserId,
    error::Result,
    service::{Call, Service, views::UserView},
};

impl Service {
    /// Ends all sessions of a person, at once. Platform only.
    ///
    /// Every existing token is refused, including those of an issuer whose clock is ahead by up to the leeway.
    ///
    /// `tokensValidAfter` of the answer is the time from which tokens are accepted: about the leeway and a second from
    /// now, or later if it was later before. A person who signs in again before that time is refused until they get a
    /// token issued after it, since such a token cannot be told from an older one of an issuer whose clock is ahead.
    ///
    /// Tokens refreshed from an earlier sign-in are refused too. They are recognized by `auth_time`, or if tokens lack
    /// it by `sid` if that session was seen here before. A token with neither is accepted again after a refresh: end
    /// the provider's session too, or disable the person here.
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

/// Returns the first whole second after `time`, because `iat` is rounded down to whole seconds.
fn first_second_after(time: Timestamp) -> Timestamp {
    Timestamp::from_seconds(time.seconds().saturating_add(1))
}
