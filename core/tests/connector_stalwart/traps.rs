//! Surprises of Stalwart 0.16.

use dezky::{
    connectors::{ConnectorError, Mail as _, MailDomain, MailboxChange},
    emulators::stalwart::Release,
};

use crate::world::{World, in_the_way, new_mailbox, reason, texts};

#[tokio::test]
async fn a_refused_name_is_told_and_not_created() {
    let world = World::new().await;
    for name in ["acme.example", "acme", "-.eu"] {
        let error = world.mail.create_domain(&world.context, name).await.unwrap_err();
        assert_eq!(error.reason(), "Rejected", "{name}");
        assert!(error.to_string().contains("Invalid domain name"), "{error}");
    }
    assert_eq!(world.domains().len(), 0);
    world.domain("acme.local").await;
}

#[tokio::test]
async fn keys_come_a_moment_later() {
    let world = World::new().await;
    let domain = world.domain("acme.eu").await;
    assert_eq!(world.mail.dkim_keys(&world.context, &domain).await.unwrap(), []);
    world.let_keys_be_made();
    let keys = world.mail.dkim_keys(&world.context, &domain).await.unwrap();
    let selectors: Vec<&str> = keys.iter().map(|key| key.selector.as_str()).collect();
    assert_eq!(selectors, ["v1-ed25519-20261123", "v1-rsa-20261123"]);
}

#[tokio::test]
async fn a_domain_is_deleted_before_or_after_its_keys_are_made() {
    let world = World::new().await;
    let domain = world.domain("acme.eu").await;
    world.mail.delete_domain(&world.context, &domain).await.unwrap();
    let domain = world.domain("acme.eu").await;
    world.let_keys_be_made();
    world.mail.delete_domain(&world.context, &domain).await.unwrap();
    assert_eq!((world.domains().len(), world.keys()), (0, 0));
}

#[tokio::test]
async fn a_domain_in_use_says_by_what() {
    let world = World::new().await;
    let domain = world.domain("acme.eu").await;
    world.let_keys_be_made();
    world.add_mailing_list("news@acme.eu");
    let error = world.mail.delete_domain(&world.context, &domain).await.unwrap_err();
    assert!(error.to_string().contains("1 × mailing list"), "{error}");
    assert_eq!(world.domains()[0].keys, 2);
}

#[tokio::test]
async fn a_disabled_domain_stays_and_comes_back() {
    let world = World::new().await;
    let domain = world.domain("acme.eu").await;
    for enabled in [false, false, true] {
        world.mail.set_domain_enabled(&world.context, &domain, enabled).await.unwrap();
        let found = world.mail.domain(&world.context, "acme.eu").await.unwrap().unwrap();
        assert_eq!((found.enabled, world.domains()[0].enabled), (enabled, enabled));
    }
    world.set_domain_enabled("acme.eu", false);
    assert!(!world.mail.domain(&world.context, "acme.eu").await.unwrap().unwrap().enabled);
}

#[tokio::test]
async fn disabling_a_mailbox_keeps_what_an_administrator_has_set() {
    let world = World::new().await;
    let domain = world.domain("acme.eu").await;
    let anna = world.mailbox(&domain, "anna").await;
    world.set_permission("anna@acme.eu", "emailSend", false);
    for enabled in [false, true] {
        let change = MailboxChange { enabled: Some(enabled), ..MailboxChange::default() };
        world.mail.update_mailbox(&world.context, &anna, &change).await.unwrap();
        let expected = if enabled { vec!["emailSend"] } else { vec!["authenticate", "emailSend"] };
        assert_eq!(world.disabled_permissions("anna@acme.eu"), expected);
    }
}

#[tokio::test]
async fn a_change_that_changes_nothing_asks_nothing() {
    let world = World::new().await;
    let domain = world.domain("acme.eu").await;
    let anna = world.mailbox(&domain, "anna").await;
    let writes = world.emulator.writes();
    world.mail.update_mailbox(&world.context, &anna, &MailboxChange::default()).await.unwrap();
    assert_eq!(world.emulator.writes(), writes);
}

#[tokio::test]
async fn an_external_directory_gets_mailboxes_without_passwords() {
    let world = World::new().await;
    let domain = world.domain("acme.eu").await;
    world.set_external_directory(true);
    world.mailbox(&domain, "anna").await;
    assert_eq!(world.accounts()[0].passwords, 0);
    let wanted = new_mailbox(&domain, "anna");
    assert!(in_the_way(world.mail.create_mailbox(&world.context, &wanted).await).is_some());
}

#[tokio::test]
async fn names_are_compared_as_they_are_stored() {
    let world = World::new().await;
    let domain = world.domain("acme.eu").await;
    world.mailbox(&domain, "Anna.Smith").await;
    for asked in ["anna.smith", "ANNA.SMITH", " anna.smith "] {
        assert!(world.look(&domain, asked).await.is_some(), "{asked}");
    }
    let mut wanted = new_mailbox(&domain, "ben");
    wanted.aliases = texts(&["BOSS", "boss", "Ben"]);
    assert_eq!(world.mail.create_mailbox(&world.context, &wanted).await.unwrap().aliases, ["boss"]);
    assert_eq!(world.accounts()[1].aliases, ["boss@acme.eu"]);
}

#[tokio::test]
async fn a_refused_local_part_is_the_callers_mistake() {
    let world = World::new().await;
    let domain = world.domain("acme.eu").await;
    let error = world.mail.create_mailbox(&world.context, &new_mailbox(&domain, "an na")).await.unwrap_err();
    assert_eq!(error.reason(), "Rejected");
    assert!(error.to_string().contains("`an na@acme.eu`"), "{error}");
}

#[tokio::test]
async fn a_list_may_lag_behind_but_an_address_is_taken_at_once() {
    let world = World::new().await;
    world.set_faults(dezky::emulators::Faults {
        listing_delay: std::time::Duration::from_secs(5),
        ..dezky::emulators::Faults::default()
    });
    let domain = world.domain("acme.eu").await;
    assert_eq!(world.mail.domain(&world.context, "acme.eu").await.unwrap(), None);
    assert_eq!(in_the_way(world.mail.create_domain(&world.context, "acme.eu").await), Some(domain.id.clone()));
    world.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(world.mail.domain(&world.context, "acme.eu").await.unwrap(), Some(domain));
}

#[tokio::test]
async fn missing_rights_are_named_one_by_one() {
    let world = World::new().await;
    let report = world.mail.check(&world.context).await.unwrap();
    assert_eq!(report.version.as_deref(), Some("Stalwart 0.16 or later (oss edition)"));
    assert_eq!(report.missing_rights, Vec::<String>::new());
    world.withhold("sysAccountCreate");
    world.withhold("impersonate");
    let report = world.mail.check(&world.context).await.unwrap();
    assert_eq!(
        report.missing_rights,
        ["`sysAccountCreate`, to create mailboxes", "`impersonate`, to manage the app passwords of others"]
    );
    let domain = world.domain("acme.eu").await;
    let error = world.mail.create_mailbox(&world.context, &new_mailbox(&domain, "anna")).await.unwrap_err();
    assert_eq!(error.reason(), "Unauthorized");
    assert!(error.to_string().contains("`x:Account/set`"), "{error}");
}

#[tokio::test]
async fn rights_that_the_recovery_administrator_does_not_show_are_not_missed() {
    let world = World::new().await;
    for right in ["sysAppPasswordGet", "sysAppPasswordCreate", "sysAppPasswordDestroy", "sysAccountSettingsGet"] {
        world.withhold(right);
    }
    assert_eq!(world.mail.check(&world.context).await.unwrap().missing_rights, Vec::<String>::new());
}

#[tokio::test]
async fn an_id_that_is_gone_is_deleted_and_one_of_another_kind_is_none() {
    let world = World::new().await;
    let gone = MailDomain { id: "zz".to_owned(), name: "gone.eu".to_owned(), enabled: true };
    world.mail.delete_domain(&world.context, &gone).await.unwrap();
    assert_eq!(reason(world.mail.set_domain_enabled(&world.context, &gone, false).await), "Rejected");
    assert_eq!(reason(world.mail.dns_records(&world.context, &gone).await), "Rejected");
    assert_eq!(world.mail.mailboxes(&world.context, &gone).await.unwrap(), []);
}

#[tokio::test]
async fn no_error_and_no_debug_shows_a_secret() {
    for release in crate::world::RELEASES {
        let world = World::of(release).await;
        let domain = world.domain("acme.eu").await;
        let anna = world.mailbox(&domain, "anna").await;
        let password = world.mail.create_app_password(&world.context, &anna, "Phone", "Phone").await.unwrap();
        assert!(!format!("{password:?}").contains(&password.secret));
        assert!(!format!("{:?} {:?}", world.mail, world.emulator.system()).contains(crate::world::PASSWORD));
        world.set_credential(dezky::connectors::Secret::Bearer("another".to_owned()));
        let error = world.mail.mailboxes(&world.context, &domain).await.unwrap_err();
        assert!(matches!(error, ConnectorError::Unauthorized { .. }), "{error:?}");
        assert!(!format!("{error:?}").contains(crate::world::PASSWORD));
    }
    assert_eq!(crate::world::RELEASES[0], Release::V016);
}
