//! DNS servers as the use cases see them.

use async_trait::async_trait;

use crate::{
    connectors::{DnsAnswer, DnsServers},
    service::{PublicRecords, Told},
};

#[async_trait]
impl PublicRecords for DnsServers {
    async fn ask(&self, kind: &str, name: &str) -> Vec<(String, Told)> {
        let told = |answer| match answer {
            DnsAnswer::Values(values) => Told::Values(values),
            DnsAnswer::Nothing(why) => Told::Nothing(why),
            DnsAnswer::Bogus(why) => Told::Bogus(why),
        };
        DnsServers::ask(self, kind, name).await.into_iter().map(|(server, answer)| (server, told(answer))).collect()
    }
}
