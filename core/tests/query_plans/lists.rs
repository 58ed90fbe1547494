//! Reads every list with every combination of its filters, on its first page and beyond.

use std::sync::Arc;

use dezky::{
    Result,
    clock::{Clock as _, SystemClock},
    connectors::{
        Secret,
        smtp::{SmtpMailer, SmtpSettings},
        stripe::{
            Stripe, StripeSettings,
            signature::{WebhookSecrets, sign},
        },
    },
    domain::{
        CreateApiKey, CreateEventEndpoint, CreateInvitation, CreateSubscription, DeliveryStatus, MembershipRole, Open,
        SubscriptionStatus, TenantId, TenantStatus, UpdateTenant, UserId, UserStatus,
    },
    emulators::{Emulator, EmulatorOptions, stripe::StripeSystem},
    outbound::{CertificateAuthorities, OutboundOptions, Url},
    scim::{Condition, GROUP, Projection, USER, patch::Patch, resource},
    service::{
        Call, ListRequest, Page, Service,
        api_keys::ApiKeyFilter,
        audit::AuditFilter,
        billing::Signed,
        directories::Listing,
        event_endpoints::{DeliveryFilter, Replay},
        members::MemberFilter,
        subscriptions::SubscriptionFilter,
        tenants::TenantFilter,
        users::UserFilter,
    },
    store::SharedStore,
    work::{self, InvitationMail, NoticeMail, TaskReport, Webhooks, catch_up, forget_expired},
};
use serde_json::json;

use crate::support::{by, grant, now, person, service, system, tenant, token};

/// Returns both alternatives, without and with the value.
fn maybe<T: Clone>(value: &T) -> [Option<T>; 2] {
    [None, Some(value.clone())]
}

/// Reads the first three pages of a list, with one item each.
async fn pages<T>(list: impl AsyncFn(ListRequest) -> Result<Page<T>>) -> usize {
    let (mut cursor, mut found) = (None, 0);
    for _ in 0..3 {
        let page = list(ListRequest { limit: Some(1), cursor }).await.unwrap();
        found += page.items.len();
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    found
}

struct Estate {
    service: Service,
    tenant: TenantId,
    anna: UserId,
    callers: [Call; 2],
}

/// Creates three tenants with three members each, one of whom is in all of them.
async fn estate(store: SharedStore) -> Estate {
    let service = service(store, Arc::new(SystemClock));
    let (mut tenants, mut people) = (Vec::new(), Vec::new());
    for slug in ["acme", "acorn", "across"] {
        let id = tenant(&service, slug).await;
        let plan = UpdateTenant::read(json!({"plan": "starter"})).unwrap();
        service.update_tenant(&system(), &id.into(), plan).await.unwrap();
        let subscription = CreateSubscription::read(json!({"tenantId": id, "plan": "starter"})).unwrap();
        service.create_subscription(&system(), subscription).await.unwrap();
        tenants.push(id);
    }
    for subject in ["anna", "annabel", "annika"] {
        people.push(person(&service, subject).await);
    }
    for id in &tenants {
        for user in &people {
            grant(&service, *id, *user, MembershipRole::Owner).await;
        }
    }
    while catch_up(&service).await.unwrap() > 0 {}
    let anna = by(&token("anna", Some(&["acme"]), now()));
    service.profile(&anna).await.unwrap();
    Estate { service, tenant: tenants[0], anna: people[0], callers: [system(), anna] }
}

pub(crate) async fn every_list_with_every_filter(store: SharedStore) {
    let estate = estate(store).await;
    for call in &estate.callers {
        tenants(&estate, call).await;
        subscriptions(&estate, call).await;
        members(&estate, call).await;
        audit(&estate, call, true).await;
    }
    invitations(&estate).await;
    event_endpoints(&estate).await;
    directories(&estate).await;
    billing(&estate).await;
    // For the platform only.
    users(&estate).await;
    audit(&estate, &system(), false).await;
    while forget_expired(&estate.service).await.unwrap() > 0 {}
    notices(&estate).await;
    // The records of tasks, and what waits for them.
    TaskReport::all(&estate.service).await.unwrap();
}

async fn tenants(estate: &Estate, call: &Call) {
    for status in maybe(&Open::from(TenantStatus::Active)) {
        for plan in maybe(&"starter".to_owned()) {
            for search in maybe(&"ac".to_owned()) {
                let filter = TenantFilter { status: status.clone(), plan: plan.clone(), search };
                let found = pages(async |request| estate.service.list_tenants(call, &filter, &request).await).await;
                assert_eq!(found, 3, "{filter:?}");
            }
        }
    }
}

async fn subscriptions(estate: &Estate, call: &Call) {
    for tenant_id in maybe(&estate.tenant) {
        for status in maybe(&Open::from(SubscriptionStatus::Incomplete)) {
            for plan in maybe(&"starter".to_owned()) {
                let filter = SubscriptionFilter { tenant_id, status: status.clone(), plan };
                pages(async |request| estate.service.list_subscriptions(call, &filter, &request).await).await;
            }
        }
    }
    let all = SubscriptionFilter::default();
    assert_eq!(pages(async |request| estate.service.list_subscriptions(call, &all, &request).await).await, 3);
}

async fn members(estate: &Estate, call: &Call) {
    for role in maybe(&MembershipRole::Owner) {
        for search in maybe(&"ann".to_owned()) {
            let (filter, of) = (MemberFilter { role, search }, estate.tenant.into());
            let found = pages(async |request| estate.service.list_members(call, &of, &filter, &request).await).await;
            assert_eq!(found, 3, "{filter:?}");
        }
    }
}

/// Invites people, lists them, and looks for what is due of them.
async fn invitations(estate: &Estate) {
    let of = estate.tenant.into();
    for name in ["one", "two", "three"] {
        let input = CreateInvitation::read(json!({"email": format!("{name}@elsewhere.eu")})).unwrap();
        estate.service.create_invitation(&system(), &of, input).await.unwrap();
    }
    for call in &estate.callers {
        let found = pages(async |request| estate.service.list_invitations(call, &of, &request).await).await;
        assert_eq!(found, 3);
    }
    for name in ["Sync", "Report", "Import"] {
        let input = json!({"name": name, "tenantId": estate.tenant, "scopes": ["membership.read"]});
        estate.service.create_api_key(&system(), CreateApiKey::read(input).unwrap()).await.unwrap();
    }
    for filter in maybe(&of).map(|tenant| ApiKeyFilter { tenant }) {
        let found = pages(async |request| estate.service.list_api_keys(&system(), &filter, &request).await).await;
        assert_eq!(found, 3);
    }
    let settings = SmtpSettings::new(Url::parse("smtp://127.0.0.1:1").unwrap(), "dezky@dezky.eu");
    let mailer = Arc::new(SmtpMailer::new(&settings).unwrap());
    let mail = InvitationMail::new(mailer, Url::parse("https://app.dezky.eu").unwrap(), None);
    assert!(mail.next_due(&estate.service).await.unwrap().is_some());
    assert_eq!(mail.run_due(&estate.service).await.unwrap(), 3);
}

/// Creates endpoints for events, lists them and their deliveries, and has what failed delivered again.
async fn event_endpoints(estate: &Estate) {
    let of = estate.tenant.into();
    let mut id = None;
    for tenant in [Some(estate.tenant), None] {
        for _ in 0..3 {
            let mut body = json!({"url": "https://127.0.0.1/"});
            if let Some(tenant) = tenant {
                body["tenantId"] = json!(tenant);
            }
            let input = CreateEventEndpoint::read(body).unwrap();
            let made = estate.service.create_event_endpoint(&system(), input).await.unwrap().value;
            id = Some(made.id);
        }
    }
    let rename = UpdateTenant::read(json!({"name": "Renamed"})).unwrap();
    estate.service.update_tenant(&system(), &of, rename).await.unwrap();
    // Addresses of this machine are refused, so that something waits and something is tried again.
    let webhooks = Webhooks::new(OutboundOptions::default());
    webhooks.run_due(&estate.service).await.unwrap();
    assert!(webhooks.next_due(&estate.service).await.unwrap().is_some());
    for call in &estate.callers {
        let found = async |request| estate.service.list_event_endpoints(call, Some(&of), &request).await;
        assert_eq!(pages(found).await, 3);
    }
    let of_platform = async |request| estate.service.list_event_endpoints(&system(), None, &request).await;
    assert_eq!(pages(of_platform).await, 3);
    let id = id.unwrap();
    for status in maybe(&DeliveryStatus::Waiting) {
        let filter = DeliveryFilter { status };
        let deliveries = async |request| estate.service.list_event_deliveries(&system(), id, &filter, &request).await;
        assert!(pages(deliveries).await > 0);
    }
    for since in maybe(&now().minus(std::time::Duration::from_secs(60))) {
        let replay = Replay::Status { status: DeliveryStatus::Waiting, since };
        estate.service.replay_events(&system(), id, replay).await.unwrap();
    }
}

/// Pushes people and groups, lists them with every kind of filter, and takes them away again.
async fn directories(estate: &Estate) {
    let (service, call, all) = (&estate.service, system(), Projection::default());
    let mut people = Vec::new();
    for name in ["ada", "adam"] {
        let pushed = resource::read(&USER, json!({"userName": name, "externalId": name})).unwrap();
        let found = service.create_provisioned_user(&call, "default", pushed, &all).await.unwrap();
        people.push(found.resource["id"].as_str().unwrap().parse().unwrap());
    }
    let staff = UpdateTenant::read(json!({"authentikGroup": "staff"})).unwrap();
    service.update_tenant(&call, &estate.tenant.into(), staff).await.unwrap();
    let (pushed, members) =
        resource::read_group(&GROUP, json!({"displayName": "staff", "members": [{"value": people[0]}]})).unwrap();
    let group = service.create_provisioned_group(&call, "default", &pushed, members, &all).await.unwrap();
    let group = group.resource["id"].as_str().unwrap().parse().unwrap();
    while catch_up(service).await.unwrap() > 0 {}
    let filters =
        [None, Some("userName eq \"ada\""), Some("externalId eq \"ada\""), Some("groups.display eq \"staff\"")];
    for filter in filters {
        let filter = filter.map(|filter| Condition::read(&USER, filter).unwrap());
        let listing = Listing { filter, start_index: 1, count: None, projection: all.clone() };
        assert!(service.list_provisioned_users(&call, "default", &listing).await.unwrap().total > 0);
    }
    for filter in [None, Some("displayName eq \"staff\""), Some("members pr")] {
        let filter = filter.map(|filter| Condition::read(&GROUP, filter).unwrap());
        let listing = Listing { filter, start_index: 1, count: None, projection: all.clone() };
        assert_eq!(service.list_provisioned_groups(&call, "default", &listing).await.unwrap().total, 1);
    }
    for body in [
        json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": people[1]}]}]}),
        json!({"Operations": [{"op": "remove", "path": "members", "value": [{"value": people[1]}]}]}),
        json!({"Operations": [{"op": "replace", "path": "displayName", "value": "others"}]}),
    ] {
        let patch = Patch::read(&GROUP, body).unwrap();
        service.patch_provisioned_group(&call, "default", group, &patch).await.unwrap();
    }
    let renamed = Patch::read(&USER, json!({"Operations": [{"op": "replace", "path": "externalId", "value": "x"}]}));
    service.patch_provisioned_user(&call, "default", people[0], &renamed.unwrap(), &all).await.unwrap();
    service.delete_provisioned_user(&call, "default", people[0]).await.unwrap();
    service.delete_provisioned_group(&call, "default", group).await.unwrap();
    service.delete_user(&call, people[1]).await.unwrap();
    while catch_up(service).await.unwrap() > 0 {}
}

/// Takes an event of the payment provider, deals with it, and compares all subscriptions.
async fn billing(estate: &Estate) {
    const SECRET: &str = "whsec_of_the_tests";
    let stripe = Emulator::start(StripeSystem::new("sk_test_1", SECRET), EmulatorOptions::default()).await.unwrap();
    let settings = StripeSettings {
        url: stripe.url().parse().unwrap(),
        key: Secret::Bearer("sk_test_1".to_owned()),
        webhook_secrets: WebhookSecrets::new(vec![SECRET.to_owned()]),
        portal: Url::parse("https://app.dezky.eu").unwrap(),
        automatic_tax: false,
        authorities: CertificateAuthorities::default(),
    };
    let client = Stripe::new(&settings).unwrap();
    let service =
        service(Arc::clone(estate.service.store()), Arc::new(SystemClock)).with_billing(Some(Arc::new(client)));
    let body = json!({
        "id": "evt_1", "object": "event", "type": "invoice.paid",
        "data": { "object": { "object": "invoice", "subscription": "sub_1" } },
    });
    let body = body.to_string();
    let signature = sign(SECRET, body.as_bytes(), SystemClock.now());
    let signed = Signed { signature: Some(&signature), body: body.as_bytes() };
    service.receive_provider_event(&system().context, signed).await.unwrap();
    assert!(work::billing::next_due(&service).await.unwrap().is_some());
    assert_eq!(work::billing::run_due(&service).await.unwrap(), 1);
    assert_eq!(work::billing::reconcile(&service).await.unwrap(), 0);
}

/// Deletes a tenant, and looks for what is due of its notices.
async fn notices(estate: &Estate) {
    estate.service.delete_tenant(&system(), &estate.tenant.into()).await.unwrap();
    while catch_up(&estate.service).await.unwrap() > 0 {}
    let settings = SmtpSettings::new(Url::parse("smtp://127.0.0.1:1").unwrap(), "dezky@dezky.eu");
    let mailer = Arc::new(SmtpMailer::new(&settings).unwrap());
    let mail = NoticeMail::new(mailer, Url::parse("https://app.dezky.eu").unwrap());
    assert!(mail.next_due(&estate.service).await.unwrap().is_some());
    assert_eq!(mail.run_due(&estate.service).await.unwrap(), 1);
}

async fn users(estate: &Estate) {
    for status in maybe(&Open::from(UserStatus::Active)) {
        for search in maybe(&"ann".to_owned()) {
            for email in maybe(&String::new()) {
                let filter = UserFilter { status: status.clone(), search: search.clone(), email };
                let found = pages(async |request| estate.service.list_users(&system(), &filter, &request).await).await;
                assert_eq!(found, 3, "{filter:?}");
            }
        }
    }
}

async fn audit(estate: &Estate, call: &Call, of_tenant: bool) {
    let until = SystemClock.now().plus(std::time::Duration::from_secs(60));
    for user_id in maybe(&estate.anna) {
        for action in maybe(&"membership.grant".to_owned()) {
            for from in maybe(&dezky::clock::Timestamp::from_seconds(1)) {
                for until in maybe(&until) {
                    let tenant = of_tenant.then(|| estate.tenant.into());
                    let filter = AuditFilter { tenant, user_id, action: action.clone(), from, until };
                    let found = pages(async |request| estate.service.list_audit(call, &filter, &request).await).await;
                    assert!(found > 0, "{filter:?}");
                }
            }
        }
    }
}
