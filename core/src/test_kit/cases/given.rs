//! The documents that a case starts with: abbreviated in the file, complete in the store.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value, json};

use super::{format::Given, symbols::Symbols};
use crate::{
    clock::Timestamp,
    context::RequestContext,
    domain::{
        ApiKey, AppPassword, CreateInvitation, GrantSource, Invitation, Mailbox, Membership, MembershipRole, ObjectId,
        Subscription, Tenant, User, UserActivity,
    },
    store::{Commit, Entity, Store},
};

/// Default time of creation of documents.
const MADE: &str = "2026-02-01T00:00:00.000Z";

/// Time for which invitations can be accepted.
const LIFE: Duration = Duration::from_secs(60 * 24 * 60 * 60);

/// Number of documents in one commit.
const BATCH: usize = 100;

/// Writes the documents of a case, and defines their symbols.
pub(super) async fn seed(given: &Given, symbols: &mut Symbols, store: &dyn Store) -> Result<(), String> {
    let mut seeding = Seeding {
        symbols,
        next: 1,
        places: 0,
        tenants: BTreeMap::new(),
        users: BTreeMap::new(),
        mailboxes: BTreeMap::new(),
        commits: Vec::new(),
    };
    for members in repeated(&given.tenants)? {
        seeding.tenant(members).map_err(|error| format!("given tenants: {error}"))?;
    }
    for members in repeated(&given.users)? {
        seeding.user(members).map_err(|error| format!("given users: {error}"))?;
    }
    for members in repeated(&given.memberships)? {
        seeding.membership(members).map_err(|error| format!("given memberships: {error}"))?;
    }
    for members in repeated(&given.subscriptions)? {
        seeding.subscription(members).map_err(|error| format!("given subscriptions: {error}"))?;
    }
    for members in repeated(&given.user_activity)? {
        seeding.activity(members).map_err(|error| format!("given user_activity: {error}"))?;
    }
    for members in repeated(&given.mailboxes)? {
        seeding.mailbox(members).map_err(|error| format!("given mailboxes: {error}"))?;
    }
    for members in repeated(&given.app_passwords)? {
        seeding.app_password(members).map_err(|error| format!("given app_passwords: {error}"))?;
    }
    for members in repeated(&given.api_keys)? {
        seeding.api_key(members).map_err(|error| format!("given api_keys: {error}"))?;
    }
    for members in repeated(&given.invitations)? {
        seeding.invitation(members).map_err(|error| format!("given invitations: {error}"))?;
    }
    for commit in &seeding.commits {
        store.commit(&RequestContext::system("cases"), commit).await.map_err(|error| format!("given: {error}"))?;
    }
    Ok(())
}

/// Expands documents with `repeat`; `{n}` in their texts is their number, starting at `001`.
fn repeated(given: &[Map<String, Value>]) -> Result<Vec<Map<String, Value>>, String> {
    let mut all = Vec::new();
    for members in given {
        let mut members = members.clone();
        let Some(times) = members.remove("repeat") else {
            all.push(members);
            continue;
        };
        let times = times.as_u64().filter(|times| *times <= 1_000).ok_or("`repeat` is a number up to 1000")?;
        for number in 1..=times {
            let text = Value::Object(members.clone()).to_string().replace("{n}", &format!("{number:03}"));
            all.push(serde_json::from_str(&text).map_err(|error| error.to_string())?);
        }
    }
    Ok(all)
}

struct Seeding<'a> {
    symbols: &'a mut Symbols,
    next: u32,
    /// Place of the next app password or API key.
    places: u32,
    tenants: BTreeMap<String, Tenant>,
    users: BTreeMap<String, User>,
    mailboxes: BTreeMap<String, Mailbox>,
    commits: Vec<Commit>,
}

impl Seeding<'_> {
    /// Assigns ids in the order of the file, all smaller than those generated later.
    fn id(&mut self, symbol: &str) -> Result<ObjectId, String> {
        let [a, b, c, d] = self.next.to_be_bytes();
        self.next += 1;
        let id = ObjectId::from_bytes([1, 0, 0, 0, 0, 0, 0, 0, a, b, c, d]);
        self.symbols.define(symbol, id.to_string())?;
        Ok(id)
    }

    fn insert<E: Entity>(&mut self, entity: &E) -> Result<(), String> {
        if self.commits.last().is_none_or(|commit| commit.changes.len() >= BATCH) {
            self.commits.push(Commit::new());
        }
        match self.commits.last_mut() {
            Some(commit) => commit.insert(entity).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }

    fn tenant(&mut self, members: Map<String, Value>) -> Result<(), String> {
        let slug = text(&members, "slug")?;
        let defaults = json!({
            "id": self.id(&slug)?, "version": 1, "name": slug, "status": "active", "plan": "starter",
            "createdAt": MADE, "updatedAt": MADE,
        });
        let mut tenant: Tenant = complete(defaults, members)?;
        tenant.rename(tenant.name.clone());
        self.insert(&tenant)?;
        self.tenants.insert(slug, tenant);
        Ok(())
    }

    fn api_key(&mut self, mut members: Map<String, Value>) -> Result<(), String> {
        let (slug, name) = (take(&mut members, "tenant")?, text(&members, "name")?);
        let tenant = self.tenants.get(&slug).ok_or_else(|| format!("there is no tenant `{slug}`"))?.id;
        self.places += 1;
        let defaults = json!({
            "id": self.id(&format!("{slug}/{name}"))?, "version": 1, "tenantId": tenant, "scopes": ["membership.read"],
            "secretHash": "", "place": self.places - 1, "createdAt": MADE, "updatedAt": MADE,
        });
        let key: ApiKey = complete(defaults, members)?;
        self.insert(&key)
    }

    fn user(&mut self, mut members: Map<String, Value>) -> Result<(), String> {
        let subject = text(&members, "subject")?;
        let symbol = if members.contains_key("symbol") { take(&mut members, "symbol")? } else { subject.clone() };
        members.remove("subject");
        let defaults = json!({
            "id": self.id(&symbol)?, "version": 1, "issuerId": "default", "authentikSubjectId": subject,
            "email": format!("{subject}@example.eu"), "name": subject, "createdAt": MADE, "updatedAt": MADE,
        });
        let mut user: User = complete(defaults, members)?;
        user.set_name(user.name.clone());
        user.set_email(user.email.clone());
        if user.platform_admin {
            user.platform_admin_source.get_or_insert(GrantSource::Grant);
            user.platform_admin_changed_at.get_or_insert(time(MADE)?);
        }
        self.insert(&user)?;
        self.users.insert(symbol, user);
        Ok(())
    }

    fn membership(&mut self, mut members: Map<String, Value>) -> Result<(), String> {
        let (slug, subject) = (take(&mut members, "tenant")?, take(&mut members, "user")?);
        let id = self.id(&format!("{slug}/{subject}"))?;
        let tenant = self.tenants.get(&slug).ok_or_else(|| format!("there is no tenant `{slug}`"))?;
        let user = self.users.get(&subject).ok_or_else(|| format!("there is no user `{subject}`"))?;
        let made = Membership::new(tenant, user, MembershipRole::Member, GrantSource::Grant, time(MADE)?);
        let mut defaults = serde_json::to_value(made).map_err(|error| error.to_string())?;
        if let Value::Object(defaults) = &mut defaults {
            defaults.insert("id".to_owned(), json!(id));
            if members.contains_key("revokedBy") {
                defaults.insert("active".to_owned(), json!(false));
                defaults.insert("revokedAt".to_owned(), json!(MADE));
            }
        }
        let membership: Membership = complete(defaults, members)?;
        if membership.active != membership.revoked_by.is_none() {
            return Err("a membership is in force if, and only if, it has no `revokedBy`".to_owned());
        }
        self.insert(&membership)
    }

    fn subscription(&mut self, mut members: Map<String, Value>) -> Result<(), String> {
        let slug = take(&mut members, "tenant")?;
        let named = members.contains_key("symbol");
        let symbol = if named { take(&mut members, "symbol")? } else { format!("{slug}-subscription") };
        let tenant = self.symbols.get(&slug)?.to_owned();
        let defaults = json!({
            "id": self.id(&symbol)?, "version": 1, "tenantId": tenant, "plan": "starter", "status": "active",
            "seats": 5, "createdAt": MADE, "updatedAt": MADE,
        });
        let subscription: Subscription = complete(defaults, members)?;
        self.insert(&subscription)
    }

    fn mailbox(&mut self, mut members: Map<String, Value>) -> Result<(), String> {
        let (slug, subject) = (take(&mut members, "tenant")?, take(&mut members, "user")?);
        let (name, domain) = (text(&members, "localPart")?, text(&members, "domain")?);
        let symbol = format!("mailbox/{slug}/{name}");
        let (tenant, user) = (self.symbols.get(&slug)?.to_owned(), self.symbols.get(&subject)?.to_owned());
        let defaults = json!({
            "id": self.id(&symbol)?, "version": 1, "tenantId": tenant, "userId": user,
            "address": format!("{name}@{domain}"), "status": "active", "createdAt": MADE, "updatedAt": MADE,
        });
        let mailbox: Mailbox = complete(defaults, members)?;
        self.insert(&mailbox)?;
        self.mailboxes.insert(symbol, mailbox);
        Ok(())
    }

    fn app_password(&mut self, mut members: Map<String, Value>) -> Result<(), String> {
        let named = take(&mut members, "mailbox")?;
        let name = text(&members, "name")?;
        let id = self.id(&format!("{named}/{name}"))?;
        let mailbox = self.mailboxes.get(&named).ok_or_else(|| format!("there is no mailbox `{named}`"))?;
        let defaults = json!({
            "id": id, "version": 1, "tenantId": mailbox.tenant_id, "mailboxId": mailbox.id, "userId": mailbox.user_id,
            "status": "active", "place": self.places, "externalId": format!("{name} [dezky {id}]"), "createdAt": MADE, "updatedAt": MADE,
        });
        self.places += 1;
        let password: AppPassword = complete(defaults, members)?;
        self.insert(&password)
    }

    fn invitation(&mut self, mut members: Map<String, Value>) -> Result<(), String> {
        let (slug, email) = (take(&mut members, "tenant")?, text(&members, "email")?);
        let id = self.id(&format!("invitation/{slug}/{email}"))?;
        let tenant = self.symbols.get(&slug)?.to_owned();
        let input = CreateInvitation::read(json!({ "email": email })).map_err(|error| error.to_string())?;
        let tenant = tenant.parse().map_err(|_| format!("there is no tenant `{slug}`"))?;
        let made = input.into_invitation(tenant, None, LIFE, time(MADE)?);
        let mut defaults = serde_json::to_value(made).map_err(|error| error.to_string())?;
        if let Value::Object(defaults) = &mut defaults {
            defaults.insert("id".to_owned(), json!(id));
            if members.contains_key("secret") {
                let hash = Invitation::hash(&take(&mut members, "secret")?);
                defaults.insert("secretHash".to_owned(), json!(hash));
                defaults.insert("status".to_owned(), json!("sent"));
                defaults.insert("attempts".to_owned(), json!(1));
            }
            if members.contains_key("invitedByKey") {
                let by = take(&mut members, "invitedByKey")?;
                defaults.insert("invitedByKey".to_owned(), json!(self.symbols.get(&by)?));
            }
            if members.contains_key("invitedBy") {
                let by = take(&mut members, "invitedBy")?;
                defaults.insert("invitedBy".to_owned(), json!(self.symbols.get(&by)?));
            }
        }
        let invitation: Invitation = complete(defaults, members)?;
        self.insert(&invitation)
    }

    fn activity(&mut self, mut members: Map<String, Value>) -> Result<(), String> {
        let user = take(&mut members, "user")?;
        let id = self.users.get(&user).ok_or_else(|| format!("there is no user `{user}`"))?.id;
        let defaults = json!({ "id": id, "version": 1, "lastSeenAt": MADE });
        let activity: UserActivity = complete(defaults, members)?;
        self.insert(&activity)
    }
}

fn text(members: &Map<String, Value>, name: &str) -> Result<String, String> {
    members.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("`{name}` is missing"))
}

fn take(members: &mut Map<String, Value>, name: &str) -> Result<String, String> {
    let found = text(members, name)?;
    members.remove(name);
    Ok(found)
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| format!("`{text}` is no time"))
}

/// Merges given members into the defaults; `null` removes a default.
fn complete<E: Entity>(defaults: Value, given: Map<String, Value>) -> Result<E, String> {
    let Value::Object(mut members) = defaults else { return Err("defaults are an object".to_owned()) };
    for (name, value) in given {
        if E::COLLECTION.field(&name).is_none() {
            return Err(format!("`{}` has no field `{name}`", E::COLLECTION.name));
        }
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    serde_json::from_value(Value::Object(members)).map_err(|error| error.to_string())
}
