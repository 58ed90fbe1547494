//! Documents of a database on which requests were served.

use std::{sync::Arc, time::Duration};

use dezky::{
    authn::{
        FirstUse, KeyThumbprint, LogoutRequest, VerifiedToken,
        keys::{ArchivedKeySet, KeySetArchive as _, StoreArchive},
    },
    clock::{Clock as _, SystemClock},
    context::RequestContext,
    domain::{
        ApiKeyUse, AuditEventId, AuditResource, AuditStub, CreateApiKey, CreateAppPassword, CreateEventEndpoint,
        CreateInvitation, CreateMailbox, CreateTenant, Cursor, DeferredEvent, DomainRecords, Event, EventDelivery,
        Invitation, Issuer, NoticeKind, ObjectId, OutboxEvent, OutboxEventId, ProviderEvent, ProvisionedGroup,
        ProvisionedGroupId, ProvisionedMember, ProvisionedUser, SeatLedger, SystemState, TaskRecord, TenantDomain,
        TenantId, UpdateUser,
        api_key::NewSecret,
        billing::Announcement,
        event_delivery::Attempt,
        notice::Planned,
        tenant_domain::{DomainTimes, Sighting, SightingOutcome},
        workspace::{Condition, ConditionStatus, PublishedRecord, SystemKind},
    },
    service::{Call, IdempotencyRequest, Service, ServiceSettings},
    store::{
        Commit, SharedStore,
        mongodb::{MongodbOptions, MongodbStore},
    },
};
use serde_json::json;

use crate::database::Legacy;

/// Fills a database as the service does when it serves requests, with documents of every kind.
pub(crate) async fn lived_in(legacy: &Legacy) {
    let store: SharedStore =
        Arc::new(MongodbStore::open(&legacy.uri, MongodbOptions::default(), dezky::COLLECTIONS).unwrap());
    let service = Service::new(Arc::clone(&store), Arc::new(SystemClock), ServiceSettings::default());
    let operator = Call::by_system("operator");
    // Activity, the key for hashes, and a tombstone.
    let context = RequestContext::new("request");
    let token = |subject: &str| {
        Arc::new(VerifiedToken {
            issuer_id: "default".to_owned(),
            subject: subject.to_owned(),
            issued_at: SystemClock.now(),
            expires_at: SystemClock.now().plus(Duration::from_secs(300)),
            not_before: None,
            tenant: None,
            email: Some(format!("{subject}@example.eu")),
            name: Some(subject.to_owned()),
            groups: Some(vec!["acme-people".to_owned()]),
            signed_in_at: None,
            session_id: Some("session".to_owned()),
            token_id: None,
            key_thumbprint: KeyThumbprint([0; 32]),
            first_use: FirstUse::default(),
        })
    };
    let profile = service.profile(&Call::by_token(context.clone(), token("newcomer"))).await.unwrap();
    let erased = service.profile(&Call::by_token(context.clone(), token("erased"))).await.unwrap();
    service.delete_user(&operator, erased.user.id).await.unwrap();
    // Personal values beside the audit trail, and pending work in the outbox.
    let rename = UpdateUser::read(json!({ "name": "Åsa Renamed" })).unwrap();
    service.update_user(&operator, profile.user.id, rename).await.unwrap();
    // A stored answer.
    let body = json!({ "slug": "beta", "name": "Beta" });
    let mut once = Call::by_system("operator");
    once.idempotency = Some(IdempotencyRequest {
        key: "once".to_owned(),
        target: "POST /tenants".to_owned(),
        body: body.to_string().into_bytes(),
    });
    service.create_tenant(&once, CreateTenant::read(body).unwrap()).await.unwrap();
    // An ended session, and a used logout token.
    let logout = LogoutRequest {
        issuer_id: "default".to_owned(),
        subject: Some("newcomer".to_owned()),
        session_id: Some("session".to_owned()),
        token_id: "logout".to_owned(),
        issued_at: SystemClock.now(),
        accepted_until: SystemClock.now().plus(Duration::from_secs(300)),
    };
    service.end_sessions(&context, &logout).await.unwrap();
    // An event of the log with a consumer's place in it, one that waits for its retry, and the record of a task.
    let (now, outbox) = (SystemClock.now(), OutboxEventId::generate());
    let event = Event::at(
        7,
        OutboxEvent {
            id: outbox,
            version: 1,
            action: "tenant.update".to_owned(),
            tenant_id: Some(TenantId::generate()),
            user_id: None,
            resource: Some(AuditResource { resource_type: "tenant".to_owned(), id: ObjectId::generate() }),
            changed_fields: vec!["name".to_owned()],
            created_at: now,
        },
    );
    let mut commit = Commit::new();
    // An endpoint for events, with the delivery of this one.
    let endpoint = json!({ "url": "https://hooks.beta.eu/", "description": "Wiki", "types": ["tenant.*"] });
    let mut endpoint = CreateEventEndpoint::read(endpoint).unwrap().into_endpoint(0, now);
    endpoint.rotate(now);
    let mut delivery = EventDelivery::of(&event, &endpoint, now);
    delivery.note(Attempt::Refused { status: 400, why: "it answered 400".to_owned() }, 0.5, now);
    commit.insert(&endpoint).unwrap();
    commit.insert(&delivery).unwrap();
    commit.insert(&event).unwrap();
    commit.insert(&Cursor { version: 3, position: 6, ..Cursor::start("copies", now) }).unwrap();
    commit.insert(&DeferredEvent::new("copies", &event, now, "conflict: try again".to_owned())).unwrap();
    commit.insert(&TaskRecord { version: 2, succeeded_at: Some(now), ..TaskRecord::new("expiry") }).unwrap();
    // A mailbox with an app password, the state of the system that has it, and the records of its domain.
    let (tenant, person) = (TenantId::generate(), profile.user.id);
    let mailbox = json!({ "userId": person, "localPart": "newcomer", "domain": "beta.eu", "aliases": ["info"] });
    let mailbox = CreateMailbox::read(mailbox).unwrap().into_mailbox(tenant, now);
    let password = CreateAppPassword::build("Phone").finish().unwrap().into_app_password(&mailbox, 0, now);
    let mut state = SystemState::new(tenant, SystemKind::Mail, Some(mailbox.id.0), now);
    state.set_external_id("mailbox", Some("b"));
    state.set_conditions(vec![Condition {
        kind: "MailboxReady".to_owned(),
        status: ConditionStatus::True,
        reason: "Ready".to_owned(),
        message: String::new(),
        since: now,
    }]);
    let mut records = DomainRecords::new(tenant, "beta.eu", now);
    records.records.push(PublishedRecord {
        kind: "MX".to_owned(),
        name: "beta.eu".to_owned(),
        value: "10 mail.beta.eu.".to_owned(),
        required: true,
        seen: Some(false),
        advice: None,
    });
    commit.insert(&SeatLedger::new(tenant, now)).unwrap();
    // A notice that was mailed to its owner.
    let planned = Planned { kind: NoticeKind::Deleted, since: now, date: now, due_at: now, expires_at: now };
    let mut notice = planned.into_notice(tenant, now);
    notice.sent(person);
    commit.insert(&notice).unwrap();
    commit.insert(&mailbox).unwrap();
    commit.insert(&password).unwrap();
    commit.insert(&state).unwrap();
    commit.insert(&records).unwrap();
    let mut claim = TenantDomain::claimed(tenant, "beta.eu".to_owned(), &DomainTimes::default(), now).unwrap();
    let seen = Sighting { server: "192.0.2.53".to_owned(), outcome: SightingOutcome::Seen, detail: None };
    claim.note(vec![seen], &DomainTimes::default(), 0.5, now);
    commit.insert(&claim).unwrap();
    // An API key that was used.
    let key =
        json!({ "name": "Sync", "tenantId": tenant, "scopes": ["membership.read"], "networks": ["192.0.2.0/24"] });
    let key = CreateApiKey::read(key).unwrap().into_api_key(&NewSecret::of(&[7; 32]), 0, Some(person), now);
    commit.insert(&ApiKeyUse { id: key.id, version: 1, tenant_id: key.tenant_id, last_used_at: now }).unwrap();
    commit.insert(&key).unwrap();
    // A person and a group that an identity provider has pushed.
    let group = ProvisionedGroup {
        id: ProvisionedGroupId::generate(),
        version: 1,
        directory: "default".to_owned(),
        tenant_id: None,
        display_name: "beta-people".to_owned(),
        external_id: Some("g1".to_owned()),
        members_changed_at: Some(now),
        created_at: now,
        updated_at: now,
    };
    commit.insert(&ProvisionedMember::new(&group, person, now)).unwrap();
    commit.insert(&group).unwrap();
    commit
        .insert(&ProvisionedUser {
            id: person,
            version: 1,
            directory: "default".to_owned(),
            tenant_id: Some(tenant),
            user_name: "sam@beta.eu".to_owned(),
            external_id: Some("sam".to_owned()),
            attributes: "{}".to_owned(),
            created_at: now,
            updated_at: now,
        })
        .unwrap();
    let invitation = json!({ "email": "Sam@Beta.EU", "name": "Sam", "role": "admin", "language": "de" });
    let invitation = CreateInvitation::read(invitation).unwrap();
    let mut invitation = invitation.into_invitation(tenant, Some(person), Duration::from_secs(1_209_600), now);
    invitation.attempt(Invitation::hash("secret"), Duration::from_secs(300), now);
    commit.insert(&invitation).unwrap();
    let announced = Announcement {
        id: "evt_1".to_owned(),
        kind: "invoice.paid".to_owned(),
        subscription: Some("sub_1".to_owned()),
        customer: None,
    };
    commit.insert(&ProviderEvent::new(announced, now)).unwrap();
    let url = "https://beta.example.eu/application/o/dezky-tenant-beta/";
    commit.insert(&Issuer::of_login(tenant, url, "dezky-beta", now)).unwrap();
    // The place of an event that retention removed.
    let event = AuditEventId::generate();
    commit
        .insert(&AuditStub {
            id: event,
            version: 1,
            tenant_id: Some(tenant),
            chain: tenant.0,
            seq: 1,
            action: "workspace.reconcile".to_owned(),
            at: now,
            content: "0".repeat(64),
            hash: "1".repeat(64),
        })
        .unwrap();
    store.commit(&context, &commit).await.unwrap();
    // The chains of the audit trail.
    while dezky::work::trail::seal(&service).await.unwrap() > 0 {}
    // Keys of an issuer.
    let keys = ArchivedKeySet {
        json: r#"{"keys":[]}"#.to_owned(),
        origin: "https://auth.example.eu/jwks".to_owned(),
        fetched_at: SystemClock.now(),
    };
    StoreArchive::new(store).save("default", &keys).await.unwrap();
}
