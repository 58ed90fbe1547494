//! Measures the verification of an RS256 token with a 2048-bit key, first and cached, against aws-lc-rs's RSA
//! verification.
#![allow(clippy::print_stdout, reason = "the figures are what the program is for")]

use std::{hint::black_box, num::NonZeroUsize, sync::Arc, time::Duration};

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use dezky::{
    authn::{
        Verifier, VerifierOptions,
        keys::{HttpKeySource, KeySet, NoArchive},
        verify_signature,
    },
    clock::{Clock, SystemClock},
    development_issuer::DevelopmentIssuer,
};
use dezky_benches::{Case, Failure, compare, show};

/// More tokens than a verifier with room for one can remember.
const TOKENS: usize = 256;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let issuer = DevelopmentIssuer::start().await?;
    let life = Duration::from_secs(3_600);
    let mint = |number: usize| {
        let claims = issuer.claims("anna").groups(["dezky", "acme"]).lasting(SystemClock.now(), life);
        issuer.mint(&claims.with("jti", format!("{number:032x}")))
    };
    let tokens: Vec<String> = (0..TOKENS).map(mint).collect();
    let token = tokens.first().ok_or("no token")?;
    let jwks = issuer.jwks();
    let keys = KeySet::from_json(jwks.to_string().as_bytes())?;

    let number = |name: &str| -> Result<Vec<u8>, Failure> {
        let text = jwks.pointer(&format!("/keys/0/{name}")).and_then(|value| value.as_str());
        Ok(URL_SAFE_NO_PAD.decode(text.ok_or("the key is not an RSA key")?)?)
    };
    let (n, e) = (number("n")?, number("e")?);
    let components = RsaPublicKeyComponents { n: &n, e: &e };
    let parsed = components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)?;
    let (message, signature) = token.rsplit_once('.').ok_or("no signature")?;
    let signature = URL_SAFE_NO_PAD.decode(signature)?;

    let forgetful = verifier(&issuer, 1).await?;
    let remembering = verifier(&issuer, 10_000).await?;
    let mut next = tokens.iter().cycle();
    println!("RS256, 2048 bits, a token of {} bytes; ratios to the first line", token.len());
    show(&compare(&mut [
        Case {
            name: "aws-lc-rs, ParsedPublicKey",
            run: &mut || {
                let _ = black_box(parsed.verify_sig(message.as_bytes(), &signature));
            },
        },
        Case {
            name: "aws-lc-rs, RsaPublicKeyComponents",
            run: &mut || {
                let _ = black_box(components.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature));
            },
        },
        Case {
            name: "signature alone",
            run: &mut || {
                let _ = black_box(verify_signature(token, &keys));
            },
        },
        Case {
            name: "first sight: signature, claims, policy, remembering",
            run: &mut || {
                if let Some(token) = next.next() {
                    let _ = black_box(forgetful.verify_now(token));
                }
            },
        },
        Case {
            name: "remembered",
            run: &mut || {
                let _ = black_box(remembering.verify_now(token));
            },
        },
    ]));
    // Measuring refusals would look fast.
    for token in &tokens {
        forgetful.verify_now(token).ok_or("keys are missing")??;
    }
    parsed.verify_sig(message.as_bytes(), &signature)?;
    Ok(())
}

async fn verifier(issuer: &DevelopmentIssuer, remembered: usize) -> Result<Verifier, Failure> {
    let mut options = VerifierOptions::default();
    options.remembered_tokens = NonZeroUsize::new(remembered).unwrap_or(NonZeroUsize::MIN);
    let (source, archive) = (Arc::new(HttpKeySource::new(None)?), Arc::new(NoArchive));
    let verifier = Verifier::new(vec![issuer.settings("default")], source, archive, Arc::new(SystemClock), options)?;
    verifier.refresh().await;
    Ok(verifier)
}
