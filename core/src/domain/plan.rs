//! Plans: the catalogue of the configuration, and the terms that a subscription takes from it.

use std::collections::{BTreeMap, BTreeSet};

use dezky_derive::part;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Subscription;
use crate::clock::Timestamp;

const GIBIBYTE: u64 = 1 << 30;

/// Maximum number of plans.
const MOST_PLANS: usize = 200;

/// Maximum number of seats of a subscription, as in its declaration.
pub const MOST_SEATS: u32 = 1_000_000;

/// Maximum quota in GiB.
const MOST_GIBIBYTES: u64 = 1_000_000;

/// Maximum length of names of plans, features and prices, in bytes.
const LONGEST_NAME: usize = 200;

/// Maximum number of features or prices of a plan.
const MOST_NAMES: usize = 100;

/// A plan of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Seats of a new subscription, if it names no number of its own.
    pub seats: u32,
    /// Bound of the tenant's space for files, in GiB.
    pub files_gib: u64,
    /// Bound of each mailbox, in GiB.
    pub mailbox_gib: u64,
    /// Names of what the plan includes besides. They mean nothing to Dezky itself.
    #[serde(default)]
    pub features: BTreeSet<String>,
    /// Stripe's ids of its prices.
    #[serde(default)]
    pub prices: BTreeSet<String>,
    /// Days of trial of a new subscription that names neither status nor end of trial. None by default.
    #[serde(default)]
    pub trial_days: u32,
}

/// The plans that subscriptions can be to.
///
/// Without any, a plan is a name without consequence.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Catalogue(BTreeMap<String, Plan>);

impl Catalogue {
    /// Creates a catalogue.
    ///
    /// # Errors
    /// A description of the fault, with what to change.
    pub fn new(plans: BTreeMap<String, Plan>) -> Result<Self, String> {
        if plans.len() > MOST_PLANS {
            return Err(format!("there are {} plans, and {MOST_PLANS} at most: remove some", plans.len()));
        }
        let mut prices = BTreeMap::new();
        for (name, plan) in &plans {
            let wrong = |what: &str| Err(format!("the plan `{}`: {what}", name.escape_debug()));
            if name.is_empty() || name.len() > LONGEST_NAME || name.trim() != name {
                return wrong("its name must have 1 to 200 bytes, without blanks around it");
            }
            if !(1..=MOST_SEATS).contains(&plan.seats) {
                return wrong("`seats` must be 1 to 1,000,000");
            }
            if [plan.files_gib, plan.mailbox_gib].iter().any(|quota| !(1..=MOST_GIBIBYTES).contains(quota)) {
                return wrong("`files_gib` and `mailbox_gib` must be 1 to 1,000,000");
            }
            if plan.trial_days > 3_650 {
                return wrong("`trial_days` must be at most 3,650");
            }
            for (kind, names) in [("features", &plan.features), ("prices", &plan.prices)] {
                let is_name = |name: &String| {
                    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
                };
                if names.len() > MOST_NAMES || !names.iter().all(is_name) {
                    return wrong(&format!("`{kind}` must be at most {MOST_NAMES} names of visible ASCII characters"));
                }
            }
            for price in &plan.prices {
                if let Some(other) = prices.insert(price, name) {
                    return wrong(&format!("`{price}` is a price of `{other}` too: a price belongs to one plan"));
                }
            }
        }
        Ok(Self(plans))
    }

    /// Returns `true` if no plan is configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the plan of this name.
    #[must_use]
    pub fn plan(&self, name: &str) -> Option<&Plan> {
        self.0.get(name)
    }

    /// Iterates over the names of its plans.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns the terms that a tenant has: those of its subscription, or else those of its plan by name.
    #[must_use]
    pub fn terms_of(&self, subscription: Option<&Subscription>, plan: &str) -> Terms {
        if let Some(terms) = subscription.and_then(|found| found.terms.as_ref()) {
            return terms.clone();
        }
        let named = subscription.map_or("", |found| &found.plan);
        let plan = self.plan(if named.is_empty() { plan } else { named });
        plan.map_or(Terms::DEFAULT, |plan| plan.terms(Terms::DEFAULT.agreed_at))
    }

    /// Returns the name of the plan that has a price of Stripe.
    #[must_use]
    pub fn plan_of_price(&self, price: &str) -> Option<&str> {
        self.0.iter().find(|(_, plan)| plan.prices.contains(price)).map(|(name, _)| name.as_str())
    }
}

impl Plan {
    /// Returns the terms that a subscription has from now on.
    #[must_use]
    pub fn terms(&self, now: Timestamp) -> Terms {
        Terms {
            features: self.features.iter().cloned().collect(),
            files_bytes: self.files_gib * GIBIBYTE,
            mailbox_bytes: self.mailbox_gib * GIBIBYTE,
            agreed_at: now,
        }
    }
}

/// Terms of a subscription: a copy of its plan as it was when the subscription began, or when the plan was changed.
///
/// A later change of the catalogue changes no subscription by itself.
#[part]
#[derive(Debug, ToSchema)]
pub struct Terms {
    /// Names of what the plan includes.
    #[serde(default)]
    pub features: Vec<String>,
    /// Bound of the tenant's space for files, in bytes.
    pub files_bytes: u64,
    /// Bound of each mailbox, in bytes.
    pub mailbox_bytes: u64,
    /// Time at which the plan was copied.
    #[schema(value_type = String, format = DateTime)]
    pub agreed_at: Timestamp,
}

impl Terms {
    /// Terms of a subscription without: 100 GiB of files, 10 GiB in each mailbox, and no features.
    pub const DEFAULT: Self = Self {
        features: Vec::new(),
        files_bytes: 100 * GIBIBYTE,
        mailbox_bytes: 10 * GIBIBYTE,
        agreed_at: Timestamp::from_milliseconds(0),
    };
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
    use super::*;

    fn catalogue(text: &str) -> Result<Catalogue, String> {
        Catalogue::new(serde_json::from_str(text).map_err(|error| error.to_string())?)
    }

    #[test]
    fn a_catalogue_names_what_is_wrong_with_it() {
        let plan = r#"{"seats": 5, "files_gib": 100, "mailbox_gib": 10, "prices": ["price_1"]}"#;
        let good = catalogue(&format!(r#"{{"team": {plan}}}"#)).unwrap();
        assert_eq!(good.plan_of_price("price_1"), Some("team"));
        assert_eq!(good.plan_of_price("price_2"), None);
        for (text, part) in [
            (format!(r#"{{"a": {plan}, "b": {plan}}}"#), "`price_1` is a price of `a` too"),
            (format!(r#"{{" a": {plan}}}"#), "without blanks"),
            (plan.replacen("5", "0", 1), "`seats`"),
            (plan.replacen("100", "0", 1), "`files_gib`"),
            (plan.replacen("10}", "1000001}", 1).replacen(": 10,", ": 1000001,", 1), "`mailbox_gib`"),
            (plan.replacen("price_1", "price 1", 1), "`prices`"),
            (plan.replacen("seats", "sets", 1), "unknown field `sets`"),
        ] {
            let text =
                if text.contains("{\"a\"") || text.contains("\" a\"") { text } else { format!(r#"{{"a": {text}}}"#) };
            let error = catalogue(&text).expect_err(&text);
            assert!(error.contains(part), "{error}");
        }
    }
}
