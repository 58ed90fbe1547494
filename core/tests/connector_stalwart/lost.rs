//! The answer to any one request of a change is lost, after its effect. Then the change is done again.

use std::{
    ops::Deref,
    sync::atomic::{AtomicI64, Ordering},
};

use bytes::Bytes;
use dezky::{
    connectors::{
        AppPassword, ConnectorError, ConnectorResult, Mail as _, MailDomain, Mailbox, MailboxChange, stalwart::Stalwart,
    },
    context::RequestContext,
    emulators::{
        Emulated, Emulator, EmulatorOptions, Exchange,
        stalwart::{Release, StalwartSystem},
    },
};
use http::{Response, StatusCode};

use crate::world::{RELEASES, client, new_mailbox, secret, texts};

/// A Stalwart that loses one answer.
#[derive(Debug)]
struct Losing {
    inner: StalwartSystem,
    /// Number of the request whose answer is lost; 0 for none.
    request: AtomicI64,
}

impl Emulated for Losing {
    fn answer(&self, exchange: &Exchange) -> Response<Bytes> {
        let answer = self.inner.answer(exchange);
        if self.request.fetch_sub(1, Ordering::SeqCst) == 1 {
            return Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR).body(Bytes::new()).unwrap();
        }
        answer
    }
}

struct World {
    emulator: Emulator<Losing>,
    mail: Stalwart,
    context: RequestContext,
    domain: MailDomain,
    anna: Mailbox,
    phone: AppPassword,
}

impl Deref for World {
    type Target = StalwartSystem;

    fn deref(&self) -> &StalwartSystem {
        &self.emulator.system().inner
    }
}

impl World {
    async fn of(release: Release) -> Self {
        let inner = StalwartSystem::new(secret());
        inner.set_release(release);
        inner.set_key_delay(std::time::Duration::ZERO);
        let losing = Losing { inner, request: AtomicI64::new(0) };
        let emulator = Emulator::start(losing, EmulatorOptions::default()).await.unwrap();
        let (mail, context) = (client(&emulator.url(), secret()), RequestContext::fresh());
        let domain = mail.create_domain(&context, "acme.eu").await.unwrap();
        let anna = mail.create_mailbox(&context, &new_mailbox(&domain, "anna")).await.unwrap();
        let phone = mail.create_app_password(&context, &anna, "Phone", "Phone").await.unwrap();
        Self { emulator, mail, context, domain, anna, phone }
    }

    fn lose(&self, request: i64) {
        self.emulator.system().request.store(request, Ordering::SeqCst);
    }
}

/// Does a change with each of its answers lost in turn, and again. Returns the number of its requests.
async fn each_lost<T: std::fmt::Debug>(
    release: Release,
    change: impl AsyncFn(&World) -> ConnectorResult<T>,
    check: impl Fn(&World, ConnectorResult<T>),
) -> i64 {
    for request in 1..20 {
        let world = World::of(release).await;
        world.lose(request);
        let first = change(&world).await;
        world.lose(0);
        match first {
            // It has fewer requests.
            Ok(_) => return request - 1,
            Err(error) => assert!(error.may_retry(), "{release:?} request {request}: {error:?}"),
        }
        let again = change(&world).await;
        check(&world, again);
    }
    panic!("too many requests");
}

fn done_or_there<T: std::fmt::Debug>(outcome: ConnectorResult<T>) {
    let there = matches!(outcome, Err(ConnectorError::Conflict { existing: Some(_), .. }));
    assert!(outcome.is_ok() || there, "{outcome:?}");
}

#[tokio::test]
async fn domains() {
    for release in RELEASES {
        let create = async |world: &World| world.mail.create_domain(&world.context, "new.eu").await.map(|_| ());
        let number = each_lost(release, create, |world, again| {
            done_or_there(again);
            let found: Vec<_> = world.domains().into_iter().filter(|domain| domain.name == "new.eu").collect();
            assert_eq!(found.len(), 1);
            assert!(release == Release::V016 || found[0].keys == 2, "{found:?}");
        });
        assert_eq!(number.await, if release == Release::V016 { 1 } else { 4 });

        let delete = async |world: &World| {
            world.remove_account("anna@acme.eu");
            world.mail.delete_domain(&world.context, &world.domain).await
        };
        let number = each_lost(release, delete, |world, again| {
            again.unwrap();
            assert_eq!((world.domains().len(), world.keys()), (0, 0));
        });
        assert_eq!(number.await, if release == Release::V016 { 4 } else { 3 });
    }
}

#[tokio::test]
async fn mailboxes() {
    for release in RELEASES {
        let create = async |world: &World| {
            let mut wanted = new_mailbox(&world.domain, "ben");
            wanted.aliases = texts(&["info"]);
            world.mail.create_mailbox(&world.context, &wanted).await.map(|_| ())
        };
        let number = each_lost(release, create, |world, again| {
            done_or_there(again);
            assert_eq!(world.accounts().iter().filter(|one| one.address == "ben@acme.eu").count(), 1);
        });
        assert_eq!(number.await, 1);

        let change = async |world: &World| {
            let change = MailboxChange { aliases: Some(texts(&["info"])), quota: Some(Some(9)), enabled: Some(false) };
            world.mail.update_mailbox(&world.context, &world.anna, &change).await
        };
        let number = each_lost(release, change, |world, again| {
            again.unwrap();
            let anna = &world.accounts()[0];
            assert_eq!((anna.aliases.len(), anna.quota, anna.enabled), (1, Some(9), false));
        });
        assert_eq!(number.await, 2);

        let delete = async |world: &World| world.mail.delete_mailbox(&world.context, &world.anna).await;
        let number = each_lost(release, delete, |world, again| {
            again.unwrap();
            assert_eq!(world.accounts().len(), 0);
        });
        assert_eq!(number.await, 1);
    }
}

#[tokio::test]
async fn app_passwords() {
    for release in RELEASES {
        let create =
            async |world: &World| world.mail.create_app_password(&world.context, &world.anna, "Laptop", "Laptop").await;
        let number = each_lost(release, create, |world, again| {
            let made = again.unwrap();
            assert_eq!(world.accounts()[0].app_passwords, [world.phone.id.clone(), made.id.clone()], "{release:?}");
            assert!(world.signs_in("anna@acme.eu", &made.secret));
        });
        assert_eq!(number.await, if release == Release::V016 { 2 } else { 1 });

        let delete =
            async |world: &World| world.mail.delete_app_password(&world.context, &world.anna, &world.phone.id).await;
        let number = each_lost(release, delete, |world, again| {
            again.unwrap();
            assert!(!world.signs_in("anna@acme.eu", &world.phone.secret));
        });
        assert_eq!(number.await, if release == Release::V016 { 2 } else { 1 });
    }
}
