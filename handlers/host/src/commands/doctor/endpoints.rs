//! Checks of endpoints for events: deliveries that fail, or wait for too long.

use dezky::{outbound::Url, service::Service, work::webhooks::EndpointReport};

use super::report::Report;

const ENDPOINTS: &str = "event endpoints";

/// Number of endpoints that are reported one by one.
const MOST: usize = 10;

pub(super) async fn check(service: &Service, report: &mut Report) {
    let troubled = match EndpointReport::troubled(service).await {
        Ok(troubled) => troubled,
        Err(error) => {
            let message = format!("their deliveries cannot be read: {}", error.message());
            return report.error(ENDPOINTS, &message, "see the findings of the store");
        }
    };
    if troubled.is_empty() {
        return report.ok(ENDPOINTS, "no delivery of an event fails or is late");
    }
    troubled.iter().take(MOST).for_each(|one| warn(one, report));
    if troubled.len() > MOST {
        let message = format!("events do not reach at least {} further endpoints", troubled.len() - MOST);
        report.warning(ENDPOINTS, &message, "see those above first, then run the doctor again");
    }
}

fn warn(endpoint: &EndpointReport, report: &mut Report) {
    let since = endpoint.waits_since.map(|since| format!("its line waits since {since}"));
    let counted = [(endpoint.retrying, "deliveries tried again"), (endpoint.given_up, "deliveries given up in a day")];
    let counted = counted.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{what}: {number}"));
    let reason = endpoint.failure.as_ref().map(|why| format!("last failure: {why}"));
    let parts: Vec<String> = since.into_iter().chain(counted).chain(reason).collect();
    // The path of an address may be a secret.
    let url = endpoint.endpoint.as_ref().and_then(|endpoint| Url::parse(&endpoint.url).ok());
    let at = url.map(|url| format!("{}: ", url.origin().ascii_serialization())).unwrap_or_default();
    let id = endpoint.id;
    let advice = if endpoint.failure.is_some() {
        format!("see `dezky endpoint deliveries {id}`, mend the receiver, then `dezky endpoint replay {id}`")
    } else {
        format!(
            "the receiver is slow, as `dezky endpoint deliveries {id}` shows, or no process runs the task: \
             run `dezky serve` or `dezky worker` with `DEZKY_TASKS` unset, or with `webhooks` in it"
        )
    };
    report.warning(&format!("event endpoint {id}"), &format!("{at}{}", parts.join("; ")), &advice);
}
