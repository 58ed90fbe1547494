//! Webhooks of the payment provider: arbitrary headers and bodies, and genuine signatures over arbitrary bodies.

use dezky::{
    Code,
    clock::Timestamp,
    connectors::stripe::{
        event::read,
        signature::{WebhookSecrets, sign},
    },
};

use super::halves;

const SECRET: &str = "whsec_that_no_input_knows";
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// Asserts that nobody makes up a signature, and that what is read of a signed body is ids of visible characters.
pub fn check(data: &[u8]) {
    let secrets = WebhookSecrets::new(vec![SECRET.to_owned()]);
    let (header, body) = halves(data);
    let header = String::from_utf8_lossy(header);
    assert!(secrets.check(Some(&header), body, NOW).is_err(), "nobody makes up a signature");
    let genuine = sign(SECRET, body, NOW);
    assert!(secrets.check(Some(&genuine), body, NOW).is_ok(), "a genuine one counts, whatever the body is");
    // Others beside it, as while a secret is replaced, change nothing.
    let beside = format!("{genuine},v1={},v0=00", "00".repeat(32));
    assert!(secrets.check(Some(&beside), body, NOW).is_ok());
    let mut changed = body.to_vec();
    changed.push(b' ');
    assert!(secrets.check(Some(&genuine), &changed, NOW).is_err(), "not even a blank may be added");
    match read(body) {
        Ok(announced) => {
            let ids = [
                Some(&announced.id),
                Some(&announced.kind),
                announced.subscription.as_ref(),
                announced.customer.as_ref(),
            ];
            for id in ids.into_iter().flatten() {
                assert!((1..=255).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()), "{id:?}");
            }
        }
        Err(error) => assert_eq!(error.declared_code(), Code::WEBHOOK_UNREADABLE),
    }
}
