//! The number of bytes that the arguments of a call occupy on the host.

use crate::component::bindings::{
    launcher::Address,
    store::{Beginning, Choice, Comparison, Filter, Position, Query, Span, Value},
};

/// The size of a value, including everything it owns.
pub(super) trait Weight: Sized {
    /// Returns the bytes that it owns.
    fn owned(&self) -> usize;

    /// Returns its total size in bytes.
    fn weight(&self) -> usize {
        size_of::<Self>().saturating_add(self.owned())
    }
}

fn sum(weights: impl IntoIterator<Item = usize>) -> usize {
    weights.into_iter().fold(0, usize::saturating_add)
}

impl Weight for String {
    fn owned(&self) -> usize {
        self.capacity()
    }
}

impl<T: Weight> Weight for Vec<T> {
    fn owned(&self) -> usize {
        sum(self.iter().map(Weight::weight))
    }
}

impl<T: Weight> Weight for Option<T> {
    fn owned(&self) -> usize {
        self.as_ref().map_or(0, Weight::owned)
    }
}

impl Weight for Value {
    fn owned(&self) -> usize {
        match self {
            Self::Text(text) | Self::Id(text) => text.owned(),
            Self::Integer(_) | Self::Boolean(_) | Self::Time(_) => 0,
        }
    }
}

impl Weight for Filter {
    fn owned(&self) -> usize {
        match self {
            Self::Equal(Comparison { field, value }) | Self::NotEqual(Comparison { field, value }) => {
                sum([field.owned(), value.owned()])
            }
            Self::OneOf(Choice { field, values }) => sum([field.owned(), values.owned()]),
            Self::Range(Span { field, lower, upper }) => sum([field.owned(), lower.owned(), upper.owned()]),
            Self::Prefix(Beginning { field, text }) => sum([field.owned(), text.owned()]),
            Self::UniqueKey(keys) => keys.owned(),
        }
    }
}

impl Weight for Position {
    fn owned(&self) -> usize {
        sum([self.values.owned(), self.id.owned()])
    }
}

impl Weight for Query {
    fn owned(&self) -> usize {
        sum([self.collection.owned(), self.filters.owned(), self.sort.owned(), self.after.owned()])
    }
}

impl Weight for Address {
    fn owned(&self) -> usize {
        let (Self::Host(text) | Self::Slug(text)) = self;
        text.owned()
    }
}
