//! What the workers that send the platform's mail share: claims, attempts and links.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use url::Url;

use super::{
    InvitationMail, NoticeMail,
    due::{due, retry_after},
};
use crate::{
    clock::Timestamp,
    context::SystemActor,
    domain::ObjectId,
    error::{Error, Result},
    mail::Mailer,
    service::Service,
    store::{Entity, Index},
};

/// Number of documents that are due read at a time.
const BATCH: u32 = 64;

/// Number of documents that are dealt with at a time.
const AT_A_TIME: usize = 4;

/// Time after which a claim runs out. Longer than any attempt to send a mail.
pub(super) const CLAIM: Duration = Duration::from_secs(300);

/// Time limit of an attempt, so that it ends before the claim does.
pub(super) const LONGEST_ATTEMPT: Duration = Duration::from_secs(150);

/// Wait before the second attempt. It doubles with each further one.
const FIRST_RETRY: Duration = Duration::from_secs(60);

/// Number of attempts after which the mail server counts as one that does not take the mail: eight hours.
pub const MOST_ATTEMPTS: u32 = 14;

/// The mail of the platform, by what it is about.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PlatformMail {
    /// That of invitations.
    pub invitations: Arc<InvitationMail>,
    /// That of notices to owners.
    pub notices: Arc<NoticeMail>,
}

impl PlatformMail {
    /// Creates the mail of the platform, with links to the portal at this address.
    #[must_use]
    pub fn new(mailer: Arc<dyn Mailer>, portal: Url, bounce_domain: Option<String>) -> Self {
        Self {
            invitations: Arc::new(InvitationMail::new(Arc::clone(&mailer), portal.clone(), bounce_domain)),
            notices: Arc::new(NoticeMail::new(mailer, portal)),
        }
    }
}

/// Returns the time of the next attempt after this number of them.
pub(super) fn next_attempt(attempts: u32, now: Timestamp) -> Timestamp {
    now.plus(retry_after(FIRST_RETRY, attempts))
}

/// Returns the address of a page of the portal.
pub(super) fn page(portal: &Url, path: &str) -> Result<Url> {
    let mut base = portal.clone();
    if !base.path().ends_with('/') {
        let path = format!("{}/", base.path());
        base.set_path(&path);
    }
    base.join(path).map_err(|error| Error::internal(error.to_string()))
}

/// Deals with all documents whose `dueAt` has come. Returns their number.
///
/// Dealing with one has to move its `dueAt`, or remove it.
pub(super) async fn run_due<E: Entity, F: Future<Output = Result<()>>>(
    service: &Service,
    part: SystemActor,
    by_due: &'static Index,
    deal_with: impl Fn(ObjectId) -> F,
) -> Result<usize> {
    let mut done = 0;
    loop {
        let due: Vec<E> = due(service, part, by_due, BATCH).await?;
        if due.is_empty() {
            return Ok(done);
        }
        let ids = due.iter().map(Entity::id).collect::<Vec<_>>();
        let mut results = stream::iter(ids).map(&deal_with).buffer_unordered(AT_A_TIME);
        // One that fails holds up none of the others.
        let mut failed = None;
        while let Some(dealt_with) = results.next().await {
            match dealt_with {
                Ok(()) => done += 1,
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
    }
}
