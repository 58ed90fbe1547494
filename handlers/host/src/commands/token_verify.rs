//! `dezky token verify`.

use std::io::{Read as _, Write as _};

use dezky::{
    Code, Error, Result,
    authn::{
        IssuerSettings, Profile,
        keys::{HttpKeySource, KeySet, KeySource as _, extra_ca_certificates},
        verify_signature, verify_with,
    },
    clock::{Clock as _, SystemClock},
};
use serde_json::Value;

use crate::{
    command_line::{ProfileChoice, VerifyFlags},
    failure::Failure,
};

/// Exceeds the maximum token size, so that an oversized token is refused as such.
const MAXIMUM_INPUT: u64 = 1024 * 1024;

/// Verifies a token and prints its claims.
pub(super) async fn run(flags: VerifyFlags) -> Result<(), Failure> {
    let token = token(flags.token.as_deref())?;
    let keys = keys(&flags).await?;
    let payload = verify(&flags, &keys, &token).map_err(|error| Failure::refused(error.code(), error.message()))?;
    let mut output = std::io::stdout().lock();
    output.write_all(&payload)?;
    if !flags.signature_only {
        output.write_all(b"\n")?;
    }
    output.flush()?;
    Ok(())
}

fn token(argument: Option<&str>) -> Result<String, Failure> {
    if let Some(token) = argument.filter(|token| *token != "-") {
        return Ok(token.trim().to_owned());
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(MAXIMUM_INPUT).read_to_end(&mut bytes)?;
    match String::from_utf8(bytes) {
        Ok(text) if text.trim().is_empty() => {
            Err(Failure::usage("there is no token: give it as an argument or on standard input"))
        }
        Ok(text) => Ok(text.trim().to_owned()),
        Err(_) => Err(Failure::refused("token_malformed", "the token holds other than plain characters")),
    }
}

async fn keys(flags: &VerifyFlags) -> Result<KeySet, Failure> {
    let json = match (&flags.jwks, &flags.issuer) {
        (Some(path), _) => std::fs::read(path)
            .map_err(|error| Failure::usage(format!("--jwks: `{}` cannot be read ({error})", path.display())))?,
        (None, Some(url)) => fetch(flags, url).await?,
        (None, None) => return Err(Failure::usage("give the keys: --jwks FILE or --issuer URL")),
    };
    KeySet::from_json(&json).map_err(|error| Failure::refused("key_set_unusable", &error.to_string()))
}

async fn fetch(flags: &VerifyFlags, url: &str) -> Result<Vec<u8>, Failure> {
    let settings = settings(flags, url);
    settings.validate().map_err(|error| Failure::usage(error.message()))?;
    let certificates = extra_ca_certificates(|name| std::env::var(name).ok())?;
    let source = HttpKeySource::new(certificates.as_deref())?;
    match source.fetch(&settings).await {
        Ok(body) => Ok(body.to_vec()),
        Err(error) => Err(Failure::refused("issuer_unavailable", &error.message)),
    }
}

fn settings(flags: &VerifyFlags, url: &str) -> IssuerSettings {
    let mut settings = IssuerSettings::new(IssuerSettings::DEFAULT_ID, url, "");
    // Without an audience only the signature is checked, but the settings must still be complete.
    settings.audiences = if flags.audience.is_empty() { vec!["none".to_owned()] } else { flags.audience.clone() };
    // The operator names the issuer and may reach it anyway.
    settings.private_addresses = true;
    settings.max_token_life = flags.max_token_life.unwrap_or_default();
    settings.profile = match flags.profile {
        ProfileChoice::Authentik => Profile::Authentik,
        ProfileChoice::Rfc9068 => Profile::Rfc9068,
        ProfileChoice::Any => Profile::Any,
    };
    settings
}

/// Returns the payload of an accepted token.
fn verify(flags: &VerifyFlags, keys: &KeySet, token: &str) -> Result<Vec<u8>> {
    let payload = verify_signature(token, keys)?;
    if flags.signature_only {
        return Ok(payload);
    }
    // Keys from a file serve their issuer, whatever its name is.
    let issuer = match &flags.issuer {
        Some(url) => url.clone(),
        None => claimed_issuer(&payload).unwrap_or_default(),
    };
    verify_with(&settings(flags, &issuer), keys, flags.at.unwrap_or_else(|| SystemClock.now()), token)?;
    if serde_json::from_slice::<Value>(&payload).is_err() {
        return Err(Error::new(Code::INTERNAL, "a verified payload is not JSON"));
    }
    Ok(payload)
}

fn claimed_issuer(payload: &[u8]) -> Option<String> {
    let claims: Value = serde_json::from_slice(payload).ok()?;
    Some(claims.get("iss")?.as_str()?.to_owned())
}
