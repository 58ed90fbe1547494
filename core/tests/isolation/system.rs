//! Compares every route with the policy for a system actor, through the use cases.

use dezky::{
    Error, ErrorKind,
    authz::{Action, Actor, Outcome, Resource, TenantFacts, decide, policy::field_policy},
    domain::{
        AddDomain, CreateApiKey, CreateAppPassword, CreateEventEndpoint, CreateInvitation, CreateMailbox,
        CreateSubscription, CreateTenant, CreateUser, GrantMembership, TenantStatus, UpdateApiKey, UpdateEventEndpoint,
        UpdateMailbox, UpdateMembership, UpdateSubscription, UpdateTenant, UpdateUser, UserId,
    },
    scim::{GROUP, Projection, USER, patch::Patch, resource},
    service::{
        Call, ListRequest, Service,
        api_keys::{ApiKeyFilter, RotateSecret},
        audit::AuditFilter,
        billing::{Checkout, read_price},
        directories::Listing,
        evaluations::{Question, Search, Several},
        event_endpoints::Replay,
        events::EventFilter,
        invitations::read_lines,
        subscriptions::SubscriptionFilter,
    },
    store::SharedStore,
};
use serde_json::{Value, json};

use crate::{
    estate::World,
    matrix::{endpoint, mailbox, value},
    routes::{Does, Names, ROUTES, Route, spare},
    world::Platform,
};

const ACTOR: &str = "nightly-report";

/// Performs the operation of a route.
async fn act(service: &Service, route: &Route, names: &Names) -> Result<(), Error> {
    let call = Call::by_system(ACTOR);
    let body = || route.body(names).unwrap();
    let page = ListRequest::default();
    let tenant = names.tenant.as_str().into();
    let user: UserId = names.user.parse().unwrap();
    let subscription = names.subscription.parse().unwrap();
    let mailbox = names.mailbox.parse().unwrap();
    let invitation = names.invitation.parse().unwrap();
    let api_key = names.api_key.parse().unwrap();
    let endpoint = names.endpoint.parse().unwrap();
    match (route.method, route.path) {
        ("GET", "/users/me") => service.profile(&call).await.map(drop),
        ("GET", "/users/me/tenants") => service.list_my_tenants(&call, &Default::default(), &page).await.map(drop),
        ("GET", "/users") => service.list_users(&call, &Default::default(), &page).await.map(drop),
        ("POST", "/users") => service.create_user(&call, CreateUser::read(body())?).await.map(drop),
        ("GET", "/users/{id}") => service.read_user(&call, user).await.map(drop),
        ("PATCH", "/users/{id}") => service.update_user(&call, user, UpdateUser::read(body())?).await.map(drop),
        ("DELETE", "/users/{id}") => service.delete_user(&call, user).await,
        ("GET", "/tenants") => service.list_tenants(&call, &Default::default(), &page).await.map(drop),
        ("POST", "/tenants") => service.create_tenant(&call, CreateTenant::read(body())?).await.map(drop),
        ("GET", "/tenants/{tenant}") => service.read_tenant(&call, &tenant).await.map(drop),
        ("PATCH", "/tenants/{tenant}") => {
            service.update_tenant(&call, &tenant, UpdateTenant::read(body())?).await.map(drop)
        }
        ("DELETE", "/tenants/{tenant}") => service.delete_tenant(&call, &tenant).await,
        ("POST", "/tenants/{tenant}/suspend") => service.suspend_tenant(&call, &tenant).await.map(drop),
        ("POST", "/tenants/{tenant}/restore") => service.restore_tenant(&call, &tenant).await.map(drop),
        ("GET", "/tenants/{tenant}/members") => {
            service.list_members(&call, &tenant, &Default::default(), &page).await.map(drop)
        }
        ("POST", "/tenants/{tenant}/members") => {
            service.grant_membership(&call, &tenant, GrantMembership::read(body())?).await.map(drop)
        }
        ("GET", "/tenants/{tenant}/members/{user}") => service.read_member(&call, &tenant, user).await.map(drop),
        ("PATCH", "/tenants/{tenant}/members/{user}") => {
            service.update_membership(&call, &tenant, user, UpdateMembership::read(body())?).await.map(drop)
        }
        ("DELETE", "/tenants/{tenant}/members/{user}") => service.revoke_membership(&call, &tenant, user).await,
        ("GET", "/tenants/{tenant}/plans") => service.list_plans(&call, &tenant).await.map(drop),
        ("GET", "/tenants/{tenant}/entitlements") => service.read_entitlements(&call, &tenant).await.map(drop),
        ("GET", "/tenants/{tenant}/workspace") => service.read_workspace(&call, &tenant).await.map(drop),
        ("POST", "/tenants/{tenant}/workspace/retry") => service.retry_workspace(&call, &tenant).await.map(drop),
        ("POST", "/tenants/{tenant}/workspace/{system}/confirm") => {
            service.confirm_workspace(&call, &tenant, "chat").await.map(drop)
        }
        ("POST", "/tenants/{tenant}/workspace/check") => service.check_workspace(&call, &tenant).await.map(drop),
        ("GET", "/tenants/{tenant}/mailboxes") => {
            service.list_mailboxes(&call, &tenant, &Default::default(), &page).await.map(drop)
        }
        ("POST", "/tenants/{tenant}/mailboxes") => {
            service.create_mailbox(&call, &tenant, CreateMailbox::read(body())?).await.map(drop)
        }
        ("GET", "/tenants/{tenant}/mailboxes/{id}") => service.read_mailbox(&call, &tenant, mailbox).await.map(drop),
        ("PATCH", "/tenants/{tenant}/mailboxes/{id}") => {
            service.update_mailbox(&call, &tenant, mailbox, UpdateMailbox::read(body())?).await.map(drop)
        }
        ("DELETE", "/tenants/{tenant}/mailboxes/{id}") => service.delete_mailbox(&call, &tenant, mailbox).await,
        ("GET", "/tenants/{tenant}/mailboxes/{id}/app-passwords") => {
            service.list_app_passwords(&call, &tenant, mailbox, &page).await.map(drop)
        }
        ("POST", "/tenants/{tenant}/mailboxes/{id}/app-passwords") => {
            let input = CreateAppPassword::read(body())?;
            service.create_app_password(&call, &tenant, mailbox, input).await.map(drop)
        }
        ("DELETE", "/tenants/{tenant}/mailboxes/{id}/app-passwords/{password}") => {
            service.delete_app_password(&call, &tenant, mailbox, names.password.parse().unwrap()).await
        }
        ("POST", "/access/v1/evaluation") => service.evaluate(&call, Question::read(&body())?).await.map(drop),
        ("POST", "/access/v1/evaluations") => service.evaluate_several(&call, Several::read(&body())?).await.map(drop),
        ("POST", "/access/v1/search/subject") => {
            service.search_subjects(&call, &Search::of_subjects(&body())?).await.map(drop)
        }
        ("POST", "/access/v1/search/resource") => {
            service.search_resources(&call, &Search::of_resources(&body())?).await.map(drop)
        }
        ("POST", "/access/v1/search/action") => {
            service.search_actions(&call, &Search::of_actions(&body())?).await.map(drop)
        }
        ("GET", "/api-keys") => {
            let tenant = matches!(route.does, Does::Tenant(_)).then_some(tenant);
            service.list_api_keys(&call, &ApiKeyFilter { tenant }, &page).await.map(drop)
        }
        ("POST", "/api-keys") => service.create_api_key(&call, CreateApiKey::read(body())?).await.map(drop),
        ("GET", "/api-keys/{id}") => service.read_api_key(&call, api_key).await.map(drop),
        ("PATCH", "/api-keys/{id}") => {
            service.update_api_key(&call, api_key, UpdateApiKey::read(body())?).await.map(drop)
        }
        ("DELETE", "/api-keys/{id}") => service.delete_api_key(&call, api_key).await,
        ("POST", "/api-keys/{id}/rotate") => {
            service.rotate_api_key(&call, api_key, RotateSecret::read(body())?).await.map(drop)
        }
        ("GET", "/tenants/{tenant}/domains") => service.list_domains(&call, &tenant, &page).await.map(drop),
        ("POST", "/tenants/{tenant}/domains") => {
            service.add_domain(&call, &tenant, AddDomain::read(body())?).await.map(drop)
        }
        ("GET", "/tenants/{tenant}/domains/{domain}") => {
            service.read_domain(&call, &tenant, &spare(&names.domain)).await.map(drop)
        }
        ("DELETE", "/tenants/{tenant}/domains/{domain}") => {
            service.remove_domain(&call, &tenant, &spare(&names.domain)).await
        }
        ("POST", "/tenants/{tenant}/domains/{domain}/check") => {
            service.check_domain(&call, &tenant, &spare(&names.domain)).await.map(drop)
        }
        ("GET", "/tenants/{tenant}/invitations") => service.list_invitations(&call, &tenant, &page).await.map(drop),
        ("POST", "/tenants/{tenant}/invitations") => {
            service.create_invitation(&call, &tenant, CreateInvitation::read(body())?).await.map(drop)
        }
        ("POST", "/tenants/{tenant}/invitations/bulk") => {
            service.create_invitations(&call, &tenant, read_lines(body())?).await.map(drop)
        }
        ("GET", "/tenants/{tenant}/invitations/{id}") => {
            service.read_invitation(&call, &tenant, invitation).await.map(drop)
        }
        ("DELETE", "/tenants/{tenant}/invitations/{id}") => service.revoke_invitation(&call, &tenant, invitation).await,
        ("POST", "/tenants/{tenant}/invitations/{id}/resend") => {
            service.resend_invitation(&call, &tenant, invitation).await.map(drop)
        }
        ("POST", "/tenants/{tenant}/billing/checkout") => {
            service.begin_checkout(&call, &tenant, Checkout::read(body())?).await.map(drop)
        }
        ("POST", "/tenants/{tenant}/billing/portal") => service.open_billing_portal(&call, &tenant).await.map(drop),
        ("POST", "/subscriptions/{id}/billing") => {
            service.bill_subscription(&call, subscription, read_price(body())?).await.map(drop)
        }
        ("GET", "/subscriptions") => {
            service.list_subscriptions(&call, &SubscriptionFilter::default(), &page).await.map(drop)
        }
        ("POST", "/subscriptions") => {
            service.create_subscription(&call, CreateSubscription::read(body())?).await.map(drop)
        }
        ("GET", "/subscriptions/{id}") => service.read_subscription(&call, subscription).await.map(drop),
        ("PATCH", "/subscriptions/{id}") => {
            service.update_subscription(&call, subscription, UpdateSubscription::read(body())?).await.map(drop)
        }
        ("DELETE", "/subscriptions/{id}") => service.delete_subscription(&call, subscription).await,
        ("GET", "/events") => {
            let of_tenant = matches!(route.does, Does::Tenant(_));
            let filter = EventFilter { tenant: of_tenant.then_some(tenant), ..EventFilter::default() };
            service.list_events(&call, &filter, &page).await.map(drop)
        }
        ("GET", "/event-endpoints") => {
            let of_tenant = matches!(route.does, Does::Tenant(_));
            service.list_event_endpoints(&call, of_tenant.then_some(&tenant), &page).await.map(drop)
        }
        ("POST", "/event-endpoints") => {
            service.create_event_endpoint(&call, CreateEventEndpoint::read(body())?).await.map(drop)
        }
        ("GET", "/event-endpoints/{id}") => service.read_event_endpoint(&call, endpoint).await.map(drop),
        ("PATCH", "/event-endpoints/{id}") => {
            service.update_event_endpoint(&call, endpoint, UpdateEventEndpoint::read(body())?).await.map(drop)
        }
        ("DELETE", "/event-endpoints/{id}") => service.delete_event_endpoint(&call, endpoint).await,
        ("POST", "/event-endpoints/{id}/rotate") => service.rotate_event_endpoint(&call, endpoint).await.map(drop),
        ("GET", "/event-endpoints/{id}/deliveries") => {
            service.list_event_deliveries(&call, endpoint, &Default::default(), &page).await.map(drop)
        }
        ("POST", "/event-endpoints/{id}/replay") => {
            service.replay_events(&call, endpoint, Replay::read(body())?).await.map(drop)
        }
        ("GET", "/audit") => {
            let of_tenant = matches!(route.does, Does::Tenant(_));
            let filter = AuditFilter { tenant: of_tenant.then_some(tenant), ..AuditFilter::default() };
            service.list_audit(&call, &filter, &page).await.map(drop)
        }
        ("GET", "/tenants/{tenant}/export") => service.export_tenant(&call, &tenant, &page).await.map(drop),
        ("GET", "/users/{id}/export") => service.export_user(&call, user, &page).await.map(drop),
        ("GET", "/audit/head") => {
            let of_tenant = matches!(route.does, Does::Tenant(_));
            service.read_audit_head(&call, of_tenant.then_some(&tenant)).await.map(drop)
        }
        (method, path) if path.starts_with("/scim/") => act_on_directory(service, route, names, (method, path)).await,
        other => panic!("{other:?}: call the new route here"),
    }
}

/// Performs an operation of SCIM.
async fn act_on_directory(
    service: &Service,
    route: &Route,
    names: &Names,
    (method, path): (&str, &str),
) -> Result<(), Error> {
    let call = Call::by_system(ACTOR);
    let body = || route.body(names).unwrap();
    let (directory, pushed) = route.directory(names);
    let (user, group) = (pushed.person.parse().unwrap(), pushed.group.parse().unwrap());
    let all = Projection::default();
    let listing = Listing { filter: None, start_index: 1, count: None, projection: all.clone() };
    let (people, groups) = (path.contains("/Users"), path.contains("/Groups"));
    match (method, path.rsplit('/').next().unwrap()) {
        ("GET" | "POST", "Users" | "Groups" | ".search") if method == "GET" || path.ends_with(".search") => {
            if !groups {
                service.list_provisioned_users(&call, directory, &listing).await?;
            }
            if !people {
                service.list_provisioned_groups(&call, directory, &listing).await?;
            }
            Ok(())
        }
        ("POST", "Users") => {
            let resource = resource::read(&USER, body())?;
            service.create_provisioned_user(&call, directory, resource, &all).await.map(drop)
        }
        ("POST", "Groups") => {
            let (resource, members) = resource::read_group(&GROUP, body())?;
            service.create_provisioned_group(&call, directory, &resource, members, &all).await.map(drop)
        }
        ("GET", "{user}") => service.read_provisioned_user(&call, directory, user, &all).await.map(drop),
        ("GET", "{group}") => service.read_provisioned_group(&call, directory, group, &all).await.map(drop),
        ("PUT", "{user}") => {
            let resource = resource::read(&USER, body())?;
            service.replace_provisioned_user(&call, directory, user, resource, &all).await.map(drop)
        }
        ("PUT", "{group}") => {
            let (resource, members) = resource::read_group(&GROUP, body())?;
            service.replace_provisioned_group(&call, directory, group, resource, members, &all).await.map(drop)
        }
        ("PATCH", "{user}") => {
            let patch = Patch::read(&USER, body())?;
            service.patch_provisioned_user(&call, directory, user, &patch, &all).await.map(drop)
        }
        ("PATCH", "{group}") => {
            let patch = Patch::read(&GROUP, body())?;
            service.patch_provisioned_group(&call, directory, group, &patch).await.map(drop)
        }
        ("DELETE", "{user}") => service.delete_provisioned_user(&call, directory, user).await,
        ("DELETE", "{group}") => service.delete_provisioned_group(&call, directory, group).await,
        other => panic!("{other:?}: call the new route here"),
    }
}

fn outcome(action: Action, world: Option<&World>, status: TenantStatus, fields: &[&'static str]) -> Outcome {
    let tenant = world.map(|world| TenantFacts { slug: &world.slug, status });
    decide(&Actor::System, action, &Resource { tenant, fields, ..Resource::default() }).outcome
}

/// Asserts that a system actor is refused only what is impossible on a deleted tenant, and what a mailbox's owner alone does.
fn check(answer: &Result<(), Error>, wanted: Outcome, about: &str) {
    let fits = match (wanted, answer) {
        (Outcome::Allow, Ok(())) => true,
        // An allowed operation may still conflict with the current state.
        (Outcome::Allow, Err(error)) => error.kind() == ErrorKind::Conflict && error.code() != "tenant_deleted",
        (Outcome::Refuse, answer) => {
            answer.as_ref().is_err_and(|error| ["tenant_deleted", "holder_required"].contains(&error.code()))
        }
        (Outcome::Hide, answer) => answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound),
    };
    assert!(fits, "{about}: the policy wants {wanted:?}, the answer is {answer:?}");
}

async fn newest_event(service: &Service) -> Value {
    let page = ListRequest { limit: Some(1), cursor: None };
    let events = service.list_audit(&Call::by_system("reader"), &AuditFilter::default(), &page).await.unwrap();
    serde_json::to_value(&events.items[0]).unwrap()
}

/// Asserts what the system may do to a tenant of this status.
pub(crate) async fn the_system_may_do_what_the_policy_gives_it(store: SharedStore, status: TenantStatus) {
    let platform = Platform::on(store).await;
    let service = &platform.service;
    let mut changes = 0;
    let deleted = async |world: &World| service.delete_tenant(&Call::by_system("test"), &world.tenant.into()).await;
    let new_world = async || {
        let world = platform.world(if status == TenantStatus::Deleted { TenantStatus::Active } else { status }).await;
        if status == TenantStatus::Deleted {
            deleted(&world).await.unwrap();
        }
        world
    };
    // What reads leaves a world as it is.
    let unchanged = new_world().await;
    for route in ROUTES.iter().filter(|route| !matches!(route.does, Does::Public)) {
        let own;
        let world = if route.is_read() {
            &unchanged
        } else {
            own = new_world().await;
            &own
        };
        let about = format!("{} {} ({status:?})", route.method, route.path);
        let before = newest_event(service).await;
        let answer = act(service, route, &world.names()).await;
        match route.does {
            Does::Own if route.path == "/users/me" => {
                assert_eq!(answer.unwrap_err().code(), "person_required", "{about}");
                continue;
            }
            Does::Own | Does::Public => assert!(answer.is_ok(), "{about}: {answer:?}"),
            Does::Platform(action) => check(&answer, outcome(action, None, status, &[]), &about),
            Does::Tenant(action) => check(&answer, outcome(action, Some(world), status, &[]), &about),
        }
        // Every change is in the audit trail under its name.
        let after = newest_event(service).await;
        if after != before {
            assert_eq!(after["actor"], json!({"kind": "system", "name": ACTOR}), "{about}");
            changes += 1;
        }
    }
    let least = if status == TenantStatus::Deleted { 5 } else { 24 };
    assert!(changes >= least, "only {changes} calls changed something");
    if status == TenantStatus::Active {
        every_field(&platform).await;
    }
}

async fn every_field(platform: &Platform) {
    let world = platform.world(TenantStatus::Active).await;
    for (action, field, _) in field_policy() {
        // A tenant without external systems, which would fix its slug.
        let call = Call::by_system(ACTOR);
        let slug = format!("plain-{}-{}", action.name().replace(['.', '_'], "-"), field.to_lowercase());
        let plain = CreateTenant::read(json!({"slug": slug, "name": slug, "status": "active"})).unwrap();
        let plain = platform.service.create_tenant(&call, plain).await.unwrap().value.id;
        let with = |mut body: Value| {
            body[field] = value(field);
            body
        };
        let body = with(json!({}));
        let service = &platform.service;
        let answer = match action {
            Action::CreateMailbox => {
                let input = CreateMailbox::read(with(mailbox(&world))).unwrap();
                service.create_mailbox(&call, &world.tenant.into(), input).await.map(drop)
            }
            Action::CreateEventEndpoint => {
                let input = CreateEventEndpoint::read(with(endpoint(&world))).unwrap();
                service.create_event_endpoint(&call, input).await.map(drop)
            }
            Action::UpdateEventEndpoint => {
                let input = UpdateEventEndpoint::read(body).unwrap();
                service.update_event_endpoint(&call, world.endpoint, input).await.map(drop)
            }
            Action::UpdateMailbox => {
                let input = UpdateMailbox::read(body).unwrap();
                service.update_mailbox(&call, &world.tenant.into(), world.mailbox, input).await.map(drop)
            }
            _ => service.update_tenant(&call, &plain.into(), UpdateTenant::read(body).unwrap()).await.map(drop),
        };
        let about = format!("the system sets {field}");
        check(&answer, outcome(action, Some(&world), TenantStatus::Active, &[field]), &about);
    }
}
