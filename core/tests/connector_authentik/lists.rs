//! Lists over several pages, while they change, and without an end.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use dezky::{
    connectors::Identity as _,
    context::RequestContext,
    emulators::{Emulated, Emulator, EmulatorOptions, Exchange, authentik::Kind},
};
use http::{Response, header};
use serde_json::json;

use crate::world::{TOKEN, World, client_of, error};

/// Creates a group with this many members.
fn group_of(world: &World, members: usize) -> (String, Vec<i64>) {
    let group = world.authentik().add_group("acme", &json!({}));
    let people: Vec<i64> =
        (0..members).map(|number| world.authentik().add_person(&format!("person{number}")).pk).collect();
    people.iter().for_each(|pk| world.authentik().add_member(&group, *pk));
    (group, people)
}

#[tokio::test]
async fn all_pages_are_read_whatever_their_size() {
    for largest in [100, 20, 7] {
        let world = World::start().await;
        world.authentik().set_largest_page(largest);
        let (group, people) = group_of(&world, 250);
        let members = world.client.members(&world.context, &group).await.unwrap();
        let found: Vec<String> = members.into_iter().map(|member| member.id).collect();
        assert_eq!(found, people.iter().map(i64::to_string).collect::<Vec<_>>());
        assert_eq!(world.asked().len(), 250_usize.div_ceil(largest));
    }
}

#[tokio::test]
async fn a_group_and_its_people_are_one_request() {
    let world = World::start().await;
    let (group, people) = group_of(&world, 3);
    let (found, members) = world.client.group_with_people(&world.context, &group).await.unwrap().unwrap();
    assert_eq!((found.id.as_str(), found.name.as_str(), found.tenant), (group.as_str(), "acme", None));
    assert_eq!(members.len(), 3);
    assert_eq!(world.asked().len(), 1);
    // An empty group is read by itself, and one that is gone is never an empty one.
    people.iter().for_each(|pk| world.authentik().remove_member(&group, *pk));
    let (found, members) = world.client.group_with_people(&world.context, &group).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), members.len()), ("acme", 0));
    assert!(world.authentik().remove(Kind::Group, &group));
    assert_eq!(world.client.group_with_people(&world.context, &group).await.unwrap(), None);
}

#[tokio::test]
async fn a_deletion_between_two_pages_hides_nobody() {
    let world = World::start().await;
    world.authentik().set_largest_page(10);
    let (group, people) = group_of(&world, 25);
    let first = people[0];
    // After this, the eleventh member is on the first page, which was read already.
    world.after_each(move |authentik, exchange| {
        if exchange.uri.query().is_some_and(|query| query.contains("page=1&")) {
            authentik.remove(Kind::Person, &first.to_string());
        }
    });
    let members = world.client.members(&world.context, &group).await.unwrap();
    let found: BTreeSet<String> = members.into_iter().map(|member| member.id).collect();
    assert_eq!(found, people[1..].iter().map(i64::to_string).collect());
}

#[tokio::test]
async fn a_list_that_becomes_shorter_than_its_pages_is_read_anew() {
    let world = World::start().await;
    world.authentik().set_largest_page(10);
    let (group, people) = group_of(&world, 11);
    let (first, gone) = (people[0], group.clone());
    world.after_each(move |authentik, _| authentik.remove_member(&gone, first));
    let members = world.client.members(&world.context, &group).await.unwrap();
    assert_eq!(members.len(), 10);
}

#[tokio::test]
async fn a_list_that_never_stands_still_is_tried_again_later() {
    let world = World::start().await;
    world.authentik().set_largest_page(10);
    let (group, people) = group_of(&world, 40);
    let (next, of) = (AtomicUsize::new(0), group.clone());
    world.after_each(move |authentik, _| {
        authentik.remove_member(&of, people[next.fetch_add(1, Ordering::Relaxed)]);
    });
    let (reason, why) = error(world.client.members(&world.context, &group).await);
    assert_eq!(reason, "Unavailable");
    assert!(why.contains("people"), "{why}");
}

#[tokio::test]
async fn more_than_ten_thousand_entries_are_refused_at_the_first_page() {
    let world = World::start().await;
    for number in 0..10_000 {
        world.authentik().add_person(&format!("person{number}"));
    }
    let (reason, why) = error(world.client.person(&world.context, &"0a".repeat(32)).await);
    assert_eq!(reason, "Incompatible");
    assert!(why.contains("10000 people"), "{why}");
    assert_eq!(world.asked().len(), 1);
}

/// A server that answers each request with the same page.
#[derive(Debug)]
struct SamePage(serde_json::Value);

impl Emulated for SamePage {
    fn answer(&self, _: &Exchange) -> Response<Bytes> {
        let answer = Response::builder().header(header::CONTENT_TYPE, "application/json");
        answer.body(self.0.to_string().into()).unwrap()
    }
}

#[tokio::test]
async fn pages_without_an_end_end() {
    let group = json!({ "pk": "1", "name": "x", "attributes": {} });
    for (next, results, count) in [
        (1, json!([group]), 5),
        (2, json!([group]), 5),
        (2, json!([]), 5),
        (7, json!([group]), 5),
        (2, json!(vec![group; 9_000]), 9_000),
    ] {
        let page = json!({ "pagination": { "next": next, "count": count }, "results": results });
        let emulator = Emulator::start(SamePage(page), EmulatorOptions::default()).await.unwrap();
        let client = client_of(&emulator.url(), TOKEN);
        let (reason, _) = error(client.group_named(&RequestContext::new("test"), "y").await);
        assert_eq!(reason, "Incompatible", "{next}");
        assert!(emulator.requests() <= 2, "{next}");
    }
}
