//! Tenants with their people, and one of each thing that a tenant has.

use std::sync::atomic::Ordering;

use dezky::{
    authz::{Action, policy::POLICY},
    domain::{
        ApiKeyId, AppPasswordId, CreateApiKey, CreateAppPassword, CreateEventEndpoint, CreateInvitation, CreateMailbox,
        CreateSubscription, EventEndpointId, InvitationId, Issuer, Mailbox, MailboxId, MembershipRole,
        ProvisionedGroup, ProvisionedGroupId, ProvisionedMember, ProvisionedUser, SubscriptionId, TenantId,
        TenantStatus, UpdateTenant, UpdateUser, UserId,
    },
    service::{api_keys::ApiKeyFilter, subscriptions::SubscriptionFilter},
    store::{Commit, Repository as _},
};
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    routes::{Pushed, domain, spare},
    support,
    world::{BOUND, Platform},
};

/// A tenant and its people.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) number: usize,
    pub(crate) slug: String,
    pub(crate) tenant: TenantId,
    pub(crate) status: TenantStatus,
    pub(crate) subscription: SubscriptionId,
    /// A member.
    pub(crate) target: UserId,
    /// A former owner, whom the tenant's people may restore.
    pub(crate) revoked: UserId,
    /// A mailbox of the member.
    pub(crate) mailbox: MailboxId,
    pub(crate) password: AppPasswordId,
    /// An open invitation.
    pub(crate) invitation: InvitationId,
    /// An API key.
    pub(crate) api_key: ApiKeyId,
    /// An endpoint for events.
    pub(crate) endpoint: EventEndpointId,
    /// A person and a group of the tenant's own identity provider.
    pub(crate) pushed: Pushed,
    /// Those of the platform's.
    pub(crate) pushed_for_platform: Pushed,
    /// API keys that call: of the tenant, and of another one.
    pub(crate) keys: Option<[String; 2]>,
}

impl Platform {
    /// Creates a tenant with its people.
    pub(crate) async fn world(&self, status: TenantStatus) -> World {
        let number = self.worlds.fetch_add(1, Ordering::Relaxed);
        let slug = format!("acme-{number}");
        let tenant = support::tenant(&self.service, &slug).await;
        let named = |kind: &str| format!("{kind}-{number}");
        // Concurrently, since stores write concurrent commits together.
        let kinds = ["member", "admin", "owner", "stranger", "disabled"].map(named);
        let people = join_all(kinds.iter().map(|subject| support::person(&self.service, subject)));
        let bound_id = self.bound_id().await;
        let bound = self.person(json!({"issuerId": bound_id, "authentikSubjectId": named("bound")}));
        let (people, bound, (target, revoked)) = futures_util::join!(people, bound, self.targets(number));
        let [member, admin, owner, stranger, disabled] = people.try_into().unwrap();
        for (user, role) in [
            (member, MembershipRole::Member),
            (admin, MembershipRole::Admin),
            (owner, MembershipRole::Owner),
            (bound, MembershipRole::Owner),
            (disabled, MembershipRole::Owner),
        ] {
            support::grant(&self.service, tenant, user, role).await;
        }
        self.settle_targets(tenant, target, revoked).await;
        let input = dezky::domain::GrantMembership { user_id: stranger, role: MembershipRole::Owner };
        self.service.grant_membership(&support::system(), &BOUND.into(), input).await.unwrap();
        let disable = UpdateUser::read(json!({"status": "disabled"})).unwrap();
        self.service.update_user(&support::system(), disabled, disable).await.unwrap();
        self.furnish(number, slug, tenant, status, (target, revoked)).await
    }

    /// Returns the tenant that the second issuer is bound to, with new people of [`Caller::AT_BOUND`].
    pub(crate) async fn world_at_bound(&self, status: TenantStatus) -> World {
        let number = self.worlds.fetch_add(1, Ordering::Relaxed);
        let tenant = self.service.read_tenant(&support::system(), &BOUND.into()).await.unwrap().id;
        self.set_status(tenant, TenantStatus::Active).await;
        for (kind, role) in [("bound-owner", MembershipRole::Owner), ("bound-member", MembershipRole::Member)] {
            let subject = format!("{kind}-{number}");
            let user = self.person(json!({"issuerId": Issuer::name_of(tenant), "authentikSubjectId": subject})).await;
            support::grant(&self.service, tenant, user, role).await;
        }
        let (target, revoked) = self.targets(number).await;
        self.settle_targets(tenant, target, revoked).await;
        self.furnish(number, BOUND.to_owned(), tenant, status, (target, revoked)).await
    }

    /// Gives a tenant one of each thing, and its status.
    async fn furnish(
        &self,
        number: usize,
        slug: String,
        tenant: TenantId,
        status: TenantStatus,
        (target, revoked): (UserId, UserId),
    ) -> World {
        let subscription = self.subscription(tenant).await;
        let (mailbox, password) = self.mailbox(tenant, &slug, number, target).await;
        let invitation = self.invitation(tenant, number).await;
        let (api_key, endpoint) = (self.api_key(tenant).await, self.endpoint(tenant).await);
        let people = [(target, format!("target-{number}")), (revoked, format!("revoked-{number}"))];
        let [pushed, pushed_for_platform] = self.push(number, tenant, people).await;
        self.set_status(tenant, status).await;
        World {
            number,
            slug,
            tenant,
            status,
            subscription,
            target,
            revoked,
            mailbox,
            password,
            invitation,
            api_key,
            endpoint,
            pushed,
            pushed_for_platform,
            keys: None,
        }
    }

    /// Creates the API keys that call, and uses them, since a first use is recorded.
    ///
    /// They push no people, whose ids would differ between two platforms.
    pub(crate) async fn give_keys(&self, world: &mut World) {
        let scopes: Vec<&str> = POLICY
            .iter()
            .filter(|rule| rule.action.is_for_api_keys(false) && rule.action != Action::ProvisionDirectory)
            .map(|rule| rule.name)
            .collect();
        let other = support::tenant(&self.service, &format!("other-{}", world.number)).await;
        let mut keys = Vec::new();
        for tenant in [world.tenant, other] {
            let input = json!({"tenantId": tenant, "name": "Calls", "scopes": scopes});
            let input = CreateApiKey::read(input).unwrap();
            let made = self.service.create_api_key(&support::system(), input).await.unwrap().value;
            keys.push(made.secret.unwrap().0);
        }
        for (key, tenant) in keys.iter().zip([world.tenant, other]) {
            let answer = self.send(Some(key), "GET", &format!("/tenants/{tenant}"), None).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        world.keys = Some(keys.try_into().unwrap());
    }

    /// Stores a person and a group as pushed: by an identity provider of the tenant's own, and by that of the platform.
    pub(crate) async fn push(
        &self,
        number: usize,
        tenant: TenantId,
        [of_tenant, of_platform]: [(UserId, String); 2],
    ) -> [Pushed; 2] {
        let (store, context, now) = (self.service.store(), support::system().context, self.clock.now());
        let mut commit = Commit::new();
        let known: Option<Issuer> = store.load_unique(&context, Issuer::tenant_key(tenant)).await.unwrap();
        if known.is_none() {
            let issuer = Issuer::of_login(tenant, &format!("https://login-{number}.example/"), "dezky", now);
            commit.insert(&issuer).unwrap();
        }
        let own = (Issuer::name_of(tenant), Some(tenant), of_tenant);
        let pushed =
            [own, ("default".to_owned(), None, of_platform)].map(|(directory, tenant_id, (user, user_name))| {
                let person = ProvisionedUser {
                    id: user,
                    version: 1,
                    directory: directory.clone(),
                    tenant_id,
                    user_name: user_name.clone(),
                    external_id: None,
                    attributes: "{}".to_owned(),
                    created_at: now,
                    updated_at: now,
                };
                let group = ProvisionedGroup {
                    id: ProvisionedGroupId::generate(),
                    version: 1,
                    directory,
                    tenant_id,
                    display_name: format!("group-{number}"),
                    external_id: None,
                    members_changed_at: None,
                    created_at: now,
                    updated_at: now,
                };
                let member = ProvisionedMember::new(&group, user, now);
                commit.insert(&person).unwrap();
                commit.insert(&group).unwrap();
                commit.insert(&member).unwrap();
                Pushed { person: user.to_string(), user_name, group: group.id.to_string() }
            });
        store.commit(&context, &commit).await.unwrap();
        pushed
    }

    /// Verifies a domain of the tenant, and creates a mailbox of a member with an app password.
    pub(crate) async fn mailbox(
        &self,
        tenant: TenantId,
        slug: &str,
        number: usize,
        user: UserId,
    ) -> (MailboxId, AppPasswordId) {
        let name = domain(slug);
        let verified = json!({"domains": [&name, &spare(&name)], "domainVerifications": [{"name": &name, "verifiedAt": self.clock.now()}]});
        let verified = UpdateTenant::read(verified).unwrap();
        self.service.update_tenant(&support::system(), &tenant.into(), verified).await.unwrap();
        let input = json!({"userId": user, "localPart": format!("box-{number}"), "domain": &name});
        let input = CreateMailbox::read(input).unwrap();
        let id = self.service.create_mailbox(&support::system(), &tenant.into(), input).await.unwrap().value.id;
        // Without a mail system, nobody creates one.
        let (store, context) = (self.service.store(), support::system().context);
        let mailbox: Mailbox = store.load(&context, id).await.unwrap().unwrap();
        let password = CreateAppPassword::build("Phone").finish().unwrap();
        let password = password.into_app_password(&mailbox, 0, self.clock.now());
        let mut commit = Commit::new();
        commit.insert(&password).unwrap();
        store.commit(&context, &commit).await.unwrap();
        (id, password.id)
    }

    /// Creates an open invitation.
    pub(crate) async fn invitation(&self, tenant: TenantId, number: usize) -> InvitationId {
        let input = CreateInvitation::read(json!({"email": format!("invited-{number}@example.eu")})).unwrap();
        self.service.create_invitation(&support::system(), &tenant.into(), input).await.unwrap().value.id
    }

    /// Returns an API key of the tenant, which is created unless it has one.
    pub(crate) async fn api_key(&self, tenant: TenantId) -> ApiKeyId {
        let filter = ApiKeyFilter { tenant: Some(tenant.into()) };
        let page = self.service.list_api_keys(&support::system(), &filter, &Default::default()).await.unwrap();
        if let Some(key) = page.items.first() {
            return key.id;
        }
        let input = json!({"tenantId": tenant, "name": "Sync", "scopes": ["membership.read"]});
        let input = CreateApiKey::read(input).unwrap();
        self.service.create_api_key(&support::system(), input).await.unwrap().value.id
    }

    /// Returns an endpoint for events, which is created unless the tenant has one.
    pub(crate) async fn endpoint(&self, tenant: TenantId) -> EventEndpointId {
        let (system, of, all) = (support::system(), tenant.into(), Default::default());
        let page = self.service.list_event_endpoints(&system, Some(&of), &all).await.unwrap();
        if let Some(endpoint) = page.items.first() {
            return endpoint.id;
        }
        let input = CreateEventEndpoint::read(json!({"tenantId": tenant, "url": "https://hooks.example/"})).unwrap();
        self.service.create_event_endpoint(&support::system(), input).await.unwrap().value.id
    }

    /// Creates a member and a former owner.
    async fn targets(&self, number: usize) -> (UserId, UserId) {
        let [target, revoked] = ["target", "revoked"].map(|kind| format!("{kind}-{number}"));
        futures_util::join!(support::person(&self.service, &target), support::person(&self.service, &revoked))
    }

    async fn settle_targets(&self, tenant: TenantId, target: UserId, revoked: UserId) {
        support::grant(&self.service, tenant, target, MembershipRole::Member).await;
        support::grant(&self.service, tenant, revoked, MembershipRole::Owner).await;
        self.service.revoke_membership(&support::system(), &tenant.into(), revoked).await.unwrap();
    }

    /// Returns the current subscription, which is created unless the tenant has one.
    async fn subscription(&self, tenant: TenantId) -> SubscriptionId {
        let filter = SubscriptionFilter { tenant_id: Some(tenant), ..SubscriptionFilter::default() };
        let page = self.service.list_subscriptions(&support::system(), &filter, &Default::default()).await.unwrap();
        if let Some(subscription) = page.items.first() {
            return subscription.id;
        }
        let input =
            CreateSubscription::read(json!({"tenantId": tenant, "plan": "starter", "stripeCustomerId": "cus_1"}))
                .unwrap();
        self.service.create_subscription(&support::system(), input).await.unwrap().value.id
    }

    /// Gives a tenant another status.
    pub(crate) async fn turn(&self, world: &mut World, status: TenantStatus) {
        if world.status != status {
            self.set_status(world.tenant, status).await;
            world.status = status;
        }
    }

    async fn set_status(&self, tenant: TenantId, status: TenantStatus) {
        let (system, tenant) = (support::system(), tenant.into());
        match status {
            TenantStatus::Suspended => drop(self.service.suspend_tenant(&system, &tenant).await.unwrap()),
            TenantStatus::Deleted => self.service.delete_tenant(&system, &tenant).await.unwrap(),
            TenantStatus::Active | TenantStatus::Pending => {
                drop(self.service.restore_tenant(&system, &tenant).await.unwrap());
            }
        }
    }
}
