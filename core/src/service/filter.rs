//! List filters that also accept stored values outside Dezky's own enumerations.

use crate::{
    domain::{Choice, Open, fields},
    error::{Error, Result},
    store::{Answers, Collection, Query, Read},
};

/// The index by status, which every collection with open states has.
const BY_STATUS: &str = "by_status";

/// Refuses an unknown `status`, unless a document has it, which only the platform may be told.
///
/// So a state of the replaced service that shows up in a list can be filtered by, while a misspelt one is still an
/// error.
pub(crate) struct StatusCheck(Option<Read>);

impl StatusCheck {
    /// Creates the check of a `status`. `platform` is `true` if the caller acts for the platform.
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

    /// Adds the read that the check needs, if any, to those of the list.
    pub(crate) fn add_to(&self, reads: &mut Vec<Read>) {
        reads.extend(self.0.clone());
    }

    /// Takes the answer of that read.
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
