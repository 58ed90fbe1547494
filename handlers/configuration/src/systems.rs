//! The systems behind tenants: where they are, and with which credentials.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use dezky::{
    Result,
    connectors::{
        ConnectorSettings, Dns, Secret, SystemDns, authentik::Authentik, ocis::OcisFiles, stalwart::Stalwart,
    },
    domain::{
        plan::Catalogue,
        workspace::{SystemKind, address_of},
    },
    outbound::{CertificateAuthorities, PlainHttp, Url},
    service::ServiceSettings,
    workspace::{Drift, Systems, WorkspaceSettings},
};

use super::{
    secrets::{self, SecretFile},
    settings::{self, Setting},
    sources::{Origin, Sources, refuse},
};

/// Maximum grace period in days.
const MOST_DAYS: u64 = 3_650;

/// Settings of the systems behind tenants.
#[derive(Debug, Clone, Default)]
pub struct SystemsSettings {
    /// Identity: Authentik.
    pub authentik: Option<ConnectorSettings>,
    /// Mail: Stalwart.
    pub stalwart: Option<ConnectorSettings>,
    /// Files: ownCloud Infinite Scale.
    pub ocis: Option<ConnectorSettings>,
    /// Address templates of systems that no connector reaches.
    pub by_hand: BTreeMap<SystemKind, String>,
    /// Quotas and intervals.
    pub workspace: WorkspaceSettings,
    /// Treatment of differences that nobody has asked for in Dezky.
    pub drift: Drift,
    /// Servers that are asked instead of those of this machine's configuration.
    pub dns_servers: Vec<SocketAddr>,
    /// `true` if public DNS is asked for the records of mail domains.
    pub checks_dns: bool,
}

/// The settings of one system.
pub(super) struct Names {
    pub(super) url: &'static Setting,
    pub(super) user: &'static Setting,
    pub(super) secret: &'static Setting,
    pub(super) secret_file: &'static Setting,
    pub(super) described: &'static str,
}

const AUTHENTIK: Names = Names {
    url: &settings::AUTHENTIK_URL,
    user: &settings::AUTHENTIK_USER,
    secret: &settings::AUTHENTIK_SECRET,
    secret_file: &settings::AUTHENTIK_SECRET_FILE,
    described: "the credential of Authentik",
};
const STALWART: Names = Names {
    url: &settings::STALWART_URL,
    user: &settings::STALWART_USER,
    secret: &settings::STALWART_SECRET,
    secret_file: &settings::STALWART_SECRET_FILE,
    described: "the credential of Stalwart",
};
const OCIS: Names = Names {
    url: &settings::OCIS_URL,
    user: &settings::OCIS_USER,
    secret: &settings::OCIS_SECRET,
    secret_file: &settings::OCIS_SECRET_FILE,
    described: "the credential of ownCloud Infinite Scale",
};

impl SystemsSettings {
    /// Creates the connectors.
    ///
    /// # Errors
    /// Kind `Configuration` when a URL or a credential cannot be used.
    pub fn connect(&self) -> Result<Systems> {
        let refused = |name: &Names| {
            let variable = name.url.variable;
            move |error: dezky::connectors::ConnectorError| refuse(format!("`{variable}`: {error}"))
        };
        let mut systems = Systems { drift: self.drift, by_hand: self.by_hand.clone(), ..Systems::default() };
        if let Some(settings) = &self.authentik {
            systems.identity = Some(Arc::new(Authentik::new(settings).map_err(refused(&AUTHENTIK))?));
        }
        if let Some(settings) = &self.stalwart {
            systems.dns = self.dns()?;
            systems.mail = Some(Arc::new(Stalwart::new(settings).map_err(refused(&STALWART))?));
        }
        if let Some(settings) = &self.ocis {
            systems.files = Some(Arc::new(OcisFiles::new(settings).map_err(refused(&OCIS))?));
        }
        Ok(systems)
    }

    fn dns(&self) -> Result<Option<Arc<dyn Dns>>> {
        if !self.checks_dns {
            return Ok(None);
        }
        let servers = &self.dns_servers;
        let dns = if servers.is_empty() { SystemDns::new() } else { SystemDns::of(servers) };
        let dns = dns.map_err(|error| refuse(format!("`{}`: {error}", settings::DNS_SERVERS.variable)))?;
        Ok(Some(Arc::new(dns)))
    }

    /// Returns the kinds of systems that are configured.
    #[must_use]
    pub fn kinds(&self) -> Vec<SystemKind> {
        let configured = [
            (SystemKind::Identity, self.authentik.is_some()),
            (SystemKind::Mail, self.stalwart.is_some()),
            (SystemKind::Files, self.ocis.is_some()),
        ];
        let reached = configured.into_iter().filter_map(|(kind, configured)| configured.then_some(kind));
        reached.chain(self.by_hand.keys().copied()).collect()
    }

    /// Returns the addresses of the systems that people go to themselves.
    #[must_use]
    pub fn addresses(&self) -> BTreeMap<SystemKind, String> {
        let of = |settings: &Option<ConnectorSettings>| settings.as_ref().map(|settings| settings.url.to_string());
        let files = of(&self.ocis).map(|url| (SystemKind::Files, url));
        let identity = of(&self.authentik).map(|url| (SystemKind::Identity, url));
        files.into_iter().chain(identity).chain(self.by_hand.clone()).collect()
    }
}

/// Reads the settings of all systems.
pub(super) fn read(sources: &Sources, extra_ca: Option<&[u8]>, plans: Catalogue) -> Result<SystemsSettings> {
    let authorities = extra_ca.map(CertificateAuthorities::from_pem).transpose()?.unwrap_or_default();
    let system = |names| system(sources, names, &authorities);
    Ok(SystemsSettings {
        authentik: system(&AUTHENTIK)?,
        stalwart: system(&STALWART)?,
        ocis: system(&OCIS)?,
        by_hand: by_hand(sources)?,
        workspace: WorkspaceSettings {
            plans,
            public_domain: super::values::public_domain(sources)?,
            ..WorkspaceSettings::default()
        },
        drift: drift(sources)?,
        dns_servers: dns_servers(sources)?,
        checks_dns: true,
    })
}

/// Lists the files that contain credentials of systems.
pub(super) fn secret_files(sources: &Sources) -> Result<Vec<SecretFile>> {
    let mut files = Vec::new();
    for names in [&AUTHENTIK, &STALWART, &OCIS] {
        if let Some(found) = sources.find(names.secret_file)? {
            files.push(SecretFile { path: found.text.into(), secret: names.described });
        }
        if let Some(Origin::File { file, .. }) = sources.find(names.secret)?.map(|found| found.origin) {
            files.push(SecretFile { path: file, secret: names.described });
        }
    }
    Ok(files)
}

fn system(sources: &Sources, names: &Names, authorities: &CertificateAuthorities) -> Result<Option<ConnectorSettings>> {
    let Some(found) = sources.find(names.url)? else {
        for other in [names.user, names.secret, names.secret_file] {
            if let Some(found) = sources.find(other)? {
                return Err(
                    found.refuse(format!("has no use without `{}`: set that too, or remove it", names.url.variable))
                );
            }
        }
        return Ok(None);
    };
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    let Some(url) = Url::parse(&found.text).ok().filter(plain) else {
        return Err(found.refuse("must be a URL without user name and query, such as `https://auth.example.eu`"));
    };
    let secret = secret(sources, names)?;
    let secret = match sources.find(names.user)? {
        Some(user) => Secret::Basic { user: user.text, password: secret },
        None => Secret::Bearer(secret),
    };
    let mut settings = ConnectorSettings::new(url, secret);
    // A system beside this one in a private network often has no certificate; its operator says so by the scheme.
    if settings.url.scheme() == "http" {
        settings.plain_http = PlainHttp::Anywhere;
    }
    settings.authorities = authorities.clone();
    Ok(Some(settings))
}

/// Reads a secret from the environment, or from a file.
pub(super) fn secret(sources: &Sources, names: &Names) -> Result<String> {
    match (sources.find(names.secret)?, sources.find(names.secret_file)?) {
        (Some(_), Some(file)) => {
            Err(file.refuse(format!("`{}` is set too: remove one of the two", names.secret.variable)))
        }
        (Some(found), None) => Ok(found.text),
        (None, Some(found)) => secrets::read(&found, Path::new(&found.text)),
        (None, None) => Err(refuse(format!(
            "`{}` needs a credential: set `{}`, or `{}` to a file that has it",
            names.url.variable, names.secret.variable, names.secret_file.variable
        ))),
    }
}

/// Reads the address templates of systems by hand: `https://{slug}.chat.example.eu`, or one with the slug in its path.
fn by_hand(sources: &Sources) -> Result<BTreeMap<SystemKind, String>> {
    let mut addresses = BTreeMap::new();
    for (kind, setting) in [(SystemKind::Meetings, &settings::MEETINGS_URL), (SystemKind::Chat, &settings::CHAT_URL)] {
        let Some(found) = sources.find(setting)? else { continue };
        let example = address_of(&found.text, "acme");
        let is_address = Url::parse(&example).is_ok_and(|url| url.scheme() == "https" && url.has_host());
        if !is_address || example == found.text {
            let advice = "must be an address with `{slug}` in the place of the tenant's slug, such as";
            return Err(found.refuse(format!("{advice} `https://{{slug}}.chat.example.eu`")));
        }
        addresses.insert(kind, found.text);
    }
    Ok(addresses)
}

/// Reads the addresses of DNS servers; port 53 where none is named.
pub(super) fn dns_servers(sources: &Sources) -> Result<Vec<SocketAddr>> {
    let Some(found) = sources.find(&settings::DNS_SERVERS)? else { return Ok(Vec::new()) };
    let read = |text: &str| {
        let alone = || text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
        text.parse::<SocketAddr>().or_else(|_| alone())
    };
    let servers = found.text.split(',').map(str::trim).filter(|text| !text.is_empty());
    let servers = servers.map(|text| {
        let refused = |_| found.refuse(format!("`{}` must be an address such as `9.9.9.9`", text.escape_debug()));
        read(text).map_err(refused)
    });
    servers.collect()
}

/// Reads the grace period.
pub(super) fn grace(sources: &Sources) -> Result<Duration> {
    days(sources, &settings::WORKSPACE_GRACE_DAYS, ServiceSettings::default().grace)
}

/// Reads a number of days.
pub(super) fn days(sources: &Sources, setting: &'static Setting, default: Duration) -> Result<Duration> {
    let Some(found) = sources.find(setting)? else { return Ok(default) };
    match found.text.parse::<u64>() {
        Ok(days) if days <= MOST_DAYS => Ok(Duration::from_secs(days * 24 * 60 * 60)),
        _ => Err(found.refuse(format!("`{}` must be 0 to {MOST_DAYS} days", found.text.escape_debug()))),
    }
}

fn drift(sources: &Sources) -> Result<Drift> {
    let Some(found) = sources.find(&settings::WORKSPACE_DRIFT)? else { return Ok(Drift::default()) };
    match found.text.as_str() {
        "repair" => Ok(Drift::Repair),
        "report" => Ok(Drift::Report),
        other => Err(found.refuse(format!("`{}` must be `repair` or `report`", other.escape_debug()))),
    }
}
