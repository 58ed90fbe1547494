//! Names and expiry of certificates: the part of X.509 that `dezky doctor` shows. Trust is decided elsewhere.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// `id-at-commonName` and `id-at-organizationName` (RFC 5280, appendix A.1), in DER.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];

/// Summary of a certificate for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedCertificate {
    /// Common name of its subject, else the organisation, else the start of its SHA-256 fingerprint.
    pub name: String,
    /// End of its validity; `None` when unreadable.
    pub expires_at: Option<Timestamp>,
}

/// Lists the certificates of a PEM file in order.
#[must_use]
pub fn added_certificates(pem: &[u8]) -> Vec<AddedCertificate> {
    let text = String::from_utf8_lossy(pem);
    let bodies = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    bodies
        .map(|body| {
            let encoded: String = body.split("-----END").next().unwrap_or_default().split_whitespace().collect();
            let der = STANDARD.decode(encoded).unwrap_or_default();
            AddedCertificate { name: subject(&der).unwrap_or_else(|| fingerprint(&der)), expires_at: expiry(&der) }
        })
        .collect()
}

fn fingerprint(der: &[u8]) -> String {
    let mut hash = hex::encode(Sha256::digest(der));
    hash.truncate(16);
    format!("SHA-256 {hash}…")
}

/// Returns a display name for the subject (RFC 5280, section 4.1.2.4).
fn subject(der: &[u8]) -> Option<String> {
    let (_, rest) = element(validity_and_rest(der)?, SEQUENCE)?;
    let (mut names, _) = element(rest, SEQUENCE)?;
    let (mut common_name, mut organisation) = (None, None);
    while let Some((set, more)) = element(names, SET) {
        names = more;
        let (pair, _) = element(set, SEQUENCE)?;
        let (kind, value) = element(pair, OBJECT_IDENTIFIER)?;
        // The string types in use are ASCII or UTF-8.
        let text = || Some(String::from_utf8_lossy(element(value, *value.first()?)?.0).into_owned());
        match kind {
            COMMON_NAME => common_name = text(),
            ORGANISATION => organisation = text(),
            _ => {}
        }
    }
    common_name.or(organisation).filter(|name| !name.trim().is_empty())
}

/// Returns the end of validity of a DER certificate (RFC 5280, sections 4.1 and 4.1.2.5).
pub(super) fn expiry(der: &[u8]) -> Option<Timestamp> {
    let (validity, _) = element(validity_and_rest(der)?, SEQUENCE)?;
    let (_, end) = time(validity)?;
    time(end).map(|(end, _)| end)
}

/// Skips to the validity of a certificate, which its subject follows.
fn validity_and_rest(der: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (signed, _) = element(certificate, SEQUENCE)?;
    let rest = element(signed, VERSION).map_or(signed, |(_, rest)| rest);
    let (_, rest) = element(rest, INTEGER)?;
    let (_algorithm, rest) = element(rest, SEQUENCE)?;
    element(rest, SEQUENCE).map(|(_issuer, rest)| rest)
}

/// Splits the first element, which must have this tag, from the rest.
fn element(bytes: &[u8], expected: u8) -> Option<(&[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(digits, _)| digits.len() <= 4)?;
        (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
    };
    rest.split_at_checked(length).filter(|_| tag == expected)
}

fn time(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (century, digits, rest) = match element(bytes, UTC_TIME) {
        Some((digits, rest)) => (Some(digits), digits, rest),
        None => element(bytes, GENERALIZED_TIME).map(|(digits, rest)| (None, digits, rest))?,
    };
    let digits = std::str::from_utf8(digits).ok()?.strip_suffix('Z')?;
    // Two-digit years mean 1950 to 2049.
    let digits = match century {
        Some(_) if digits < "5" => format!("20{digits}"),
        Some(_) => format!("19{digits}"),
        None => digits.to_owned(),
    };
    let part = |from: usize, to: usize| digits.get(from..to);
    let date = format!("{}-{}-{}", part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let text = format!("{date}T{}:{}:{}Z", part(8, 10)?, part(10, 12)?, part(12, 14)?);
    text.parse().ok().map(|time| (time, rest))
}

#[cfg(all(test, feature = "test-kit"))]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    fn pem(year: i32) -> String {
        let mut parameters = rcgen::CertificateParams::new(vec!["auth.example.eu".to_owned()]).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, format!("Root {year} é"));
        parameters.not_after = rcgen::date_time_ymd(year, 6, 30);
        parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
    }

    #[test]
    fn the_end_of_validity_is_read_in_both_forms() {
        let both = format!("# two\n{}{}", pem(2031), pem(2061));
        let found: Vec<(String, String)> = added_certificates(both.as_bytes())
            .into_iter()
            .map(|certificate| (certificate.name, certificate.expires_at.unwrap().to_string()))
            .collect();
        let expected = [("Root 2031 é", "2031-06-30T00:00:00.000Z"), ("Root 2061 é", "2061-06-30T00:00:00.000Z")];
        assert_eq!(found, expected.map(|(name, end)| (name.to_owned(), end.to_owned())));
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let begin = "-----BEGIN CERTIFICATE-----\n";
        let found = added_certificates(format!("{begin}AAAA\n-----END CERTIFICATE-----").as_bytes());
        assert_eq!((found.len(), found[0].expires_at), (1, None));
        assert!(found[0].name.starts_with("SHA-256 "), "{found:?}");
        assert_eq!(added_certificates(b"nothing"), []);
        let body = pem(2031);
        let der = STANDARD.decode(body.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
        for length in 0..100 {
            assert_eq!(expiry(&der[..length]), None);
            assert_eq!(subject(&der[..length]), None);
        }
    }
}
