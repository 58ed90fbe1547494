//! Several DNS servers, each of which is asked by itself: what they do not agree on is not proven.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::future;
use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{dnssec::TrustAnchors, rr::RecordType},
    system_conf::read_system_conf,
};
use tokio::{sync::OnceCell, time::timeout};

use super::dns::presented;

/// Time limit for one question to one server, with the questions that DNSSEC adds.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Number of servers that are asked.
const MOST_SERVERS: usize = 8;

/// Number of records of one name that are compared.
const MOST_RECORDS: usize = 50;

/// Number of characters of a value that are kept.
const MOST_CHARACTERS: usize = 1_000;

/// The answer of a DNS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DnsAnswer {
    /// Values in presentation format, a `TXT` value as one text without quotes; empty if there are none.
    Values(Vec<String>),
    /// No usable answer, with the reason.
    Nothing(String),
    /// An answer that DNSSEC proves to be false, or whose signature is missing though the zone is signed.
    Bogus(String),
}

/// DNS servers, asked one by one: those named, or those of this machine's configuration.
///
/// Answers are validated by DNSSEC from the root on, unless that is off. Zones without signatures are as good as before.
#[derive(Clone)]
pub struct DnsServers {
    servers: Vec<SocketAddr>,
    anchors: Option<Arc<TrustAnchors>>,
    resolvers: Arc<OnceCell<Vec<(String, TokioResolver)>>>,
}

impl fmt::Debug for DnsServers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DnsServers").field("servers", &self.servers).finish_non_exhaustive()
    }
}

impl DnsServers {
    /// Asks these servers, 8 at most; without any, those of this machine's configuration, which is read at the first question.
    #[must_use]
    pub fn new(servers: &[SocketAddr], validates: bool) -> Self {
        Self::anchored(servers, validates.then(|| Arc::new(TrustAnchors::default())))
    }

    /// Does the same with keys of one's own instead of the root's.
    #[must_use]
    pub fn anchored(servers: &[SocketAddr], anchors: Option<Arc<TrustAnchors>>) -> Self {
        Self { servers: servers.to_vec(), anchors, resolvers: Arc::default() }
    }

    /// Returns `true` if the servers are named, and not those of this machine's configuration.
    #[must_use]
    pub fn are_named(&self) -> bool {
        !self.servers.is_empty()
    }

    /// Asks each server for the records of a name, all at the same time. Needs a tokio runtime.
    pub async fn ask(&self, kind: &str, name: &str) -> Vec<(String, DnsAnswer)> {
        let Ok(kind) = kind.parse::<RecordType>() else { return Vec::new() };
        let resolvers = match self.resolvers.get_or_try_init(|| async { self.resolvers() }).await {
            Ok(resolvers) => resolvers,
            Err(why) => return vec![("this machine's".to_owned(), DnsAnswer::Nothing(why))],
        };
        let asked = resolvers.iter().map(|(server, resolver)| async move {
            let answer = timeout(TIMEOUT, look_up(resolver, kind, name)).await;
            (server.clone(), answer.unwrap_or_else(|_| DnsAnswer::Nothing("no answer in time".to_owned())))
        });
        future::join_all(asked).await
    }

    fn resolvers(&self) -> Result<Vec<(String, TokioResolver)>, String> {
        let servers = if self.servers.is_empty() { system_servers()? } else { self.servers.clone() };
        servers.into_iter().take(MOST_SERVERS).map(|server| Ok((shown(server), self.resolver(server)?))).collect()
    }

    fn resolver(&self, server: SocketAddr) -> Result<TokioResolver, String> {
        let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
        connections.iter_mut().for_each(|connection| connection.port = server.port());
        let servers = vec![NameServerConfig::new(server.ip(), true, connections)];
        let configuration = ResolverConfig::from_name_servers(servers);
        let mut builder = TokioResolver::builder_with_config(configuration, TokioRuntimeProvider::default());
        let options = builder.options_mut();
        options.use_hosts_file = ResolveHosts::Never;
        // What was just published has to be seen.
        options.cache_size = 0;
        options.timeout = TIMEOUT / 2;
        if let Some(anchors) = &self.anchors {
            builder = builder.with_trust_anchor(Arc::clone(anchors));
        }
        builder.build().map_err(|error| format!("the server `{server}` cannot be used: {error}"))
    }
}

fn shown(server: SocketAddr) -> String {
    if server.port() == 53 { server.ip().to_string() } else { server.to_string() }
}

fn system_servers() -> Result<Vec<SocketAddr>, String> {
    let (configuration, _) = read_system_conf().map_err(|error| {
        format!(
            "the machine's DNS configuration cannot be used ({error}): see /etc/resolv.conf, or set `DEZKY_DNS_SERVERS`"
        )
    })?;
    let servers = configuration.name_servers.iter().map(|server| SocketAddr::new(server.ip, 53)).collect::<Vec<_>>();
    if servers.is_empty() {
        return Err("the machine has no DNS server: set `DEZKY_DNS_SERVERS`".to_owned());
    }
    Ok(servers)
}

async fn look_up(resolver: &TokioResolver, kind: RecordType, name: &str) -> DnsAnswer {
    // Absolute, so that no search domain of this machine is appended.
    match resolver.lookup(format!("{name}."), kind).await {
        Ok(found) => {
            let of_kind = found.answers().iter().filter(|record| record.record_type() == kind);
            let values = of_kind.take(MOST_RECORDS).map(presented);
            DnsAnswer::Values(values.map(|value| value.chars().take(MOST_CHARACTERS).collect()).collect())
        }
        Err(NetError::Dns(DnsError::DnssecBogus)) => {
            DnsAnswer::Bogus("the DNSSEC signature is missing or not valid".to_owned())
        }
        Err(NetError::Dns(DnsError::Nsec { proof, .. })) if proof.is_bogus() => {
            DnsAnswer::Bogus("DNSSEC does not prove that the record is absent".to_owned())
        }
        Err(NetError::Dns(DnsError::Nsec { .. })) => DnsAnswer::Values(Vec::new()),
        Err(error) if error.is_no_records_found() || error.is_nx_domain() => DnsAnswer::Values(Vec::new()),
        Err(error) => DnsAnswer::Nothing(error.to_string().chars().take(200).collect()),
    }
}
