//! App passwords: shown once, replaced by mark, listed, deleted and never one of another.

use dezky::{
    connectors::{Mail as _, MailboxChange},
    emulators::stalwart::Release,
};

use crate::world::{RELEASES, World, reason};

#[tokio::test]
async fn an_app_password_lets_in_until_it_is_deleted() {
    for release in RELEASES {
        let world = World::of(release).await;
        let (mail, context) = (&world.mail, &world.context);
        let domain = world.domain("acme.eu").await;
        let anna = world.mailbox(&domain, "anna").await;
        let phone = mail.create_app_password(context, &anna, "Phone", "Phone").await.unwrap();
        let laptop = mail.create_app_password(context, &anna, "Laptop", "Laptop").await.unwrap();
        let signs_in = |secret: &str| world.signs_in("anna@acme.eu", secret);
        assert!(signs_in(&phone.secret) && signs_in(&laptop.secret), "{release:?}");
        assert_ne!(phone.secret, laptop.secret);
        assert!(phone.secret.len() >= 24);
        mail.delete_app_password(context, &anna, &phone.id).await.unwrap();
        assert!(!signs_in(&phone.secret) && signs_in(&laptop.secret), "{release:?}");
        assert_eq!(world.accounts()[0].passwords, 1, "the mailbox keeps the password that nobody knows");
    }
}

#[tokio::test]
async fn one_of_the_same_mark_is_replaced() {
    for release in RELEASES {
        let world = World::of(release).await;
        let (mail, context) = (&world.mail, &world.context);
        let domain = world.domain("acme.eu").await;
        let anna = world.mailbox(&domain, "anna").await;
        let other = mail.create_app_password(context, &anna, "Phone2", "Phone 2").await.unwrap();
        let first = mail.create_app_password(context, &anna, "Phone", "Phone").await.unwrap();
        world.clock.advance(std::time::Duration::from_secs(1));
        let second = mail.create_app_password(context, &anna, "Phone", "Phone").await.unwrap();
        assert_eq!(world.accounts()[0].app_passwords.len(), 2, "{release:?}");
        let signs_in = |secret: &str| world.signs_in("anna@acme.eu", secret);
        assert_eq!((signs_in(&first.secret), signs_in(&second.secret), signs_in(&other.secret)), (false, true, true));
    }
}

#[tokio::test]
async fn ours_are_listed_and_those_of_others_are_not() {
    for release in RELEASES {
        let world = World::of(release).await;
        let (mail, context) = (&world.mail, &world.context);
        let domain = world.domain("acme.eu").await;
        let anna = world.mailbox(&domain, "anna").await;
        assert_eq!(mail.app_passwords(context, &anna).await.unwrap(), [""; 0], "{release:?}");
        let phone = mail.create_app_password(context, &anna, "a1", "Phone").await.unwrap();
        let again = mail.create_app_password(context, &anna, "b2", "Phone").await.unwrap();
        world.add_app_password("anna@acme.eu", "Made by hand");
        let mut listed = mail.app_passwords(context, &anna).await.unwrap();
        listed.sort();
        assert_eq!(listed, [phone.id.clone(), again.id.clone()], "{release:?}");
        mail.delete_app_password(context, &anna, &phone.id).await.unwrap();
        assert_eq!(mail.app_passwords(context, &anna).await.unwrap(), [again.id], "{release:?}");
        mail.delete_mailbox(context, &anna).await.unwrap();
        assert_eq!(
            mail.app_passwords(context, &anna).await.unwrap(),
            [""; 0],
            "{release:?}: an absent mailbox has none"
        );
    }
}

#[tokio::test]
async fn a_late_deletion_does_not_hit_the_next_one() {
    for release in RELEASES {
        let world = World::of(release).await;
        let (mail, context) = (&world.mail, &world.context);
        let domain = world.domain("acme.eu").await;
        let anna = world.mailbox(&domain, "anna").await;
        let first = mail.create_app_password(context, &anna, "Phone", "Phone").await.unwrap();
        mail.delete_app_password(context, &anna, &first.id).await.unwrap();
        let second = mail.create_app_password(context, &anna, "Second", "Phone").await.unwrap();
        mail.delete_app_password(context, &anna, &first.id).await.unwrap();
        assert!(world.signs_in("anna@acme.eu", &second.secret), "{release:?}");
    }
}

#[tokio::test]
async fn a_disabled_mailbox_lets_nobody_in_and_keeps_its_app_passwords() {
    for release in RELEASES {
        let world = World::of(release).await;
        let domain = world.domain("acme.eu").await;
        let anna = world.mailbox(&domain, "anna").await;
        let phone = world.mail.create_app_password(&world.context, &anna, "Phone", "Phone").await.unwrap();
        for enabled in [false, true] {
            let change = MailboxChange { enabled: Some(enabled), ..MailboxChange::default() };
            world.mail.update_mailbox(&world.context, &anna, &change).await.unwrap();
            assert_eq!(world.signs_in("anna@acme.eu", &phone.secret), enabled, "{release:?}");
        }
    }
}

#[tokio::test]
async fn names_are_cleaned_and_ids_of_others_refused() {
    for release in RELEASES {
        let world = World::of(release).await;
        let domain = world.domain("acme.eu").await;
        let anna = world.mailbox(&domain, "anna").await;
        for name in ["", "\u{0}\n", "a$b$c", "[dezky 1]", &"x".repeat(5_000)] {
            let made = world.mail.create_app_password(&world.context, &anna, "1", name).await.unwrap();
            assert!(world.signs_in("anna@acme.eu", &made.secret), "{release:?} {name:?}");
            world.mail.delete_app_password(&world.context, &anna, &made.id).await.unwrap();
            assert_eq!(world.accounts()[0].app_passwords.len(), 0, "{release:?} {name:?}");
        }
    }
    let world = World::of(Release::V015).await;
    let domain = world.domain("acme.eu").await;
    let anna = world.mailbox(&domain, "anna").await;
    let phone = world.mail.create_app_password(&world.context, &anna, "Phone", "Phone").await.unwrap();
    // These would remove all app passwords.
    for id in ["", "Phone$"] {
        assert_eq!(reason(world.mail.delete_app_password(&world.context, &anna, id).await), "Rejected");
    }
    world.mail.delete_app_password(&world.context, &anna, "Pho").await.unwrap();
    assert!(world.signs_in("anna@acme.eu", &phone.secret));
}

#[tokio::test]
async fn too_many_are_refused_with_what_to_do() {
    let world = World::new().await;
    world.set_maximum_app_passwords(1);
    let domain = world.domain("acme.eu").await;
    let anna = world.mailbox(&domain, "anna").await;
    world.mail.create_app_password(&world.context, &anna, "Phone", "Phone").await.unwrap();
    let error = world.mail.create_app_password(&world.context, &anna, "Laptop", "Laptop").await.unwrap_err();
    assert_eq!(error.reason(), "Rejected");
    assert!(error.to_string().contains("`maxAppPasswords`"), "{error}");
    // The one of the same mark makes room for itself.
    world.mail.create_app_password(&world.context, &anna, "Phone", "Phone").await.unwrap();
    assert_eq!(world.accounts()[0].app_passwords.len(), 1);
}

#[tokio::test]
async fn only_a_hash_of_one_is_sent_to_the_interface_before() {
    let world = World::of(Release::V015).await;
    let domain = world.domain("acme.eu").await;
    let anna = world.mailbox(&domain, "anna").await;
    let phone = world.mail.create_app_password(&world.context, &anna, "Phone", "Phone").await.unwrap();
    assert!(world.signs_in("anna@acme.eu", &phone.secret));
    assert!(world.stored_secrets("anna@acme.eu").iter().all(|stored| stored.starts_with("{SHA256}")));
}
