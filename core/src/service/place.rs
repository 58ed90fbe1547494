//! Places: what somebody has of a kind is bounded by numbered places, each of which is a unique key.

/// Returns a place that none of the others has, below `most`.
pub(crate) fn free(others: impl IntoIterator<Item = u32>, most: u32) -> Option<u32> {
    let others: Vec<u32> = others.into_iter().collect();
    (0..most).find(|place| !others.contains(place))
}
