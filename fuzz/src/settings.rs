//! The host's configuration: before the first NUL byte variables, one `NAME=VALUE` per line, after it `dezky.toml`.

use std::path::PathBuf;

use dezky::ErrorKind;

use dezky_configuration::{Configuration, File, LimitSettings, Sources, StoreLocation, log};

/// Asserts that settings are accepted or refused deterministically, with one line, and that passwords are never shown.
pub fn check(data: &[u8]) {
    let (variables, file) = super::halves(data);
    let (Ok(variables), Ok(file)) = (std::str::from_utf8(variables), std::str::from_utf8(file)) else { return };
    // Certificates, and the location of a store, may be read from files. Arbitrary input must not select those of this
    // machine.
    let selects = |text: &&str| ["extra_ca", "file:"].iter().any(|part| text.to_ascii_lowercase().contains(part));
    if [variables, file].iter().any(selects) {
        return;
    }
    let first = read(variables, file);
    match (&first, read(variables, file)) {
        (Ok(first), Ok(second)) => assert_eq!(format!("{first:?}"), format!("{second:?}")),
        (Err(first), Err(second)) => assert_eq!(first, &second),
        _ => panic!("settings are accepted once and refused once"),
    }
    let Ok(configuration) = first else { return };
    if let StoreLocation::Mongodb(uri) = &configuration.store
        && let Some(("mongodb" | "mongodb+srv", rest)) = uri.split_once("://")
        && rest.len() > 8
    {
        // The store only: another shown setting may contain the same text.
        assert!(!format!("{:?}", configuration.store).contains(rest), "the store's address may hold a password");
    }
    assert!(
        configuration.issuers.is_empty() || dezky::authn::IssuerSettings::validate_all(&configuration.issuers).is_ok()
    );
    within(&configuration.limits);
    assert_ne!(Some(configuration.seed.group.as_str()), configuration.platform_admin_group.as_deref());
}

/// Asserts that limits are within the documented ranges.
fn within(limits: &LimitSettings) {
    for rate in [limits.caller, limits.address].into_iter().flatten() {
        assert!(rate.per_second.get() <= 10_000_000 && rate.burst.get() <= 10_000_000, "{rate:?}");
    }
    assert!(limits.requests_in_flight.is_none_or(|most| most.get() <= 10_000_000));
    assert!((1..=3_600).contains(&limits.arrival.as_secs()) && limits.arrival.subsec_nanos() == 0);
    assert!(limits.trusted_proxies.len() <= 64);
}

fn read(variables: &str, file: &str) -> Result<Configuration, String> {
    let environment = variables.lines().filter_map(|line| line.split_once('='));
    let mut sources = Sources {
        flags: Vec::new(),
        options: Vec::new(),
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        file: None,
    };
    let outcome = if file.is_empty() { Ok(None) } else { File::parse(PathBuf::from("dezky.toml"), file).map(Some) };
    let outcome = outcome.and_then(|file| {
        sources.file = file;
        let _ = log(&sources);
        Configuration::read(&sources)
    });
    outcome.map_err(|error| {
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(!error.message().is_empty());
        error.message().to_owned()
    })
}
