//! A tenant's whole life: created, changed, suspended, restored, deleted, and removed after its grace period.

use dezky::{
    domain::{
        DomainRecords, MailboxStatus, TenantId, TenantStatus, UpdateTenant, UpdateUser,
        audit::{AUDIT_EVENTS, AUDIT_OF_TENANT},
        mailbox::MAILBOXES,
        workspace::{DOMAIN_RECORDS, ExternalId, Phase, SystemKind},
    },
    service::audit::AuditFilter,
    store::{Query, Repository as _, SharedStore},
};
use serde_json::json;

use crate::{
    support::{self, system},
    world::{DAY, World},
};

on_every_store! {
    a_new_tenant_gets_its_systems_and_becomes_active,
    changes_reach_the_systems,
    a_lost_domain_is_kept_and_not_in_use,
    a_suspended_tenant_keeps_everything_and_uses_nothing,
    a_deleted_tenant_is_removed_after_its_grace_period_with_its_files_last,
    a_deletion_is_undone_with_everything_as_it_was,
    after_the_grace_period_a_deletion_is_not_undone,
    a_revoked_member_leaves_the_group_and_the_mailbox_after_a_while,
}

async fn a_new_tenant_gets_its_systems_and_becomes_active(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    let (_, anna, _) = world.member(acme, "anna").await;
    assert_eq!(world.load(acme).await.status, TenantStatus::Pending);
    world.settle().await;
    world.assert_ready(acme).await;
    let tenant = world.load(acme).await;
    assert_eq!(tenant.authentik_group.as_deref(), Some("acme"));
    assert_eq!(tenant.stalwart_domain.as_deref(), Some("acme.eu"));
    assert_eq!(world.members("acme"), [anna.pk].into());
    assert_eq!(world.domains(), [("acme.eu".to_owned(), true)]);
    assert_eq!(world.mailboxes(), ["anna@acme.eu"]);
    let spaces = world.spaces(acme);
    assert_eq!(spaces.len(), 1);
    assert_eq!(tenant.ocis_space_id.as_ref(), Some(&spaces[0].id));
    assert!(spaces[0].members.iter().any(|member| member.group().is_some()), "{spaces:?}");
    // The owner's records are there to be published.
    let records: Vec<DomainRecords> =
        world.store().load_all(&system().context, &Query::new(&DOMAIN_RECORDS)).await.unwrap();
    assert_eq!(records.len(), 1);
    assert!(records[0].records.iter().any(|record| record.kind == "MX" && record.required), "{records:?}");
    // The trail tells what was done.
    let filter = AuditFilter { action: Some("workspace.reconcile".to_owned()), ..AuditFilter::default() };
    let events = world.service.list_audit(&system(), &filter, &Default::default()).await.unwrap().items;
    let done: Vec<String> = events.iter().flat_map(|event| event.changed_fields.clone()).collect();
    for change in
        ["group.create", "group.add", "domain.create:acme.eu", "mailbox.create", "space.create", "space.grant"]
    {
        assert_eq!(done.iter().filter(|one| *one == change).count(), 1, "{change}: {done:?}");
    }
    // A look at what is as it should be only reads: after the first one, which stores nothing new either.
    world.clock.advance(DAY);
    let writes = [world.authentik.writes(), world.ocis.writes()];
    let requests = || [world.authentik.requests(), world.stalwart.requests(), world.ocis.requests()];
    world.settle().await;
    let before = requests();
    for _ in 0..2 {
        world.clock.advance(DAY);
        world.settle().await;
    }
    assert_eq!([world.authentik.writes(), world.ocis.writes()], writes, "a look writes nothing");
    world.assert_ready(acme).await;
    let made: Vec<u64> = requests().iter().zip(before).map(|(after, before)| after - before).collect();
    assert_eq!(made, [2, 2, 3], "requests for two looks at a group, a domain, and a space");
    // People and mailboxes cost nothing more.
    for name in ["bert", "cleo", "dora"] {
        world.member(acme, name).await;
    }
    world.settle().await;
    let before = requests();
    for _ in 0..2 {
        world.clock.advance(DAY);
        world.settle().await;
    }
    // 100,000 tenants are looked at in a day with at most two requests a second to each system: 1.72 for each look.
    let made: Vec<u64> = requests().iter().zip(before).map(|(after, before)| after - before).collect();
    assert_eq!(made, [2, 2, 3], "requests for two looks at a tenant of four people with mailboxes");
}

async fn changes_reach_the_systems(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    world.member(acme, "anna").await;
    world.settle().await;
    let name = UpdateTenant::read(json!({
        "name": "Acme: Neue / AG", "authentikGroup": "acme-ag", "domains": ["acme.eu", "acme.de"],
        "domainVerifications": [
            {"name": "acme.eu", "verifiedAt": world.clock.now_text()}, {"name": "acme.de", "verifiedAt": world.clock.now_text()}
        ],
    }))
    .unwrap();
    world.service.update_tenant(&system(), &acme.into(), name).await.unwrap();
    world.settle().await;
    world.assert_ready(acme).await;
    assert_eq!(world.members("acme-ag").len(), 1);
    assert_eq!(world.domains(), [("acme.de".to_owned(), true), ("acme.eu".to_owned(), true)]);
    let space = &world.spaces(acme)[0];
    assert!(!space.name.contains(['/', ':']) && space.name.contains("Neue"), "{}", space.name);
    assert!(space.members.iter().any(|member| member.name == "acme-ag"), "{space:?}");
    // A domain that the tenant gives up is disabled, and stays while it has mailboxes.
    let fewer = UpdateTenant::read(json!({"domains": ["acme.de"]})).unwrap();
    world.service.update_tenant(&system(), &acme.into(), fewer).await.unwrap();
    world.work().await;
    world.work().await;
    assert!(world.domains().contains(&("acme.eu".to_owned(), false)), "{:?}", world.domains());
    assert_eq!(world.mailboxes(), ["anna@acme.eu"]);
    let state = world.state(acme, SystemKind::Mail).await;
    assert!(state.conditions.iter().any(|one| one.reason == "MailboxesRemain"), "{state:#?}");
}

async fn a_lost_domain_is_kept_and_not_in_use(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    world.member(acme, "anna").await;
    world.settle().await;
    let verified = async |lost: Option<String>| {
        let mut one = json!({"name": "acme.eu", "verifiedAt": world.clock.now_text()});
        if let Some(time) = lost {
            one["lostAt"] = json!(time);
        }
        let change = UpdateTenant::read(json!({"domainVerifications": [one]})).unwrap();
        world.service.update_tenant(&system(), &acme.into(), change).await.unwrap();
        world.settle().await;
    };
    verified(Some(world.clock.now_text())).await;
    assert_eq!(world.domains(), [("acme.eu".to_owned(), false)]);
    assert_eq!(world.mailboxes(), ["anna@acme.eu"], "nothing is deleted");
    verified(None).await;
    assert_eq!(world.domains(), [("acme.eu".to_owned(), true)]);
    world.assert_ready(acme).await;
}

async fn a_suspended_tenant_keeps_everything_and_uses_nothing(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    let (_, anna, _) = world.member(acme, "anna").await;
    world.settle().await;
    world.service.suspend_tenant(&system(), &acme.into()).await.unwrap();
    world.settle().await;
    // Taken out of the group, their tokens would end the memberships that came from it.
    assert_eq!(world.members("acme"), [anna.pk].into());
    assert_eq!(world.domains(), [("acme.eu".to_owned(), false)]);
    assert_eq!(world.mailboxes(), ["anna@acme.eu"]);
    assert!(world.spaces(acme)[0].trashed);
    for kind in [SystemKind::Identity, SystemKind::Mail, SystemKind::Files] {
        assert_eq!(world.state(acme, kind).await.phase, Phase::Suspended, "{kind:?}");
    }
    world.service.restore_tenant(&system(), &acme.into()).await.unwrap();
    world.settle().await;
    world.assert_ready(acme).await;
    assert_eq!(world.members("acme"), [anna.pk].into());
    assert_eq!(world.domains(), [("acme.eu".to_owned(), true)]);
    assert!(!world.spaces(acme)[0].trashed);
    assert!(world.stalwart.system().accounts()[0].enabled);
}

async fn a_deleted_tenant_is_removed_after_its_grace_period_with_its_files_last(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    let other = world.tenant("other").await;
    world.member(acme, "anna").await;
    world.settle().await;
    world.service.delete_tenant(&system(), &acme.into()).await.unwrap();
    world.settle().await;
    // Suspended at once, and kept.
    assert!(world.spaces(acme)[0].trashed);
    assert!(world.domains().contains(&("acme.eu".to_owned(), false)));
    assert_eq!(world.mailboxes(), ["anna@acme.eu"]);
    world.clock.advance(DAY * 29);
    world.settle().await;
    assert_eq!(world.spaces(acme).len(), 1, "a day is left");
    world.clock.advance(DAY + DAY / 24);
    world.settle().await;
    assert!(world.groups().iter().all(|(name, _)| name != "acme"), "{:?}", world.groups());
    assert_eq!(world.domains(), [("other.eu".to_owned(), true)]);
    assert!(world.mailboxes().is_empty() && world.spaces(acme).is_empty());
    for state in world.states(acme).await {
        assert_eq!(state.phase, Phase::Removed, "{state:#?}");
    }
    // The report is in the trail: what was removed, files last.
    let query = Query::new(&AUDIT_EVENTS).sort(&AUDIT_OF_TENANT).equal("tenantId", acme.0).limit(1_000);
    let events: Vec<dezky::domain::AuditEvent> = world.store().load_all(&system().context, &query).await.unwrap();
    let done: Vec<&String> = events.iter().flat_map(|event| &event.changed_fields).collect();
    let at = |change: &str| done.iter().rposition(|one| *one == change).unwrap_or_else(|| panic!("{change}: {done:?}"));
    assert!(at("space.purge") > at("group.delete") && at("space.purge") > at("domain.delete:acme.eu"), "{done:?}");
    assert!(at("domain.delete:acme.eu") > at("mailbox.delete"), "{done:?}");
    world.assert_ready(other).await;
}

async fn a_deletion_is_undone_with_everything_as_it_was(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    let (_, anna, _) = world.member(acme, "anna").await;
    world.settle().await;
    world.assert_ready(acme).await;
    let ids = external_ids(&world, acme).await;
    world.service.delete_tenant(&system(), &acme.into()).await.unwrap();
    world.clock.advance(DAY * 29);
    world.settle().await;
    for state in world.states(acme).await.iter().filter(|state| state.system != SystemKind::Identity) {
        assert_eq!(state.phase, Phase::Suspended, "{state:#?}");
    }
    assert!(world.spaces(acme)[0].trashed);
    assert_eq!(world.domains(), [("acme.eu".to_owned(), false)]);
    world.service.restore_tenant(&system(), &acme.into()).await.unwrap();
    world.settle().await;
    world.assert_ready(acme).await;
    assert_eq!(external_ids(&world, acme).await, ids, "nothing was made again");
    assert_eq!(world.members("acme"), [anna.pk].into());
    assert_eq!(world.domains(), [("acme.eu".to_owned(), true)]);
    assert!(!world.spaces(acme)[0].trashed && world.stalwart.system().accounts()[0].enabled);
    // What was due for removal is due no more.
    world.clock.advance(DAY * 3);
    world.settle().await;
    world.assert_ready(acme).await;
    assert_eq!(external_ids(&world, acme).await, ids);
}

async fn after_the_grace_period_a_deletion_is_not_undone(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    world.member(acme, "anna").await;
    world.settle().await;
    world.service.delete_tenant(&system(), &acme.into()).await.unwrap();
    world.settle().await;
    // The time decides, whether anything was removed yet or not.
    world.clock.advance(DAY * 30);
    let refused = world.service.restore_tenant(&system(), &acme.into()).await.unwrap_err();
    assert_eq!(refused.code(), "tenant_removed");
    // One that was decided just before may be on its way to the store.
    world.work().await;
    assert_eq!(world.mailboxes(), ["anna@acme.eu"], "nothing is removed at once");
    world.settle().await;
    assert!(world.mailboxes().is_empty() && world.spaces(acme).is_empty());
    let refused = world.service.restore_tenant(&system(), &acme.into()).await.unwrap_err();
    assert_eq!(refused.code(), "tenant_removed");
}

/// Returns the ids of everything that a tenant has in its systems.
async fn external_ids(world: &World, tenant: TenantId) -> Vec<(SystemKind, String, String, String)> {
    let states = world.states(tenant).await;
    let ids = states.iter().flat_map(|state| {
        let id = |id: &ExternalId| (state.system, state.subject_key.clone(), id.object.clone(), id.id.clone());
        state.external_ids.iter().map(id).collect::<Vec<_>>()
    });
    let mut ids: Vec<_> = ids.collect();
    ids.sort();
    ids
}

async fn a_revoked_member_leaves_the_group_and_the_mailbox_after_a_while(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    let (anna, _, mailbox) = world.member(acme, "anna").await;
    let (_, bert, _) = world.member(acme, "bert").await;
    let (carl, _, _) = world.member(acme, "carl").await;
    world.settle().await;
    assert_eq!(world.members("acme").len(), 3);
    world.service.revoke_membership(&system(), &acme.into(), anna).await.unwrap();
    // A disabled person leaves the group too, and keeps the membership.
    let disable = UpdateUser::read(json!({"status": "disabled"})).unwrap();
    world.service.update_user(&system(), carl, disable).await.unwrap();
    world.settle().await;
    assert_eq!(world.members("acme"), [bert.pk].into());
    let stored: dezky::domain::Mailbox = world.store().load(&system().context, mailbox.id).await.unwrap().unwrap();
    assert_eq!(stored.status, MailboxStatus::Suspended);
    let account = |name: &str| world.stalwart.system().accounts().into_iter().find(|one| one.address == name);
    assert!(!account("anna@acme.eu").unwrap().enabled, "the mail is kept, and nobody signs in");
    world.clock.advance(DAY * 31);
    world.settle().await;
    assert_eq!(account("anna@acme.eu"), None);
    assert!(account("bert@acme.eu").unwrap().enabled);
    let left: Vec<dezky::domain::Mailbox> =
        world.store().load_all(&system().context, &Query::new(&MAILBOXES)).await.unwrap();
    assert!(left.iter().all(|one| one.id != mailbox.id), "its address is free again");
}

/// The clock's time in the form of the API.
trait NowText {
    fn now_text(&self) -> String;
}

impl NowText for dezky::test_kit::ManualClock {
    fn now_text(&self) -> String {
        use dezky::clock::Clock as _;
        self.now().to_string()
    }
}

use support::on_every_store;
