//! The payment provider, as the doctor sees it.

use dezky::emulators::{Emulator, EmulatorOptions, stripe::StripeSystem};

use crate::{examine, messages, shell};

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_provider_that_refuses_the_key_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let system = StripeSystem::new("sk_test_good", "whsec_of_a_test");
    let stripe = Emulator::start(system, EmulatorOptions::default()).await.unwrap();
    let shell = shell(folder.path(), "http://127.0.0.1:9/");
    let check = |key: &str| {
        let of_stripe =
            format!("[stripe]\nurl = '{}'\nsecret = '{key}'\nwebhook_secrets = 'whsec_of_a_test'\n", stripe.url());
        std::fs::write(
            folder.path().join("dezky.toml"),
            format!("{of_stripe}[portal]\nurl = 'https://portal.example.eu'\n"),
        )
        .unwrap();
        examine(&shell, &[]).1
    };
    assert!(messages(&check("sk_test_good"), "ok", "billing").contains("answers"));
    let refused = messages(&check("sk_test_other"), "error", "billing");
    assert!(refused.contains("refuses the key") && !refused.contains("sk_test_other"), "{refused}");
}
