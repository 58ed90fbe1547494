//! Tests that two platforms which differ only in documents hidden from the callers give byte-identical answers to
//! random calls.

use std::{collections::HashMap, sync::Arc, time::Duration};

use dezky::{
    context::RequestContext,
    domain::{
        CreateSubscription, CreateTenant, GrantMembership, MembershipRole, TenantStatus, UpdateTenant, UpdateUser,
    },
    store::{Transfer, mongodb::MongodbStore, sqlite::SqliteStore, transfer::TransferDocument},
    test_kit::{ManualClock, mongodb_server::shared_uri},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    conditions::{Condition, condition},
    estate::World,
    routes::{Does, Names, ROUTES, domain},
    secrecy, support,
    world::{Answer, Caller, Platform},
};

/// Two empty stores of a backend.
pub(crate) type Stores = [Arc<dyn Transfer>; 2];

/// Creates embedded stores; their folder is deleted with them.
pub(crate) fn on_sqlite() -> (Stores, Option<TempDir>) {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| -> Arc<dyn Transfer> {
        Arc::new(SqliteStore::open(folder.path().join(name), Default::default(), dezky::COLLECTIONS).unwrap())
    };
    ([open("plain.sqlite"), open("fuller.sqlite")], Some(folder))
}

/// Creates databases on the MongoDB-wire server of the test run.
pub(crate) fn on_mongodb() -> (Stores, Option<TempDir>) {
    let open = || -> Arc<dyn Transfer> {
        Arc::new(MongodbStore::open(&shared_uri().unwrap(), Default::default(), dezky::COLLECTIONS).unwrap())
    };
    ([open(), open()], None)
}

/// A call.
#[derive(Debug, Clone)]
struct Step {
    caller: Caller,
    route: usize,
    /// Names documents hidden in one platform and absent in the other, instead of the caller's own.
    hidden: bool,
    /// Names tenants by slug instead of id.
    by_slug: bool,
    /// Names the caller's own tenant and a hidden person or subscription in it.
    mixed: bool,
    /// Continues a list after its last page.
    further: bool,
    /// The filter of a list.
    filter: Option<usize>,
    condition: Condition,
}

fn step() -> impl Strategy<Value = Step> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (secrecy::caller(), 0..ROUTES.len(), flags, prop::option::of(0..24usize), condition()).prop_map(
        |(caller, route, (hidden, by_slug, mixed, further), filter, condition)| Step {
            caller,
            route,
            hidden,
            by_slug,
            mixed,
            further,
            filter,
            condition,
        },
    )
}

async fn copy(from: &dyn Transfer, to: &dyn Transfer) {
    let context = RequestContext::system("twins");
    for collection in dezky::COLLECTIONS {
        let documents: Vec<TransferDocument> = from.export(&context, collection, None, 1_000).await.unwrap();
        assert!(documents.len() < 1_000, "`{}` fits into one page", collection.name);
        to.import(&context, collection, &documents).await.unwrap();
    }
}

/// A platform, its copy, and the documents hidden in the copy.
struct Twins {
    plain: Platform,
    fuller: Platform,
    clock: Arc<ManualClock>,
    world: World,
    hidden: Names,
    /// The cursors after the last page of each list, in both.
    ends: HashMap<(Caller, String), [String; 2]>,
    /// The entity tags that callers have seen, equal in both.
    tags: HashMap<(Caller, String), String>,
    /// The id of a caller who is new, in both: each platform generates its own.
    newcomer: Option<[String; 2]>,
}

impl Twins {
    /// Creates the platforms with the issuers of another one, since generating keys takes long.
    async fn new([first, second]: Stores, issuers: &Platform, clock: Arc<ManualClock>) -> Self {
        let plain = issuers.twin(first.clone());
        plain.prepare().await;
        let mut world = plain.world(TenantStatus::Active).await;
        plain.give_keys(&mut world).await;
        copy(&*first, &*second).await;
        let fuller = plain.twin(second);
        let hidden = hide(&fuller, &world).await;
        Self { plain, fuller, clock, world, hidden, ends: HashMap::new(), tags: HashMap::new(), newcomer: None }
    }

    fn names(&self, step: &Step) -> Names {
        let mut names = if step.hidden { self.hidden.clone() } else { self.world.names() };
        if !step.by_slug {
            names.tenant.clone_from(&names.tenant_id);
        }
        if step.mixed {
            names.tenant.clone_from(&self.world.slug);
            names.tenant_id = self.world.tenant.to_string();
        }
        names
    }

    async fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        self.clock.advance(Duration::from_secs(1));
        let route = &ROUTES[step.route];
        let names = self.names(step);
        let (method, body) = (route.method, route.body(&names));
        let mut path = route.filtered(&names, step.filter);
        let mut paths = [path.clone(), path.clone()];
        if route.is_list() {
            path.push_str(if path.contains('?') { "&limit=1" } else { "?limit=1" });
            let ends = self.ends.get(&(step.caller, path.clone())).filter(|_| step.further);
            let after = |place: usize| ends.map_or(String::new(), |ends| format!("&cursor={}", ends[place]));
            paths = [0, 1].map(|place| format!("{path}{}", after(place)));
        }
        let seen = self.tags.get(&(step.caller, route.path(&names))).map(String::as_str);
        let headers = step.condition.headers(seen);
        let ask = async |platform: &Platform, path: &str| {
            platform.call_with(step.caller, &self.world, (method, path), body.as_ref(), &headers).await
        };
        let (plain, fuller) = (ask(&self.plain, &paths[0]).await, ask(&self.fuller, &paths[1]).await);
        if let [Some(first), Some(second)] = [&plain, &fuller].map(end) {
            self.ends.insert((step.caller, path), [first, second]);
        }
        if let Some(tag) = plain.tag() {
            self.tags.insert((step.caller, route.path(&names)), tag.to_owned());
        }
        if step.caller == Caller::Unknown && self.newcomer.is_none() {
            self.newcomer = [&plain, &fuller]
                .map(own_id)
                .into_iter()
                .collect::<Option<Vec<_>>>()
                .map(|ids| <[String; 2]>::try_from(ids).unwrap());
        }
        // Each platform generates its events, domains, invitations and mailboxes, with different ids.
        let own = matches!(
            route.path,
            "/audit"
                | "/tenants/{tenant}/domains"
                | "/tenants/{tenant}/domains/{domain}"
                | "/tenants/{tenant}/domains/{domain}/check"
                | "/tenants/{tenant}/invitations"
                | "/tenants/{tenant}/invitations/bulk"
                | "/api-keys"
                | "/api-keys/{id}/rotate"
                | "/tenants/{tenant}/mailboxes"
                | "/tenants/{tenant}/mailboxes/{id}/app-passwords"
                | "/events"
                | "/event-endpoints"
                | "/event-endpoints/{id}/rotate"
                | "/scim/v2/{directory}/.search"
                | "/scim/v2/{directory}/Users"
                | "/scim/v2/{directory}/Users/.search"
                | "/scim/v2/{directory}/Groups"
                | "/scim/v2/{directory}/Groups/.search"
        );
        let alike = |answer: Answer, place: usize| {
            let answer = if own { without_tokens(answer) } else { answer };
            let answer = match own_id_of(&answer, "/id").or_else(|| own_id_of(&answer, "/lines/0/id")).filter(|_| own) {
                Some(id) => without_newcomer(answer, &id),
                None if own => without_ids(without_ids_of_scim(answer)),
                None => answer,
            };
            match &self.newcomer {
                Some(ids) if step.caller == Caller::Unknown => without_newcomer(answer, &ids[place]),
                _ => answer,
            }
        };
        let (plain, fuller) = (alike(plain, 0), alike(fuller, 1));
        prop_assert_eq!(plain, fuller, "{:?} {} {}: what is hidden shows", step, method, route.path);
        Ok(())
    }
}

/// Returns the id in a profile.
fn own_id(answer: &Answer) -> Option<String> {
    own_id_of(answer, "/user/id")
}

fn own_id_of(answer: &Answer, pointer: &str) -> Option<String> {
    let body: Value = serde_json::from_str(&answer.body).ok()?;
    Some(body.pointer(pointer)?.as_str()?.to_owned())
}

/// Masks an id that this platform generated, and the entity tag that depends on it.
fn without_newcomer(mut answer: Answer, id: &str) -> Answer {
    answer.body = answer.body.replace(id, "an id");
    for (name, value) in &mut answer.headers {
        match name.as_str() {
            "etag" => "a tag".clone_into(value),
            _ => *value = value.replace(id, "an id"),
        }
    }
    answer
}

fn end(answer: &Answer) -> Option<String> {
    let page: Value = serde_json::from_str(&answer.body).ok()?;
    Some(page.get("nextCursor")?.as_str()?.to_owned())
}

/// Masks what is drawn at random: the token of a domain's record, the time of its next look, and API keys.
fn without_tokens(mut answer: Answer) -> Answer {
    for before in ["dezky-verification=", "dzk_", "\"nextLookAt\":\"", "\"secret\":\""] {
        let mut parts = answer.body.split(before);
        let mut body = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            body.push_str(before);
            body.push_str(part.trim_start_matches(|character: char| character != '"'));
        }
        answer.body = body;
    }
    answer
}

/// Masks the ids of resources of SCIM, and the addresses that contain them.
fn without_ids_of_scim(mut answer: Answer) -> Answer {
    if let Ok(mut page) = serde_json::from_str::<Value>(&answer.body)
        && let Some(resources) = page.get_mut("Resources").and_then(Value::as_array_mut)
    {
        for resource in resources {
            resource["id"] = json!("an id");
            resource["meta"]["location"] = json!("an address");
        }
        answer.body = page.to_string();
    }
    answer
}

/// Masks the ids of events, invitations and mailboxes, and the cursor, which contains the last one; whether there is a cursor remains.
fn without_ids(mut answer: Answer) -> Answer {
    if let Ok(mut page) = serde_json::from_str::<Value>(&answer.body)
        && page.get("items").is_some()
    {
        for event in page["items"].as_array_mut().unwrap() {
            event["id"] = json!("an id");
            let kinds = ["mailbox", "invitation", "api_key", "event_endpoint"];
            if kinds.iter().any(|kind| event["resource"]["type"] == *kind) {
                event["resource"]["id"] = json!("an id");
            }
        }
        if page["nextCursor"].is_string() {
            page["nextCursor"] = json!("a cursor");
        }
        answer.body = page.to_string();
    }
    answer
}

/// Creates another tenant and a deleted one, with slugs and people sorted between those of the world.
///
/// One of the world's own people is an owner there.
async fn hide(platform: &Platform, world: &World) -> Names {
    let (service, system) = (&platform.service, support::system());
    let tenant = support::tenant(service, "acme-0-hidden").await;
    let name = UpdateTenant::read(json!({"name": "acme-0", "domains": ["hidden.example"]})).unwrap();
    service.update_tenant(&system, &tenant.into(), name).await.unwrap();
    let person = support::person(service, "member-0-hidden").await;
    let former = support::person(service, "revoked-0-hidden").await;
    for (user_id, role) in
        [(world.target, MembershipRole::Owner), (person, MembershipRole::Member), (former, MembershipRole::Owner)]
    {
        service.grant_membership(&system, &tenant.into(), GrantMembership { user_id, role }).await.unwrap();
    }
    service.revoke_membership(&system, &tenant.into(), former).await.unwrap();
    let input = CreateSubscription::read(json!({"tenantId": tenant, "plan": "starter"})).unwrap();
    let subscription = service.create_subscription(&system, input).await.unwrap().value.id;
    let (mailbox, password) = platform.mailbox(tenant, "acme-0-hidden", 0, person).await;
    let invitation = platform.invitation(tenant, 0).await;
    let api_key = platform.api_key(tenant).await;
    let endpoint = platform.endpoint(tenant).await;
    let gone = CreateTenant::read(json!({"slug": "acme-0-gone", "name": "acme-0"})).unwrap();
    let gone = service.create_tenant(&system, gone).await.unwrap().value.id;
    service.delete_tenant(&system, &gone.into()).await.unwrap();
    let erased = support::person(service, "erased").await;
    service.delete_user(&system, erased).await.unwrap();
    let rename = UpdateUser::read(json!({"name": "admin-0"})).unwrap();
    service.update_user(&system, person, rename).await.unwrap();
    let people = [(person, "member-0-hidden".to_owned()), (former, "revoked-0-hidden".to_owned())];
    let [pushed, pushed_for_platform] = platform.push(1_000, tenant, people).await;
    Names {
        tenant: "acme-0-hidden".to_owned(),
        tenant_id: tenant.to_string(),
        subscription: subscription.to_string(),
        user: person.to_string(),
        former: former.to_string(),
        mailbox: mailbox.to_string(),
        password: password.to_string(),
        invitation: invitation.to_string(),
        api_key: api_key.to_string(),
        endpoint: endpoint.to_string(),
        domain: domain("acme-0-hidden"),
        pushed,
        pushed_for_platform,
    }
}

pub(crate) async fn what_is_hidden_changes_no_answer(stores: fn() -> (Stores, Option<TempDir>), sequences: u32) {
    let runtime = tokio::runtime::Handle::current();
    let clock = Arc::new(ManualClock::at_now());
    let (others, _folder) = stores();
    let issuers = Platform::at(others[0].clone(), clock.clone()).await;
    let ran = tokio::task::spawn_blocking(move || {
        secrecy::runner(sequences, 29).run(&prop::collection::vec(step(), 16..64), |steps| {
            runtime.block_on(async {
                let (stores, _folder) = stores();
                let mut twins = Twins::new(stores, &issuers, clock.clone()).await;
                for step in steps.iter().filter(|step| !matches!(ROUTES[step.route].does, Does::Public)) {
                    twins.take(step).await?;
                }
                Ok(())
            })
        })
    });
    ran.await.unwrap().unwrap();
}
