//! A mail server that keeps what it is given, and fails as it is told.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use dezky::{
    clock::{Clock as _, Timestamp},
    context::RequestContext,
    mail::{MailError, Mailer, Message},
    test_kit::ManualClock,
};
use tokio::sync::watch;

use super::DAY;

/// What the server does with mail to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It refuses it for good.
    Refuses,
    /// It asks to try again later.
    Later,
    /// It takes it and never says so.
    Silent,
}

/// The mails that were taken.
#[derive(Debug)]
pub(crate) struct Mails {
    clock: Arc<ManualClock>,
    begun: Timestamp,
    taken: Mutex<Vec<(Timestamp, Message)>>,
    faults: Mutex<BTreeMap<String, Fault>>,
    number: watch::Sender<usize>,
}

impl Mails {
    pub(crate) fn new(clock: &Arc<ManualClock>) -> Arc<Self> {
        Arc::new(Self {
            clock: Arc::clone(clock),
            begun: clock.now(),
            taken: Mutex::default(),
            faults: Mutex::default(),
            number: watch::Sender::new(0),
        })
    }

    pub(crate) fn set_fault(&self, address: &str, fault: Option<Fault>) {
        let mut faults = self.faults.lock().unwrap();
        match fault {
            Some(fault) => faults.insert(address.to_owned(), fault),
            None => faults.remove(address),
        };
    }

    /// Waits until this number of mails was taken.
    pub(crate) async fn until(&self, number: usize) {
        self.number.subscribe().wait_for(|taken| *taken >= number).await.unwrap();
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        self.taken.lock().unwrap().iter().map(|(_, message)| message.clone()).collect()
    }

    /// Returns the receivers of all mails, in order.
    pub(crate) fn receivers(&self) -> Vec<String> {
        self.messages().into_iter().map(|message| message.to).collect()
    }

    /// Returns each mail as `day: subject, before date, to receiver`; days count from the beginning.
    pub(crate) fn told(&self) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        let lines = taken.iter().map(|(time, message)| {
            let day = (time.seconds() - self.begun.seconds()) / i64::try_from(DAY.as_secs()).unwrap();
            let text = &message.content.text;
            let date = text.split("before ").nth(1).and_then(|rest| rest.split(['.', ',', ':']).next()).unwrap();
            let once = text.replace('\n', " ").matches(date).count();
            assert!(once >= 1 && message.content.html.contains(date), "{text}");
            format!("{day}: {}, before {date}, to {}", message.content.subject, message.to)
        });
        lines.collect()
    }
}

#[async_trait]
impl Mailer for Mails {
    async fn send(&self, _: &RequestContext, message: &Message) -> Result<(), MailError> {
        let fault = self.faults.lock().unwrap().get(&message.to).copied();
        let why = |answer: &str| format!("{answer} <{}>: unknown", message.to);
        match fault {
            Some(Fault::Refuses) => return Err(MailError::Refused { why: why("550 5.1.1") }),
            Some(Fault::Later) => return Err(MailError::Unavailable { why: why("451 4.7.1") }),
            Some(Fault::Silent) | None => {}
        }
        self.taken.lock().unwrap().push((self.clock.now(), message.clone()));
        self.number.send_modify(|number| *number += 1);
        if fault == Some(Fault::Silent) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    async fn check(&self) -> Result<(), MailError> {
        Ok(())
    }

    fn sender(&self) -> &str {
        "dezky@dezky.eu"
    }
}
