//! DNS records that the system asks the owner of a domain to publish.

use std::fmt::Write as _;

use super::state::{Signature, State};

/// Name of the emulated machine.
pub(super) const HOST: &str = "mail.stalwart.internal";

/// A record: type, name and value. Names end with a dot.
pub(super) type Record = (&'static str, String, String);

/// Returns the records of 0.16.
pub(super) fn records(state: &State, domain: &str) -> Vec<Record> {
    let mut records = keys(state, domain);
    let at_host = || format!("{HOST}.");
    records.push(("TXT", format!("{domain}."), "v=spf1 mx -all".to_owned()));
    records.push(("MX", format!("{domain}."), format!("10 {HOST}.")));
    let report = format!("rua=mailto:postmaster@{domain}");
    records.push(("TXT", format!("_dmarc.{domain}."), format!("v=DMARC1; p=reject; {report}")));
    let services =
        [("caldavs", 443), ("carddavs", 443), ("imaps", 993), ("jmap", 443), ("pop3s", 995), ("submissions", 465)];
    for (service, port) in services {
        records.push(("SRV", format!("_{service}._tcp.{domain}."), format!("0 1 {port} {HOST}.")));
    }
    records.push(("CNAME", format!("mta-sts.{domain}."), at_host()));
    records.push(("TXT", format!("_mta-sts.{domain}."), "v=STSv1; id=16020417812473402197".to_owned()));
    records.push(("TXT", format!("_smtp._tls.{domain}."), format!("v=TLSRPTv1; {report}")));
    records.push(("CNAME", format!("ua-auto-config.{domain}."), at_host()));
    let digest = "v=UAAC1; a=sha256; d=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    records.push(("TXT", format!("_ua-auto-config.{domain}."), digest.to_owned()));
    records.push(("CNAME", format!("autoconfig.{domain}."), at_host()));
    records.push(("CNAME", format!("autodiscover.{domain}."), at_host()));
    records
}

/// Returns the records of 0.15.
pub(super) fn records_before(state: &State, domain: &str) -> Vec<Record> {
    let mut records = vec![
        ("MX", format!("{domain}."), format!("10 {HOST}.")),
        ("CNAME", format!("mail.{domain}."), format!("{HOST}.")),
    ];
    records.extend(keys(state, domain));
    records.push(("TXT", format!("{domain}."), "v=spf1 mx ra=postmaster -all".to_owned()));
    for (service, port) in [("imaps", 993), ("submissions", 465)] {
        records.push(("SRV", format!("_{service}._tcp.{domain}."), format!("0 1 {port} {HOST}.")));
    }
    let report = format!("rua=mailto:postmaster@{domain}");
    let dmarc = format!("v=DMARC1; p=reject; {report}; ruf=mailto:postmaster@{domain}");
    records.push(("TXT", format!("_dmarc.{domain}."), dmarc));
    records.push(("TXT", format!("_smtp._tls.{domain}."), format!("v=TLSRPTv1; {report}")));
    records
}

fn keys(state: &State, domain: &str) -> Vec<Record> {
    let of_domain = state.signatures.values().filter(|signature| signature.domain == domain);
    of_domain.map(|signature| ("TXT", format!("{}._domainkey.{domain}.", signature.selector), key(signature))).collect()
}

fn key(signature: &Signature) -> String {
    format!("v=DKIM1; k={}; h=sha256; p={}", signature.algorithm, signature.public_key())
}

/// Writes records as BIND reads them, without a time to live. A text of more than 255 bytes is cut into several.
pub(super) fn text(records: &[Record]) -> String {
    let mut text = String::new();
    for (kind, name, value) in records {
        let written = match *kind {
            "TXT" if value.len() > 255 => write_long(&mut text, name, value),
            "TXT" => writeln!(text, "{name} IN TXT \"{}\"", escaped(value)),
            kind => writeln!(text, "{name} IN {kind} {value}"),
        };
        debug_assert!(written.is_ok(), "a String takes everything");
    }
    text
}

fn write_long(text: &mut String, name: &str, value: &str) -> std::fmt::Result {
    writeln!(text, "{name} IN TXT (")?;
    for part in value.as_bytes().chunks(255) {
        writeln!(text, "    \"{}\"", escaped(&String::from_utf8_lossy(part)))?;
    }
    writeln!(text, ")")
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
