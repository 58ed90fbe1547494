//! A model of queries over documents in memory, and random documents from fixed seeds.

use std::cmp::Ordering;

use super::{ACCOUNTS, Account};
use crate::store::{FieldType, Filter, Position, Query, Value, terms};

/// Returns the value of a top-level field, if the account has it.
pub(super) fn value(account: &Account, field: &str) -> Option<Value> {
    let json = serde_json::to_value(account).unwrap();
    let found = json.get(field)?;
    if field == "id" {
        return Some(Value::Id(account.id));
    }
    Some(match ACCOUNTS.field(field).unwrap().field_type {
        FieldType::Text => Value::Text(found.as_str().unwrap().to_owned()),
        FieldType::Integer => Value::Integer(found.as_i64().unwrap()),
        FieldType::Boolean => Value::Boolean(found.as_bool().unwrap()),
        FieldType::Id => Value::Id(found.as_str().unwrap().parse().unwrap()),
        FieldType::Time => Value::Time(found.as_str().unwrap().parse().unwrap()),
        FieldType::List(_) | FieldType::Object(_) | FieldType::Terms(_) => panic!("`{field}` cannot be compared"),
    })
}

/// Returns the position of an account in the order of a query.
pub(super) fn position(query: &Query, account: &Account) -> Position {
    let values = query.sort_fields().into_iter().map(|field| value(account, field).unwrap()).collect();
    Position { values, id: account.id }
}

fn matches(filter: &Filter, account: &Account) -> bool {
    let terms = |field: &str| -> Option<Vec<Value>> {
        let all = terms::of(&ACCOUNTS, &serde_json::to_string(account).unwrap()).unwrap();
        let (_, terms) = all.into_iter().find(|(name, _)| *name == field)?;
        Some(terms.into_iter().map(Value::Text).collect())
    };
    match filter {
        Filter::Equal(field, wanted) if ACCOUNTS.is_terms(field) => terms(field).unwrap().contains(wanted),
        Filter::In(field, wanted) if ACCOUNTS.is_terms(field) => {
            terms(field).unwrap().iter().any(|term| wanted.contains(term))
        }
        Filter::NotEqual(field, other) => value(account, field).as_ref() != Some(other),
        Filter::Equal(field, wanted) => value(account, field).as_ref() == Some(wanted),
        Filter::In(field, wanted) => value(account, field).is_some_and(|found| wanted.contains(&found)),
        Filter::Range { field, from, until } => value(account, field).is_some_and(|found| {
            from.as_ref().is_none_or(|from| found >= *from) && until.as_ref().is_none_or(|until| found < *until)
        }),
        Filter::Prefix(field, prefix) => {
            matches!(value(account, field), Some(Value::Text(found)) if found.starts_with(prefix.as_str()))
        }
        Filter::UniqueKeyIn(keys) => crate::store::Entity::unique_keys(account).iter().any(|key| keys.contains(key)),
    }
}

fn compare(left: &Position, right: &Position) -> Ordering {
    left.values.cmp(&right.values).then(left.id.cmp(&right.id))
}

/// Returns the expected answer of a query if the store has these accounts.
pub(super) fn answer(query: &Query, accounts: &[Account]) -> Vec<Account> {
    let order = |left: &Position, right: &Position| {
        if query.descending { compare(right, left) } else { compare(left, right) }
    };
    let mut found: Vec<(Position, &Account)> = accounts
        .iter()
        .filter(|account| query.filters.iter().all(|filter| matches(filter, account)))
        .map(|account| (position(query, account), account))
        .filter(|(position, _)| query.after.as_ref().is_none_or(|after| order(position, after) == Ordering::Greater))
        .collect();
    found.sort_by(|(left, _), (right, _)| order(left, right));
    found.into_iter().take(query.limit as usize).map(|(_, account)| account.clone()).collect()
}

/// Pseudo-random numbers that are the same in every run (splitmix64).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }

    /// Returns one of `choices`.
    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}
