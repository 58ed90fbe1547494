//! Objects as answers show them.

use serde_json::{Map, Value, json};

use super::{
    lists::Query,
    resource::Kind,
    state::{Access, Object, State},
};

/// Parts of an answer that a request may leave out.
pub(super) struct Shown {
    users: bool,
    groups: bool,
    roles: bool,
}

impl Shown {
    pub(super) fn of(query: &Query) -> Self {
        Self {
            users: query.includes("include_users"),
            groups: query.includes("include_groups"),
            roles: query.includes("include_roles"),
        }
    }
}

/// Returns an object as an answer shows it.
pub(super) fn render(state: &State, kind: Kind, id: &str, object: &Object, shown: &Shown) -> Value {
    let mut fields = object.fields.clone();
    if let Some(resource) = kind.resource() {
        fields.retain(|name, _| resource.fields.iter().any(|field| field.name == name && field.is_in(state.release)));
    }
    let more = match kind {
        Kind::Group => group(state, object, shown),
        Kind::Person => person(state, object, shown),
        Kind::Application => application(state, object),
        Kind::Provider => provider(state, object),
        Kind::Binding => binding(state, object),
        Kind::Brand => json!({ "brand_uuid": object.pk, "web_certificate": null, "client_certificates": [] }),
        Kind::Secret => {
            json!({ "pk": object.pk, "managed": null, "created": object.created, "last_updated": object.created })
        }
        Kind::Flow => flow(object),
        Kind::KeyPair => key_pair(object),
        Kind::ScopeMapping => json!({
            "pk": object.pk,
            "expression": "return {}",
            "description": "",
            "component": "ak-property-mapping-provider-scope-form",
            "verbose_name": "Scope Mapping",
            "verbose_name_plural": "Scope Mappings",
            "meta_model_name": "authentik_providers_oauth2.scopemapping",
        }),
    };
    if let Value::Object(more) = more {
        fields.extend(more);
    }
    for (_, _, field) in state.broken.iter().filter(|(broken, of, _)| *broken == kind && of == id) {
        fields.remove(field);
    }
    Value::Object(fields)
}

fn group(state: &State, object: &Object, shown: &Shown) -> Value {
    let users = object.fields.get("users").and_then(Value::as_array).into_iter().flatten();
    let users: Vec<Value> =
        users.filter_map(|pk| state.by_pk(Kind::Person, pk)).map(|(_, user)| partial_user(state, user)).collect();
    json!({
        "pk": object.pk,
        "num_pk": object.number,
        "parents_obj": null,
        "users_obj": if shown.users { json!(users) } else { Value::Null },
        "roles": [],
        "roles_obj": [],
        "inherited_roles_obj": null,
        "children": [],
        "children_obj": null,
    })
}

fn partial_user(state: &State, object: &Object) -> Value {
    let mut user = kept(object, &["username", "name", "is_active", "email", "attributes"]);
    user.insert("pk".to_owned(), object.pk.clone());
    user.insert("last_login".to_owned(), Value::Null);
    user.insert("uid".to_owned(), json!(state.uid_of(object.pk.as_i64().unwrap_or_default())));
    Value::Object(user)
}

fn partial_group(object: &Object) -> Value {
    let mut group = kept(object, &["name", "is_superuser", "attributes"]);
    group.insert("pk".to_owned(), object.pk.clone());
    group.insert("num_pk".to_owned(), json!(object.number));
    Value::Object(group)
}

fn kept(object: &Object, fields: &[&str]) -> Map<String, Value> {
    fields.iter().filter_map(|field| Some(((*field).to_owned(), object.fields.get(*field)?.clone()))).collect()
}

fn person(state: &State, object: &Object, shown: &Shown) -> Value {
    let pk = object.pk.as_i64().unwrap_or_default();
    let groups = state.objects(Kind::Group).iter().filter(|(id, _)| state.members(id).contains(&pk));
    let (ids, groups): (Vec<Value>, Vec<Value>) =
        groups.map(|(_, group)| (group.pk.clone(), partial_group(group))).unzip();
    json!({
        "pk": pk,
        "uuid": state.uuid_of(pk),
        "uid": state.uid_of(pk),
        "last_login": null,
        "date_joined": object.created,
        "is_superuser": false,
        "groups": ids,
        "groups_obj": if shown.groups { json!(groups) } else { Value::Null },
        "roles": [],
        "roles_obj": if shown.roles { json!([]) } else { Value::Null },
        "avatar": "/static/dist/assets/images/user_default.png",
        "password_change_date": object.created,
        "last_updated": object.created,
    })
}

fn application(state: &State, object: &Object) -> Value {
    let provider = object.fields.get("provider").and_then(|pk| state.by_pk(Kind::Provider, pk));
    let mut more = json!({
        "pk": object.pk,
        "provider_obj": provider.map(|(_, provider)| base_provider(state, provider)),
        "backchannel_providers": [],
        "backchannel_providers_obj": [],
        "launch_url": null,
        "meta_icon_url": null,
        "meta_icon_themed_urls": null,
    });
    if let Some(fields) = more.as_object_mut().filter(|_| state.release >= (2026, 8)) {
        fields.insert("pbm_uuid".to_owned(), object.pk.clone());
    }
    more
}

/// Returns what every kind of provider shows.
fn base_provider(state: &State, object: &Object) -> Value {
    let fields = ["name", "authentication_flow", "authorization_flow", "invalidation_flow", "property_mappings"];
    let mut provider = kept(object, &fields);
    if let Value::Object(more) = provider_names(state, object) {
        provider.extend(more);
    }
    Value::Object(provider)
}

fn provider_names(state: &State, object: &Object) -> Value {
    let mut applications = state.objects(Kind::Application).values();
    let application = applications.find(|application| application.fields.get("provider") == Some(&object.pk));
    json!({
        "pk": object.pk,
        "component": "ak-provider-oauth2-form",
        "assigned_application_slug": application.and_then(|application| application.text("slug")),
        "assigned_application_name": application.and_then(|application| application.text("name")),
        "assigned_backchannel_application_slug": null,
        "assigned_backchannel_application_name": null,
        "verbose_name": "OAuth2/OpenID Provider",
        "verbose_name_plural": "OAuth2/OpenID Providers",
        "meta_model_name": "authentik_providers_oauth2.oauth2provider",
    })
}

fn provider(state: &State, object: &Object) -> Value {
    let mut names = provider_names(state, object);
    if let Some(fields) = names.as_object_mut() {
        fields.insert("encryption_key".to_owned(), Value::Null);
        fields.insert("jwt_federation_sources".to_owned(), json!([]));
        fields.insert("jwt_federation_providers".to_owned(), json!([]));
    }
    names
}

fn binding(state: &State, object: &Object) -> Value {
    let of = |kind, field: &str| object.fields.get(field).and_then(|pk| state.by_pk(kind, pk)).map(|(_, found)| found);
    let mut more = json!({
        "pk": object.pk,
        "policy": null,
        "policy_obj": null,
        "group_obj": of(Kind::Group, "group").map(partial_group),
        "user_obj": of(Kind::Person, "user").map(|user| partial_user(state, user)),
    });
    if let Some(fields) = more.as_object_mut().filter(|_| state.release >= (2026, 8)) {
        fields.insert("expires".to_owned(), Value::Null);
        fields.insert("expiring".to_owned(), json!(false));
    }
    more
}

fn flow(object: &Object) -> Value {
    let slug = object.text("slug").unwrap_or_default();
    json!({
        "pk": object.pk,
        "policybindingmodel_ptr_id": object.pk,
        "title": slug,
        "background": "",
        "background_url": "/static/dist/assets/images/flow_background.jpg",
        "background_themed_urls": null,
        "stages": [],
        "policies": [],
        "cache_count": 0,
        "policy_engine_mode": "any",
        "compatibility_mode": false,
        "export_url": format!("/api/v3/flows/instances/{slug}/export/"),
        "layout": "stacked",
        "denied_action": "message_continue",
        "authentication": "none",
    })
}

fn key_pair(object: &Object) -> Value {
    let download = |what: &str| {
        format!("/api/v3/crypto/certificatekeypairs/{}/{what}/?download", object.pk.as_str().unwrap_or_default())
    };
    json!({
        "pk": object.pk,
        "fingerprint_sha256": null,
        "fingerprint_sha1": null,
        "cert_expiry": null,
        "cert_subject": null,
        "key_type": "rsa",
        "certificate_download_url": download("view_certificate"),
        "private_key_download_url": download("view_private_key"),
        "managed": null,
    })
}

/// Returns the answer about the version.
pub(super) fn version(state: &State) -> Value {
    json!({
        "version_current": state.release_text,
        "version_latest": state.release_text,
        "version_latest_valid": true,
        "build_hash": "",
        "outdated": false,
        "outpost_outdated": false,
    })
}

/// Returns the answer about the account of the token.
pub(super) fn session(state: &State) -> Value {
    let account = state.objects(Kind::Person).get(&state.account);
    let mut user =
        account.map(|account| kept(account, &["username", "name", "is_active", "email", "type"])).unwrap_or_default();
    let pk: i64 = state.account.parse().unwrap_or_default();
    let is_superuser = matches!(state.access, Access::Superuser);
    let roles = if is_superuser { json!([]) } else { json!([{ "name": "dezky", "pk": state.role }]) };
    let more = json!({
        "pk": pk,
        "is_superuser": is_superuser,
        "groups": [],
        "roles": roles,
        "avatar": "/static/dist/assets/images/user_default.png",
        "uid": state.uid_of(pk),
        "settings": {},
        "system_permissions": [],
    });
    if let Value::Object(more) = more {
        user.extend(more);
    }
    let is_newer = state.release >= (2026, 8);
    if is_newer {
        user.insert("is_current".to_owned(), json!(true));
    }
    if is_newer { json!({ "user": user, "users": [user] }) } else { json!({ "user": user }) }
}

/// Returns a permission of a role.
pub(super) fn permission(number: usize, right: &str) -> Value {
    let (application, codename) = right.split_once('.').unwrap_or_default();
    json!({
        "id": number,
        "name": format!("Can {}", codename.replace('_', " ")),
        "codename": codename,
        "model": codename.rsplit('_').next(),
        "app_label": application,
        "app_label_verbose": application,
        "model_verbose": codename.rsplit('_').next(),
    })
}

/// Returns the addresses of a provider, by the host of the request.
pub(super) fn setup_urls(state: &State, host: &str, slug: &str, issuer_mode: Option<&str>) -> Value {
    let base = format!("http://{host}/application/o");
    let mut urls = json!({
        "issuer": if issuer_mode == Some("global") { format!("http://{host}/") } else { format!("{base}/{slug}/") },
        "authorize": format!("{base}/authorize/"),
        "token": format!("{base}/token/"),
        "user_info": format!("{base}/userinfo/"),
        "provider_info": format!("{base}/{slug}/.well-known/openid-configuration"),
        "logout": format!("{base}/{slug}/end-session/"),
        "jwks": format!("{base}/{slug}/jwks/"),
    });
    if let Some(fields) = urls.as_object_mut().filter(|_| state.release >= (2026, 8)) {
        fields.insert("dcr_registration".to_owned(), Value::Null);
    }
    urls
}

/// Renames fields at any depth.
pub(super) fn rename(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Object(fields) => {
            if let Some(renamed) = fields.remove(from) {
                fields.insert(to.to_owned(), renamed);
            }
            fields.values_mut().for_each(|value| rename(value, from, to));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| rename(value, from, to)),
        _ => {}
    }
}
