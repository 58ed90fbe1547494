//! Answers that are not Authentik's, or not as this client knows them.

use bytes::Bytes;
use dezky::{
    connectors::{ConnectorSettings, Identity as _, Secret, authentik::Authentik},
    context::RequestContext,
    domain::TenantId,
    emulators::{Emulated, Emulator, EmulatorOptions, Exchange, authentik::Kind},
};
use http::{Response, StatusCode, header};
use url::Url;

use crate::{
    logins::group,
    world::{TOKEN, World, client_of, error, new_login},
};

/// A server that answers each request alike.
#[derive(Debug)]
struct Fixed(StatusCode, &'static str, &'static str);

impl Emulated for Fixed {
    fn answer(&self, _: &Exchange) -> Response<Bytes> {
        let answer = Response::builder().status(self.0).header(header::CONTENT_TYPE, self.1);
        answer.header(header::LOCATION, "https://login.example/").body(Bytes::from_static(self.2.as_bytes())).unwrap()
    }
}

async fn fixed(status: u16, media_type: &'static str, body: &'static str) -> (Emulator<Fixed>, Authentik) {
    let system = Fixed(StatusCode::from_u16(status).unwrap(), media_type, body);
    let emulator = Emulator::start(system, EmulatorOptions::default()).await.unwrap();
    let client = client_of(&emulator.url(), TOKEN);
    (emulator, client)
}

#[tokio::test]
async fn an_absent_object_is_told_by_authentik_only() {
    let context = RequestContext::new("test");
    for (media_type, body, reason) in [
        // Traefik, while the container is down.
        ("text/plain; charset=utf-8", "404 page not found\n", "Unavailable"),
        ("text/html", "<html><body>Not Found</body></html>", "Incompatible"),
        ("application/json", "{}", "Incompatible"),
        ("application/json", "[\"Not found.\"]", "Incompatible"),
    ] {
        let (_emulator, client) = fixed(404, media_type, body).await;
        assert_eq!(error(client.group(&context, "1").await).0, reason, "{body}");
        assert_eq!(error(client.delete_group(&context, "1").await).0, reason, "{body}");
        assert_eq!(error(client.remove_member(&context, "1", "2").await).0, reason, "{body}");
        assert_eq!(error(client.person(&context, "42").await).0, reason, "{body}");
        assert_eq!(error(client.login(&context, "acme").await).0, reason, "{body}");
        assert_eq!(error(client.check(&context).await).0, reason, "{body}");
    }
}

#[tokio::test]
async fn answers_of_others_are_no_success() {
    let context = RequestContext::new("test");
    for (status, media_type, body, reason) in [
        (200, "text/html", "<html>Sign in</html>", "Incompatible"),
        (200, "application/json", "{}", "Incompatible"),
        (200, "application/json", "{\"pk\":", "Incompatible"),
        (204, "application/json", "", "Incompatible"),
        (302, "text/html", "", "Incompatible"),
        (400, "text/html", "<h1>Bad Request (400)</h1>", "Rejected"),
        (400, "application/json", "[\"filter: failed to parse JSON\"]", "Rejected"),
        (400, "application/json", "{\"name\": [\"This field may not be blank.\"]}", "Rejected"),
        (401, "text/plain", "", "Unauthorized"),
        (403, "text/html", "<html>Blocked</html>", "Unauthorized"),
        (405, "application/json", "{\"detail\": \"Method not allowed.\"}", "Rejected"),
        (429, "application/json", "{\"detail\": \"Request was throttled.\"}", "Unavailable"),
        (501, "text/plain", "", "Rejected"),
        (502, "text/html", "<html>Bad Gateway</html>", "Unavailable"),
        (503, "text/html", "<html>authentik starting</html>", "Unavailable"),
    ] {
        let (_emulator, client) = fixed(status, media_type, body).await;
        assert_eq!(
            error(client.create_group(&context, "acme", TenantId::generate()).await).0,
            reason,
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn a_field_that_an_update_renamed_is_named() {
    for (field, where_it_is) in [
        ("version_current", "check"),
        ("is_superuser", "check"),
        ("user", "check"),
        ("pk", "group"),
        ("name", "group"),
        ("attributes", "group"),
        ("attributes", "groups_of"),
        ("attributes", "create"),
        ("name", "named"),
        ("results", "named"),
        ("pagination", "named"),
        ("next", "named"),
        ("count", "named"),
        ("uuid", "person"),
        ("uid", "members"),
        ("is_active", "members"),
        ("pk", "members"),
        ("meta_publisher", "login"),
        ("client_id", "login"),
        ("redirect_uris", "login"),
        ("enabled", "login"),
        ("negate", "login"),
        ("brand_uuid", "login"),
        ("domain", "login"),
        ("issuer", "login"),
        ("provider", "login"),
        ("target", "login"),
        ("group", "login"),
        ("attributes", "login"),
        ("default_application", "login"),
        ("assigned_application_slug", "login"),
        ("signing_key", "login"),
        ("target", "create_login again"),
        ("group", "create_login again"),
        ("attributes", "create_login again"),
        ("client_id", "create_login"),
        ("managed", "create_login"),
    ] {
        let world = World::unchecked().await;
        let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
        let person = world.authentik().add_person("anna");
        let group = group(&world, tenant).await;
        world.authentik().add_member(&group, person.pk);
        let new = new_login(tenant, &group);
        if where_it_is != "create_login" {
            client.create_login(context, &new).await.unwrap();
        }
        let bindings = world.authentik().ids(Kind::Binding);
        world.authentik().rename_field(field, "renamed");
        let (reason, why) = match where_it_is {
            "check" => error(client.check(context).await),
            "group" => error(client.group(context, &group).await),
            "groups_of" => error(client.groups_of(context, tenant).await),
            "create" => error(client.create_group(context, "other", tenant).await),
            "named" => error(client.group_named(context, "acme").await),
            "person" => error(client.person(context, &person.uuid).await),
            "members" => error(client.members(context, &group).await),
            "login" => error(client.login(context, "acme").await),
            _ => error(client.create_login(context, &new).await),
        };
        assert_eq!(world.authentik().ids(Kind::Binding), bindings, "{field}: nothing is created twice");
        if field == "managed" {
            assert!(reason == "Rejected" && why.contains("scope-openid"), "{why}");
        } else {
            assert!(
                reason == "Incompatible" && why.contains(&format!("`{field}`")),
                "{field} {where_it_is}: {reason} {why}"
            );
        }
    }
}

#[tokio::test]
async fn a_value_of_another_type_is_located_and_not_shown() {
    let world = World::unchecked().await;
    let person = world.authentik().add_person("anna");
    world.authentik().set(Kind::Person, &person.pk.to_string(), "is_active", serde_json::json!("private"));
    let (reason, why) = error(world.client.person(&world.context, &person.uuid).await);
    assert_eq!(reason, "Incompatible");
    assert!(why.contains("`is_active`") && !why.contains("private"), "{why}");
}

#[tokio::test]
async fn the_token_is_in_no_text() {
    let settings = ConnectorSettings::new(Url::parse("http://127.0.0.1:9/").unwrap(), Secret::Bearer(TOKEN.to_owned()));
    let client = Authentik::new(&settings).unwrap();
    let mut texts = vec![format!("{settings:?} {client:?}")];
    let context = RequestContext::new("test");
    let echo: &str = "{\"detail\": \"Authorization: Bearer t0ken-of-the-service-account\"}";
    let invalid: &str = "{\"name\": [\"t0ken-of-the-service-account\"]}";
    for (status, body) in
        [(403, echo), (404, echo), (500, echo), (400, "t0ken-of-the-service-account"), (409, echo), (400, invalid)]
    {
        let (_emulator, client) = fixed(status, "application/json", body).await;
        for outcome in [
            client.check(&context).await.map(drop),
            client.create_group(&context, "acme", TenantId::generate()).await.map(drop),
            client.members(&context, "1").await.map(drop),
            client.delete_group(&context, "1").await,
        ] {
            texts.extend(outcome.err().map(|error| format!("{error} {error:?}")));
        }
    }
    assert!(texts.len() > 12);
    for text in texts {
        assert!(!text.contains(TOKEN), "{text}");
    }
}

#[tokio::test]
async fn a_token_that_no_header_carries_is_refused_at_the_start() {
    let settings =
        ConnectorSettings::new(Url::parse("http://127.0.0.1:9/").unwrap(), Secret::Bearer("a\nb".to_owned()));
    assert_eq!(error(Authentik::new(&settings)).0, "Rejected");
}

#[tokio::test]
async fn a_field_that_the_system_ignores_is_noticed() {
    for (field, of) in [
        ("attributes", "create a group"),
        ("name", "rename a group"),
        ("client_id", "create a provider"),
        ("signing_key", "create a provider"),
        ("meta_publisher", "create an application"),
        ("provider", "change an application"),
        ("attributes", "create a brand"),
        ("default_application", "create a brand"),
    ] {
        let world = World::unchecked().await;
        let (client, context, tenant) = (&world.client, &world.context, TenantId::generate());
        let group = group(&world, tenant).await;
        world.authentik().ignore_field(field);
        let (reason, why) = match of {
            "create a group" => error(client.create_group(context, "other", tenant).await),
            "rename a group" => error(client.rename_group(context, &group, "other").await),
            _ => error(client.create_login(context, &new_login(tenant, &group)).await),
        };
        assert_eq!(reason, "Incompatible", "{field}: {why}");
        assert!(why.contains(field.trim_end_matches('s')), "{field}: {why}");
    }
}

#[tokio::test]
async fn a_page_of_a_proxy_confirms_nothing() {
    let context = RequestContext::new("test");
    let (_emulator, client) = fixed(200, "text/html", "<html>Sign in</html>").await;
    for outcome in [
        client.delete_group(&context, "1").await,
        client.add_member(&context, "1", "2").await,
        client.remove_member(&context, "1", "2").await,
        client.rename_group(&context, "1", "acme").await,
    ] {
        assert_eq!(error(outcome).0, "Incompatible");
    }
}
