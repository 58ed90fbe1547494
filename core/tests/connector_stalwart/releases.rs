//! The interface in use: found out once, and again after an upgrade.

use dezky::{
    connectors::{ConnectorError, Mail as _, MailboxChange},
    emulators::stalwart::Release,
};
use http::Method;

use crate::world::{RELEASES, World, client, in_the_way, new_mailbox, secret, texts};

/// Returns how often a path was asked.
fn asked(log: &[(Method, String)], path: &str) -> usize {
    log.iter().filter(|(_, asked)| asked == path).count()
}

#[tokio::test]
async fn the_interface_is_found_out_once() {
    for release in RELEASES {
        let world = World::of(release).await;
        for _ in 0..3 {
            world.mail.domain(&world.context, "acme.eu").await.unwrap();
        }
        let looks = (0..10).map(|_| world.mail.domain(&world.context, "acme.eu"));
        for outcome in futures_util::future::join_all(looks).await {
            outcome.unwrap();
        }
        assert_eq!(asked(&world.emulator.take_log(), "/jmap/session"), 1, "{release:?}");
    }
}

#[tokio::test]
async fn many_first_callers_find_it_out_once() {
    let world = World::new().await;
    let looks = (0..10).map(|_| world.mail.domain(&world.context, "acme.eu"));
    for outcome in futures_util::future::join_all(looks).await {
        outcome.unwrap();
    }
    assert_eq!(asked(&world.emulator.take_log(), "/jmap/session"), 1);
}

#[tokio::test]
async fn requests_go_to_the_configured_address_and_not_to_that_of_the_session() {
    let world = World::new().await;
    world.domain("acme.eu").await;
    let log = world.emulator.take_log();
    assert!(log.iter().any(|(method, path)| method == Method::POST && path == "/jmap"), "{log:?}");
}

#[tokio::test]
async fn an_upgrade_while_running_goes_unnoticed() {
    let world = World::of(Release::V015).await;
    let (mail, context) = (&world.mail, &world.context);
    let domain = world.domain("acme.eu").await;
    let anna = world.mailbox(&domain, "anna").await;
    let phone = mail.create_app_password(context, &anna, "Phone", "Phone").await.unwrap();
    world.set_release(Release::V016);

    // Ids of before name the same objects.
    let change = MailboxChange { aliases: Some(texts(&["info"])), quota: Some(Some(7)), enabled: Some(true) };
    mail.update_mailbox(context, &anna, &change).await.unwrap();
    assert_eq!(world.accounts()[0].aliases, ["info@acme.eu"]);
    let now = world.look(&domain, "anna").await.unwrap();
    assert_ne!(now.id, anna.id);
    assert_eq!((now.quota, &now.aliases), (Some(7), &texts(&["info"])));
    assert_eq!(in_the_way(mail.create_mailbox(context, &new_mailbox(&domain, "anna")).await), Some(now.id.clone()));
    assert_eq!(mail.dkim_keys(context, &domain).await.unwrap().len(), 2);
    assert!(!mail.dns_records(context, &domain).await.unwrap().is_empty());
    mail.set_domain_enabled(context, &domain, false).await.unwrap();
    mail.delete_app_password(context, &anna, &phone.id).await.unwrap();
    assert!(!world.signs_in("anna@acme.eu", &phone.secret));
    assert!(in_the_way(mail.delete_domain(context, &domain).await).is_none());
    mail.delete_mailbox(context, &anna).await.unwrap();
    mail.delete_domain(context, &domain).await.unwrap();
    assert_eq!((world.accounts().len(), world.domains().len()), (0, 0));
    assert_eq!(asked(&world.emulator.take_log(), "/jmap/session"), 2);
}

#[tokio::test]
async fn a_change_during_an_upgrade_is_done() {
    let world = World::of(Release::V015).await;
    let domain = world.domain("acme.eu").await;
    world.set_release(Release::V016);
    let made = world.mailbox(&domain, "anna").await;
    assert_eq!(world.look(&domain, "anna").await, Some(made));
    assert_eq!(world.accounts().len(), 1);
}

#[tokio::test]
async fn a_renamed_field_is_named_and_never_a_success() {
    for (field, operation) in [
        ("ids", "domain"),
        ("total", "domain"),
        ("list", "domain"),
        ("isEnabled", "domain"),
        ("isEnabled", "enable"),
        ("created", "create"),
        ("created", "mailbox"),
        ("id", "create"),
        ("updated", "enable"),
        ("destroyed", "delete"),
        ("selector", "keys"),
        ("stage", "keys"),
        ("dnsZoneFile", "records"),
        ("aliases", "mailboxes"),
        ("quotas", "mailboxes"),
        ("permissions", "mailboxes"),
        ("domainId", "mailboxes"),
        ("secret", "password"),
        ("description", "password again"),
    ] {
        let world = World::new().await;
        let (mail, context) = (&world.mail, &world.context);
        let domain = world.domain("acme.eu").await;
        world.let_keys_be_made();
        let anna = world.mailbox(&domain, "anna").await;
        mail.create_app_password(context, &anna, "Phone", "Phone").await.unwrap();
        world.rename_field(field, "renamedField");
        let outcome = match operation {
            "domain" => mail.domain(context, "acme.eu").await.map(|_| ()),
            "enable" => mail.set_domain_enabled(context, &domain, true).await,
            "create" => mail.create_domain(context, "new.eu").await.map(|_| ()),
            "delete" => mail.delete_mailbox(context, &anna).await,
            "keys" => mail.dkim_keys(context, &domain).await.map(|_| ()),
            "records" => mail.dns_records(context, &domain).await.map(|_| ()),
            "mailboxes" => mail.mailboxes(context, &domain).await.map(|_| ()),
            "mailbox" => mail.create_mailbox(context, &new_mailbox(&domain, "ben")).await.map(|_| ()),
            _ => mail.create_app_password(context, &anna, "Phone", "Phone").await.map(|_| ()),
        };
        let error = outcome.unwrap_err();
        assert!(matches!(error, ConnectorError::Incompatible { .. }), "{field} {operation}: {error:?}");
        let text = error.to_string();
        let named =
            text.contains(&format!("`{field}`")) || text.contains(field) || text.contains("Invalid key for object");
        assert!(named, "{field} {operation}: {text}");
    }
}

#[tokio::test]
async fn a_system_that_is_none_says_so() {
    let world = World::new().await;
    world.rename_field("ids", "renamedField");
    let error = world.mail.check(&world.context).await.unwrap_err();
    assert_eq!(error.reason(), "Incompatible");
    assert!(error.to_string().contains("neither"), "{error}");
    let elsewhere = client(&format!("{}/nowhere", world.emulator.url()), secret());
    let error = elsewhere.check(&world.context).await.unwrap_err();
    assert_eq!(error.reason(), "Incompatible");
}

#[tokio::test]
async fn nothing_there_is_a_failure_that_may_pass() {
    let world = World::new().await;
    let url = world.emulator.url();
    drop(world);
    let error = client(&url, secret()).check(&dezky::context::RequestContext::fresh()).await.unwrap_err();
    assert!(error.may_retry(), "{error:?}");
}
