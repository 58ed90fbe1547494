//! Lists: one page, or all pages.

use clap::Args;
use dezky::service::{ListRequest, Page};
use serde::Serialize;

use super::{
    output::{Column, Output},
    session::settled,
};
use crate::failure::Failure;

/// Flags common to all lists.
#[derive(Debug, Args)]
#[command(next_help_heading = "Paging")]
pub(crate) struct ListFlags {
    /// Maximum number of items per page, 1 to 200 [default: 50]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(crate) limit: Option<u32>,
    /// Continue after the page that printed this cursor
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
    /// Print all pages; with --json, one document per line
    #[arg(long)]
    pub(crate) all: bool,
}

/// Prints all documents of an export, each on a line as JSON, so that memory is bounded by one page.
pub(crate) async fn lines<T, F>(fetch: impl Fn(ListRequest) -> F) -> Result<(), Failure>
where
    T: Serialize,
    F: Future<Output = dezky::Result<Page<T>>>,
{
    let all = ListFlags { limit: None, cursor: None, all: true };
    list(&Output::new(true), &all, &[], fetch).await
}

/// Prints a list page by page, so that memory is bounded by one page.
pub(crate) async fn list<T, F>(
    output: &Output,
    flags: &ListFlags,
    columns: &[Column],
    fetch: impl Fn(ListRequest) -> F,
) -> Result<(), Failure>
where
    T: Serialize,
    F: Future<Output = dezky::Result<Page<T>>>,
{
    let mut request = ListRequest { limit: flags.limit, cursor: flags.cursor.clone() };
    if !flags.all {
        return output.page(columns, &settled(fetch(request).await)?);
    }
    // Larger pages where no limit is given.
    request.limit = request.limit.or(Some(ListRequest::MAXIMUM_LIMIT));
    let mut first = true;
    loop {
        let page = settled(fetch(request.clone()).await)?;
        output.part(columns, &page.items, first)?;
        first = false;
        match page.next_cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => return Ok(()),
        }
    }
}
