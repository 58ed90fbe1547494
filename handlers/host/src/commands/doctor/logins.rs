//! Checks of the issuers in the store, which are those of tenants' own logins.

use std::sync::Arc;

use dezky::{
    authn::{StoreIssuers, keys::HttpKeySource},
    context::{RequestContext, SystemActor},
    domain::{Issuer, Tenant, issuer::ISSUERS},
    error::Result,
    store::{Query, Repository as _, SharedStore},
};

use super::{issuers, report::Report};
use crate::configuration::Configuration;

/// Number of issuers whose keys are fetched, one after the other.
const MOST: u32 = 50;

const LOGINS: &str = "logins of tenants";

pub(super) async fn check(configuration: &Configuration, store: &SharedStore, report: &mut Report) {
    let context = RequestContext::by_part(SystemActor::Doctor);
    let query = Query::new(&ISSUERS).limit(MOST + 1);
    let stored: Vec<Issuer> = match store.load_all(&context, &query).await {
        Ok(stored) => stored,
        Err(error) => {
            return report.error(LOGINS, &format!("they cannot be read: {error}"), "see the findings of the store");
        }
    };
    if stored.is_empty() {
        return report.ok(LOGINS, "no tenant has a login of its own".to_owned());
    }
    let Some(accepted) = StoreIssuers::new(Arc::clone(store), &configuration.issuers) else {
        let message = "tenants have logins of their own, and their tokens are refused: there is no issuer `default`";
        let advice = "set `DEZKY_OIDC_ISSUER` and `DEZKY_OIDC_AUDIENCE` to the issuer of the identity system";
        return report.error(LOGINS, message, advice);
    };
    // The check of certificates has reported what is wrong with them.
    let Ok(source) = HttpKeySource::new(configuration.extra_ca_certificates.as_deref()) else { return };
    for issuer in stored.iter().take(usize::try_from(MOST).unwrap_or(usize::MAX)) {
        if let Err(error) = one(configuration, store, &accepted, &source, issuer, report).await {
            report.error(&name(issuer), error.message(), "see the findings of the store");
        }
    }
    if stored.len() > usize::try_from(MOST).unwrap_or(usize::MAX) {
        report.ok(LOGINS, format!("there are more than {MOST}; the others were not checked"));
    }
}

fn name(issuer: &Issuer) -> String {
    format!("issuer {}", Issuer::name_of(issuer.tenant_id))
}

async fn one(
    configuration: &Configuration,
    store: &SharedStore,
    accepted: &StoreIssuers,
    source: &HttpKeySource,
    issuer: &Issuer,
    report: &mut Report,
) -> Result<()> {
    let name = name(issuer);
    let url = &issuer.url;
    let context = RequestContext::by_part(SystemActor::Doctor);
    if let Some(configured) = configuration.issuers.iter().find(|configured| configured.urls.contains(url)) {
        let message =
            format!("`{url}` is also the issuer `{}` of the configuration, which is used instead", configured.id);
        report.warning(&name, &message, "take it out of the configuration: its people are others there");
        return Ok(());
    }
    let Some(tenant) = store.load::<Tenant>(&context, issuer.tenant_id).await? else {
        report.warning(&name, &format!("`{url}` is of a tenant that is not there"), "tokens of it are refused");
        return Ok(());
    };
    match accepted.settings(issuer, &tenant) {
        Ok(Some(settings)) => issuers::keys(source, &settings, report).await,
        Ok(None) => {
            let message = format!("`{url}` of the tenant `{}` is switched off, and not removed yet", tenant.slug);
            report.warning(&name, &message, "its tokens are refused; see that `dezky worker` or `dezky serve` runs");
        }
        Err(error) => {
            let message =
                format!("{} (nobody but the people of the tenant `{}` is concerned)", error.message(), tenant.slug);
            report.warning(&name, &message, "correct the host: `DEZKY_PUBLIC_DOMAIN` is part of it");
        }
    }
    Ok(())
}
