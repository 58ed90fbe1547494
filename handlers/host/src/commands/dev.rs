//! `dezky dev`: a complete local setup with working tokens.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::Path,
    time::Duration,
};

use dezky::{
    authn::IssuerSettings,
    clock::{Clock as _, SystemClock},
    development_issuer::{DevelopmentIssuer, DevelopmentIssuerOptions},
    domain::{
        lifecycle::LifecycleSettings,
        plan::{Catalogue, Plan},
    },
    service::{ServiceSettings, seed::SeedSettings},
    work::TaskChoice,
};
use serde_json::json;

use super::emulated::{EmulatedBilling, Emulators, MailFolder};
use crate::{
    command_line::{DevFlags, reachable},
    configuration::{
        self, ComponentSettings, Configuration, LimitSettings, Origin, StoreLocation, Writers, sources_without_file,
    },
    failure::Failure,
    logging,
    running::Running,
};

/// Lifetime of the printed tokens: a working day.
const TOKEN_LIFE: Duration = Duration::from_secs(12 * 3_600);

/// Group whose members administer the platform.
const ADMIN_GROUP: &str = "dezky-platform-admins";

/// Serves until stopped.
pub(super) async fn run(flags: DevFlags) -> Result<(), Failure> {
    let sources = sources_without_file(flags.settings())?;
    logging::start(&configuration::log(&sources)?)?;
    let (issuer, settings) = start_issuer(&flags).await?;
    let emulators = if flags.no_systems { None } else { Some(Emulators::start().await?) };
    let mut billing = EmulatedBilling::start().await?;
    let mail = MailFolder::start(&flags.data.join("mail")).await?;
    let configuration = Configuration {
        store: StoreLocation::Sqlite(flags.data.join("dezky.sqlite")),
        store_origin: Origin::Flag("data"),
        listen: configuration::listen(&sources)?,
        operations: None,
        issuers: vec![settings],
        public_domain: Some("dezky.localhost".to_owned()),
        platform_admin_group: Some(ADMIN_GROUP.to_owned()),
        seed: SeedSettings::default(),
        extra_ca_certificates: None,
        limits: LimitSettings::none(),
        // Group-writable files, the default on some systems, are accepted here so that a fresh build is served.
        component: configuration::component(&sources)?
            .map(|component| ComponentSettings { writers: Writers::Anybody, ..component }),
        otlp_endpoint: None,
        drain: Duration::ZERO,
        audit_details: None,
        audit_retention: Default::default(),
        audit_heads: None,
        grace: ServiceSettings::default().grace,
        tasks: TaskChoice::All,
        lifecycle: LifecycleSettings::DEFAULT,
        plans: plans()?,
        systems: emulators.as_ref().map(Emulators::settings).transpose()?.unwrap_or_default(),
        // Public DNS knows nothing of development.
        domains: configuration::domains(&sources)?.only_named(),
        stripe: Some(billing.settings()?),
        mail: Some(mail.settings()?),
        invitation_life: ServiceSettings::default().invitation_life,
        enrolment_url: None,
        webhooks_private_addresses: true,
        secret_files: Vec::new(),
    };
    let mut running = Running::start(&configuration).await?;
    if emulators.is_some() {
        // They start empty, whatever the store remembers of them.
        dezky::workspace::remark(running.service()).await?;
    }
    // The printed requests work at once: the tenant exists and the keys are known.
    if !running.until_usable().await? {
        return Ok(());
    }
    let address = reachable(running.address());
    let people = People::mint(&issuer);
    // Both have signed in once, so that the administrator has the role and Anna has an id to show.
    let paul = running.sign_in(&people.admin).await?.user.id.to_string();
    let anna = running.sign_in(&people.member).await?.user.id.to_string();
    let origin = format!("http://{address}");
    let webhook = flags.billing_webhook.clone().unwrap_or_else(|| format!("{origin}/billing/stripe/webhook"));
    billing.announce_to(&webhook)?;
    if flags.json {
        print_document(&origin, &issuer, &people, (&anna, &paul), &billing)?;
    } else {
        print_welcome(&origin, &issuer, &flags.data, &people, &anna)?;
    }
    running.until_stopped().await
}

/// Starts the issuer and returns settings that accept its tokens, including those of earlier runs.
///
/// It keeps its key and, if possible, its port; otherwise its former URL stays accepted.
async fn start_issuer(flags: &DevFlags) -> Result<(DevelopmentIssuer, IssuerSettings), Failure> {
    let remembered = flags.data.join("issuer-url");
    let former = match fs::read_to_string(&remembered) {
        Ok(url) => Some(url.trim().to_owned()).filter(|url| !url.is_empty()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(Failure::usage(format!("`{}`: cannot be read ({error})", remembered.display()))),
    };
    let former_port = former.as_deref().and_then(port_of);
    let signing_key = Some(flags.data.join("issuer-key.der"));
    let options = |port| DevelopmentIssuerOptions { port, signing_key: signing_key.clone(), ..Default::default() };
    let issuer = match (flags.issuer_port, former_port) {
        (Some(port), _) => DevelopmentIssuer::start_with(options(port)).await?,
        (None, None) => DevelopmentIssuer::start_with(options(0)).await?,
        (None, Some(port)) => match DevelopmentIssuer::start_with(options(port)).await {
            Ok(issuer) => issuer,
            // The port is in use, or the key is unusable, which the second attempt reports.
            Err(_) => DevelopmentIssuer::start_with(options(0)).await?,
        },
    };
    let mut settings = issuer.settings(IssuerSettings::DEFAULT_ID);
    settings.urls.extend(former.filter(|url| url != issuer.url()));
    fs::write(&remembered, format!("{}\n", issuer.url()))
        .map_err(|error| Failure::usage(format!("`{}`: cannot be written ({error})", remembered.display())))?;
    Ok((issuer, settings))
}

/// Extracts the port of a URL such as `http://127.0.0.1:4711/application/o/dezky/`.
fn port_of(url: &str) -> Option<u16> {
    let authority = url.strip_prefix("http://")?.split('/').next()?;
    authority.rsplit_once(':')?.1.parse().ok()
}

/// Tokens of the users that are printed.
struct People {
    member: String,
    admin: String,
}

impl People {
    fn mint(issuer: &DevelopmentIssuer) -> Self {
        let now = SystemClock.now();
        let member = issuer.claims("anna").person("anna@example.eu", "Anna Example").groups(["dezky"]);
        let admin = issuer.claims("paul").person("paul@example.eu", "Paul Example").groups([ADMIN_GROUP]);
        Self {
            member: issuer.mint(&member.lasting(now, TOKEN_LIFE)),
            admin: issuer.mint(&admin.lasting(now, TOKEN_LIFE)),
        }
    }
}

/// Output line for programs that use this server.
fn print_document(
    origin: &str,
    issuer: &DevelopmentIssuer,
    people: &People,
    (anna, paul): (&str, &str),
    billing: &EmulatedBilling,
) -> Result<(), Failure> {
    let document = json!({
        "billing": billing.document(),
        "origin": origin,
        "issuer": issuer.url(),
        "people": {
            "anna": { "id": anna, "token": people.member },
            "paul": { "id": paul, "token": people.admin },
        },
    });
    let mut output = std::io::stdout().lock();
    writeln!(output, "{document}")?;
    output.flush()?;
    Ok(())
}

/// Returns the request that creates a tenant with a verified domain.
fn new_tenant(origin: &str, token: &str) -> String {
    let body = json!({
        "slug": "acme", "name": "Acme GmbH", "domains": ["acme.eu"],
        "domainVerifications": [{ "name": "acme.eu", "verifiedAt": SystemClock.now() }],
    });
    format!(
        "curl -sS -X POST -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{body}' '{origin}/tenants'"
    )
}

fn print_welcome(
    origin: &str,
    issuer: &DevelopmentIssuer,
    data: &Path,
    people: &People,
    anna: &str,
) -> Result<(), Failure> {
    let curl = |method: &str, token: &str, path: &str| {
        format!("curl -sS{method} -H 'Authorization: Bearer {token}' '{origin}{path}'")
    };
    let revoke = format!("/tenants/dezky/members/{anna}");
    let mut output = std::io::stdout().lock();
    writeln!(output, "Dezky listens on {origin} (data in {}, issuer {})\n", data.display(), issuer.url())?;
    writeln!(output, "Anna, a member of the tenant `dezky`: her profile (token for 12 hours):\n")?;
    writeln!(output, "{}\n", curl("", &people.member, "/users/me"))?;
    writeln!(output, "Paul, an administrator of the platform: all tenants:\n")?;
    writeln!(output, "{}\n", curl("", &people.admin, "/tenants"))?;
    writeln!(
        output,
        "Paul creates a tenant with a verified domain; its group, mail domain and space are set up in emulated systems:\n"
    )?;
    writeln!(output, "{}", new_tenant(origin, &people.admin))?;
    writeln!(output, "{}\n", curl("", &people.admin, "/tenants/acme/workspace"))?;
    writeln!(output, "Paul takes Anna out of the tenant; her next request shows it no more:\n")?;
    writeln!(output, "{}\n", curl(" -X DELETE", &people.admin, &revoke))?;
    writeln!(output, "The API: {origin}/openapi.json. Stop with Ctrl-C.")?;
    output.flush()?;
    Ok(())
}

/// Returns plans to try things with.
fn plans() -> Result<Catalogue, Failure> {
    let plan = |seats, files_gib, features: &[&str], prices: &[&str], trial_days| Plan {
        seats,
        files_gib,
        mailbox_gib: 10,
        features: features.iter().map(|feature| (*feature).to_owned()).collect(),
        prices: prices.iter().map(|price| (*price).to_owned()).collect(),
        trial_days,
    };
    let plans = [
        ("internal", plan(50, 100, &["meetings", "chat"], &[], 0)),
        ("starter", plan(5, 50, &[], &["price_starter"], 14)),
        ("business", plan(25, 500, &["meetings", "chat"], &["price_business"], 14)),
    ];
    let plans = plans.into_iter().map(|(name, plan)| (name.to_owned(), plan)).collect();
    Catalogue::new(plans).map_err(|error| configuration::refuse(error).into())
}
