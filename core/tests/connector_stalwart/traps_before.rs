//! Surprises of Stalwart 0.15.

use dezky::{
    connectors::{Mail as _, MailboxChange},
    emulators::stalwart::Release,
};
use http::Method;

use crate::world::{World, in_the_way, new_mailbox, reason, texts};

async fn before() -> World {
    World::of(Release::V015).await
}

#[tokio::test]
async fn a_domain_in_use_is_not_deleted_although_stalwart_would() {
    let world = before().await;
    let domain = world.domain("acme.eu").await;
    world.mailbox(&domain, "anna").await;
    let error = world.mail.delete_domain(&world.context, &domain).await.unwrap_err();
    assert_eq!(error.reason(), "Conflict");
    assert!(error.to_string().contains("1 addresses use it"), "{error}");
    assert_eq!((world.domains().len(), world.keys()), (1, 2));
}

#[tokio::test]
async fn a_domain_is_there_only_when_its_keys_are() {
    let world = before().await;
    let _ = world.mail.domain(&world.context, "acme.eu").await;
    let _ = world.emulator.take_log();
    world.domain("acme.eu").await;
    let asked: Vec<(Method, String)> = world.emulator.take_log();
    let paths: Vec<&str> = asked.iter().map(|(_, path)| path.as_str()).collect();
    assert_eq!(paths, ["/api/principal/acme.eu", "/api/dkim", "/api/dkim", "/api/principal"]);
    assert_eq!(world.domains()[0].keys, 2);
}

#[tokio::test]
async fn a_creation_that_broke_off_is_taken_up_and_no_private_key_is_told() {
    let world = before().await;
    world.domain("acme.eu").await;
    world.lose_domain("acme.eu");
    // The answer to a key that is there repeats the private one.
    world.domain("acme.eu").await;
    assert_eq!((world.domains().len(), world.keys()), (1, 2));
    world.lose_domain("acme.eu");
    world.withhold("domain-create");
    let error = world.mail.create_domain(&world.context, "acme.eu").await.unwrap_err();
    assert_eq!(error.reason(), "Unauthorized");
    assert!(!format!("{error:?}").contains("PRIVATE KEY"), "{error:?}");
}

#[tokio::test]
async fn deleting_keys_leaves_those_of_longer_names() {
    let world = before().await;
    let short = world.domain("acme.eu").await;
    world.domain("acme.eu.local").await;
    world.mail.delete_domain(&world.context, &short).await.unwrap();
    assert_eq!(world.domains().iter().map(|domain| domain.keys).collect::<Vec<_>>(), [2]);
    assert_eq!(world.keys(), 2);
}

#[tokio::test]
async fn a_domain_cannot_be_disabled_and_the_error_says_what_to_do() {
    let world = before().await;
    let domain = world.domain("acme.eu").await;
    world.mail.set_domain_enabled(&world.context, &domain, true).await.unwrap();
    let error = world.mail.set_domain_enabled(&world.context, &domain, false).await.unwrap_err();
    assert_eq!(error.reason(), "Rejected");
    assert!(error.to_string().contains("disable its mailboxes"), "{error}");
}

#[tokio::test]
async fn an_external_directory_is_got_around() {
    let world = before().await;
    let domain = world.domain("acme.eu").await;
    world.set_external_directory(true);
    world.mailbox(&domain, "anna").await;
    assert_eq!(world.accounts()[0].address, "anna@acme.eu");
}

#[tokio::test]
async fn addresses_with_signs_of_a_path_are_one_segment() {
    let world = before().await;
    let domain = world.domain("acme.eu").await;
    for local_part in ["anna+x", "a/b", "c%2fd", "e?f"] {
        let made = world.mailbox(&domain, local_part).await;
        assert_eq!(world.look(&domain, local_part).await, Some(made.clone()), "{local_part}");
        let change = MailboxChange { quota: Some(Some(9)), ..MailboxChange::default() };
        world.mail.update_mailbox(&world.context, &made, &change).await.unwrap();
        world.mail.delete_mailbox(&world.context, &made).await.unwrap();
    }
    assert_eq!(world.accounts().len(), 0);
}

#[tokio::test]
async fn another_principal_of_the_name_is_no_domain() {
    let world = before().await;
    world.add_domain("eu.local");
    world.add_group("acme@eu.local");
    let error = world.mail.create_domain(&world.context, "acme@eu.local").await;
    assert!(in_the_way(error).is_some());
    assert_eq!(world.mail.domain(&world.context, "acme@eu.local").await.unwrap(), None);
    assert_eq!(world.keys(), 2, "nothing was made for it");
}

#[tokio::test]
async fn a_quota_of_nothing_is_no_quota() {
    let world = before().await;
    let domain = world.domain("acme.eu").await;
    let anna = world.mailbox(&domain, "anna").await;
    world.set_quota("anna@acme.eu", Some(0));
    assert_eq!(world.look(&domain, "anna").await.unwrap().quota, None);
    let change = MailboxChange { aliases: Some(texts(&["x"])), quota: Some(Some(5)), enabled: None };
    world.mail.update_mailbox(&world.context, &anna, &change).await.unwrap();
    let removed = MailboxChange { quota: Some(None), ..MailboxChange::default() };
    world.mail.update_mailbox(&world.context, &anna, &removed).await.unwrap();
    assert_eq!(world.accounts()[0].quota, None);
}

#[tokio::test]
async fn missing_rights_are_found_by_reading() {
    let world = before().await;
    let report = world.mail.check(&world.context).await.unwrap();
    assert_eq!(report.version.as_deref(), Some("Stalwart 0.15 or earlier"));
    assert_eq!(report.missing_rights, Vec::<String>::new());
    world.withhold("individual-list");
    let report = world.mail.check(&world.context).await.unwrap();
    assert_eq!(report.missing_rights, ["to list mailboxes", "to find who has an address"]);
    world.withhold("individual-create");
    let domain = world.domain("acme.eu").await;
    assert_eq!(reason(world.mail.create_mailbox(&world.context, &new_mailbox(&domain, "anna")).await), "Unauthorized");
}
