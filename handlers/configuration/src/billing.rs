//! Settings of the payment provider.

use std::sync::Arc;

use dezky::{
    Result,
    connectors::{
        Secret,
        stripe::{API, Stripe, StripeSettings, signature::WebhookSecrets},
    },
    outbound::{CertificateAuthorities, Url},
    service::BillingProvider,
};

use super::{
    mail,
    secrets::SecretFile,
    settings,
    sources::{Origin, Sources, refuse},
    systems::{Names, secret},
};

/// Number of signing secrets. Two while one is replaced by another.
const MOST_SECRETS: usize = 8;

const KEY: Names = Names {
    url: &settings::STRIPE_URL,
    user: &settings::STRIPE_URL,
    secret: &settings::STRIPE_SECRET,
    secret_file: &settings::STRIPE_SECRET_FILE,
    described: "the key of Stripe",
};

const WEBHOOK: Names = Names {
    url: &settings::STRIPE_SECRET,
    user: &settings::STRIPE_URL,
    secret: &settings::STRIPE_WEBHOOK_SECRETS,
    secret_file: &settings::STRIPE_WEBHOOK_SECRETS_FILE,
    described: "the signing secrets of Stripe's webhook",
};

/// Creates the client of the payment provider.
///
/// # Errors
/// Kind `Configuration` when the address or the key cannot be used.
pub(super) fn provider(settings: &StripeSettings) -> Result<Arc<dyn BillingProvider>> {
    let stripe = Stripe::new(settings);
    let stripe = stripe.map_err(|error| refuse(format!("`{}`: {}", KEY.secret.variable, error.message())))?;
    Ok(Arc::new(stripe))
}

/// Reads the settings of the payment provider; `None` without its key.
pub(super) fn read(sources: &Sources, extra_ca: Option<&[u8]>) -> Result<Option<StripeSettings>> {
    if sources.find(KEY.secret)?.is_none() && sources.find(KEY.secret_file)?.is_none() {
        let others = [KEY.url, WEBHOOK.secret, WEBHOOK.secret_file, &settings::STRIPE_AUTOMATIC_TAX];
        for other in others {
            if let Some(found) = sources.find(other)? {
                let key = KEY.secret.variable;
                return Err(found.refuse(format!("has no use without `{key}`: set that too, or remove it")));
            }
        }
        return Ok(None);
    }
    let key = secret(sources, &KEY)?;
    let url = match sources.find(KEY.url)? {
        None => Url::parse(API).map_err(|error| refuse(error.to_string()))?,
        Some(found) => {
            let plain = |url: &Url| {
                let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
                (url.scheme() == "https" || (url.scheme() == "http" && local))
                    && url.username().is_empty()
                    && url.password().is_none()
                    && url.query().is_none()
                    && url.fragment().is_none()
            };
            let url = Url::parse(&found.text).ok().filter(plain);
            url.ok_or_else(|| {
                found.refuse(format!("must be an address such as `{API}`: leave it out for Stripe itself"))
            })?
        }
    };
    let webhook_secrets = WebhookSecrets::new(signing_secrets(&secret(sources, &WEBHOOK)?)?);
    let Some(portal) = mail::portal(sources)? else {
        let (key, portal) = (KEY.secret.variable, settings::PORTAL_URL.variable);
        return Err(refuse(format!(
            "`{key}` needs the address of the portal, to which Stripe's pages lead back: set `{portal}`"
        )));
    };
    let automatic_tax = match sources.find(&settings::STRIPE_AUTOMATIC_TAX)? {
        None => false,
        Some(found) => match found.text.as_str() {
            "true" => true,
            "false" => false,
            other => return Err(found.refuse(format!("`{}` is neither `true` nor `false`", other.escape_debug()))),
        },
    };
    let authorities = extra_ca.map(CertificateAuthorities::from_pem).transpose()?.unwrap_or_default();
    Ok(Some(StripeSettings { url, key: Secret::Bearer(key), webhook_secrets, portal, automatic_tax, authorities }))
}

/// Reads signing secrets with commas or blanks between them.
fn signing_secrets(text: &str) -> Result<Vec<String>> {
    let secrets: Vec<String> = text
        .split(|character: char| character == ',' || character.is_whitespace())
        .filter(|secret| !secret.is_empty())
        .map(str::to_owned)
        .collect();
    let is_secret = |secret: &String| secret.starts_with("whsec_") && secret.len() >= 12;
    if secrets.is_empty() || secrets.len() > MOST_SECRETS || !secrets.iter().all(is_secret) {
        let variable = WEBHOOK.secret.variable;
        return Err(refuse(format!(
            "`{variable}` must be 1 to {MOST_SECRETS} signing secrets of the webhook's endpoint, which begin with `whsec_`, with commas \
             between them"
        )));
    }
    Ok(secrets)
}

/// Lists the files that contain secrets.
pub(super) fn secret_files(sources: &Sources) -> Result<Vec<SecretFile>> {
    let mut files = Vec::new();
    for names in [&KEY, &WEBHOOK] {
        if let Some(found) = sources.find(names.secret_file)? {
            files.push(SecretFile { path: found.text.into(), secret: names.described });
        }
        if let Some(Origin::File { file, .. }) = sources.find(names.secret)?.map(|found| found.origin) {
            files.push(SecretFile { path: file, secret: names.described });
        }
    }
    Ok(files)
}
