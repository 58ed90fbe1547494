//! Systems that no connector reaches: an address is recorded, and what an operator has to run is told.

use super::{desired::Presence, plan::Plan};
use crate::domain::workspace::SystemKind;

/// Type of the condition that tells if a system by hand is as it should be.
pub const SET_UP: &str = "SetUp";

/// A change of what is recorded of a system by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressChange {
    /// Record the address.
    Record(String),
    /// Forget the address.
    Forget,
}

impl AddressChange {
    /// Returns its name in the audit trail.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Record(_) => "address.record",
            Self::Forget => "address.forget",
        }
    }
}

/// Compares what is recorded of a tenant with its address.
///
/// Meetings need nothing for a tenant. An organisation of the chat server is created and deactivated by commands of that
/// server, after which an operator confirms it.
#[must_use]
pub fn plan(
    system: SystemKind,
    slug: &str,
    wanted: &str,
    presence: Presence,
    recorded: Option<&str>,
) -> Plan<AddressChange> {
    let mut plan = Plan::default();
    let confirm = format!("then run `dezky workspace confirm {slug} {}`", crate::domain::Choice::name(system));
    match (system, presence, recorded) {
        (_, Presence::Suspended, _) | (_, Presence::Absent, None) => {}
        (_, Presence::Active, Some(recorded)) if recorded == wanted => {}
        (SystemKind::Chat, Presence::Active, None) => plan.waits(
            SET_UP,
            "SetUpByHand",
            format!(
                "run `./manage.py generate_realm_creation_link` on the Zulip server, create the organisation `{slug}` at \
                 {wanted} with the link that it prints, {confirm}"
            ),
        ),
        (SystemKind::Chat, Presence::Active, Some(recorded)) => plan.waits(
            SET_UP,
            "MoveByHand",
            format!(
                "the address is to be {wanted} instead of {recorded}: run `./manage.py change_realm_subdomain` on the Zulip \
                 server, {confirm}"
            ),
        ),
        (SystemKind::Chat, Presence::Absent, Some(recorded)) => plan.waits(
            SET_UP,
            "RemoveByHand",
            format!(
                "run `./manage.py delete_realm` on the Zulip server for the organisation at {recorded}, {confirm}"
            ),
        ),
        (_, Presence::Active, _) => plan.change(AddressChange::Record(wanted.to_owned())),
        (_, Presence::Absent, Some(_)) => plan.change(AddressChange::Forget),
    }
    plan
}
