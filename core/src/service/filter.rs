//! Filters of lists whose values may be none of ours.

use crate::{
    domain::{Choice, Open, fields},
    error::{Error, Result},
    store::{Answers, Collection, Query, Read},
};

/// The index that every collection with such states has.
const BY_STATUS: &str = "by_status";

/// Refuses a `status` that is none of the names, unless a document has it, which only the platform may be told. Whoever sees a
/// state of others in a list can so ask for all that have it, and a slip of the pen is still a mistake.
pub(crate) struct StatusCheck(Option<Read>);

impl StatusCheck {
    /// The check of a `status`; `platform` says whether the caller acts for it.
    ///
    /// # Errors
    /// `invalid_fields` listing the names.
    pub(crate) fn new<T: Choice>(
        collection: &'static Collection,
        status: Option<&Open<T>>,
        platform: bool,
    ) -> Result<Self> {
        let Some(Open::Foreign(text)) = status else { return Ok(Self(None)) };
        if !platform {
            return Err(no_choice::<T>());
        }
        let mut query = Query::new(collection).equal("status", &**text).limit(1);
        query.sort = collection.index(BY_STATUS);
        Ok(Self(Some(query.into())))
    }

    /// Adds the read that it takes, if any, to those of the list.
    pub(crate) fn add_to(&self, reads: &mut Vec<Read>) {
        reads.extend(self.0.clone());
    }

    /// Looks at its answer.
    ///
    /// # Errors
    /// As [`StatusCheck::new`].
    pub(crate) fn finish<T: Choice>(&self, answers: &mut Answers) -> Result<()> {
        if self.0.is_some() && !answers.any() { Err(no_choice::<T>()) } else { Ok(()) }
    }
}

fn no_choice<T: Choice>() -> Error {
    Error::invalid(vec![fields::no_choice::<T>().of("status")])
}
