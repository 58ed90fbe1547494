//! Tampering: whoever writes to the store past the service is found, with the first number and what is wrong.

use dezky::{
    domain::{AuditDetails, AuditEvent, AuditEventId, AuditValue, TenantId, audit::AUDIT_DETAILS},
    store::{Commit, Query, Repository as _, SharedStore},
    work::trail::{Fault, Finding, verify, verify_copy},
};

use super::{
    Estate, events, head, rename, seal_all,
    support::{self, system},
};

/// Writes an event past the service.
async fn overwrite(store: &SharedStore, event: &AuditEvent, changed: AuditEvent) {
    let mut commit = Commit::new();
    commit.update(&AuditEvent { version: event.version + 1, ..changed }, event.version).unwrap();
    store.commit(&system().context, &commit).await.unwrap();
}

async fn fault(estate: &Estate, tenant: Option<TenantId>) -> Option<(u64, Fault)> {
    let found = verify(&estate.service, tenant).await.unwrap().finding;
    found.map(|Finding { seq, fault, .. }| (seq, fault))
}

async fn a_changed_event_is_found(store: SharedStore) {
    let estate = Estate::new(&store).await;
    let acme = Some(estate.acme);
    let third = events(&store, acme).await[2].clone();
    let changes: [fn(&mut AuditEvent); 9] = [
        |event| event.action.push('x'),
        |event| event.at = event.at.plus(std::time::Duration::from_millis(1)),
        |event| event.actor.name = Some("somebody-else".to_owned()),
        |event| event.resource.id = dezky::domain::ObjectId::generate(),
        |event| event.request_id.push('x'),
        |event| event.client_request_id = Some("x".to_owned()),
        |event| event.changed_fields.clear(),
        |event| event.user_id = Some(dezky::domain::UserId::generate()),
        |event| event.details_digest = Some("0".repeat(64)),
    ];
    for change in changes {
        let stored = events(&store, acme).await[2].clone();
        let mut changed = third.clone();
        change(&mut changed);
        assert_ne!(changed, third);
        overwrite(&store, &stored, changed).await;
        assert_eq!(fault(&estate, acme).await, Some((3, Fault::Changed)));
    }
    // A seal that fits the change does not fit what follows.
    let stored = events(&store, acme).await;
    let mut changed = third.clone();
    changed.action = "tenant.other".to_owned();
    let previous = stored[1].hash.clone().unwrap();
    changed.hash = Some(dezky::domain::seal::of_event(&changed, estate.acme.0, 3, &previous));
    overwrite(&store, &stored[2], changed).await;
    assert_eq!(fault(&estate, acme).await, Some((4, Fault::Changed)));
    let now = events(&store, acme).await[2].clone();
    overwrite(&store, &now, third).await;
    assert_eq!(fault(&estate, acme).await, None);
}

async fn a_missing_event_is_found(store: SharedStore) {
    let estate = Estate::new(&store).await;
    let acme = Some(estate.acme);
    let all = events(&store, acme).await;
    for (position, removed) in [(0, 1), (3, 4), (all.len() - 1, all.len() as u64)] {
        let event = events(&store, acme).await.into_iter().find(|event| event.id == all[position].id).unwrap();
        let mut commit = Commit::new();
        commit.delete(&event);
        store.commit(&system().context, &commit).await.unwrap();
        assert_eq!(fault(&estate, acme).await, Some((removed, Fault::Missing)));
        let mut commit = Commit::new();
        commit.insert(&event).unwrap();
        store.commit(&system().context, &commit).await.unwrap();
        assert_eq!(fault(&estate, acme).await, None);
    }
}

async fn events_in_another_order_are_found(store: SharedStore) {
    let estate = Estate::new(&store).await;
    let acme = Some(estate.acme);
    let all = events(&store, acme).await;
    let (second, fifth) = (&all[1], &all[4]);
    overwrite(&store, second, AuditEvent { seq: fifth.seq, ..second.clone() }).await;
    overwrite(&store, fifth, AuditEvent { seq: second.seq, ..fifth.clone() }).await;
    assert_eq!(fault(&estate, acme).await, Some((2, Fault::Reordered)));
    // With the seals in place, the contents do not fit them.
    let now = events(&store, acme).await;
    overwrite(&store, &now[1], AuditEvent { hash: second.hash.clone(), ..now[1].clone() }).await;
    assert_eq!(fault(&estate, acme).await, Some((2, Fault::Changed)));
}

async fn an_event_sealed_twice_is_found(store: SharedStore) {
    let estate = Estate::new(&store).await;
    let acme = Some(estate.acme);
    let third = events(&store, acme).await[2].clone();
    let mut commit = Commit::new();
    commit.insert(&AuditEvent { id: AuditEventId::generate(), ..third }).unwrap();
    store.commit(&system().context, &commit).await.unwrap();
    assert_eq!(fault(&estate, acme).await, Some((3, Fault::SealedTwice)));
}

async fn a_chain_that_was_cut_is_found(store: SharedStore) {
    let estate = Estate::new(&store).await;
    let acme = Some(estate.acme);
    let all = events(&store, acme).await;
    let chain = head(&store, acme).await;
    let cut = &all[all.len() - 2];
    // The end is moved back, with and without the event.
    let mut commit = Commit::new();
    let mut shorter = chain.clone();
    (shorter.seq, shorter.hash) = (cut.seq.unwrap(), cut.hash.clone().unwrap());
    shorter.version += 1;
    commit.update(&shorter, chain.version).unwrap();
    store.commit(&system().context, &commit).await.unwrap();
    assert_eq!(fault(&estate, acme).await, Some((chain.seq, Fault::EndMoved)));
    let mut commit = Commit::new();
    commit.delete(all.last().unwrap());
    store.commit(&system().context, &commit).await.unwrap();
    assert_eq!(fault(&estate, acme).await, None, "nothing in the store tells");
    let copy = verify_copy(&estate.service, acme, chain.seq, &chain.hash).await.unwrap().unwrap();
    assert_eq!((copy.seq, copy.fault), (chain.seq, Fault::CopyDiffers));
    let before = verify_copy(&estate.service, acme, 2, all[1].hash.as_deref().unwrap()).await.unwrap();
    assert_eq!(before, None);
    // What is sealed in its place has another seal.
    rename(&estate.service, estate.acme, "In its place").await;
    seal_all(&estate.service).await;
    assert_eq!(fault(&estate, acme).await, None);
    assert!(verify_copy(&estate.service, acme, chain.seq, &chain.hash).await.unwrap().is_some());
    // A beginning that no retention has moved.
    let chain = head(&store, acme).await;
    let mut later = chain.clone();
    (later.start_seq, later.start_hash) = (2, all[1].hash.clone().unwrap());
    later.version += 1;
    let mut commit = Commit::new();
    commit.update(&later, chain.version).unwrap();
    all[..2].iter().for_each(|event| commit.delete(event));
    store.commit(&system().context, &commit).await.unwrap();
    assert_eq!(fault(&estate, acme).await, Some((2, Fault::Removed)));
}

async fn changed_personal_values_are_found(store: SharedStore) {
    let estate = Estate::new(&store).await;
    let details: Vec<AuditDetails> =
        store.load_all(&system().context, &Query::new(&AUDIT_DETAILS).limit(200)).await.unwrap();
    let one = details.iter().find(|one| one.user_id == Some(estate.anna) && one.tenant_id.is_none()).unwrap();
    let seq = events(&store, None).await.iter().find(|event| event.id == one.id).unwrap().seq.unwrap();
    let values = vec![AuditValue::new("name".to_owned(), None, Some("Somebody else".to_owned()))];
    for changed in [AuditDetails { values, ..one.clone() }, AuditDetails { salt: None, ..one.clone() }] {
        let stored: AuditDetails = store.load(&system().context, one.id).await.unwrap().unwrap();
        let mut commit = Commit::new();
        commit.update(&AuditDetails { version: stored.version + 1, ..changed }, stored.version).unwrap();
        store.commit(&system().context, &commit).await.unwrap();
        assert_eq!(fault(&estate, None).await, Some((seq, Fault::ValuesChanged)));
    }
}

support::on_every_store! {
    a_changed_event_is_found,
    a_missing_event_is_found,
    events_in_another_order_are_found,
    an_event_sealed_twice_is_found,
    a_chain_that_was_cut_is_found,
    changed_personal_values_are_found,
}
