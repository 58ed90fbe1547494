//! Proof of a domain over real sockets: several servers, DNSSEC from a root of its own, forged and missing signatures.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use dezky::{
    clock::{Clock as _, SystemClock},
    connectors::{DnsAnswer, DnsServers},
    domain::{AddDomain, DomainStatus, TenantDomainView, tenant_domain::SightingOutcome},
    service::{Service, ServiceSettings},
    test_kit::ManualClock,
};
use hickory_resolver::proto::{
    dnssec::{
        DnssecSigner, SigningKey as _, TrustAnchors,
        crypto::Ed25519SigningKey,
        rdata::{DNSKEY, DNSSECRData, NSEC, RRSIG, SigInput},
    },
    op::{Edns, Message, OpCode, ResponseCode},
    rr::{
        DNSClass, Name, RData, Record, RecordSet, RecordType, SerialNumber,
        rdata::{NS, SOA, TXT},
    },
};
use serde_json::json;
use support::{system, tenant};
use tokio::{net::UdpSocket, task::JoinHandle};

/// What a server does with questions about one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Answers, signed.
    Signed,
    /// Answers with a signature of another value.
    Forged,
    /// Answers without the signature that the zone has.
    Stripped,
    /// Fails (SERVFAIL).
    Failing,
    /// Does not answer.
    Silent,
}

/// The records of a root of its own, which is one signed zone but for `open.example`, a delegation without keys.
struct Root {
    signer: DnssecSigner,
    texts: Mutex<Vec<(String, Vec<String>)>>,
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

impl Root {
    fn new() -> (Arc<Self>, Arc<TrustAnchors>) {
        let der = Ed25519SigningKey::generate_pkcs8().unwrap();
        let key = Ed25519SigningKey::from_pkcs8(&der).unwrap();
        let public = key.to_public_key().unwrap();
        let mut anchors = TrustAnchors::empty();
        anchors.insert(&public);
        let day = Duration::from_secs(24 * 60 * 60);
        let signer = DnssecSigner::new(DNSKEY::from_key(&public), Box::new(key), Name::root(), day);
        (Arc::new(Self { signer, texts: Mutex::default() }), Arc::new(anchors))
    }

    fn publish(&self, name: &str, values: &[&str]) {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let mut texts = self.texts.lock().unwrap();
        texts.retain(|(other, _)| other != name);
        texts.push((name.to_owned(), values));
    }

    fn signature(&self, records: &[Record]) -> Record {
        let first = &records[0];
        let mut set = RecordSet::with_ttl(first.name.clone(), first.record_type(), first.ttl);
        set.set_records(records.to_vec());
        let now = u32::try_from(SystemClock.now().seconds()).unwrap();
        let input = SigInput {
            type_covered: first.record_type(),
            algorithm: self.signer.key().algorithm(),
            num_labels: first.name.num_labels(),
            original_ttl: first.ttl,
            sig_expiration: SerialNumber::new(now + 86_400),
            sig_inception: SerialNumber::new(now - 3_600),
            key_tag: self.signer.calculate_key_tag().unwrap(),
            signer_name: Name::root(),
        };
        let signed = hickory_resolver::proto::dnssec::TBS::from_input(
            &first.name,
            DNSClass::IN,
            &input,
            set.records_without_rrsigs(),
        );
        let signature = RRSIG::from_sig(input, self.signer.sign(&signed.unwrap()).unwrap());
        Record::from_rdata(first.name.clone(), first.ttl, RData::DNSSEC(DNSSECRData::RRSIG(signature)))
    }

    /// Returns the answer and the proof that there is none.
    fn records(&self, asked: &Name, kind: RecordType, manner: Manner) -> (Vec<Record>, Vec<Record>) {
        let record = |data: RData| Record::from_rdata(asked.clone(), 60, data);
        let text = asked.to_ascii().trim_end_matches('.').to_owned();
        let below_open = text.ends_with(".open.example");
        let texts = self.texts.lock().unwrap();
        let published = texts.iter().find(|(name, _)| *name == text).map(|(_, values)| values.clone());
        let mut answers: Vec<Record> = match kind {
            RecordType::DNSKEY if asked.is_root() => {
                vec![record(RData::DNSSEC(DNSSECRData::DNSKEY(self.signer.to_dnskey())))]
            }
            RecordType::NS if text == "open.example" => vec![record(RData::NS(NS(name("ns.open.example."))))],
            RecordType::TXT => {
                published.iter().flatten().map(|value| record(RData::TXT(TXT::new(vec![value.clone()])))).collect()
            }
            _ => Vec::new(),
        };
        let mut proof = Vec::new();
        if answers.is_empty() {
            let soa = SOA::new(name("ns.example."), name("admin.example."), 1, 60, 60, 60, 60);
            proof.push(Record::from_rdata(Name::root(), 60, RData::SOA(soa)));
            if !below_open {
                proof.push(self.signature(&proof));
                let next = Name::from_labels(std::iter::once(&b"\0"[..]).chain(asked.iter())).unwrap();
                let there = if text == "open.example" { vec![RecordType::NS] } else { Vec::new() };
                let nsec = record(RData::DNSSEC(DNSSECRData::NSEC(NSEC::new_cover_self(next, there))));
                proof.push(self.signature(std::slice::from_ref(&nsec)));
                proof.push(nsec);
            }
        } else if !below_open && kind != RecordType::NS {
            match manner {
                Manner::Forged if kind == RecordType::TXT => {
                    let genuine = vec![record(RData::TXT(TXT::new(vec!["another value".to_owned()])))];
                    answers.push(self.signature(&genuine));
                }
                Manner::Stripped if kind == RecordType::TXT => {}
                _ => answers.push(self.signature(&answers)),
            }
        }
        (answers, proof)
    }
}

/// A DNS server over the records of a root.
struct Server {
    address: SocketAddr,
    manner: Arc<Mutex<Manner>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(root: &Arc<Root>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let manner = Arc::new(Mutex::new(Manner::Signed));
        let (root, acts) = (Arc::clone(root), Arc::clone(&manner));
        let task = tokio::spawn(async move {
            let mut buffer = [0; 4096];
            loop {
                let (length, peer) = socket.recv_from(&mut buffer).await.unwrap();
                let manner = *acts.lock().unwrap();
                if manner == Manner::Silent {
                    continue;
                }
                let question = Message::from_vec(&buffer[..length]).unwrap();
                let query = question.queries[0].clone();
                let mut answer = Message::response(question.metadata.id, OpCode::Query);
                answer.metadata.recursion_available = true;
                if manner == Manner::Failing {
                    answer.metadata.response_code = ResponseCode::ServFail;
                } else {
                    let (answers, proof) = root.records(query.name(), query.query_type(), manner);
                    answer.insert_answers(answers);
                    answer.insert_authorities(proof);
                }
                answer.add_query(query);
                let mut edns = Edns::new();
                edns.set_dnssec_ok(true).set_max_payload(1_232);
                answer.edns = Some(edns);
                socket.send_to(&answer.to_vec().unwrap(), peer).await.unwrap();
            }
        });
        Self { address, manner, task }
    }

    fn acts(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }
}

async fn three(root: &Arc<Root>) -> [Server; 3] {
    [Server::start(root).await, Server::start(root).await, Server::start(root).await]
}

fn addresses(servers: &[Server]) -> Vec<SocketAddr> {
    servers.iter().map(|server| server.address).collect()
}

async fn told(dns: &DnsServers, name: &str) -> DnsAnswer {
    dns.ask("TXT", name).await.remove(0).1
}

#[tokio::test]
async fn signed_answers_are_validated_and_unsigned_zones_are_as_good_as_before() {
    let (root, anchors) = Root::new();
    let server = Server::start(&root).await;
    let dns = DnsServers::anchored(&[server.address], Some(anchors));
    for name in ["_dezky-challenge.signed.example", "_dezky-challenge.open.example"] {
        root.publish(name, &["one", "two"]);
        assert_eq!(told(&dns, name).await, DnsAnswer::Values(vec!["one".to_owned(), "two".to_owned()]), "{name}");
    }
    // Absent, with a proof and below the delegation without keys.
    for name in ["_dezky-challenge.none.example", "_other.open.example"] {
        assert_eq!(told(&dns, name).await, DnsAnswer::Values(Vec::new()), "{name}");
    }
    for manner in [Manner::Forged, Manner::Stripped] {
        server.acts(manner);
        let answer = told(&dns, "_dezky-challenge.signed.example").await;
        assert!(matches!(answer, DnsAnswer::Bogus(_)), "{manner:?}: {answer:?}");
    }
    server.acts(Manner::Failing);
    let answer = told(&dns, "_dezky-challenge.signed.example").await;
    assert!(matches!(answer, DnsAnswer::Nothing(_)), "{answer:?}");
    // Another root's keys prove nothing.
    server.acts(Manner::Signed);
    let (_, others) = Root::new();
    let answer = told(&DnsServers::anchored(&[server.address], Some(others)), "_dezky-challenge.signed.example").await;
    assert!(matches!(answer, DnsAnswer::Bogus(_)), "{answer:?}");
    // Not validated, a forged answer is believed.
    server.acts(Manner::Forged);
    let answer = told(&DnsServers::new(&[server.address], false), "_dezky-challenge.signed.example").await;
    assert_eq!(answer, DnsAnswer::Values(vec!["one".to_owned(), "two".to_owned()]));
}

#[tokio::test]
async fn answers_are_bounded_in_time_and_size() {
    let (root, _) = Root::new();
    let servers = three(&root).await;
    let dns = DnsServers::new(&addresses(&servers), false);
    let long = "x".repeat(250);
    root.publish("long.example", &[&long]);
    servers[1].acts(Manner::Silent);
    let answers = dns.ask("TXT", "long.example").await;
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[0].1, DnsAnswer::Values(vec![long]));
    assert!(matches!(answers[1].1, DnsAnswer::Nothing(_)), "{:?}", answers[1]);
    assert_eq!(answers[1].0, servers[1].address.to_string());
    assert!(dns.ask("NONSENSE", "long.example").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_proven_by_what_most_servers_have() {
    let (root, anchors) = Root::new();
    let servers = three(&root).await;
    let dns = DnsServers::anchored(&addresses(&servers), Some(anchors));
    let fixture = support::sqlite();
    let clock = Arc::new(ManualClock::at_now());
    let service = Service::new(Arc::clone(&fixture.store), clock.clone(), ServiceSettings::default())
        .with_records(Some(Arc::new(dns)));
    let acme = tenant(&service, "acme").await;
    let input = AddDomain::read(json!({"name": "acme.example"})).unwrap();
    let claim = service.add_domain(&system(), &acme.into(), input).await.unwrap().value;
    let record = claim.challenge.unwrap();
    root.publish(&record.name, &["v=spf1 -all", &record.value]);
    let check = async || -> TenantDomainView {
        clock.advance(Duration::from_secs(10));
        service.check_domain(&system(), &acme.into(), "acme.example").await.unwrap().value
    };
    let outcomes = |shown: &TenantDomainView| shown.sightings.iter().map(|one| one.outcome).collect::<Vec<_>>();
    servers[0].acts(Manner::Failing);
    servers[1].acts(Manner::Failing);
    let shown = check().await;
    assert_eq!(shown.status, DomainStatus::Pending);
    assert_eq!(outcomes(&shown), [SightingOutcome::Unanswered, SightingOutcome::Unanswered, SightingOutcome::Seen]);
    servers[0].acts(Manner::Signed);
    servers[1].acts(Manner::Forged);
    let shown = check().await;
    assert_eq!(shown.status, DomainStatus::Pending, "a forged answer is refused, though two agree");
    assert_eq!(outcomes(&shown), [SightingOutcome::Seen, SightingOutcome::Bogus, SightingOutcome::Seen]);
    servers[1].acts(Manner::Failing);
    assert_eq!(check().await.status, DomainStatus::Verified);
}
