//! DNS records of mail domains: shown to be published, and checked.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use dezky::connectors::{ConnectorError, ConnectorResult, Dns};

use crate::{
    support::{self, system},
    world::{DAY, World},
};

/// Public DNS as a test sets it.
#[derive(Debug, Default)]
pub(crate) struct Zone {
    records: Mutex<BTreeMap<(String, String), Vec<String>>>,
    silent: Mutex<bool>,
    questions: AtomicUsize,
}

impl Zone {
    fn publish(&self, kind: &str, name: &str, value: &str) {
        let key = (kind.to_owned(), name.to_owned());
        self.records.lock().unwrap().entry(key).or_default().push(value.to_owned());
    }

    fn set_silent(&self, silent: bool) {
        *self.silent.lock().unwrap() = silent;
    }
}

#[async_trait]
impl Dns for Zone {
    async fn lookup(&self, kind: &str, name: &str) -> ConnectorResult<Vec<String>> {
        self.questions.fetch_add(1, Ordering::SeqCst);
        if *self.silent.lock().unwrap() {
            return Err(ConnectorError::Retryable { after: None, why: "DNS does not answer".to_owned() });
        }
        let records = self.records.lock().unwrap();
        Ok(records.get(&(kind.to_owned(), name.to_owned())).cloned().unwrap_or_default())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_seen_once_they_are_published_and_stay_so_while_dns_is_silent() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let acme = world.tenant("acme").await;
    world.settle().await;
    let records = async || {
        let view = world.service.read_workspace(&system(), &acme.into()).await.unwrap();
        view.domains.into_iter().next().unwrap()
    };
    let asked = records().await;
    assert!(asked.records.iter().all(|record| record.seen == Some(false)), "{asked:#?}");
    // All but one are published; somebody else's mail is there.
    for record in &asked.records {
        if record.kind != "MX" {
            world.zone.publish(&record.kind, &record.name, &record.value);
        }
    }
    world.zone.publish("MX", "acme.eu", "5 mx.elsewhere.example.");
    world.service.check_workspace(&system(), &acme.into()).await.unwrap();
    world.settle().await;
    let now = records().await;
    for record in &now.records {
        assert_eq!(record.seen, Some(record.kind != "MX"), "{record:?}");
    }
    let mx = now.records.iter().find(|record| record.kind == "MX").unwrap();
    assert!(mx.advice.as_ref().unwrap().contains("mx.elsewhere.example"), "{mx:?}");
    // What was seen is not unseen because DNS does not answer.
    world.zone.set_silent(true);
    world.clock.advance(DAY);
    world.work().await;
    let silent = records().await;
    assert_eq!(silent.records, now.records);
    assert!(silent.last_error.is_some());
    world.zone.set_silent(false);
    let value = mx.value.clone();
    world.zone.publish("MX", "acme.eu", &value);
    world.clock.advance(Duration::from_secs(61 * 60));
    world.work().await;
    let done = records().await;
    assert!(done.records.iter().all(|record| record.seen == Some(true)), "{done:#?}");
    // Once all are there, DNS is asked once a day.
    let questions = world.zone.questions.load(Ordering::SeqCst);
    for _ in 0..11 {
        world.clock.advance(Duration::from_secs(60 * 60));
        world.work().await;
    }
    assert_eq!(world.zone.questions.load(Ordering::SeqCst), questions);
}
