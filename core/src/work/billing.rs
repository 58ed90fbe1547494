//! Deals with the events of the payment provider, and finds what it has not announced.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{due, time};
use crate::{
    context::SystemActor,
    domain::{
        ProviderEvent, ProviderEventId, Subscription, SubscriptionStatus, Versioned as _,
        billing::{Announcement, Compared, PROVIDER_EVENTS_BY_DUE, ProviderSubscription},
        subscription::{SUBSCRIPTIONS, SUBSCRIPTIONS_BY_AGE},
    },
    error::{Error, ErrorKind, Result},
    service::{Call, Service, billing::follow::Followed},
    store::{Commit, Position, Query, Repository as _},
};

/// Number of due events read at a time.
const BATCH: u32 = 256;

/// Wait before the second attempt. It doubles with each further one.
const FIRST_RETRY: Duration = Duration::from_secs(5);

/// Longest wait that the provider may ask for.
const MOST_ASKED: Duration = Duration::from_secs(60 * 60);

/// Number of stored subscriptions read at a time.
const PAGE: u32 = 200;

/// Subject matter of events: those of one are dealt with together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Concerns {
    Subscription(String),
    Customer(String),
    Nothing,
}

impl Concerns {
    fn of(event: &ProviderEvent) -> Self {
        match (&event.subscription, &event.customer) {
            (Some(id), _) => Self::Subscription(id.clone()),
            (None, Some(id)) => Self::Customer(id.clone()),
            (None, None) => Self::Nothing,
        }
    }
}

/// Returns the time until the next event is due, zero if one is; `None` if there are none, or no provider is configured.
///
/// # Errors
/// When the store does not answer.
pub async fn next_due(service: &Service) -> Result<Option<Duration>> {
    if service.billing().is_err() {
        return Ok(None);
    }
    due::next_due(service, SystemActor::Billing, &PROVIDER_EVENTS_BY_DUE, |event: &ProviderEvent| event.due_at).await
}

/// Deals with all events that are due. Returns their number.
///
/// Any number of processes may do so at the same time: the effect of an event is stored in the commit that settles it.
///
/// # Errors
/// When the store does not answer.
pub async fn run_due(service: &Service) -> Result<usize> {
    let mut done = 0;
    loop {
        let due: Vec<ProviderEvent> = due::due(service, SystemActor::Billing, &PROVIDER_EVENTS_BY_DUE, BATCH).await?;
        if due.is_empty() {
            return Ok(done);
        }
        done += due.len();
        let (settled, waiting): (Vec<_>, Vec<_>) = due.into_iter().partition(|event| event.settled);
        forget(service, &settled).await?;
        let mut groups: BTreeMap<Concerns, Vec<ProviderEvent>> = BTreeMap::new();
        for event in waiting {
            groups.entry(Concerns::of(&event)).or_default().push(event);
        }
        for (concerns, events) in groups {
            let ids: Vec<ProviderEventId> = events.iter().map(|event| event.id).collect();
            if let Err(error) = deal_with(service, &concerns, &ids).await {
                // One that fails holds up none of the others.
                put_off(service, &events, &error).await?;
            }
        }
    }
}

async fn deal_with(service: &Service, concerns: &Concerns, events: &[ProviderEventId]) -> Result<()> {
    match concerns {
        Concerns::Subscription(id) => {
            service.follow_provider(id, events).await?;
        }
        Concerns::Customer(customer) => {
            let mut after = None;
            loop {
                let context = call().context;
                let page = service.billing()?.subscriptions(&context, Some(customer), after.as_deref()).await?;
                for subscription in &page.subscriptions {
                    service.follow_provider(&subscription.id, &[]).await?;
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            let call = call();
            service.settle(&call, |moment| service.settle_events(&call, moment, events, None)).await?;
        }
        Concerns::Nothing => {
            let (call, why) = (call(), "it concerns no subscription");
            let settle = |moment| service.settle_events(&call, moment, events, Some(why.to_owned()));
            service.settle(&call, settle).await?;
        }
    }
    Ok(())
}

/// Removes events that were dealt with long ago.
async fn forget(service: &Service, settled: &[ProviderEvent]) -> Result<()> {
    let mut commit = Commit::new();
    settled.iter().for_each(|event| commit.delete(event));
    if commit.is_empty() {
        return Ok(());
    }
    match service.store().commit(&call().context, &commit).await {
        // Another process removes them too.
        Err(error) if error.is_conflict() => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Stores that events wait for another attempt. They are never given up: money depends on them.
async fn put_off(service: &Service, events: &[ProviderEvent], error: &Error) -> Result<()> {
    let attempts = events.iter().map(|event| event.attempts).max().unwrap_or(0);
    if error.kind() == ErrorKind::Internal || attempts == 3 {
        tracing::warn!(?error, events = events.len(), attempts, "events of the payment provider cannot be dealt with");
    }
    let now = time(service).await;
    let wait = error
        .retry_after()
        .unwrap_or_default()
        .min(MOST_ASKED)
        .max(due::retry_after(FIRST_RETRY, attempts.saturating_add(1)));
    for event in events {
        let mut after = event.clone();
        after.wait(now.plus(wait), error.message().to_owned());
        after.advance(now);
        let mut commit = Commit::new();
        commit.update(&after, event.version)?;
        match service.store().commit(&call().context, &commit).await {
            // Another process has dealt with it.
            Err(error) if error.is_conflict() => {}
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Compares all subscriptions with the provider's. Returns the number of those that were not as it has them.
///
/// It finds events that never came. Subscriptions that the provider does not list have ended there, and are read one by one.
///
/// # Errors
/// When the store or the provider does not answer.
pub async fn reconcile(service: &Service) -> Result<usize> {
    let Ok(provider) = service.billing() else { return Ok(0) };
    let (mut found, mut after) = (0, None);
    let mut live = BTreeSet::new();
    loop {
        let page = provider.subscriptions(&call().context, None, after.as_deref()).await?;
        for theirs in &page.subscriptions {
            found += usize::from(announced_by_itself(service, theirs).await?);
            live.insert(theirs.id.clone());
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let mut position = None;
    loop {
        let query = Query::new(&SUBSCRIPTIONS).sort(&SUBSCRIPTIONS_BY_AGE).after(position).limit(PAGE);
        let stored: Vec<Subscription> = service.store().load_all(&call().context, &query).await?;
        for own in &stored {
            let Some(id) = own.stripe_subscription_id.as_ref().filter(|id| !live.contains(*id)) else { continue };
            if own.status != SubscriptionStatus::Cancelled {
                found += usize::from(differs(service, own, id).await?);
            }
        }
        match stored.last().filter(|_| stored.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX)) {
            Some(last) => position = Some(Position { values: vec![last.created_at.into()], id: last.id.0 }),
            None => break,
        }
    }
    if found > 0 {
        tracing::warn!(
            found,
            "subscriptions were not as the payment provider has them: its webhooks do not arrive, or late"
        );
    }
    Ok(found)
}

/// Follows a subscription of the provider, if what is stored is not what it has. Returns `true` if it was not.
async fn announced_by_itself(service: &Service, theirs: &ProviderSubscription) -> Result<bool> {
    let key = Subscription::provider_key(&theirs.id);
    let own: Option<Subscription> = service.store().load_unique(&call().context, key).await?;
    if let Some(own) = &own {
        let mut as_theirs = own.clone();
        let now = time(service).await;
        let compared = as_theirs.follow_provider(theirs, &service.settings().plans, now)?;
        if as_theirs == *own && compared == Compared::Followed {
            return Ok(false);
        }
    } else if theirs.tenant_id.is_none() {
        // One of another product of the same account.
        return Ok(false);
    }
    Ok(matches!(service.follow_provider(&theirs.id, &[]).await?, Followed::Stored | Followed::EndsThere))
}

async fn differs(service: &Service, own: &Subscription, id: &str) -> Result<bool> {
    service.follow_provider(id, &[]).await?;
    let now: Option<Subscription> = service.store().load(&call().context, own.id).await?;
    Ok(now.is_some_and(|now| now.version != own.version))
}

/// Announces that a subscription has ended here, so that the provider is told.
pub(super) async fn announce_end(service: &Service, subscription: &Subscription) -> Result<()> {
    let Some(id) = &subscription.stripe_subscription_id else { return Ok(()) };
    let announced = Announcement {
        id: format!("ended:{}:{}", subscription.id, subscription.version),
        kind: "dezky.subscription.ended".to_owned(),
        subscription: Some(id.clone()),
        customer: subscription.stripe_customer_id.clone(),
    };
    service.announce(&call(), announced).await
}

fn call() -> Call {
    Call::by_part(SystemActor::Billing)
}
