//! Every fault at every change: told as what it is, and nothing twice after it.

use dezky::{
    connectors::{ConnectorError, ConnectorResult, Mail as _, MailDomain, Mailbox, MailboxChange},
    emulators::{Fault, Faults},
};

use crate::world::{RELEASES, World, new_mailbox, secret, texts};

const FAULTS: [Fault; 7] = [
    Fault::ErrorBefore,
    Fault::ErrorAfter,
    Fault::ResetBefore,
    Fault::ResetAfter,
    Fault::Cut,
    Fault::RateLimit,
    Fault::Expired,
];

fn is_told_as(fault: Fault, error: &ConnectorError) -> bool {
    match fault {
        Fault::Expired => matches!(error, ConnectorError::Unauthorized { .. }),
        Fault::RateLimit => {
            matches!(error, ConnectorError::Retryable { after: Some(after), .. } if after.as_secs() == 1)
        }
        _ => error.may_retry(),
    }
}

/// Does a change under a fault, and again without.
async fn under<T: std::fmt::Debug>(
    world: &World,
    fault: Fault,
    change: impl AsyncFn() -> ConnectorResult<T>,
) -> ConnectorResult<T> {
    world.set_faults(Faults { every: Some(fault), ..Faults::default() });
    let first = change().await;
    world.set_faults(Faults::default());
    assert!(is_told_as(fault, first.as_ref().unwrap_err()), "{fault:?}: {first:?}");
    change().await
}

fn done_or_there<T: std::fmt::Debug>(outcome: ConnectorResult<T>, id: &str) {
    match outcome {
        Ok(_) => {}
        Err(ConnectorError::Conflict { existing, .. }) => assert_eq!(existing.as_deref(), Some(id)),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_change_after_any_fault_has_its_effect_once() {
    for release in RELEASES {
        for fault in FAULTS {
            let world = World::of(release).await;
            let (mail, context) = (&world.mail, &world.context);
            // Known, so that the fault hits the change and not the first look.
            mail.check(context).await.unwrap();
            let created = under(&world, fault, async || mail.create_domain(context, "acme.eu").await).await;
            let domain: MailDomain = mail.domain(context, "acme.eu").await.unwrap().unwrap();
            done_or_there(created, &domain.id);
            world.let_keys_be_made();
            assert_eq!(mail.dkim_keys(context, &domain).await.unwrap().len(), 2, "{release:?} {fault:?}");

            let wanted = new_mailbox(&domain, "anna");
            let created = under(&world, fault, async || mail.create_mailbox(context, &wanted).await).await;
            let anna: Mailbox = world.look(&domain, "anna").await.unwrap();
            done_or_there(created, &anna.id);
            assert_eq!(world.accounts().len(), 1);

            let change = MailboxChange { aliases: Some(texts(&["info"])), quota: Some(Some(9)), enabled: Some(false) };
            under(&world, fault, async || mail.update_mailbox(context, &anna, &change).await).await.unwrap();
            let changed = world.look(&domain, "anna").await.unwrap();
            assert_eq!((changed.aliases.len(), changed.quota, changed.enabled), (1, Some(9), false));

            let made =
                under(&world, fault, async || mail.create_app_password(context, &anna, "Phone", "Phone").await).await;
            assert_eq!(
                world.accounts()[0].app_passwords,
                [made.as_ref().unwrap().id.as_str()],
                "{release:?} {fault:?}"
            );
            let id = made.unwrap().id;
            under(&world, fault, async || mail.delete_app_password(context, &anna, &id).await).await.unwrap();
            under(&world, fault, async || mail.delete_mailbox(context, &anna).await).await.unwrap();
            under(&world, fault, async || mail.delete_domain(context, &domain).await).await.unwrap();
            assert_eq!(
                (world.accounts().len(), world.domains().len(), world.keys()),
                (0, 0, 0),
                "{release:?} {fault:?}"
            );
        }
    }
}

/// Repeats a change under random faults until it is done.
async fn until_done<T>(change: impl AsyncFn() -> ConnectorResult<T>) -> Option<T> {
    for _ in 0..200 {
        match change().await {
            Ok(done) => return Some(done),
            Err(ConnectorError::Conflict { .. }) => return None,
            Err(error) => assert!(error.may_retry(), "{error:?}"),
        }
    }
    panic!("never done");
}

#[tokio::test]
async fn the_whole_life_goes_through_random_faults() {
    for release in RELEASES {
        for seed in 0..40 {
            let world = World::of(release).await;
            let (mail, context) = (&world.mail, &world.context);
            world.set_faults(Faults { share: 0.3, seed, ..Faults::default() });
            until_done(async || mail.create_domain(context, "acme.eu").await).await;
            world.let_keys_be_made();
            let domain = until_done(async || mail.domain(context, "acme.eu").await).await.unwrap().unwrap();
            for local_part in ["anna", "ben"] {
                let wanted = new_mailbox(&domain, local_part);
                until_done(async || mail.create_mailbox(context, &wanted).await).await;
            }
            let all = until_done(async || mail.mailboxes(context, &domain).await).await.unwrap();
            assert_eq!(all.len(), 2, "{release:?} seed {seed}");
            for mailbox in &all {
                until_done(async || mail.create_app_password(context, mailbox, "Phone", "Phone").await).await;
                until_done(async || mail.delete_mailbox(context, mailbox).await).await;
            }
            until_done(async || mail.delete_domain(context, &domain).await).await;
            assert_eq!(
                (world.accounts().len(), world.domains().len(), world.keys()),
                (0, 0, 0),
                "{release:?} seed {seed}"
            );
        }
    }
}

#[tokio::test]
async fn an_expired_credential_is_told_at_once_and_a_new_one_works() {
    for release in RELEASES {
        let world = World::of(release).await;
        world.domain("acme.eu").await;
        let new = dezky::connectors::Secret::Bearer("API_new".to_owned());
        world.set_credential(new.clone());
        for outcome in [
            world.mail.domain(&world.context, "acme.eu").await.map(|_| ()),
            world.mail.check(&world.context).await.map(|_| ()),
        ] {
            assert_eq!(outcome.unwrap_err().reason(), "Unauthorized", "{release:?}");
        }
        let renewed = crate::world::client(&world.emulator.url(), new);
        assert!(renewed.domain(&world.context, "acme.eu").await.unwrap().is_some());
        world.set_credential(secret());
        assert!(world.mail.domain(&world.context, "acme.eu").await.unwrap().is_some());
    }
}
