//! Who becomes a member by which secret.

use std::time::Duration;

use dezky::{
    ErrorKind,
    domain::{
        GrantSource, Invitation, InvitationStatus, Language, Mailbox, MailboxOutcome, MembershipRole, UpdateMembership,
        UpdateTenant, UpdateUser,
    },
    store::{Repository as _, SharedStore},
};
use serde_json::json;

use crate::{
    support::{self, grant, on_every_store, person, system},
    world::World,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

on_every_store! {
    who_has_the_secret_becomes_a_member_once,
    the_store_has_a_hash_and_no_secret,
    a_link_ends_with_revocation_resending_and_time,
    a_revocation_after_the_invitation_wins,
    who_may_no_longer_invite_brings_nobody_in,
    a_claim_of_the_same_address_proves_nothing,
    two_at_once_make_one_member,
    a_mailbox_comes_with_it_if_its_address_is_free,
    people_of_other_issuers_join_no_tenant_with_its_own,
    a_role_is_never_lowered_and_owners_are_invited_by_owners,
    an_erased_person_leaves_no_invitation,
}

async fn who_has_the_secret_becomes_a_member_once(store: SharedStore) {
    let world = World::on(store).await;
    let invited =
        world.invite_as("adam", json!({"email": "sam@elsewhere.eu", "role": "admin", "language": "de"})).await;
    let secret = world.secret().await;
    let preview = world.service.preview_invitation(&system().context, &secret).await.unwrap();
    assert_eq!((preview.tenant_name.as_str(), preview.role, preview.accepted), ("acme", MembershipRole::Admin, false));
    let accepted = world.service.accept_invitation(&world.by("sam"), &secret).await.unwrap();
    assert_eq!((accepted.tenant_slug.as_str(), accepted.role), ("acme", MembershipRole::Admin));
    let membership = world.membership(world.sam).await.unwrap();
    assert_eq!(
        (membership.role, membership.source, membership.active),
        (MembershipRole::Admin, GrantSource::Invitation, true)
    );
    assert_eq!(membership.language, Some(Language::De), "the platform goes on in the language of the invitation");
    let stored = world.stored(invited.id).await;
    assert_eq!((stored.status, stored.accepted_by, stored.open), (InvitationStatus::Accepted, Some(world.sam), false));
    // The same person gets the same answer, and nobody else joins by it.
    assert_eq!(world.service.accept_invitation(&world.by("sam"), &secret).await.unwrap(), accepted);
    assert_eq!(world.refusal("mia", &secret).await, "invitation_used");
    assert!(world.service.preview_invitation(&system().context, &secret).await.unwrap().accepted);
    // Once it is used, its address may be invited again.
    world.invite("sam@elsewhere.eu").await;
}

async fn the_store_has_a_hash_and_no_secret(store: SharedStore) {
    let world = World::on(store).await;
    let invited = world.invite("sam@elsewhere.eu").await;
    assert_eq!(world.stored(invited.id).await.secret_hash, None, "nobody draws a secret before the mail");
    let secret = world.secret().await;
    let stored = world.stored(invited.id).await;
    assert_eq!(stored.secret_hash, Some(Invitation::hash(&secret)));
    assert!(!serde_json::to_string(&stored).unwrap().contains(&secret));
    let hash = Invitation::hash(&secret);
    assert_eq!(world.refusal("sam", &hash).await, "invitation_not_found", "the hash is no secret");
    for wrong in ["", "x", &secret[1..], &format!("{secret}x")] {
        assert_eq!(world.refusal("sam", wrong).await, "invitation_not_found", "{wrong}");
    }
    let list =
        world.service.list_invitations(&world.by("adam"), &world.acme.into(), &Default::default()).await.unwrap();
    let shown = serde_json::to_string(&list).unwrap();
    assert!(!shown.contains(&secret) && !shown.contains(&hash), "{shown}");
}

async fn a_link_ends_with_revocation_resending_and_time(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.acme.into();
    let first = world.invite("sam@elsewhere.eu").await;
    let old = world.secret().await;
    world.service.resend_invitation(&world.by("olga"), &acme, first.id).await.unwrap();
    let new = world.secret().await;
    assert_ne!(old, new);
    assert_eq!(world.refusal("sam", &old).await, "invitation_not_found");
    world.service.revoke_invitation(&world.by("olga"), &acme, first.id).await.unwrap();
    assert_eq!(world.refusal("sam", &new).await, "invitation_not_found");
    let again = world.service.revoke_invitation(&world.by("olga"), &acme, first.id).await.unwrap_err();
    assert_eq!(again.code(), "invitation_closed");
    let second = world.invite("sam@elsewhere.eu").await;
    let late = world.secret().await;
    world.clock.advance(14 * DAY);
    assert_eq!(world.refusal("sam", &late).await, "invitation_expired");
    let shown = world.service.read_invitation(&world.by("olga"), &acme, second.id).await.unwrap();
    assert_eq!(shown.status, InvitationStatus::Expired);
    assert_eq!(
        world.service.preview_invitation(&system().context, &late).await.unwrap_err().code(),
        "invitation_expired"
    );
    // One whose time has passed is in nobody's way, whether the worker has closed it or not.
    let third = world.invite("sam@elsewhere.eu").await;
    assert_eq!(world.stored(second.id).await.status, InvitationStatus::Expired);
    world.clock.advance(14 * DAY);
    world.deliver().await;
    assert_eq!(world.stored(third.id).await.status, InvitationStatus::Expired);
    assert!(world.membership(world.sam).await.is_none());
    // What is closed is removed in the end.
    world.clock.advance(90 * DAY);
    world.deliver().await;
    let gone: Option<Invitation> = world.store.load(&system().context, third.id).await.unwrap();
    assert!(gone.is_none());
}

async fn a_revocation_after_the_invitation_wins(store: SharedStore) {
    let world = World::on(store).await;
    grant(&world.service, world.acme, world.sam, MembershipRole::Member).await;
    world.clock.advance(DAY);
    world.invite("sam@elsewhere.eu").await;
    let before = world.secret().await;
    world.clock.advance(DAY);
    world.service.revoke_membership(&world.by("olga"), &world.acme.into(), world.sam).await.unwrap();
    assert_eq!(world.refusal("sam", &before).await, "invitation_not_found");
    assert!(!world.membership(world.sam).await.unwrap().active);
    // An invitation from after the revocation clears it.
    world.clock.advance(DAY);
    world.invite("sam@again.eu").await;
    let after = world.secret().await;
    assert_eq!(world.refusal("sam", &after).await, "");
    let membership = world.membership(world.sam).await.unwrap();
    assert_eq!((membership.active, membership.source), (true, GrantSource::Invitation));
}

async fn who_may_no_longer_invite_brings_nobody_in(store: SharedStore) {
    let world = World::on(store).await;
    let invited = world.invite("sam@elsewhere.eu").await;
    let secret = world.secret().await;
    let demoted = UpdateMembership::build().role(MembershipRole::Member).finish().unwrap();
    world.service.update_membership(&system(), &world.acme.into(), world.adam, demoted).await.unwrap();
    assert_eq!(world.refusal("sam", &secret).await, "invitation_not_found");
    // Whoever sends it again answers for it.
    world.service.resend_invitation(&world.by("olga"), &world.acme.into(), invited.id).await.unwrap();
    let secret = world.secret().await;
    assert_eq!(world.refusal("sam", &secret).await, "");
}

async fn a_claim_of_the_same_address_proves_nothing(store: SharedStore) {
    let world = World::on(store).await;
    world.invite("mallory@example.eu").await;
    let secret = world.secret().await;
    // Mallory's token claims just this address; the secret is what counts.
    let mallory = person(&world.service, "mallory").await;
    assert_eq!(world.refusal("mallory", "guessed").await, "invitation_not_found");
    assert!(world.membership(mallory).await.is_none());
    assert_eq!(world.refusal("sam", &secret).await, "");
    let disabled = UpdateUser::read(json!({"status": "disabled"})).unwrap();
    world.service.update_user(&system(), mallory, disabled).await.unwrap();
    world.invite("another@example.eu").await;
    let secret = world.secret().await;
    assert_eq!(world.refusal("mallory", &secret).await, "user_disabled");
    assert_eq!(world.refusal("unknown", &secret).await, "user_unknown");
    let by_system = world.service.accept_invitation(&system(), &secret).await.unwrap_err();
    assert_eq!(by_system.code(), "person_required");
}

async fn two_at_once_make_one_member(store: SharedStore) {
    let world = World::on(store).await;
    world.invite("sam@elsewhere.eu").await;
    let secret = world.secret().await;
    let kim = person(&world.service, "kim").await;
    let (by_sam, by_kim) = (world.by("sam"), world.by("kim"));
    let (first, second) = futures_util::join!(
        world.service.accept_invitation(&by_sam, &secret),
        world.service.accept_invitation(&by_kim, &secret)
    );
    assert_ne!(first.is_ok(), second.is_ok());
    let refused = first.err().or(second.err()).unwrap();
    assert_eq!(refused.code(), "invitation_used");
    let members = [world.membership(world.sam).await.is_some(), world.membership(kim).await.is_some()];
    assert_eq!(members.iter().filter(|joined| **joined).count(), 1);
}

async fn verify_domain(world: &World) {
    let verified =
        json!({"domains": ["acme.eu"], "domainVerifications": [{"name": "acme.eu", "verifiedAt": support::now()}]});
    let verified = UpdateTenant::read(verified).unwrap();
    world.service.update_tenant(&system(), &world.acme.into(), verified).await.unwrap();
}

async fn a_mailbox_comes_with_it_if_its_address_is_free(store: SharedStore) {
    let world = World::on(store).await;
    let mailbox = json!({"localPart": "Sam", "domain": "acme.eu", "aliases": ["s"]});
    let body = |email: &str| json!({"email": email, "mailbox": mailbox.clone()});
    let input = dezky::domain::CreateInvitation::read(body("sam@elsewhere.eu")).unwrap();
    let refused = world.service.create_invitation(&world.by("adam"), &world.acme.into(), input).await.unwrap_err();
    assert_eq!((refused.kind(), refused.fields()[0].code.name()), (ErrorKind::Invalid, "unknown_domain"));
    verify_domain(&world).await;
    world.invite_as("adam", body("sam@elsewhere.eu")).await;
    let first = world.secret().await;
    world.invite_as("adam", body("kim@elsewhere.eu")).await;
    let second = world.secret().await;
    person(&world.service, "kim").await;
    let accepted = world.service.accept_invitation(&world.by("sam"), &first).await.unwrap();
    assert_eq!(accepted.mailbox_outcome, Some(MailboxOutcome::Created));
    assert_eq!(accepted.mailbox_address.as_deref(), Some("sam@acme.eu"));
    let made: Mailbox =
        world.store.load_unique(&system().context, Mailbox::key("s", "acme.eu")).await.unwrap().unwrap();
    assert_eq!((made.user_id, made.address.as_str()), (world.sam, "sam@acme.eu"));
    // The address is taken meanwhile: the person joins all the same, and is told.
    let accepted = world.service.accept_invitation(&world.by("kim"), &second).await.unwrap();
    assert_eq!(accepted.mailbox_outcome, Some(MailboxOutcome::AddressTaken));
}

async fn people_of_other_issuers_join_no_tenant_with_its_own(store: SharedStore) {
    let world = World::with(store, |settings| {
        settings.issuer_ids.push("acme-idp".to_owned());
        settings.issuers_of_tenants.insert("acme".to_owned(), vec!["acme-idp".to_owned()]);
    })
    .await;
    world.invite("sam@elsewhere.eu").await;
    let secret = world.secret().await;
    assert_eq!(world.refusal("sam", &secret).await, "tenant_issuer_required");
    let own = json!({"issuerId": "acme-idp", "authentikSubjectId": "sam", "name": "Sam"});
    let own = dezky::domain::CreateUser::read(own).unwrap();
    world.service.create_user(&system(), own).await.unwrap();
    let call = |slug: &str| {
        let mut token = (*support::token("sam", None, dezky::clock::Clock::now(&*world.clock))).clone();
        token.issuer_id = "acme-idp".to_owned();
        token.tenant = Some(slug.to_owned());
        support::by(&std::sync::Arc::new(token))
    };
    // A token that is bound to another tenant learns nothing of this one.
    let elsewhere = world.service.accept_invitation(&call("other"), &secret).await.unwrap_err();
    assert_eq!(elsewhere.code(), "invitation_not_found");
    assert!(world.service.accept_invitation(&call("acme"), &secret).await.is_ok());
}

async fn a_role_is_never_lowered_and_owners_are_invited_by_owners(store: SharedStore) {
    let world = World::on(store).await;
    let owner = dezky::domain::CreateInvitation::read(json!({"email": "boss@elsewhere.eu", "role": "owner"})).unwrap();
    let refused = world.service.create_invitation(&world.by("adam"), &world.acme.into(), owner).await.unwrap_err();
    assert_eq!(refused.code(), "owner_required");
    let boss = world.invite_as("olga", json!({"email": "boss@elsewhere.eu", "role": "owner"})).await;
    for refused in [
        world.service.resend_invitation(&world.by("adam"), &world.acme.into(), boss.id).await.unwrap_err(),
        world.service.revoke_invitation(&world.by("adam"), &world.acme.into(), boss.id).await.unwrap_err(),
    ] {
        assert_eq!(refused.code(), "owner_required");
    }
    world.invite_as("olga", json!({"email": "private@elsewhere.eu"})).await;
    let mails = world.deliver().await;
    let of = |address: &str| mails.iter().find(|mail| mail.to == [address]).map(crate::world::secret).unwrap();
    let accepted = world.service.accept_invitation(&world.by("olga"), &of("private@elsewhere.eu")).await.unwrap();
    assert_eq!(accepted.role, MembershipRole::Owner);
    let membership = world.membership(world.olga).await.unwrap();
    assert_eq!((membership.role, membership.source), (MembershipRole::Owner, GrantSource::Grant));
    let accepted = world.service.accept_invitation(&world.by("mia"), &of("boss@elsewhere.eu")).await.unwrap();
    assert_eq!(accepted.role, MembershipRole::Owner);
    assert_eq!(world.membership(world.mia).await.unwrap().role, MembershipRole::Owner);
}

async fn an_erased_person_leaves_no_invitation(store: SharedStore) {
    let world = World::on(store).await;
    let invited = world.invite_as("adam", json!({"email": "sam@elsewhere.eu", "name": "Sam Secretive"})).await;
    let secret = world.secret().await;
    assert_eq!(world.refusal("sam", &secret).await, "");
    world.service.delete_user(&system(), world.sam).await.unwrap();
    dezky::work::catch_up(&world.service).await.unwrap();
    let left: Option<Invitation> = world.store.load(&system().context, invited.id).await.unwrap();
    assert!(left.is_none());
    let details: Vec<dezky::domain::AuditDetails> = world
        .store
        .load_all(&system().context, &dezky::store::Query::new(&dezky::domain::audit::AUDIT_DETAILS).limit(1_000))
        .await
        .unwrap();
    let text = serde_json::to_string(&details).unwrap();
    assert!(!text.contains("elsewhere") && !text.contains("Secretive"), "{text}");
}
