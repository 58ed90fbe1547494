//! Questions about DNS records over a real socket: the answers of a server, and a server that gives none.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use dezky::connectors::{ConnectorError, Dns as _, SystemDns};
use hickory_resolver::proto::{
    op::{Message, OpCode, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{CNAME, MX, SRV, TXT},
    },
};
use tokio::{net::UdpSocket, task::JoinHandle};

/// A DNS server with a few names.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn records(asked: &str, kind: RecordType) -> Result<Vec<Record>, ResponseCode> {
    let record = |of: &str, data: RData| Record::from_rdata(name(of), 60, data);
    match (asked, kind) {
        ("acme.eu.", RecordType::MX) => Ok(vec![record(asked, RData::MX(MX::new(10, name("mail.example.eu."))))]),
        // A key is longer than one string of a record may be.
        ("key._domainkey.acme.eu.", RecordType::TXT) => {
            let parts = vec!["v=DKIM1; k=rsa; p=".to_owned() + &"A".repeat(230), "BCD".to_owned()];
            Ok(vec![record(asked, RData::TXT(TXT::new(parts)))])
        }
        ("_jmap._tcp.acme.eu.", RecordType::SRV) => {
            Ok(vec![record(asked, RData::SRV(SRV::new(0, 1, 443, name("mail.example.eu."))))])
        }
        ("autoconfig.acme.eu.", RecordType::TXT) => Ok(vec![
            record(asked, RData::CNAME(CNAME(name("other.acme.eu.")))),
            record("other.acme.eu.", RData::TXT(TXT::new(vec!["found behind another name".to_owned()]))),
        ]),
        ("acme.eu.", _) => Ok(Vec::new()),
        ("broken.eu.", _) => Err(ResponseCode::ServFail),
        _ => Err(ResponseCode::NXDomain),
    }
}

async fn server(answers: bool) -> Server {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let task = tokio::spawn(async move {
        let mut buffer = [0; 4096];
        loop {
            let (length, peer) = socket.recv_from(&mut buffer).await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            if !answers {
                continue;
            }
            let question = Message::from_vec(&buffer[..length]).unwrap();
            let query = question.queries[0].clone();
            let mut answer = Message::response(question.metadata.id, OpCode::Query);
            answer.metadata.recursion_available = true;
            match records(&query.name().to_ascii(), query.query_type()) {
                Ok(records) => answer.insert_answers(records),
                Err(code) => answer.metadata.response_code = code,
            }
            answer.add_query(query);
            socket.send_to(&answer.to_vec().unwrap(), peer).await.unwrap();
        }
    });
    Server { address, asked, task }
}

#[tokio::test]
async fn records_come_as_they_are_compared() {
    let server = server(true).await;
    let dns = SystemDns::of(&[server.address]).unwrap();
    assert_eq!(dns.lookup("MX", "acme.eu").await.unwrap(), ["10 mail.example.eu."]);
    let key = dns.lookup("TXT", "key._domainkey.acme.eu").await.unwrap();
    assert_eq!(key, [format!("v=DKIM1; k=rsa; p={}BCD", "A".repeat(230))], "one text, however it was cut");
    assert_eq!(dns.lookup("SRV", "_jmap._tcp.acme.eu").await.unwrap(), ["0 1 443 mail.example.eu."]);
    assert_eq!(dns.lookup("TXT", "autoconfig.acme.eu").await.unwrap(), ["found behind another name"]);
    // Neither records of the type nor the name: there are none, which is no failure.
    for absent in ["acme.eu", "nobody.eu"] {
        assert!(dns.lookup("TXT", absent).await.unwrap().is_empty(), "{absent}");
    }
    // What was just published is seen: nothing is remembered.
    let before = server.asked.load(Ordering::SeqCst);
    dns.lookup("MX", "acme.eu").await.unwrap();
    assert!(server.asked.load(Ordering::SeqCst) > before);
}

#[tokio::test]
async fn a_failure_is_no_absence() {
    let server = server(true).await;
    let dns = SystemDns::of(&[server.address]).unwrap();
    let failed = dns.lookup("MX", "broken.eu").await.unwrap_err();
    assert!(failed.may_retry() && failed.to_string().contains("broken.eu"), "{failed}");
    let refused = dns.lookup("NONSENSE", "acme.eu").await.unwrap_err();
    assert!(matches!(refused, ConnectorError::Rejected { .. }), "{refused}");
    assert!(SystemDns::of(&[]).is_err());
}

#[tokio::test]
async fn the_next_server_is_asked_where_one_is_silent() {
    let (silent, speaking) = (server(false).await, server(true).await);
    let dns = SystemDns::of(&[silent.address, speaking.address]).unwrap();
    for _ in 0..3 {
        assert_eq!(dns.lookup("MX", "acme.eu").await.unwrap(), ["10 mail.example.eu."]);
    }
    assert!(speaking.asked.load(Ordering::SeqCst) >= 3);
    let alone = SystemDns::of(&[silent.address]).unwrap();
    assert!(alone.lookup("MX", "acme.eu").await.unwrap_err().may_retry());
}
