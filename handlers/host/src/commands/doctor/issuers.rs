//! Checks of the issuers: discovery, keys and their age, and the clock.

use std::{sync::Arc, time::Duration};

use dezky::{
    authn::{
        GroupsAbsent, GroupsClaim, IssuerSettings, JwksSource, TokenLife,
        keys::{FetchErrorKind, HttpKeySource, KeySet, KeySetArchive as _, KeySource as _, StoreArchive},
    },
    clock::{Clock as _, SystemClock, Timestamp},
    store::SharedStore,
};

use super::report::Report;
use crate::configuration::Configuration;

/// Age up to which a stored key set can serve while the issuer is down.
const SERVES: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) async fn check(configuration: &Configuration, store: Option<&SharedStore>, report: &mut Report) {
    let source = match HttpKeySource::new(configuration.extra_ca_certificates.as_deref()) {
        Ok(source) => source,
        // The check of certificates has reported it.
        Err(_) => return,
    };
    let leeway = configuration.service_settings().leeway;
    for issuer in &configuration.issuers {
        rights(issuer, configuration.platform_admin_group.as_deref(), report);
        life(issuer, report);
        keys(&source, issuer, report).await;
        if let Some(store) = store {
            kept(store, issuer, report).await;
        }
        clock_and_certificate(&source, issuer, leeway, report).await;
    }
}

/// Subject of findings about an issuer.
fn name(issuer: &IssuerSettings) -> String {
    format!("issuer {}", issuer.id)
}

/// Reports the consequences of long-lived tokens.
fn life(issuer: &IssuerSettings, report: &mut Report) {
    let life = issuer.max_token_life;
    if life > TokenLife::DEFAULT {
        report.warning(
            &name(issuer),
            &format!("access tokens may live {life}: a stolen one can be used for as long"),
            "let the provider make access tokens of an hour or less, which clients refresh, and take `max_token_life` out; where it cannot, \
             set it to what the provider makes and no more",
        );
    }
}

/// Reports what tokens of an issuer may grant, since its operator decides that much.
fn rights(issuer: &IssuerSettings, platform_admin_group: Option<&str>, report: &mut Report) {
    let name = format!("rights by {}", name(issuer));
    let tenant = issuer.tenant.as_ref();
    if issuer.groups_claim() == GroupsClaim::Ignore {
        let seen = tenant.map_or_else(|| "of any tenant".to_owned(), |slug| format!("of the tenant `{slug}` alone"));
        let message =
            format!("it says who people are and gives nothing: its groups are not read; they may be members {seen}");
        return report.ok(&name, message);
    }
    let memberships = tenant.map_or_else(
        || "memberships of every tenant that has an `authentikGroup`".to_owned(),
        |slug| format!("memberships of the tenant `{slug}` alone"),
    );
    let administration = match platform_admin_group.filter(|_| tenant.is_none()) {
        Some(group) => format!(", and administration of the platform by the group `{group}`"),
        None => String::new(),
    };
    let absent = match issuer.groups_absent {
        GroupsAbsent::Keep => {
            "a token without the claim changes nothing, which is right unless this issuer leaves the claim out for people in no \
             group: they would stay members, and `groups_absent = \"none\"` fits"
        }
        GroupsAbsent::None => {
            "a token without the claim takes all of this away, which is right only if this issuer leaves the claim out for \
             people in no group and every client of it has the mapper: else `groups_absent = \"keep\"` fits"
        }
    };
    let claim = &issuer.claims.groups;
    report.ok(&name, format!("its claim `{claim}` gives {memberships}{administration}; {absent}"));
}

pub(super) async fn keys(source: &HttpKeySource, issuer: &IssuerSettings, report: &mut Report) {
    let name = name(issuer);
    let body = match source.fetch(issuer).await {
        Ok(body) => body,
        Err(error) => {
            let advice = match error.kind {
                FetchErrorKind::Forbidden => {
                    "correct the URL or what the issuer publishes; or, if that is its place, set what the finding names"
                }
                _ => {
                    "see that the URL is right and reachable from here, and that its certificate is trusted: \
                     `DEZKY_EXTRA_CA_CERTS` adds authorities"
                }
            };
            trouble(issuer, report, &error.message, advice);
            return;
        }
    };
    match KeySet::from_json(&body) {
        Ok(set) => {
            let how = if issuer.jwks == JwksSource::Discovery { "discovery works, " } else { "" };
            let came = if set.skipped().is_empty() { String::new() } else { format!("; {} came", set.published()) };
            report.ok(&name, format!("{how}{} usable keys for {}{came}", set.len(), set.algorithms().join(", ")));
            for skipped in set.skipped() {
                report.warning(
                    &name,
                    &format!("a key is not used: {skipped}"),
                    "tokens signed with it are refused: replace it at the issuer",
                );
            }
        }
        Err(error) => {
            let advice = "choose an RS256 or ES256 signing key at the issuer";
            trouble(issuer, report, &error.to_string(), advice);
        }
    }
}

/// A tenant's own identity provider without keys affects only its users, so the platform is healthy.
fn trouble(issuer: &IssuerSettings, report: &mut Report, message: &str, advice: &str) {
    match &issuer.tenant {
        None => report.error(&name(issuer), message, advice),
        Some(tenant) => {
            let message = format!("{message} (nobody but the people of the tenant `{tenant}` is concerned)");
            report.warning(&name(issuer), &message, advice);
        }
    }
}

/// Reports what would serve after a restart while the issuer is down.
async fn kept(store: &SharedStore, issuer: &IssuerSettings, report: &mut Report) {
    if matches!(issuer.jwks, JwksSource::Inline(_)) {
        return;
    }
    let name = name(issuer);
    match StoreArchive::new(Arc::clone(store)).load(&issuer.id).await {
        Ok(Some(set)) => {
            let age = since(set.fetched_at);
            let message = format!("the stored keys are {} minutes old", age.as_secs() / 60);
            if age < SERVES {
                report.ok(&name, message);
            } else {
                let advice = "start `dezky serve`; while it runs, see in its log why it cannot fetch them";
                report.warning(&name, &format!("{message}: too old to serve while the issuer is away"), advice);
            }
        }
        Ok(None) => report.warning(&name, "no keys are stored yet", "start `dezky serve`, which fetches them"),
        Err(error) => {
            report.error(&name, &format!("the stored keys: {}", error.message()), "see the findings of the store")
        }
    }
}

/// Days before expiry at which a certificate's renewal is overdue; it is usually renewed a month ahead.
pub(super) const RENEWAL_DAYS: i64 = 14;

/// Returns the whole days until a time; negative once it has passed.
pub(super) fn days_until(end: Timestamp, now: Timestamp) -> i64 {
    end.seconds().saturating_sub(now.seconds()).div_euclid(24 * 60 * 60)
}

/// Reports the expiry of a certificate.
fn expiry(check: &str, end: Timestamp, report: &mut Report) {
    let days = days_until(end, SystemClock.now());
    let message = format!("valid until {end}");
    if days < 0 {
        report.error(check, &format!("expired: {message}"), "renew it");
    } else if days < RENEWAL_DAYS {
        report.warning(check, &format!("{message}, {days} days from now"), "see why it is not renewed by itself");
    } else {
        report.ok(check, message);
    }
}

fn since(time: Timestamp) -> Duration {
    let milliseconds = SystemClock.now().milliseconds().saturating_sub(time.milliseconds());
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))
}

async fn clock_and_certificate(source: &HttpKeySource, issuer: &IssuerSettings, leeway: Duration, report: &mut Report) {
    let before = SystemClock.now();
    // An unreachable issuer is reported already.
    let Ok(observed) = source.observe(issuer).await else { return };
    if let Some(end) = observed.certificate_expires_at {
        expiry(&format!("certificate of {}", name(issuer)), end, report);
    }
    let name = format!("clock beside {}", name(issuer));
    let Some(date) = observed.date else {
        let advice = "see that the clocks of both machines are set by NTP (`timedatectl`)";
        report.warning(&name, "the issuer's answers have no `Date`: the clocks could not be compared", advice);
        return;
    };
    let skew = skew(before, SystemClock.now(), date);
    let seconds = skew.as_secs();
    if skew > leeway {
        let message = format!("{seconds} s apart, and {} s are allowed", leeway.as_secs());
        report.error(
            &name,
            &message,
            "set the clock by NTP here and at the issuer: tokens are refused as too early or expired",
        );
    } else {
        report.ok(&name, format!("at most {} s apart", seconds.saturating_add(1)));
    }
}

/// Returns the minimum difference of a remote clock that showed whole seconds between `before` and `after`.
fn skew(before: Timestamp, after: Timestamp, date: Timestamp) -> Duration {
    let ahead = date.milliseconds().saturating_sub(after.milliseconds());
    let behind = before.milliseconds().saturating_sub(date.milliseconds().saturating_add(999));
    Duration::from_millis(u64::try_from(ahead.max(behind)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_the_request_and_the_missing_fraction_are_no_skew() {
        let at = Timestamp::from_milliseconds;
        assert_eq!(skew(at(10_900), at(12_100), at(10_000)), Duration::ZERO);
        assert_eq!(skew(at(10_900), at(12_100), at(12_000)), Duration::ZERO);
        assert_eq!(skew(at(10_000), at(10_500), at(50_500)), Duration::from_secs(40));
        assert_eq!(skew(at(50_999), at(51_500), at(10_000)), Duration::from_secs(40));
    }
}
