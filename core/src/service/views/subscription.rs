//! Subscriptions as callers see them.

pub use crate::domain::subscription::SubscriptionView;
use crate::domain::{MembershipRole, Subscription};

impl SubscriptionView {
    /// Returns what a caller with this role sees; `platform` sees everything.
    pub(crate) fn new(subscription: Subscription, role: Option<MembershipRole>, platform: bool) -> Self {
        Self::shown_to(subscription, super::viewer(role, platform))
    }
}
