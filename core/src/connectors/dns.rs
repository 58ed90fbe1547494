//! Public DNS, to see if the owner of a domain has published what the mail system asks for.

use std::{fmt, net::SocketAddr, time::Duration};

use async_trait::async_trait;
use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::{RData, Record, RecordType},
};
use tokio::time::timeout;

use super::{ConnectorError, ConnectorResult};

/// Time limit for one question.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Number of records of one name that are compared.
const MOST_RECORDS: usize = 100;

/// Answers questions about DNS records.
#[async_trait]
pub trait Dns: Send + Sync + fmt::Debug {
    /// Returns the values of a name's records of a type, in presentation format; a `TXT` value is one text without quotes. A
    /// name without such records has none.
    async fn lookup(&self, kind: &str, name: &str) -> ConnectorResult<Vec<String>>;
}

/// DNS servers: those of this machine's configuration, or others.
#[derive(Clone)]
pub struct SystemDns(TokioResolver);

impl fmt::Debug for SystemDns {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SystemDns")
    }
}

impl SystemDns {
    /// Reads the configuration of this machine. Needs a tokio runtime.
    ///
    /// # Errors
    /// `Rejected` when it cannot be read.
    pub fn new() -> ConnectorResult<Self> {
        let rejected = |error: hickory_resolver::net::NetError| ConnectorError::Rejected {
            why: format!("the machine's DNS configuration cannot be used ({error}): see /etc/resolv.conf"),
        };
        Ok(Self(TokioResolver::builder_tokio().map_err(rejected)?.build().map_err(rejected)?))
    }

    /// Asks these servers instead of those of this machine, over UDP and, for long answers, TCP. Needs a tokio runtime.
    ///
    /// The next server is asked where one does not answer. `/etc/hosts` is no public DNS, and not read.
    ///
    /// # Errors
    /// `Rejected` when there is no server.
    pub fn of(servers: &[SocketAddr]) -> ConnectorResult<Self> {
        if servers.is_empty() {
            return Err(ConnectorError::Rejected { why: "there is no DNS server to ask: name one".to_owned() });
        }
        let servers = servers.iter().map(|server| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            connections.iter_mut().for_each(|connection| connection.port = server.port());
            // A server that does not know a name yet must not hide what another knows.
            NameServerConfig::new(server.ip(), false, connections)
        });
        let configuration = ResolverConfig::from_name_servers(servers.collect());
        let provider = TokioRuntimeProvider::default();
        let mut builder = TokioResolver::builder_with_config(configuration, provider);
        builder.options_mut().use_hosts_file = ResolveHosts::Never;
        // What was just published has to be seen.
        builder.options_mut().cache_size = 0;
        let rejected = |error: hickory_resolver::net::NetError| ConnectorError::Rejected {
            why: format!("the DNS servers cannot be used ({error})"),
        };
        Ok(Self(builder.build().map_err(rejected)?))
    }
}

#[async_trait]
impl Dns for SystemDns {
    async fn lookup(&self, kind: &str, name: &str) -> ConnectorResult<Vec<String>> {
        let unknown =
            || ConnectorError::Rejected { why: format!("`{kind}` is no type of DNS records that is looked up") };
        let kind: RecordType = kind.parse().map_err(|_| unknown())?;
        let silent = |why: String| ConnectorError::Retryable { after: None, why };
        // Absolute, so that no search domain of this machine is appended.
        let asked = timeout(TIMEOUT, self.0.lookup(format!("{name}."), kind)).await;
        match asked.map_err(|_| silent(format!("no answer of DNS about `{name}` in time")))? {
            Ok(found) => {
                let of_kind = found.answers().iter().filter(|record| record.record_type() == kind);
                Ok(of_kind.take(MOST_RECORDS).map(presented).collect())
            }
            Err(error) if error.is_no_records_found() || error.is_nx_domain() => Ok(Vec::new()),
            Err(error) => Err(silent(format!("DNS does not answer about `{name}`: {error}"))),
        }
    }
}

/// Returns the value of a record in presentation format.
pub(super) fn presented(record: &Record) -> String {
    match &record.data {
        RData::TXT(text) => text.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect::<Vec<_>>().concat(),
        other => other.to_string(),
    }
}
