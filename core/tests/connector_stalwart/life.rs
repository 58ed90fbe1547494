//! The life of a domain and its mailboxes, the same through both interfaces.

use dezky::{
    connectors::{Mail as _, MailboxChange},
    emulators::stalwart::Release,
};

use crate::world::{RELEASES, World, in_the_way, new_mailbox, reason, texts};

#[tokio::test]
async fn a_domain_with_a_mailbox_lives_and_dies() {
    for release in RELEASES {
        let world = World::of(release).await;
        let (mail, context) = (&world.mail, &world.context);
        assert_eq!(mail.domain(context, "acme.eu").await.unwrap(), None);
        let domain = mail.create_domain(context, "Acme.EU.").await.unwrap();
        assert_eq!((domain.name.as_str(), domain.enabled), ("acme.eu", true));
        assert_eq!(mail.domain(context, "ACME.eu").await.unwrap(), Some(domain.clone()));

        world.let_keys_be_made();
        let mut algorithms: Vec<String> =
            mail.dkim_keys(context, &domain).await.unwrap().into_iter().map(|key| key.algorithm).collect();
        algorithms.sort();
        assert_eq!(algorithms, ["ed25519-sha256", "rsa-sha256"], "{release:?}");

        let mut wanted = new_mailbox(&domain, "Anna");
        wanted.aliases = texts(&["office", "Info", "info"]);
        wanted.quota = Some(5_000_000_000);
        wanted.display_name = Some("Anna Müller".to_owned());
        let made = mail.create_mailbox(context, &wanted).await.unwrap();
        assert_eq!((made.local_part.as_str(), made.quota, made.enabled), ("anna", Some(5_000_000_000), true));
        assert_eq!((&made.domain, &made.aliases), (&domain.id, &texts(&["info", "office"])));
        assert_eq!(world.look(&domain, "anna").await, Some(made.clone()), "{release:?}");
        assert_eq!(mail.mailboxes(context, &domain).await.unwrap(), std::slice::from_ref(&made));
        let stored = &world.accounts()[0];
        assert_eq!(stored.display_name.as_deref(), Some("Anna Müller"));
        assert_eq!(stored.passwords, 1);

        let change = MailboxChange { aliases: Some(texts(&["sales"])), quota: Some(Some(7_000)), enabled: Some(false) };
        mail.update_mailbox(context, &made, &change).await.unwrap();
        let changed = world.look(&domain, "anna").await.unwrap();
        assert_eq!((&changed.aliases, changed.quota, changed.enabled), (&texts(&["sales"]), Some(7_000), false));
        let back = MailboxChange { quota: Some(None), enabled: Some(true), ..MailboxChange::default() };
        mail.update_mailbox(context, &changed, &back).await.unwrap();
        let back = world.look(&domain, "anna").await.unwrap();
        assert_eq!((&back.aliases, back.quota, back.enabled), (&texts(&["sales"]), None, true));
        assert_eq!(world.disabled_permissions("anna@acme.eu"), Vec::<String>::new());

        assert_eq!(in_the_way(mail.delete_domain(context, &domain).await), None, "{release:?}");
        assert_eq!(world.domains()[0].keys, 2, "a domain in use goes on signing");
        mail.delete_mailbox(context, &back).await.unwrap();
        mail.delete_domain(context, &domain).await.unwrap();
        assert_eq!((world.domains(), world.accounts(), world.keys()), (vec![], vec![], 0), "{release:?}");
    }
}

#[tokio::test]
async fn every_change_may_be_done_twice() {
    for release in RELEASES {
        let world = World::of(release).await;
        let (mail, context) = (&world.mail, &world.context);
        let domain = world.domain("acme.eu").await;
        assert_eq!(in_the_way(mail.create_domain(context, "acme.eu").await), Some(domain.id.clone()));
        world.let_keys_be_made();
        for _ in 0..2 {
            mail.set_domain_enabled(context, &domain, true).await.unwrap();
        }
        let made = world.mailbox(&domain, "anna").await;
        assert_eq!(
            in_the_way(mail.create_mailbox(context, &new_mailbox(&domain, "anna")).await),
            Some(made.id.clone())
        );
        for enabled in [false, true] {
            let change =
                MailboxChange { aliases: Some(texts(&["info"])), quota: Some(Some(1)), enabled: Some(enabled) };
            for _ in 0..2 {
                mail.update_mailbox(context, &made, &change).await.unwrap();
                assert_eq!(world.look(&domain, "anna").await.unwrap().enabled, enabled);
            }
        }
        let removed = MailboxChange { quota: Some(None), ..MailboxChange::default() };
        for _ in 0..2 {
            mail.update_mailbox(context, &made, &removed).await.unwrap();
        }
        let password = mail.create_app_password(context, &made, "Phone", "Phone").await.unwrap();
        for _ in 0..2 {
            mail.delete_app_password(context, &made, &password.id).await.unwrap();
        }
        for _ in 0..2 {
            mail.delete_mailbox(context, &made).await.unwrap();
        }
        for _ in 0..2 {
            mail.delete_domain(context, &domain).await.unwrap();
        }
        assert_eq!((world.accounts().len(), world.domains().len(), world.keys()), (0, 0, 0), "{release:?}");
    }
}

#[tokio::test]
async fn an_update_of_what_is_gone_says_so() {
    for release in RELEASES {
        let world = World::of(release).await;
        let (mail, context) = (&world.mail, &world.context);
        let domain = world.domain("acme.eu").await;
        let made = world.mailbox(&domain, "anna").await;
        world.remove_account("anna@acme.eu");
        for change in [
            MailboxChange { quota: Some(Some(1)), ..MailboxChange::default() },
            MailboxChange { enabled: Some(false), ..MailboxChange::default() },
            MailboxChange { aliases: Some(vec![]), ..MailboxChange::default() },
        ] {
            let error = mail.update_mailbox(context, &made, &change).await.unwrap_err();
            assert_eq!(error.reason(), "Rejected", "{release:?} {change:?}");
            assert!(error.to_string().contains("`anna` any more"), "{error}");
        }
        assert_eq!(reason(mail.create_app_password(context, &made, "Phone", "Phone").await), "Rejected");
        world.remove_domain("acme.eu");
        assert_eq!(reason(mail.set_domain_enabled(context, &domain, true).await), "Rejected");
        assert_eq!(reason(mail.create_mailbox(context, &new_mailbox(&domain, "anna")).await), "Rejected");
        assert_eq!(world.accounts().len(), 0);
    }
}

#[tokio::test]
async fn changes_by_hand_are_seen() {
    for release in RELEASES {
        let world = World::of(release).await;
        let domain = world.domain("acme.eu").await;
        world.mailbox(&domain, "anna").await;
        world.set_quota("anna@acme.eu", Some(42));
        world.add_alias("anna@acme.eu", "boss@acme.eu");
        world.set_permission("anna@acme.eu", "authenticate", false);
        world.add_mailbox("ben@acme.eu");
        let found = world.mail.mailboxes(&world.context, &domain).await.unwrap();
        let names: Vec<&str> = found.iter().map(|mailbox| mailbox.local_part.as_str()).collect();
        assert_eq!(names, ["anna", "ben"], "{release:?}");
        assert_eq!((found[0].quota, &found[0].aliases, found[0].enabled), (Some(42), &texts(&["boss"]), false));
        world.remove_account("anna@acme.eu");
        assert_eq!(world.look(&domain, "anna").await, None);
    }
}

#[tokio::test]
async fn what_has_an_address_is_told_whatever_it_is() {
    for release in RELEASES {
        let world = World::of(release).await;
        let (mail, context) = (&world.mail, &world.context);
        let domain = world.domain("acme.eu").await;
        let anna = world.mailbox(&domain, "anna").await;
        world.add_alias("anna@acme.eu", "boss@acme.eu");
        world.add_group("team@acme.eu");
        world.add_mailing_list("news@acme.eu");
        let create = async |local_part: &str| mail.create_mailbox(context, &new_mailbox(&domain, local_part)).await;
        assert_eq!(in_the_way(create("boss").await), Some(anna.id.clone()), "{release:?}");
        for other in ["team", "news"] {
            assert!(in_the_way(create(other).await).is_some(), "{release:?} {other}");
            assert_eq!(world.look(&domain, other).await, None, "a group or a list is no mailbox");
        }
        let mut wanted = new_mailbox(&domain, "ben");
        wanted.aliases = texts(&["boss"]);
        assert_eq!(in_the_way(mail.create_mailbox(context, &wanted).await), Some(anna.id.clone()), "{release:?}");
        let ben = world.mailbox(&domain, "ben").await;
        let change = MailboxChange { aliases: Some(texts(&["anna"])), ..MailboxChange::default() };
        assert_eq!(in_the_way(mail.update_mailbox(context, &ben, &change).await), Some(anna.id), "{release:?}");
    }
}

#[tokio::test]
async fn aliases_of_other_domains_are_not_ours() {
    for release in RELEASES {
        let world = World::of(release).await;
        world.add_domain("other.eu");
        let domain = world.domain("acme.eu").await;
        let anna = world.mailbox(&domain, "anna").await;
        world.add_alias("anna@acme.eu", "anna@other.eu");
        world.add_alias("anna@acme.eu", "info@acme.eu");
        assert_eq!(world.look(&domain, "anna").await.unwrap().aliases, texts(&["info"]));
        let change = MailboxChange { aliases: Some(texts(&["sales"])), ..MailboxChange::default() };
        world.mail.update_mailbox(&world.context, &anna, &change).await.unwrap();
        let mut aliases = world.accounts()[0].aliases.clone();
        aliases.sort();
        assert_eq!(aliases, ["anna@other.eu", "sales@acme.eu"], "{release:?}");
    }
}

#[tokio::test]
async fn records_are_those_of_a_zone() {
    for release in RELEASES {
        let world = World::of(release).await;
        let domain = world.domain("acme.eu").await;
        world.let_keys_be_made();
        let records = world.mail.dns_records(&world.context, &domain).await.unwrap();
        let one = |kind: &str, name: &str| {
            let found: Vec<_> = records.iter().filter(|record| record.kind == kind && record.name == name).collect();
            assert_eq!(found.len(), 1, "{release:?} {kind} {name}: {records:?}");
            found[0].value.clone()
        };
        assert_eq!(one("MX", "acme.eu"), "10 mail.stalwart.internal.");
        assert_eq!(one("SRV", "_imaps._tcp.acme.eu"), "0 1 993 mail.stalwart.internal.");
        assert!(one("TXT", "_dmarc.acme.eu").starts_with("v=DMARC1; p=reject; rua="));
        let selector = if release == Release::V016 { "v1-rsa-20261123" } else { "202611r" };
        let key = one("TXT", &format!("{selector}._domainkey.acme.eu"));
        assert!(key.starts_with("v=DKIM1; k=rsa; h=sha256; p=") && key.len() == 420, "{} {key}", key.len());
        assert!(records.iter().all(|record| !record.name.ends_with('.') && !record.value.contains('"')));
        let keys = world.mail.dkim_keys(&world.context, &domain).await.unwrap();
        assert!(keys.iter().all(|key| key.active) && keys.iter().any(|key| key.selector == selector), "{keys:?}");
    }
}

#[tokio::test]
async fn all_pages_are_read_and_each_mailbox_once() {
    for release in RELEASES {
        let world = World::of(release).await;
        world.set_page(7);
        world.add_domain("acme.eu");
        world.add_domain("other.eu");
        for number in 0..1_100 {
            let domain = if number % 10 == 0 { "other.eu" } else { "acme.eu" };
            world.add_mailbox(&format!("person{number}@{domain}"));
        }
        let domain = world.mail.domain(&world.context, "acme.eu").await.unwrap().unwrap();
        let found = world.mail.mailboxes(&world.context, &domain).await.unwrap();
        let names: std::collections::BTreeSet<&str> = found.iter().map(|one| one.local_part.as_str()).collect();
        assert_eq!((found.len(), names.len()), (990, 990), "{release:?}");
    }
}
