//! Lists of the API, read page by page.

use serde::Deserialize;
use serde_json::Value;

use super::{
    Authentik,
    answer::{Invalid, Reply, object},
};
use crate::{
    connectors::{ConnectorError, ConnectorResult},
    context::RequestContext,
    outbound::Request,
};

/// Size limit of a list, in entries.
pub(super) const MAXIMUM_ENTRIES: usize = 10_000;

/// Size of a page, in entries. Authentik cuts larger ones to this by default.
const PAGE: &str = "100";

/// Number of times that a list is read anew because it changed.
const READINGS: usize = 3;

#[derive(Deserialize)]
struct Page {
    pagination: Pagination,
    results: Vec<Value>,
}

#[derive(Deserialize)]
struct Pagination {
    /// Number of the next page; 0 on the last one.
    next: u64,
    count: usize,
}

/// A list of the API.
pub(super) struct List<'a> {
    pub(super) context: &'a RequestContext,
    /// Plural noun, such as `groups`.
    pub(super) what: &'static str,
    /// Request of the list, without the number of the page.
    pub(super) request: Request,
}

/// A reading of a list.
pub(super) struct Reading {
    next: Option<u64>,
    count: Option<usize>,
    read: usize,
    changed: bool,
}

impl Reading {
    pub(super) fn new() -> Self {
        Self { next: Some(1), count: None, read: 0, changed: false }
    }

    /// Returns `true` if the pages do not fit together: entries may be missing.
    fn changed(&self) -> bool {
        self.changed || self.count.is_some_and(|count| count != self.read)
    }
}

impl Authentik {
    /// Reads a whole list.
    ///
    /// A list that changes between its pages is read anew: a deletion on the first page moves an entry of the second
    /// page to where nobody looks any more, and a member that seems to be gone loses rights.
    pub(super) async fn list(&self, list: &List<'_>) -> ConnectorResult<Result<Vec<Value>, Invalid>> {
        for _ in 0..READINGS {
            let (mut reading, mut entries) = (Reading::new(), Vec::new());
            loop {
                match self.page(list, &mut reading).await? {
                    Ok(Some(page)) => entries.extend(page),
                    Ok(None) => break,
                    Err(invalid) => return Ok(Err(invalid)),
                }
            }
            if !reading.changed() {
                return Ok(Ok(entries));
            }
        }
        let why = format!("the list of {} in Authentik changes while it is read: try again later", list.what);
        Err(ConnectorError::Retryable { after: None, why })
    }

    /// Reads a whole list whose request is always valid.
    pub(super) async fn entries(&self, list: &List<'_>) -> ConnectorResult<Vec<Value>> {
        self.list(list).await?.map_err(|invalid| invalid.rejected(&format!("list {}", list.what)))
    }

    /// Reads the next page of a list; `None` after the last one.
    pub(super) async fn page(
        &self,
        list: &List<'_>,
        reading: &mut Reading,
    ) -> ConnectorResult<Result<Option<Vec<Value>>, Invalid>> {
        let Some(number) = reading.next else { return Ok(Ok(None)) };
        let request = list.request.clone().query("page", number.to_string()).query("page_size", PAGE);
        let response = match self.send(list.context, &format!("list {}", list.what), &request).await? {
            Reply::Done(response) => response,
            Reply::Invalid(invalid) => return Ok(Err(invalid)),
            // A page beyond the last one: the list became shorter.
            Reply::Absent if number > 1 => {
                (reading.next, reading.changed) = (None, true);
                return Ok(Ok(None));
            }
            Reply::Absent => return Err(unexpected(list.what, "has no first page")),
        };
        let page: Page = object(response.body(), list.what)?;
        if page.pagination.count > MAXIMUM_ENTRIES || reading.read + page.results.len() > MAXIMUM_ENTRIES {
            let why = format!(
                "Authentik has more than {MAXIMUM_ENTRIES} {}, which is more than this client reads",
                list.what
            );
            return Err(ConnectorError::Incompatible { version: None, why });
        }
        reading.next = match page.pagination.next {
            0 => None,
            next if next != number + 1 || page.results.is_empty() => {
                return Err(unexpected(list.what, "has pages that do not follow each other"));
            }
            next => Some(next),
        };
        reading.changed |= reading.count.is_some_and(|count| count != page.pagination.count);
        reading.count = Some(page.pagination.count);
        reading.read += page.results.len();
        Ok(Ok(Some(page.results)))
    }
}

fn unexpected(what: &str, how: &str) -> ConnectorError {
    ConnectorError::Incompatible { version: None, why: format!("Authentik's list of {what} {how}") }
}
