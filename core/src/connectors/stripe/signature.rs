//! Signatures of Stripe's webhooks (<https://docs.stripe.com/webhooks#verify-manually>).

use std::{fmt, time::Duration};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{
    clock::Timestamp,
    error::{Code, Error, Result},
};

/// Tolerated difference between the time of a signature and now, in both directions.
const TOLERANCE: Duration = Duration::from_secs(300);

/// Number of signatures of one header that are compared. Stripe sends one for each secret of an endpoint.
const MOST_SIGNATURES: usize = 8;

/// Length of the longest header that is read.
const LONGEST_HEADER: usize = 4_096;

/// The signing secrets of an endpoint: the present one, and those that are being replaced. Never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct WebhookSecrets(Vec<String>);

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "WebhookSecrets({})", self.0.len())
    }
}

impl WebhookSecrets {
    /// Creates the secrets. Without any, every webhook is refused.
    #[must_use]
    pub fn new(secrets: Vec<String>) -> Self {
        Self(secrets)
    }

    /// Checks a header against a body.
    ///
    /// # Errors
    /// `webhook_signature_missing`, `webhook_signature_refused` or `webhook_stale`.
    pub fn check(&self, header: Option<&str>, body: &[u8], now: Timestamp) -> Result<()> {
        let missing = || {
            let message = "the webhook has no `Stripe-Signature` with a time and a signature: let only Stripe call it";
            Error::new(Code::WEBHOOK_SIGNATURE_MISSING, message)
        };
        let Parts { time, signatures } =
            header.filter(|header| header.len() <= LONGEST_HEADER).and_then(read).ok_or_else(missing)?;
        let matches = |signature: &[u8]| self.0.iter().any(|secret| is_of(secret, time, body, signature));
        if !signatures.iter().any(|signature| matches(signature)) {
            let message = "the signature of the webhook fits none of the signing secrets: set the endpoint's secret, and pass the body on unchanged";
            return Err(Error::new(Code::WEBHOOK_SIGNATURE_REFUSED, message));
        }
        let signed = time.parse::<i64>().map(Timestamp::from_seconds).map_err(|_| missing())?;
        if signed.plus(TOLERANCE) < now || now.plus(TOLERANCE) < signed {
            let message = "the webhook was signed more than five minutes from now: set the clock of this machine right";
            return Err(Error::new(Code::WEBHOOK_STALE, message));
        }
        Ok(())
    }
}

/// Parts of a header.
struct Parts<'a> {
    time: &'a str,
    signatures: Vec<Vec<u8>>,
}

/// Reads `t=…,v1=…`. Other schemes are ignored: `v0` is for tests only.
fn read(header: &str) -> Option<Parts<'_>> {
    let (mut time, mut signatures) = (None, Vec::new());
    for (name, value) in header.split(',').filter_map(|part| part.trim().split_once('=')) {
        match name {
            "t" if time.is_none() => time = Some(value).filter(|value| is_time(value)),
            "v1" if signatures.len() < MOST_SIGNATURES => signatures.extend(hex::decode(value)),
            _ => {}
        }
    }
    Some(Parts { time: time?, signatures }).filter(|parts| !parts.signatures.is_empty())
}

fn is_time(value: &str) -> bool {
    (1..=11).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// Compares in constant time.
fn is_of(secret: &str, time: &str, body: &[u8], signature: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.verify_slice(signature).is_ok()
}

/// Signs a body as Stripe does, for emulators and tests.
#[cfg(any(test, feature = "test-kit", feature = "development-issuer"))]
#[must_use]
pub fn sign(secret: &str, body: &[u8], at: Timestamp) -> String {
    let time = at.seconds();
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    format!("t={time},v1={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_780_000_000);

    fn secrets() -> WebhookSecrets {
        WebhookSecrets::new(vec!["whsec_new".to_owned(), "whsec_old".to_owned()])
    }

    fn code(header: Option<&str>, body: &[u8]) -> Option<Code> {
        secrets().check(header, body, NOW).err().map(|error| error.declared_code())
    }

    #[test]
    fn either_secret_counts_while_they_are_changed() {
        for secret in ["whsec_new", "whsec_old"] {
            assert_eq!(code(Some(&sign(secret, b"{}", NOW)), b"{}"), None);
        }
        let both = format!("{},v1={}", sign("whsec_gone", b"{}", NOW), &sign("whsec_new", b"{}", NOW)[16..]);
        assert_eq!(code(Some(&both), b"{}"), None, "{both}");
        assert_eq!(code(Some(&sign("whsec_gone", b"{}", NOW)), b"{}"), Some(Code::WEBHOOK_SIGNATURE_REFUSED));
        assert!(WebhookSecrets::default().check(Some(&sign("", b"{}", NOW)), b"{}", NOW).is_err());
    }

    #[test]
    fn the_time_is_bounded_in_both_directions() {
        for (seconds, refused) in [(-301, true), (-300, false), (0, false), (300, false), (301, true)] {
            let at = Timestamp::from_seconds(NOW.seconds() + seconds);
            let expected = refused.then_some(Code::WEBHOOK_STALE);
            assert_eq!(code(Some(&sign("whsec_new", b"{}", at)), b"{}"), expected, "{seconds}");
        }
    }

    #[test]
    fn what_is_no_signature_is_told_from_a_wrong_one() {
        let good = sign("whsec_new", b"{}", NOW);
        for header in
            [None, Some(""), Some("v1=00"), Some("t=1"), Some("t=1,v0=00"), Some("t=-1,v1=00"), Some("t=1,v1=xy")]
        {
            assert_eq!(code(header, b"{}"), Some(Code::WEBHOOK_SIGNATURE_MISSING), "{header:?}");
        }
        assert_eq!(code(Some(&good), b"{} "), Some(Code::WEBHOOK_SIGNATURE_REFUSED));
        // A time that was not signed.
        let moved = good.replacen(&NOW.seconds().to_string(), &(NOW.seconds() + 1).to_string(), 1);
        assert_eq!(code(Some(&moved), b"{}"), Some(Code::WEBHOOK_SIGNATURE_REFUSED));
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(11), ..ProptestConfig::default() })]

        #[test]
        fn no_header_panics_and_none_is_good_by_chance(header in any::<String>(), body in any::<Vec<u8>>()) {
            prop_assert!(secrets().check(Some(&header), &body, NOW).is_err());
        }

        #[test]
        fn any_changed_byte_is_found(body in proptest::collection::vec(any::<u8>(), 1..200), at in any::<usize>(), bit in 0_u8..8) {
            let header = sign("whsec_new", &body, NOW);
            let mut changed = body.clone();
            let place = at % changed.len();
            if let Some(byte) = changed.get_mut(place) {
                *byte ^= 1 << bit;
            }
            prop_assert!(secrets().check(Some(&header), &body, NOW).is_ok());
            prop_assert!(secrets().check(Some(&header), &changed, NOW).is_err());
        }
    }
}
