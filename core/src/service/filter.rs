//! Filters of lists whose values may be none of ours.

use super::{Call, Service};
use crate::{
    domain::{Choice, Open, fields},
    error::{Error, Result},
    store::{Collection, Query},
};

/// The index that every collection with such states has.
const BY_STATUS: &str = "by_status";

impl Service {
    /// Refuses a `status` that is none of the names, unless a document has it, which only `platform` may be told. Whoever sees a
    /// state of others in a list can so ask for all that have it, and a slip of the pen is still a mistake.
    ///
    /// # Errors
    /// `invalid_fields` listing the names.
    pub(crate) async fn check_status<T: Choice + Send + Sync>(
        &self,
        call: &Call,
        collection: &'static Collection,
        status: Option<&Open<T>>,
        platform: bool,
    ) -> Result<()> {
        let Some(Open::Foreign(text)) = status else { return Ok(()) };
        if platform {
            let mut query = Query::new(collection).equal("status", &**text).limit(1);
            query.sort = collection.index(BY_STATUS);
            if !self.store.find(&call.context, &query).await?.is_empty() {
                return Ok(());
            }
        }
        Err(Error::invalid(vec![fields::no_choice::<T>().of("status")]))
    }
}
